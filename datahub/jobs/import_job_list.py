"""The import jobs as a list shows them: their last results, when they run next, and whose turn it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select, tuple_
from sqlalchemy.orm import Session, aliased, joinedload

from datahub.db import database_now
from datahub.jobs import import_history, import_jobs, queries
from datahub.jobs.export_job_list import HEALTHY, INACTIVE, LAST, NEEDS_YOU, NEVER_RUN, RETRYING
from datahub.jobs.schedule import latest_fire, next_fires
from datahub.models.execution import (
    IMPORT,
    INTEGRATION_DONE,
    INTEGRATION_DONE_WITH_ERRORS,
    INTEGRATION_FAILED,
    JOB_FAILED,
    JOB_PENDING,
    UPLOAD,
    Execution,
    is_unended,
)
from datahub.models.import_job import ImportJob
from datahub.models.import_run import ImportFile

OVERDUE, RUNNING, LEFT_FAILED = "OVERDUE", "RUNNING", "LEFT_FAILED"
HEALTHS = (NEEDS_YOU, OVERDUE, RETRYING, RUNNING, HEALTHY, NEVER_RUN, INACTIVE, LEFT_FAILED)
OVERDUE_AFTER = timedelta(minutes=5)
SUCCEEDED = (INTEGRATION_DONE, INTEGRATION_DONE_WITH_ERRORS)
FAILED = (JOB_FAILED, INTEGRATION_FAILED)
# The successes among so many newest executions tell how long a job usually takes, but for files given by hand: they may
# be of any size.
LOOK_BACK = 10


@dataclass(frozen=True)
class Row:
    """`last` holds the newest LAST executions, newest first; `under_way` those that have not ended, oldest first.

    `failure` is the newest one that failed and that none made good since: one of a file given by hand does so only for
    others of its sort, since it says nothing of the job's own source, and one that found no file for none that had
    some. `incomplete` is the newest one that had a file, if it left one unread or rejected each row. `coming` are the
    next fires of the schedule, `overdue_since` is one that no clock saw. Who switches a job off knows of its failures:
    they ask for nobody, but tell it from those that rest in order."""

    job: ImportJob
    last: list[Execution] = field(default_factory=list)
    under_way: list[Execution] = field(default_factory=list)
    failure: Execution | None = None
    incomplete: Execution | None = None
    usual: timedelta | None = None
    coming: list[datetime] = field(default_factory=list)
    overdue_since: datetime | None = None

    @property
    def health(self) -> str:
        went_wrong = self.failure or self.incomplete
        if self.job.active and (went_wrong or not self.job.connection.is_usable):
            return NEEDS_YOU
        if self.overdue_since:
            return OVERDUE
        if self.running and import_history.is_retrying(self.running):
            return RETRYING
        if self.under_way:
            return RUNNING
        if not self.job.active:
            return LEFT_FAILED if went_wrong else INACTIVE
        return HEALTHY if self.last else NEVER_RUN

    @property
    def next_at(self) -> datetime | None:
        return self.coming[0] if self.coming else None

    @property
    def running(self) -> Execution | None:
        return next((execution for execution in self.under_way if execution.status != JOB_PENDING), None)

    @property
    def queued(self) -> Execution | None:
        return next((execution for execution in self.under_way if execution.status == JOB_PENDING), None)


def find_rows(
    session: Session, *, search: str = "", entity: str = "", connection_public_id: str = "", health: str = ""
) -> list[Row]:
    """By name, in a number of statements that does not grow with the jobs. An unknown entity or health counts as none
    given."""
    jobs = import_jobs.list_jobs(session, search=search, entities=[entity])
    rows = rows_of(session, [job for job in jobs if connection_public_id in ("", job.connection.public_id)])
    return [row for row in rows if health not in HEALTHS or row.health == health]


def rows_of(session: Session, jobs: Sequence[ImportJob], *, fires: int = 1) -> list[Row]:
    """`fires` is how many coming runs of the schedule are told."""
    ids, now = [job.id for job in jobs], database_now(session)
    newest = queries.newest_executions(session, ImportJob, ids, count=LOOK_BACK)
    last = queries.newest_executions(session, ImportJob, ids, count=1, conditions=[_tells(Execution)])
    own = _before_uploads(session, last)
    under_way = _under_way(session, ids)
    return [
        Row(
            job,
            last=newest.get(job.id, [])[:LAST],
            under_way=under_way.get(job.id, []),
            failure=_failure([*last.get(job.id, []), *own.get(job.id, [])], newest.get(job.id, [])),
            incomplete=next((it for it in last.get(job.id, []) if _is_incomplete(it)), None),
            usual=_usual(newest.get(job.id, [])),
            coming=_coming(job, now, fires),
            overdue_since=_overdue_since(job, now),
        )
        for job in jobs
    ]


def _before_uploads(session: Session, last: dict[int, list[Execution]]) -> dict[int, list[Execution]]:
    """Of jobs whose `last` one that tells something was of a file given by hand: the last such one with their own."""
    ids = [job_id for job_id, found in last.items() if any(it.origin == UPLOAD for it in found)]
    conditions = [_tells(Execution), Execution.origin != UPLOAD]
    return queries.newest_executions(session, ImportJob, ids, count=1, conditions=conditions) if ids else {}


def _tells(execution: Any) -> ColumnElement[bool]:
    """It failed, or had a file to read."""
    return or_(execution.status.in_(FAILED), and_(execution.status.in_(SUCCEEDED), _has_file(execution)))


def _has_file(execution: Any) -> ColumnElement[bool]:
    # Named, since it may stand two levels below the execution that it asks about.
    return exists(select(ImportFile.name).where(ImportFile.execution_id == execution.id).correlate(execution))


def left_failed() -> list[ColumnElement[bool]]:
    """An execution that failed, of an active job, and that none made good since, as `failure` of Row has it."""
    later = aliased(Execution)
    decisive = (
        later.import_job_id == Execution.import_job_id,
        later.status.in_((*SUCCEEDED, *FAILED)),
        or_(later.origin != UPLOAD, Execution.origin == UPLOAD),
        or_(_tells(later), ~_has_file(Execution)),
        tuple_(later.created_at, later.id) > tuple_(Execution.created_at, Execution.id),
    )
    return [
        Execution.status.in_(FAILED),
        exists(select(ImportJob.id).where(ImportJob.id == Execution.import_job_id, ImportJob.active)),
        # A question for each row by itself: as a join, PostgreSQL reads the whole history.
        select(later.id).where(*decisive).limit(1).scalar_subquery().is_(None),
    ]


def _failure(telling: Sequence[Execution], newest: Sequence[Execution]) -> Execution | None:
    """The first one that failed, of those that tell something."""
    failed = (execution for execution in telling if execution.status in FAILED)
    return next((execution for execution in failed if not _is_made_good(execution, newest)), None)


def _is_made_good(failed: Execution, newest: Sequence[Execution]) -> bool:
    """By one that tells nothing else: where it failed before it had a file."""
    if failed.import_run and failed.import_run.files:
        return False
    since = (it for it in newest if it.status in SUCCEEDED and it.created_at >= failed.created_at)
    return any(it.origin != UPLOAD or failed.origin == UPLOAD for it in since)


def _is_incomplete(execution: Execution) -> bool:
    is_left = import_history.count_unread(execution) or import_history.has_rejected_all(execution)
    return execution.status in SUCCEEDED and bool(is_left)


def _coming(job: ImportJob, now: datetime, count: int) -> list[datetime]:
    return next_fires(job.cron, now, count) if job.cron and _is_scheduled(job) else []


def usual_duration(session: Session, job: ImportJob) -> timedelta | None:
    """The median of its last successes with its own source; None where there are none among the newest executions."""
    newest = queries.newest_executions(session, ImportJob, [job.id], count=LOOK_BACK)
    return _usual(newest.get(job.id, []))


def _is_scheduled(job: ImportJob) -> bool:
    return job.active and job.schedule_enabled


def _overdue_since(job: ImportJob, now: datetime) -> datetime | None:
    # What a clock settled, run or missed, lies before ticked_until.
    if not job.cron or not _is_scheduled(job):
        return None
    return latest_fire(job.cron, job.ticked_until, now - OVERDUE_AFTER)


def _usual(executions: Sequence[Execution]) -> timedelta | None:
    succeeded = [it for it in executions if it.status in SUCCEEDED and it.origin != UPLOAD]
    lengths = sorted(length for execution in succeeded if (length := import_history.took(execution)))
    return lengths[len(lengths) // 2] if lengths else None


def _under_way(session: Session, job_ids: list[int]) -> dict[int, list[Execution]]:
    unended = select(Execution.import_job_id, Execution).where(
        Execution.kind == IMPORT, is_unended(), Execution.import_job_id.in_(job_ids)
    )
    found: dict[int, list[Execution]] = {}
    for job_id, execution in session.execute(
        unended.order_by(Execution.id).options(joinedload(Execution.import_run))
    ).all():
        found.setdefault(job_id or 0, []).append(execution)
    return found
