"""What the pages of import executions show: one with its stages, counts and rejected rows, and the history of a job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import url_for

from datahub.jobs import history, import_history, import_job_list
from datahub.jobs.import_folder import is_folder
from datahub.models.execution import (
    JOB_SKIPPED,
    JOB_STARTED,
    UPLOAD,
    Execution,
)
from datahub.models.import_run import COUNTS
from webapp.database import db
from webapp.executions import findings, shown, stages

SHOWN_FILES = 50


@dataclass(frozen=True)
class Count:
    """`url` leads to what was counted; empty where nothing more is to be seen."""

    words: str
    number: int
    url: str = ""

    @property
    def is_bad(self) -> bool:
        return self.url == "#rejected"


def page(execution: Execution) -> dict[str, object]:
    session = db.session()
    return {
        "execution": execution,
        "run": execution.import_run,
        "usual": _usual(execution),
        "stages": stages.of(execution),
        "counts": _counts(execution),
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
    # What went wrong first.
    in_order = sorted(files, key=lambda file: not file.get("error"))
    return {
        "execution": execution,
        "rows_url": findings.rows_url(execution),
        "files": [(file, _fate(file, execution)) for file in in_order[:SHOWN_FILES]],
        "more_files": max(len(files) - SHOWN_FILES, 0),
        "several_files": len(files) > 1,
        "rejected": rejected,
        "warned": findings.warned(execution),
        "labels": import_history.labels_of(execution.entity),
        "rejections": rejections,
        "one_reason": _one_reason([fault for _, faults in rejections for fault in faults]),
        "story": story,
        "support": shown.support_text(execution, story, [group.cause for group in rejected.groups]),
    }


def _counts(execution: Execution) -> list[Count]:
    run, counts = execution.import_run, import_history.counts_of(execution)
    read = Count("Read" if execution.is_terminal else "Done", counts["read"])
    found = [Count(name.capitalize(), counts[name], _rows_behind(execution, name, counts[name])) for name in COUNTS]
    warnings = [Count("Warnings", run.warnings, "#warnings")] if run and run.warnings else []
    return [read, *found, *warnings]


def _rows_behind(execution: Execution, name: str, number: int) -> str:
    """Where the rows are shown that were counted; empty for none, and for those that changed nothing."""
    if not number or name == "unchanged":
        return ""
    if name == "rejected":
        return "#rejected"
    return url_for("records.of_execution", execution_id=execution.public_id, action=name)


def _fate(file: Mapping[str, Any], execution: Execution) -> str:
    """What became of a file; empty where it was moved or could not be read, which is told with the place or reason."""
    if file.get("moved_to") or file.get("error"):
        return ""
    if file.get("sha256") is None:
        return "being fetched" if execution.status == JOB_STARTED else "not fetched"
    if execution.origin == UPLOAD:
        return "given by hand"
    run = execution.import_run
    return "not moved yet" if run and is_folder(run.recipe) else "stays where it is"
