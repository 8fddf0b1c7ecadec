"""The export jobs as a list shows them: their last results, and whose turn it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from datahub.jobs import executions, export_jobs, queries, unfit
from datahub.models.execution import JOB_PENDING, Execution, is_unended
from datahub.models.export_job import ExportJob

HEALTHY, RETRYING, NEEDS_YOU, NEVER_RUN, INACTIVE = "HEALTHY", "RETRYING", "NEEDS_YOU", "NEVER_RUN", "INACTIVE"
HEALTHS = (NEEDS_YOU, RETRYING, HEALTHY, NEVER_RUN, INACTIVE)
LAST = 5
# Not by the column itself: along its index, SQLite would read all that has ended.
OF_JOB = Execution.export_job_id + 0


@dataclass(frozen=True)
class Waiting:
    """Executions in JOB_PENDING. `retrying` of them have failed before; `next_at` is the next try of one of these.
    `unfit` counts those of which workers said that their own settings keep them from it."""

    count: int = 0
    retrying: int = 0
    next_at: datetime | None = None
    unfit: int = 0


@dataclass(frozen=True)
class Row:
    """`last` holds the newest LAST executions, newest first. `failed` counts those that nobody has retried."""

    job: ExportJob
    last: list[Execution] = field(default_factory=list)
    failed: int = 0
    waiting: Waiting = field(default_factory=Waiting)

    @property
    def health(self) -> str:
        if self.failed or self.is_held_up or self.waiting.unfit:
            return NEEDS_YOU
        if self.waiting.retrying:
            return RETRYING
        if not self.job.active:
            return INACTIVE
        return HEALTHY if self.last else NEVER_RUN

    @property
    def is_held_up(self) -> bool:
        """Something waits, or is going to, for a person to see to the connection."""
        return (self.job.active or self.waiting.count > 0) and not self.job.connection.is_usable


def find_rows(session: Session, *, search: str = "", connection_public_id: str = "", health: str = "") -> list[Row]:
    """By name, in a number of statements that does not grow with the jobs. An unknown health counts as none given."""
    wanted = search.strip().casefold()
    jobs = [
        job
        for job in export_jobs.list_jobs(session)
        if wanted in job.name.casefold() and connection_public_id in ("", job.connection.public_id)
    ]
    rows = rows_of(session, jobs)
    return [row for row in rows if health not in HEALTHS or row.health == health]


def rows_of(session: Session, jobs: Sequence[ExportJob]) -> list[Row]:
    ids = [job.id for job in jobs]
    newest = queries.newest_executions(session, ExportJob, ids, count=LAST)
    failed, waiting = _failed(session, ids), _waiting(session, ids)
    return [Row(job, newest.get(job.id, []), failed.get(job.id, 0), waiting.get(job.id, Waiting())) for job in jobs]


def _failed(session: Session, job_ids: list[int]) -> dict[int, int]:
    failed = select(OF_JOB, func.count()).where(OF_JOB.in_(job_ids), *executions.left_failed())
    return {job_id: count for job_id, count in session.execute(failed.group_by(OF_JOB)) if job_id}


def _waiting(session: Session, job_ids: list[int]) -> dict[int, Waiting]:
    tried = Execution.attempts > 0
    waiting = (
        select(
            OF_JOB,
            func.count(),
            func.count().filter(tried),
            func.min(Execution.next_attempt_at).filter(tried),
            func.count().filter(*unfit.is_noted()),
        )
        .where(is_unended(), Execution.status == JOB_PENDING, OF_JOB.in_(job_ids))
        .group_by(OF_JOB)
    )
    return {
        job_id: Waiting(count, retrying, next_at, unfit_ones)
        for job_id, count, retrying, next_at, unfit_ones in session.execute(waiting)
        if job_id
    }
