"""Executions: the list of all jobs, the page of one, the file that was sent, stop, retry and resend."""
