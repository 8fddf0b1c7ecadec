"""Which exports are due, and taking them: one conditional update each, so that two workers never have the same."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import ColumnElement, exists, func, insert, select, update
from sqlalchemy.orm import Session, aliased

from datahub.db import database_now
from datahub.jobs.lifecycle import SYSTEM, Claim
from datahub.models.connection import Connection
from datahub.models.execution import JOB_PENDING, JOB_STARTED, Event, Execution, is_started, is_unended
from datahub.models.export_job import ExportJob
from datahub.settings import Settings


def is_due(now: datetime) -> list[ColumnElement[bool]]:
    """Pending, its time has come, its connection is active and not resting after a failed opening, and no earlier
    export of the same order by the same job is still under way."""
    earlier = aliased(Execution)
    return [
        is_unended(),
        Execution.status == JOB_PENDING,
        Execution.next_attempt_at <= now,
        exists(
            select(ExportJob.id)
            .join(Connection, Connection.id == ExportJob.connection_id)
            .where(ExportJob.id == Execution.export_job_id, Connection.active, ~is_resting(now))
        ),
        # A question for each row by itself: as a join, PostgreSQL without statistics compares all that wait with all.
        select(earlier.id)
        .where(
            earlier.export_job_id == Execution.export_job_id,
            earlier.order_id == Execution.order_id,
            earlier.id < Execution.id,
            is_unended(earlier),
        )
        .limit(1)
        .scalar_subquery()
        .is_(None),
    ]


def is_resting(now: datetime) -> ColumnElement[bool]:
    """Whether a connection could not be opened a moment ago: until then nobody tries it again."""
    return func.coalesce(Connection.paused_until > now, False)


def is_untaken(session: Session, execution_id: int, attempt: int) -> bool:
    """Whether claim might succeed; reads one row, so that a late message costs next to nothing."""
    untaken = Execution.status == JOB_PENDING, Execution.attempts == attempt - 1
    return session.scalar(select(Execution.id).where(Execution.id == execution_id, *untaken)) is not None


def connection_of(session: Session, execution_id: int) -> Connection | None:
    """The one that it is to go over; None once its job was deleted."""
    job = select(Connection).join(ExportJob, ExportJob.connection_id == Connection.id)
    of_execution = job.join(Execution, Execution.export_job_id == ExportJob.id).where(Execution.id == execution_id)
    return session.scalar(of_execution)


def claim(session: Session, execution_id: int, *, attempt: int, worker: str, settings: Settings) -> Claim | None:
    """Takes one execution for its given attempt; None when somebody has it, it ended, or its turn has not come.

    Counts the attempt. None also while as many files are in flight over the connection as may be, whoever sends them.
    The caller commits before it acts on the claim."""
    job_id = session.scalar(select(Execution.export_job_id).where(Execution.id == execution_id))
    if job_id is None:
        return None
    if _free_places(session, job_id, settings) < 1:
        _wait_for_place(session, execution_id, job_id)
        return None
    which = [Execution.id == execution_id, Execution.attempts == attempt - 1]
    claims = _take(session, which, worker=worker, settings=settings)
    return claims[0] if claims else None


def claim_due(
    session: Session, job_id: int, *, count: int, is_idle: bool, worker: str, settings: Settings
) -> list[Claim]:
    """Takes up to `count` due executions of one job, the longest due first, as far as the connection has places.

    One that must go alone is taken by itself, and only while nothing else is under way (`is_idle`). The caller
    commits."""
    count = min(count, _free_places(session, job_id, settings))
    if count < 1:
        return []
    due = (
        select(Execution.id, Execution.alone)
        .where(Execution.export_job_id == job_id, *is_due(database_now(session)))
        .order_by(Execution.next_attempt_at, Execution.id)
        .limit(count)
        .with_for_update(skip_locked=True, of=Execution)
    )
    if not is_idle:
        due = due.where(~Execution.alone)
    found = session.execute(due).all()
    goes_alone = bool(found) and found[0].alone
    chosen = [found[0].id] if goes_alone else [row.id for row in found if not row.alone]
    return _take(session, [Execution.id.in_(chosen)], worker=worker, settings=settings) if chosen else []


def _free_places(session: Session, job_id: int, settings: Settings) -> int:
    """How many more files may be in flight over the job's connection. Its row stays locked until the commit, so that
    workers which count at the same moment take turns."""
    connection_id = session.scalar(
        select(Connection.id)
        .join(ExportJob, ExportJob.connection_id == Connection.id)
        .where(ExportJob.id == job_id)
        .with_for_update(of=Connection, key_share=True)
    )
    started = session.scalar(
        select(func.count())
        .select_from(Execution)
        .join(ExportJob, ExportJob.id == Execution.export_job_id)
        .where(ExportJob.connection_id == connection_id, is_started())
    )
    return settings.in_flight - (started or 0)


def _wait_for_place(session: Session, execution_id: int, job_id: int) -> None:
    """A job that has nothing in flight is handed out again by the next sweep; a batch of its own would come back."""
    in_flight = exists(select(Execution.id).where(Execution.export_job_id == job_id, is_started()))
    if not session.scalar(select(in_flight)):
        session.execute(update(Execution).where(Execution.id == execution_id).values(handed_out_at=None))


def _take(session: Session, which: Sequence[ColumnElement[bool]], *, worker: str, settings: Settings) -> list[Claim]:
    now, leased_at = database_now(session), time.monotonic()
    token = str(uuid4())
    statement = (
        update(Execution)
        .where(*which, *is_due(now))
        .values(
            status=JOB_STARTED,
            token=token,
            attempts=Execution.attempts + 1,
            worker=worker,
            executed_at=now,
            lease_until=now + timedelta(seconds=settings.lease_seconds),
            unfit_reason=None,
        )
        .returning(
            Execution.id,
            Execution.public_id,
            Execution.export_job_id,
            Execution.attempts,
            Execution.rename_attempt,
            Execution.rename_source,
            Execution.sent_server,
            Execution.sent_folder,
            Execution.alone,
        )
        .execution_options(synchronize_session=False)
    )
    claims = [
        Claim(
            execution_id=row.id,
            public_id=row.public_id,
            job_id=row.export_job_id,
            token=token,
            attempt=row.attempts,
            started_at=now,
            worker=worker,
            leased_at=leased_at,
            rename_attempt=row.rename_attempt,
            rename_source=row.rename_source,
            sent_server=row.sent_server,
            sent_folder=row.sent_folder,
            alone=row.alone,
        )
        for row in session.execute(statement).all()
    ]
    _note_started(session, claims, now)
    return sorted(claims, key=lambda taken: taken.execution_id)


def _note_started(session: Session, claims: Sequence[Claim], now: datetime) -> None:
    if not claims:
        return
    started = {"from_status": JOB_PENDING, "to_status": JOB_STARTED, "actor": SYSTEM, "reason": "attempt started"}
    session.execute(
        insert(Event),
        [
            {"execution_id": taken.execution_id, "at": now, "attempt": taken.attempt, "worker": taken.worker, **started}
            for taken in claims
        ],
    )
