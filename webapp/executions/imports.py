"""What the pages of import executions show: one with its stages, counts and rejected rows, and the history of a job."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from datahub.jobs import history, import_history, import_job_list
from datahub.jobs.import_folder import is_folder
from datahub.models.execution import (
    JOB_SKIPPED,
    UPLOAD,
    Execution,
)
from datahub.models.import_run import COUNTS
from webapp.database import db
from webapp.executions import findings, shown, stages

SHOWN_FILES = 50


def page(execution: Execution) -> dict[str, object]:
    session = db.session()
    return {
        "execution": execution,
        "run": execution.import_run,
        "usual": _usual(execution),
        "stages": stages.of(execution),
        "counts": import_history.counts_of(execution),
        "count_names": COUNTS,
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
