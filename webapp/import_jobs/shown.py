"""What templates say about an import job: its health in words, whose turn it is, and how it reads."""

from __future__ import annotations

from datahub.entities.base import EntityType
from datahub.grouping import counted
from datahub.jobs.import_history import count_unread, is_retrying, progress_of
from datahub.jobs.import_job_list import (
    HEALTHY,
    INACTIVE,
    LEFT_FAILED,
    NEEDS_YOU,
    NEVER_RUN,
    OVERDUE,
    RETRYING,
    RUNNING,
    Row,
)
from datahub.models.execution import (
    INTEGRATION_DONE,
    INTEGRATION_DONE_WITH_ERRORS,
    INTEGRATION_STARTED,
    INTEGRATION_WAITING,
    JOB_STARTED,
    Execution,
)
from datahub.models.import_job import RUN_IMMEDIATELY, WAIT_FOR_NEXT, ImportJob
from webapp.executions.shown import state_words
from webapp.filters import Status, relative

HEALTHS = {
    NEEDS_YOU: Status("Needs you", "bad"),
    OVERDUE: Status("Overdue", "bad"),
    RETRYING: Status("Retrying by itself", "busy"),
    RUNNING: Status("Running", "busy"),
    HEALTHY: Status("Healthy", "good"),
    NEVER_RUN: Status("Never run", "calm"),
    INACTIVE: Status("Inactive", "off"),
    LEFT_FAILED: Status("Inactive, last run went wrong", "off"),
}
POLICIES = {RUN_IMMEDIATELY: "Queue it", WAIT_FOR_NEXT: "Skip it"}


def what_full_mode_removes(entity: EntityType) -> str:
    records = entity.label.lower()
    if entity.has_attributes:
        bearers = [records, *(part.label.lower() for part in entity.parts if part.has_attributes)]
        return f"Attributes of {' and '.join(bearers)}"
    return (
        f"Custom fields of {records} and their lines" if entity.custom_field_owners else f"Custom fields of {records}"
    )


def full_mode_words(entity: EntityType) -> str:
    """What it removes, and what it leaves."""
    records, what = entity.label.lower(), what_full_mode_removes(entity)
    told = f"{what} in the file are removed where the file gives no value for them, also where it has no column. "
    if not entity.acts_on:
        told += "Of one that has columns for some languages, the other languages stay. "
    told += "A row that lacks a required one is rejected instead. All other fields keep what they hold."
    return told if entity.replaced_whole else f"{told} Nothing is removed from {records} that are not in the file."


def meaning_of_stores(entity: EntityType) -> str:
    """Of those that a job names, as the page of the job says it below them."""
    records = entity.label.lower()
    if entity.scoped_by:
        return f"whose {records} it imports"
    return f"which new {records} are for" if entity.takes_store else "without effect: it imports for every store"


def files_read(job: ImportJob) -> str:
    """The path of its file, or that of its folder with the ending of those that are read."""
    if not job.bulk:
        return job.file_path or ""
    return f"{job.inbound_directory}/*.{'csv' if job.delimiter else 'xml'}"


def health(row: Row) -> Status:
    return HEALTHS[row.health]


def reasons(row: Row) -> list[str]:
    """Each on a line of its own below the health."""
    connection = row.job.connection
    found = []
    if row.failure:
        found.append(state_words(row.failure).lower())
    if row.incomplete:
        found.append(left_over(row.incomplete))
    if row.job.active and not connection.is_usable:
        found.append("host key not accepted" if connection.active else "connection disabled")
    if row.running and is_retrying(row.running) and row.running.next_attempt_at:
        found.append(f"next try {relative(row.running.next_attempt_at)}")
    elif row.running:
        found.append(progress_words(row.running))
    if row.queued:
        found.append("one more waits" if row.running else "waits for its turn")
    return found


def left_over(execution: Execution) -> str:
    """Of one that is the `incomplete` of its job."""
    unread = count_unread(execution)
    if unread:
        return f"{unread} {'file' if unread == 1 else 'files'} not read"
    return "every row rejected"


def last_with_rejections(row: Row) -> Execution | None:
    """None where the last execution that wrote anything rejected nothing. A skipped or a failed one, or one that found
    no file, mended none of the rows rejected before."""
    ended = (INTEGRATION_DONE, INTEGRATION_DONE_WITH_ERRORS)
    wrote = (it for it in row.last if it.status in ended and it.import_run and it.import_run.rows)
    newest = next(wrote, None)
    return newest if newest and newest.import_run and newest.import_run.rejected else None


def rows_read(execution: Execution) -> int:
    """So far, by the try at work: 0 before it reads, whatever one before it has read."""
    run = execution.import_run
    return run.rows if run and execution.status in (JOB_STARTED, INTEGRATION_WAITING) else 0


def progress_words(execution: Execution) -> str:
    """`writing, 45 %`, or how many rows were read so far."""
    words, rows = state_words(execution).lower(), rows_read(execution)
    if execution.status == INTEGRATION_STARTED:
        return f"{words}, {int(progress_of(execution) * 100)} %"
    return f"{words}, {counted(rows, 'row')} read" if rows else words


def policy(name: str) -> str:
    return POLICIES[name]
