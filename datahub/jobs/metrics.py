"""Figures for a monitor, read from the database, so that every web process tells the same.

Whatever has ended is counted over the last minutes only: a count of the whole history would read all of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, literal_column, select
from sqlalchemy.orm import Session

from datahub.db import database_now, read_only
from datahub.jobs import executions, health
from datahub.jobs.export_claims import is_due
from datahub.models.execution import EXPORT_STATUSES, JOB_PENDING, Execution, is_started, is_unended
from datahub.models.heartbeat import CLOCK, EXPORTER, IMPORTER, Heartbeat

RECENT = timedelta(minutes=5)


@dataclass(frozen=True)
class Figures:
    """Ages are seconds; `sweep_age` is None when no sweep is known."""

    waiting: int
    retrying: int
    started: int
    failed: int
    due: int
    oldest_due_age: float
    lease_expired: int
    recent: dict[str, int]
    processes: dict[str, int]
    sweep_age: float | None
    failed_sweeps: int


def read(session: Session) -> Figures:
    """Wants a fresh session; raises SQLAlchemyError when the database is away."""
    now = database_now(read_only(session))
    oldest = health.oldest_due(session, now)
    beats = session.scalars(select(Heartbeat)).all()
    alive = [beat for beat in beats if beat.seen_at >= now - health.SEEN_WITHIN]
    swept = [beat.swept_at for beat in beats if beat.swept_at]
    # Each with a column that the index of the whole history lacks, or SQLite would walk through that one.
    retries = func.count().filter(Execution.attempts > 0)
    pending = select(func.count(), retries).where(is_unended(), Execution.status == JOB_PENDING)
    waiting, retrying = session.execute(pending).one()
    expired = func.count().filter(Execution.lease_until < now)
    started, lease_expired = session.execute(select(func.count(), expired).where(is_started())).one()
    return Figures(
        waiting=waiting,
        retrying=retrying,
        started=started,
        failed=_count(session, [Execution.export_job_id.is_not(None), *executions.left_failed()]),
        due=_count(session, is_due(now)),
        oldest_due_age=_age(oldest, now) if oldest else 0.0,
        lease_expired=lease_expired,
        recent=_recent(session, now),
        processes={role: sum(beat.role == role for beat in alive) for role in (EXPORTER, IMPORTER, CLOCK)},
        sweep_age=_age(max(swept), now) if swept else None,
        failed_sweeps=max((beat.failed_sweeps for beat in alive), default=0),
    )


def _recent(session: Session, now: datetime) -> dict[str, int]:
    counted = select(Execution.status, func.count()).where(Execution.executed_at >= now - RECENT)
    return dict.fromkeys(EXPORT_STATUSES, 0) | dict(session.execute(counted.group_by(Execution.status)).all())


def _count(session: Session, which: list[ColumnElement[bool]]) -> int:
    return session.scalars(select(func.count(literal_column("1"))).select_from(Execution).where(*which)).one()


def _age(at: datetime, now: datetime) -> float:
    return max((now - at).total_seconds(), 0.0)
