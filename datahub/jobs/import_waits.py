"""What an import waits for that is not at work, and which other ones it is that it waits for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, aliased

from datahub.db import database_now
from datahub.jobs import import_claims
from datahub.models.execution import (
    HELD,
    IMPORT,
    IMPORT_RUNNING,
    INTEGRATION_WAITING,
    JOB_INITIALIZING,
    JOB_PENDING,
    JOB_STARTED,
    Execution,
    is_unended,
)
from datahub.models.import_job import ImportJob
from datahub.settings import Settings

SHOWN = 5


@dataclass(frozen=True)
class Wait:
    """`why` goes on after the name of what waits; `others` are at most SHOWN of those that it waits for, the oldest
    first, and `they` says of them what they do."""

    why: str
    they: str
    others: Sequence[Execution]


def wait_of(session: Session, execution: Execution, settings: Settings) -> Wait | None:
    """None for one that is at work or has ended, or whose next try has its time."""
    now = database_now(session)
    if execution.status == JOB_PENDING:
        before_it = Execution.import_job_id == execution.import_job_id, Execution.status.in_(IMPORT_RUNNING)
        return Wait("waits until this job is free", "Under way", _found(session, *before_it))
    if execution.next_attempt_at is None or execution.next_attempt_at > now:
        return None
    if execution.status == INTEGRATION_WAITING:
        return _turn(session, execution) or _worker(session)
    if execution.status == JOB_INITIALIZING:
        return _place(session, execution, now, settings) or _worker(session)
    return None


def _turn(session: Session, execution: Execution) -> Wait | None:
    others = _found(session, import_claims.goes_before(Execution, execution.family, execution.id))
    return Wait("waits for its turn to write", "Before it", others) if others else None


def _place(session: Session, execution: Execution, now: datetime, settings: Settings) -> Wait | None:
    waits = import_claims.waits_for_place(now, settings)
    if session.scalar(select(Execution.id).where(Execution.id == execution.id, *waits)) is None:
        return None
    job, neighbour = aliased(ImportJob), aliased(ImportJob)
    over_it = select(neighbour.id).join(job, neighbour.connection_id == job.connection_id)
    jobs = over_it.where(job.id == execution.import_job_id)
    reading = _found(session, Execution.import_job_id.in_(jobs), Execution.status == JOB_STARTED)
    return Wait(import_claims.why(settings), "Reading", reading)


def _worker(session: Session) -> Wait:
    return Wait("waits for a free worker", "At work", _found(session, Execution.status.in_(HELD)))


def _found(session: Session, *conditions: ColumnElement[bool]) -> Sequence[Execution]:
    which = select(Execution).where(Execution.kind == IMPORT, is_unended(), *conditions)
    return session.scalars(which.order_by(Execution.id).limit(SHOWN)).all()
