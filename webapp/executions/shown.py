"""What templates ask of an execution: its state and origin in words, how often to look again, where its job is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import url_for

from datahub import VERSION
from datahub.grouping import counted
from datahub.jobs.executions import how_it_stands
from datahub.jobs.history import Attempt, Story
from datahub.jobs.import_history import Cause, is_retrying
from datahub.models.execution import (
    API,
    EXPORT,
    IMPORT,
    INTEGRATION_DONE_WITH_ERRORS,
    INTEGRATION_FAILED,
    INTEGRATION_STARTED,
    INTEGRATION_WAITING,
    JOB_FAILED,
    JOB_INITIALIZING,
    JOB_PENDING,
    JOB_STARTED,
    JOB_STOPPED,
    MANUAL,
    RESEND,
    RETRY,
    RUN,
    SCHEDULE,
    TRIGGER,
    UPLOAD,
    Execution,
)
from datahub.models.import_run import COUNTS, ImportRun
from webapp.filters import Status, grouped, iso, status_tone, status_words, utc, utc_now
from webapp.permissions import EVERY_STORE_WRITE, MAPPER_WRITE, may

MOST_CAUSES = 3
SOON = timedelta(seconds=30)
MOST_FILES, MOST_NAMES = 20, 3
LIVE_SECONDS, IDLE_SECONDS = 2, 15
WORKING = (JOB_INITIALIZING, JOB_STARTED, INTEGRATION_STARTED)
ORIGINS = {
    TRIGGER: "set by",
    RUN: "run by",
    RETRY: "retried by",
    RESEND: "sent again by",
    MANUAL: "run by",
    API: "run by a script of",
    UPLOAD: "file given by",
}
# By what an attempt did and what it led to, where the words of that status would not say it. Whether a worker died,
# was asked to end or met a fault is said by the reason.
NOT_FINISHED = Status("Not finished", "warn")
ATTEMPTS = {
    (JOB_STARTED, JOB_PENDING): Status("Failed, tried again", "bad"),
    (JOB_STARTED, JOB_INITIALIZING): NOT_FINISHED,
    (JOB_STARTED, INTEGRATION_WAITING): Status("Read", "good"),
    (INTEGRATION_STARTED, INTEGRATION_WAITING): NOT_FINISHED,
}


def poll_seconds(execution: Execution) -> int:
    """After how many seconds a page looks again. One that waits for a later attempt is not asked every moment."""
    waits_long = execution.next_attempt_at is not None and execution.next_attempt_at - utc_now() > SOON
    return IDLE_SECONDS if waits_long and execution.status not in WORKING else LIVE_SECONDS


def is_winding_down(execution: Execution) -> bool:
    """It was stopped, and the worker that had it may not have heard of it yet."""
    if execution.kind != IMPORT or execution.status != JOB_STOPPED or execution.token is None:
        return False
    return execution.lease_until is not None and execution.lease_until > utc_now()


def origin_words(execution: Execution) -> str:
    return "by schedule" if execution.origin == SCHEDULE else f"{ORIGINS[execution.origin]} {execution.actor}"


def state_words(execution: Execution) -> str:
    """The status in words, which differ by kind; of an import also how many rows were rejected."""
    if execution.kind == IMPORT and execution.status == JOB_STARTED:
        return "Reading"
    if execution.kind == IMPORT and is_retrying(execution):
        return "To be tried again"
    if execution.status == INTEGRATION_DONE_WITH_ERRORS and execution.import_run is not None:
        return _done_words(execution.import_run)
    return status_words(execution.status) + (", winding down" if is_winding_down(execution) else "")


def _done_words(run: ImportRun) -> str:
    """Of one that was not all well."""
    if unread := sum(bool(file.get("error")) for file in run.files):
        told = f"{unread} of {len(run.files)} files not read"
        return f"Done, {told}" + (f", {grouped(run.rejected)} rejected" if run.rejected else "")
    return f"Done with {grouped(run.rejected)} rejected" if run.rejected else "Done, but files were not moved"


def attempt_state(attempt: Attempt, kind: str) -> Status:
    """What it led to, or what it is doing."""
    if kind == IMPORT and attempt.to_status == JOB_STARTED:
        return Status("Reading", "busy")
    known = Status(status_words(attempt.to_status), status_tone(attempt.to_status))
    return ATTEMPTS.get((attempt.step, attempt.to_status), known)


def subject(execution: Execution) -> str:
    """What it exports or imports, for a heading or a link."""
    if execution.kind == IMPORT:
        return f"{execution.entity.replace('_', ' ').capitalize()} import"
    return execution.entity_reference


def file_words(execution: Execution) -> str:
    """The names of what an import read, or was given to read. Empty before they are known."""
    run = execution.import_run
    names = [file["name"] for file in run.files] or [run.upload_name or ""] if run else []
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more


def tick_words(execution: Execution) -> str:
    """What one of the last results says on hover."""
    return f"{state_words(execution)}, {subject(execution)}, {utc(execution.executed_at)} UTC"


def next_try_at(execution: Execution) -> datetime | None:
    """When one that waits for a try is due; None where none is to come."""
    waits = execution.status == JOB_PENDING if execution.kind == EXPORT else is_retrying(execution)
    return execution.next_attempt_at if waits else None


def may_stop(execution: Execution) -> bool:
    return not execution.is_terminal and may(EVERY_STORE_WRITE if execution.kind == IMPORT else MAPPER_WRITE)


def stop_question(execution: Execution) -> str:
    """What is asked in a list, and of an import on its page, before it is stopped."""
    if execution.kind == EXPORT:
        return (
            f"Stop the export of {execution.entity_reference}? It ends for good: nothing is sent and nothing is tried "
            "again. A stopped export can be retried as a new one."
        )
    run = execution.import_run
    if run is None or not run.rows_done:
        return "Stop this import? It ends for good: nothing of it is written."
    if run.rows_done == run.rows:
        done = "Its only row is done already and stays"
        if run.rows > 1:
            done = f"All {grouped(run.rows)} rows are done already and stay"
        return f"Stop this import? {done}: only its end is left."
    done = f"{grouped(run.rows_done)} of {grouped(run.rows)} rows"
    return (
        f"Stop this import? It ends for good: the {done} that are done stay as they are, no further ones are written."
    )


def old_news_question(execution: Execution, newer: Execution) -> str:
    """What is asked before an export is sent again although a later state of its order went out."""
    return (
        f"Send older news of this order? A later state of it, {status_words(newer.trigger_status)}, "
        f"{how_it_stands(newer)}. The partner gets {status_words(execution.trigger_status)} after it; with short "
        "file names it replaces the newer file."
    )


def stopped_words(execution: Execution) -> str:
    """What an import that was stopped leaves behind; empty for any other execution."""
    run = execution.import_run
    if execution.status != JOB_STOPPED or run is None:
        return ""
    if not run.rows_done:
        return "Stopped before it began to write: nothing of it is written."
    if run.rows_done == run.rows:
        if run.rows == 1:
            return "Stopped after its only row: it is done and stays as it is."
        return f"Stopped after its last row: all {grouped(run.rows)} rows are done and stay as they are."
    others = run.rows - run.rows_done
    left = f"the other {grouped(others)} {'is' if others == 1 else 'are'} left out"
    return f"Stopped while it wrote: {grouped(run.rows_done)} of {grouped(run.rows)} rows are done and stay, {left}."


def unless_said(reason: str, execution: Execution) -> str:
    """The reason of a move, or where the page of an import says it already."""
    is_said = execution.kind == IMPORT and execution.status in (JOB_FAILED, INTEGRATION_FAILED)
    return "as said above" if is_said and reason == execution.error else reason


def job_url(execution: Execution) -> str:
    """Empty once the job was deleted."""
    if execution.import_job_id:
        return url_for("import_jobs.detail", job_id=execution.job_public_id)
    return url_for("export_jobs.detail", job_id=execution.job_public_id) if execution.export_job_id else ""


def support_text(execution: Execution, story: Story, causes: Sequence[Cause] = ()) -> str:
    """What somebody who helps must know, and no secret: ids, names, times, attempts, the error, the first causes."""
    lines = [
        f"Data Hub {VERSION}",
        f"Execution: {execution.public_id} {execution.status}, {execution.origin} by {execution.actor}",
        f"Job: {execution.job_public_id} {execution.job_name}",
        *_what(execution),
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
    lines += [f"Rejected: {counted(it.rows, 'row')}, {it.code} {it.field}".strip() for it in causes[:MOST_CAUSES]]
    if execution.may_have_arrived_twice:
        lines.append("It may have arrived twice.")
    if execution.error:
        lines.append(f"Error: {execution.error}")
    return "\n".join(lines)


def _what(execution: Execution) -> list[str]:
    run = execution.import_run
    if execution.kind != IMPORT:
        return [f"Order: {execution.entity_reference} on reaching {execution.trigger_status}"]
    if run is None:
        return [f"Entity: {execution.entity}"]
    counts = ", ".join(f"{name} {getattr(run, name)}" for name in COUNTS)
    files = [_line_of(file) for file in run.files[:MOST_FILES]]
    if not files and run.upload_name:
        files.append(f"File: {run.upload_name}, given by hand, not read")
    if len(run.files) > MOST_FILES:
        files.append(f"And {len(run.files) - MOST_FILES} more files")
    return [f"Entity: {execution.entity}", *files, f"Rows: {run.rows}, {run.rows_done} written: {counts}"]


def _line_of(file: dict[str, Any]) -> str:
    error = f", not read: {file['error']}" if file.get("error") else ""
    if file.get("sha256") is None:
        return f"File: {file['name']}, not fetched"
    return f"File: {file['name']}, {file.get('size')} bytes, SHA-256 {file['sha256']}{error}"
