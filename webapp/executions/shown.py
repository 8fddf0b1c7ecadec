"""What templates ask of an execution: how often to look again, where it came from, where its job is."""

from __future__ import annotations

from datetime import timedelta

from flask import url_for

from datahub import VERSION
from datahub.jobs.history import Story
from datahub.models.execution import API, JOB_STARTED, MANUAL, RESEND, RETRY, RUN, SCHEDULE, TRIGGER, UPLOAD, Execution
from webapp.filters import iso, utc_now

SOON = timedelta(seconds=30)
LIVE_SECONDS, IDLE_SECONDS = 2, 15
ORIGINS = {
    TRIGGER: "set by",
    RUN: "run by",
    RETRY: "retried by",
    RESEND: "sent again by",
    MANUAL: "run by",
    API: "run by a script of",
    SCHEDULE: "run by its",
    UPLOAD: "file given by",
}


def poll_seconds(execution: Execution) -> int:
    """After how many seconds a page looks again. One that waits for a later attempt is not asked every moment."""
    waits_long = execution.next_attempt_at is not None and execution.next_attempt_at - utc_now() > SOON
    return IDLE_SECONDS if waits_long and execution.status != JOB_STARTED else LIVE_SECONDS


def origin_words(execution: Execution) -> str:
    return f"{ORIGINS[execution.origin]} {execution.actor}"


def job_url(execution: Execution) -> str:
    """Empty once the job was deleted."""
    return url_for("export_jobs.detail", job_id=execution.job_public_id) if execution.export_job_id else ""


def support_text(execution: Execution, story: Story) -> str:
    """What somebody who helps must know, and no secret: ids, names, times, attempts, the error."""
    lines = [
        f"Data Hub {VERSION}",
        f"Execution: {execution.public_id} {execution.status}, {execution.origin} by {execution.actor}",
        f"Job: {execution.job_public_id} {execution.job_name}",
        f"Order: {execution.entity_reference} on reaching {execution.trigger_status}",
        f"Created: {iso(execution.created_at)}",
        f"Ended: {iso(execution.ended_at) if execution.ended_at else 'not yet'}",
    ]
    if execution.payload is not None:
        lines.append(f"File: {execution.payload.file_name}, {execution.payload.size} bytes")
        lines.append(f"SHA-256: {execution.payload.sha256}")
    for attempt in story.attempts:
        lines.append(
            f"Attempt {attempt.number}: {iso(attempt.started_at)} {attempt.to_status} {attempt.reason}".strip()
        )
    if execution.may_have_arrived_twice:
        lines.append("It may have arrived twice.")
    if execution.error:
        lines.append(f"Error: {execution.error}")
    return "\n".join(lines)
