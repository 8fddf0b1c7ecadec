"""The top floor of the domain: jobs, executions, triggers, delivery."""
