"""The stages of an import as bars: how far each has come, and how fast."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask import current_app

from datahub.grouping import counted, grouped
from datahub.jobs import import_history, import_waits
from datahub.jobs.import_waits import Wait
from datahub.models.execution import (
    INTEGRATION_STARTED,
    INTEGRATION_WAITING,
    JOB_INITIALIZING,
    JOB_PENDING,
    JOB_STARTED,
    Execution,
)
from webapp.database import db
from webapp.filters import file_size

READING = (JOB_PENDING, JOB_INITIALIZING, JOB_STARTED)
NOT_BEGUN, NOT_REACHED = "not begun", "did not get so far"


@dataclass(frozen=True)
class Stage:
    """`share` goes from 0 to 1 and is None while nobody knows how much there is; `wait` tells whom it waits for."""

    name: str
    share: float | None
    words: str
    wait: Wait | None = None


def of(execution: Execution) -> list[Stage]:
    """A file given by hand is not fetched."""
    is_upload = execution.import_run is not None and execution.import_run.upload_name is not None
    stages = [*([] if is_upload else [_fetch(execution)]), _read(execution), *_write(execution)]
    wait = import_waits.wait_of(db.session(), execution, current_app.extensions["settings"])
    if wait is None:
        return stages
    which = -2 if execution.status == INTEGRATION_WAITING else 0
    stages[which] = replace(stages[which], words=wait.why, wait=wait)
    return stages


def _fetch(execution: Execution) -> Stage:
    run, share = execution.import_run, import_history.share_fetched(execution)
    came, size = run.bytes_fetched if run else 0, import_history.size_of(execution)
    if execution.status in (JOB_PENDING, JOB_INITIALIZING):
        return Stage("Fetch", share, NOT_BEGUN)
    if not import_history.is_fetching(execution):
        return Stage("Fetch", share, file_size(size) if size is not None and share == 1 else _of(came, size))
    speed = import_history.bytes_per_second(db.session(), execution)
    rate = f", {file_size(round(speed))} per second" if speed else ""
    return Stage("Fetch", share, (f"{share:.0%}, " if share is not None else "") + _of(came, size) + rate)


def _of(came: int, size: int | None) -> str:
    return file_size(came) + (f" of {file_size(size)}" if size is not None else "")


def _read(execution: Execution) -> Stage:
    run = execution.import_run
    rows = run.rows if run else 0
    share, words = import_history.share_read(execution), f"{counted(rows, 'row')} read"
    if execution.status in (JOB_PENDING, JOB_INITIALIZING) or import_history.is_fetching(execution):
        return Stage("Read", 0, NOT_BEGUN)
    if execution.status == JOB_STARTED:
        percent = f"{share:.0%}, " if share is not None else ""
        return Stage("Read", share, percent + words + _rate(execution))
    if _has_ended_reading(execution):
        return Stage("Read", 1, words)
    return Stage("Read", share or min(rows, 1), words)


def _write(execution: Execution) -> list[Stage]:
    """With the wait before it."""
    if execution.status in READING:
        return [Stage("Wait", 0, NOT_BEGUN), Stage("Write", 0, NOT_BEGUN)]
    if not _has_ended_reading(execution):
        return [Stage("Wait", 0, NOT_REACHED), Stage("Write", 0, NOT_REACHED)]
    run, share = execution.import_run, import_history.progress_of(execution)
    rows, done = (run.rows, run.rows_done) if run else (0, 0)
    write = Stage("Write", share, f"{share:.0%}, {grouped(done)} of {counted(rows, 'row')}{_rate(execution)}")
    if execution.status == INTEGRATION_WAITING:
        return [Stage("Wait", None, "for its next try"), write]
    return [Stage("Wait", 1, "over"), write]


def _has_ended_reading(execution: Execution) -> bool:
    is_writing = execution.status in (INTEGRATION_WAITING, INTEGRATION_STARTED)
    has_written = execution.import_run is not None and execution.import_run.rows_done > 0
    return is_writing or has_written or import_history.progress_of(execution) == 1


def _rate(execution: Execution) -> str:
    speed = import_history.rows_per_second(db.session(), execution)
    return f", {counted(round(speed), 'row')} per second" if speed else ""
