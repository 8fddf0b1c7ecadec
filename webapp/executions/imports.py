"""What the pages of import executions show: one with its stages, counts and rejected rows, and the history of a job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import current_app

from datahub.jobs import history, import_claims, import_history, import_job_list
from datahub.jobs.import_folder import is_folder
from datahub.models.execution import (
    INTEGRATION_STARTED,
    INTEGRATION_WAITING,
    JOB_INITIALIZING,
    JOB_PENDING,
    JOB_SKIPPED,
    JOB_STARTED,
    UPLOAD,
    Execution,
)
from datahub.models.import_run import COUNTS
from webapp.database import db
from webapp.executions import findings, shown
from webapp.filters import grouped
from webapp.records.changes import tells_changes

SHOWN_FILES = 50
READING = (JOB_PENDING, JOB_INITIALIZING, JOB_STARTED)


@dataclass(frozen=True)
class Stage:
    """`share` goes from 0 to 1 and is None while nobody knows how much there is."""

    name: str
    share: float | None
    words: str


def page(execution: Execution) -> dict[str, object]:
    session = db.session()
    return {
        "execution": execution,
        "run": execution.import_run,
        "usual": _usual(execution),
        "stages": _stages(execution),
        "counts": import_history.counts_of(execution),
        "count_names": COUNTS,
        "tells_changes": tells_changes(execution.entity),
        "seen": f"{execution.status}-{execution.attempts}",
        "in_the_way": import_history.in_the_way(session, execution) if execution.status == JOB_SKIPPED else [],
        "next_fire": _next_fire(execution) if import_history.never_began(execution) else None,
    }


def _usual(execution: Execution) -> timedelta | None:
    """None of a file given by hand: it compares with none."""
    job = execution.import_job
    return import_job_list.usual_duration(db.session(), job) if job and execution.origin != UPLOAD else None


def _one_reason(faults: Sequence[dict[str, str]]) -> str:
    """What all of several faults say alike; empty where they differ."""
    messages = {fault["message"] for fault in faults}
    return messages.pop() if len(faults) > 1 and len(messages) == 1 else ""


def _next_fire(execution: Execution) -> datetime | None:
    """When the schedule runs the job next; None where none does."""
    job = execution.import_job
    return import_job_list.rows_of(db.session(), [job])[0].next_at if job else None


def rows(execution: Execution) -> dict[str, object]:
    """Attempts, files, rejected rows and warnings by cause and one by one, and the log."""
    session = db.session()
    story = history.read(session, execution)
    rejected, columns = findings.rejected(execution), import_history.columns_of(execution)
    rejections = [(row, import_history.faults_of(row, columns)) for row in rejected.items]
    files = execution.import_run.files if execution.import_run else []
    return {
        "execution": execution,
        "rows_url": findings.rows_url(execution),
        # What went wrong first.
        "files": sorted(files, key=lambda file: not file.get("error"))[:SHOWN_FILES],
        "more_files": max(len(files) - SHOWN_FILES, 0),
        "several_files": len(files) > 1,
        "of_unmoved": _of_unmoved(execution),
        "rejected": rejected,
        "warned": findings.warned(execution),
        "labels": import_history.labels_of(execution.entity),
        "rejections": rejections,
        "one_reason": _one_reason([fault for _, faults in rejections for fault in faults]),
        "story": story,
        "support": shown.support_text(execution, story, [group.cause for group in rejected.groups]),
    }


def _of_unmoved(execution: Execution) -> str:
    """What became of a file that was not moved away."""
    if execution.origin == UPLOAD:
        return "given by hand"
    run = execution.import_run
    return "not moved yet" if run and is_folder(run.recipe) else "stays where it is"


def _stages(execution: Execution) -> list[Stage]:
    run = execution.import_run
    rows, done = (run.rows, run.rows_done) if run else (0, 0)
    share = import_history.progress_of(execution)
    speed = import_history.rows_per_second(db.session(), execution)
    rate = f", {grouped(round(speed))} rows per second" if speed else ""
    written = f"{share:.0%}, {grouped(done)} of {grouped(rows)} rows{rate}"
    read_share = import_history.share_read(execution)
    if execution.status in READING:
        percent = f"{read_share:.0%}, " if read_share is not None else ""
        reading = Stage("Read", read_share, f"{percent}{grouped(rows)} rows read{rate}")
        if held_up := _not_begun(execution):
            reading = Stage("Read", 0, held_up)
        return [reading, Stage("Wait", 0, "not begun"), Stage("Write", 0, "not begun")]
    read = Stage("Read", 1, f"{grouped(rows)} rows read")
    if execution.status == INTEGRATION_WAITING:
        return [read, Stage("Wait", None, "for other imports to be written"), Stage("Write", share, written)]
    has_written = execution.status == INTEGRATION_STARTED or done > 0 or share == 1
    if not has_written:
        ended = "did not get so far"
        return [
            Stage("Read", read_share or min(rows, 1), f"{grouped(rows)} rows read"),
            Stage("Wait", 0, ended),
            Stage("Write", 0, ended),
        ]
    return [read, Stage("Wait", 1, "over"), Stage("Write", share, written)]


def _not_begun(execution: Execution) -> str:
    """Empty for one that reads, or is about to."""
    if execution.status == JOB_PENDING:
        return "not begun"
    if execution.status != JOB_INITIALIZING:
        return ""
    return import_claims.waits_for(db.session(), execution.id, current_app.extensions["settings"])
