"""What Home shows: what needs a person, what is under way, what was delivered last. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from datahub.jobs import executions
from datahub.models.connection import Connection
from datahub.models.execution import JOB_PENDING, JOB_STARTED, SUCCESS, Execution
from datahub.models.export_job import ExportJob

SHOWN = 10


@dataclass(frozen=True)
class Held:
    """Exports that wait because their connection is disabled."""

    connection: Connection
    waiting: int


@dataclass(frozen=True)
class Overview:
    """`failed` holds at most SHOWN + 1, so that the page can say that there are more."""

    failed: list[Execution]
    held: list[Held]
    running: list[Execution]
    waiting: list[Execution]
    delivered: list[Execution]
    has_jobs: bool


def read(session: Session) -> Overview:
    return Overview(
        failed=_failed(session),
        held=_held(session),
        running=_newest(session, JOB_STARTED),
        waiting=_next(session),
        delivered=_newest(session, SUCCESS),
        has_jobs=session.scalar(select(ExportJob.id).limit(1)) is not None,
    )


def _failed(session: Session) -> list[Execution]:
    """What a deleted job left behind can only be read, so nobody is asked to mend it."""
    failed = select(Execution).where(Execution.export_job_id.is_not(None), *executions.left_failed())
    return list(session.scalars(failed.order_by(Execution.id.desc()).limit(SHOWN + 1)))


def _held(session: Session) -> list[Held]:
    waiting = (
        select(Connection, func.count())
        .join(ExportJob, ExportJob.connection_id == Connection.id)
        .join(Execution, Execution.export_job_id == ExportJob.id)
        .where(Execution.status == JOB_PENDING, ~Connection.active)
        .group_by(Connection.id)
        .order_by(Connection.name)
    )
    return [Held(connection, number) for connection, number in session.execute(waiting)]


def _newest(session: Session, status: str) -> list[Execution]:
    newest = select(Execution).where(Execution.status == status).order_by(Execution.id.desc()).limit(SHOWN)
    rows = session.scalars(newest.options(joinedload(Execution.payload)))
    return sorted(rows, key=lambda row: row.ended_at or row.executed_at, reverse=True)


def _next(session: Session) -> list[Execution]:
    pending = select(Execution).where(Execution.status == JOB_PENDING, Execution.next_attempt_at.is_not(None))
    return list(session.scalars(pending.order_by(Execution.next_attempt_at, Execution.id).limit(SHOWN)))
