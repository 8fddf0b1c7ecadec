"""Which imports are due, and taking them: to read while its job has the slot and its connection a place, to write while
its family's is free."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, and_, bindparam, exists, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from datahub.db import database_now
from datahub.jobs import lifecycle
from datahub.jobs.lifecycle import SYSTEM, Claim
from datahub.models.connection import Connection
from datahub.models.execution import (
    IMPORT,
    IMPORT_RUNNING,
    INTEGRATION_STARTED,
    INTEGRATION_WAITING,
    JOB_INITIALIZING,
    JOB_STARTED,
    Event,
    Execution,
    is_unended,
)
from datahub.models.import_job import ImportJob
from datahub.models.import_run import ImportRun
from datahub.settings import Settings

STEPS = {JOB_INITIALIZING: JOB_STARTED, INTEGRATION_WAITING: INTEGRATION_STARTED}


def is_due(now: datetime, settings: Settings) -> list[ColumnElement[bool]]:
    """Not yet read, and its connection has a place for it; or read, the oldest of its family that waits, and nobody of
    the family writes."""
    other = aliased(Execution)
    first = other.kind == IMPORT, is_unended(other), goes_before(other, Execution.family, Execution.id)
    goes_first = exists(select(other.id).where(*first))
    return [
        Execution.kind == IMPORT,
        is_unended(),
        Execution.next_attempt_at <= now,
        or_(
            and_(Execution.status == JOB_INITIALIZING, _has_place(now, settings)),
            and_(Execution.status == INTEGRATION_WAITING, ~goes_first),
        ),
    ]


def goes_before(other: type[Execution], family: Any, number: Any) -> ColumnElement[bool]:
    """Whether `other` writes, or is to write, before the one of this family and id."""
    is_older = and_(other.status == INTEGRATION_WAITING, other.id < number)
    return and_(other.family == family, or_(other.status == INTEGRATION_STARTED, is_older))


def _has_place(now: datetime, settings: Settings) -> ColumnElement[bool]:
    """Those that read over its connection, and older ones that are to, leave it one. An upload needs none."""
    job, neighbour, other, run = aliased(ImportJob), aliased(ImportJob), aliased(Execution), aliased(ImportRun)
    is_older = and_(other.status == JOB_INITIALIZING, other.next_attempt_at <= now, other.id < Execution.id)
    before_it = (
        select(func.count())
        .select_from(job)
        .join(neighbour, neighbour.connection_id == job.connection_id)
        .join(other, other.import_job_id == neighbour.id)
        .join(run, run.execution_id == other.id)
        .where(
            job.id == Execution.import_job_id,
            # Said as the index of the one that runs of each job says it.
            other.status.in_(bindparam("running", IMPORT_RUNNING, expanding=True, literal_execute=True)),
            or_(other.status == JOB_STARTED, is_older),
            run.upload_name.is_(None),
        )
        .scalar_subquery()
    )
    is_upload = exists().where(ImportRun.execution_id == Execution.id, ImportRun.upload_name.is_not(None))
    return or_(is_upload, before_it < settings.max_runs_per_connection)


def waits_for_place(now: datetime, settings: Settings) -> list[ColumnElement[bool]]:
    """What holds for those that are due, and that only their connection keeps from being read."""
    is_next = Execution.status == JOB_INITIALIZING, Execution.next_attempt_at <= now
    return [Execution.kind == IMPORT, is_unended(), *is_next, ~_has_place(now, settings)]


def why(settings: Settings) -> str:
    """In words, what those wait for."""
    limit = f"{settings.max_runs_per_connection} (MAX_RUNS_PER_CONNECTION)"
    return f"waits for a place: its connection is at its limit of imports that read at once, {limit}"


def note_waiting(session: Session, settings: Settings) -> None:
    """Tells in the log of each that waits for a place why, once per attempt. The caller commits."""
    is_noted = exists().where(
        Event.execution_id == Execution.id,
        Event.attempt == Execution.attempts,
        Event.from_status == JOB_INITIALIZING,
        Event.to_status == JOB_INITIALIZING,
    )
    waiting = select(Execution.id).where(*waits_for_place(database_now(session), settings), ~is_noted)
    locked = session.scalars(waiting.with_for_update(skip_locked=True, of=Execution)).all()
    # Another clock may have told it just before they were locked.
    unnoted = select(Execution.id, Execution.attempts).where(Execution.id.in_(locked), ~is_noted)
    for row in session.execute(unnoted).all() if locked else ():
        lifecycle.note(
            session,
            row.id,
            came_from=JOB_INITIALIZING,
            to=JOB_INITIALIZING,
            actor=SYSTEM,
            attempt=row.attempts,
            worker=None,
            reason=why(settings),
        )


def claim(session: Session, execution_id: int, *, attempt: int, worker: str, settings: Settings) -> Claim | None:
    """The next step of one execution; None when somebody has it, it ended, or its turn has not come.

    The caller commits before it acts on the claim."""
    _lock_connection(session, execution_id)
    due = Execution.attempts == attempt - 1, *is_due(database_now(session), settings)
    row = session.execute(
        select(Execution.status, Execution.public_id, Execution.import_job_id).where(Execution.id == execution_id, *due)
    ).one_or_none()
    if row is None:
        _give_up_turn(session, execution_id, attempt)
        return None
    now, leased_at, token = database_now(session), time.monotonic(), str(uuid4())
    reads, lease_until = row.status == JOB_INITIALIZING, now + timedelta(seconds=settings.lease_seconds)
    values = {"token": token, "attempts": attempt, "worker": worker, "lease_until": lease_until}
    values |= {"executed_at": now} if reads else {}
    try:
        with session.begin_nested():
            taken = lifecycle.move(
                session,
                execution_id,
                kind=IMPORT,
                came_from=row.status,
                to=STEPS[row.status],
                actor=SYSTEM,
                reason="reading begins" if reads else "writing begins",
                conditions=[Execution.attempts == attempt - 1],
                values=values,
            )
    except IntegrityError:
        # Another execution of the family was quicker.
        return None
    if not taken:
        return None
    if reads:
        _begin_reading(session, execution_id, now)
    return Claim(
        execution_id=execution_id,
        public_id=row.public_id,
        job_id=row.import_job_id,
        token=token,
        attempt=attempt,
        started_at=now,
        worker=worker,
        leased_at=leased_at,
    )


def _lock_connection(session: Session, execution_id: int) -> None:
    """Until the commit: workers that count what reads over it at the same moment take turns."""
    of_execution = select(Connection.id).join(ImportJob, ImportJob.connection_id == Connection.id)
    of_execution = of_execution.join(Execution, Execution.import_job_id == ImportJob.id)
    session.execute(of_execution.where(Execution.id == execution_id).with_for_update(of=Connection, key_share=True))


def _give_up_turn(session: Session, execution_id: int, attempt: int) -> None:
    """An older one took its place since it was handed out: the sweep that finds a free one hands it out again."""
    which = Execution.id == execution_id, Execution.attempts == attempt - 1, Execution.status == JOB_INITIALIZING
    session.execute(update(Execution).where(*which, Execution.kind == IMPORT).values(handed_out_at=None))


def _begin_reading(session: Session, execution_id: int, now: datetime) -> None:
    """From the start, whatever an earlier try had read; the time is that of the first try."""
    begun = {"started_at": func.coalesce(ImportRun.started_at, now), "rows": 0, "bytes_fetched": 0, "bytes_read": 0}
    which = ImportRun.execution_id == execution_id
    session.execute(update(ImportRun).where(which).values(begun).execution_options(synchronize_session=False))
