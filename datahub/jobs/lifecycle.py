"""The state machine of executions: legal moves, claims, leases. Every move is one conditional update plus an event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, exists, func, insert, select, update
from sqlalchemy.orm import Session, aliased

from datahub.db import database_now
from datahub.errors import LostClaimError
from datahub.models.connection import Connection
from datahub.models.execution import (
    ERROR,
    EXPORT,
    IMPORT,
    INTEGRATION_DONE,
    INTEGRATION_DONE_WITH_ERRORS,
    INTEGRATION_FAILED,
    INTEGRATION_STARTED,
    INTEGRATION_WAITING,
    JOB_FAILED,
    JOB_INITIALIZING,
    JOB_PENDING,
    JOB_STARTED,
    JOB_STOPPED,
    SUCCESS,
    Event,
    Execution,
    is_started,
    is_unended,
)
from datahub.models.export_job import ExportJob
from datahub.settings import Settings

NEXT = {
    EXPORT: {
        JOB_PENDING: frozenset({JOB_STARTED, JOB_STOPPED}),
        JOB_STARTED: frozenset({JOB_PENDING, SUCCESS, ERROR, JOB_STOPPED}),
    },
    # A worker that died takes its import one step back.
    IMPORT: {
        JOB_PENDING: frozenset({JOB_INITIALIZING, JOB_STOPPED}),
        JOB_INITIALIZING: frozenset({JOB_STARTED, JOB_FAILED, JOB_STOPPED}),
        JOB_STARTED: frozenset({JOB_INITIALIZING, INTEGRATION_WAITING, JOB_FAILED, JOB_STOPPED}),
        INTEGRATION_WAITING: frozenset({JOB_INITIALIZING, INTEGRATION_STARTED, INTEGRATION_FAILED, JOB_STOPPED}),
        INTEGRATION_STARTED: frozenset(
            {INTEGRATION_WAITING, INTEGRATION_DONE, INTEGRATION_DONE_WITH_ERRORS, INTEGRATION_FAILED, JOB_STOPPED}
        ),
    },
}
SYSTEM = "system"


@dataclass(frozen=True)
class Claim:
    """A worker's right to one attempt. The last three tell how far an earlier attempt came, and where."""

    execution_id: int
    public_id: str
    job_id: int
    token: str
    attempt: int
    started_at: datetime
    worker: str
    rename_attempt: int | None
    sent_server: str | None
    sent_folder: str | None


def is_due(now: datetime) -> list[ColumnElement[bool]]:
    """Pending, its time has come, its connection is active, and no earlier export of the same order by the same
    job is still under way."""
    earlier = aliased(Execution)
    return [
        is_unended(),
        Execution.status == JOB_PENDING,
        Execution.next_attempt_at <= now,
        exists(
            select(ExportJob.id)
            .join(Connection, Connection.id == ExportJob.connection_id)
            .where(ExportJob.id == Execution.export_job_id, Connection.active)
        ),
        ~exists(
            select(earlier.id).where(
                earlier.export_job_id == Execution.export_job_id,
                earlier.order_id == Execution.order_id,
                earlier.id < Execution.id,
                is_unended(earlier),
            )
        ),
    ]


def move(
    session: Session,
    execution_id: int,
    *,
    kind: str,
    came_from: str,
    to: str,
    actor: str,
    reason: str,
    conditions: Sequence[ColumnElement[bool]] = (),
    values: dict[str, Any] | None = None,
) -> bool:
    """False when the execution is not (or no longer) in `came_from`, or a condition fails: then nothing changed."""
    if to not in NEXT[kind].get(came_from, frozenset()):
        raise AssertionError(f"no legal move of an {kind} from {came_from} to {to}")
    statement = (
        update(Execution)
        .where(Execution.id == execution_id, Execution.kind == kind, Execution.status == came_from, *conditions)
        .values(status=to, **(values or {}))
        .returning(Execution.attempts, Execution.worker)
        .execution_options(synchronize_session=False)
    )
    row = session.execute(statement).one_or_none()
    if row is None:
        return False
    note(session, execution_id, came_from=came_from, to=to, actor=actor, attempt=row[0], worker=row[1], reason=reason)
    return True


def note(
    session: Session,
    execution_id: int,
    *,
    came_from: str | None,
    to: str,
    actor: str,
    attempt: int,
    worker: str | None,
    reason: str,
) -> None:
    """Adds a line to the event log; with equal statuses it is a finding, not a move."""
    session.execute(
        insert(Event).values(
            execution_id=execution_id,
            at=database_now(session),
            from_status=came_from,
            to_status=to,
            actor=actor,
            attempt=attempt,
            worker=worker,
            reason=reason,
        )
    )


def is_untaken(session: Session, execution_id: int, attempt: int) -> bool:
    """Whether claim might succeed; reads one row, so that a late message costs next to nothing."""
    untaken = Execution.status == JOB_PENDING, Execution.attempts == attempt - 1
    return session.scalar(select(Execution.id).where(Execution.id == execution_id, *untaken)) is not None


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


def claim_due(session: Session, job_id: int, *, count: int, worker: str, settings: Settings) -> list[Claim]:
    """Takes up to `count` due executions of one job, the longest due first, as far as the connection has places.

    The caller commits."""
    count = min(count, _free_places(session, job_id, settings))
    if count < 1:
        return []
    due = session.scalars(
        select(Execution.id)
        .where(Execution.export_job_id == job_id, *is_due(database_now(session)))
        .order_by(Execution.next_attempt_at, Execution.id)
        .limit(count)
        .with_for_update(skip_locked=True, of=Execution)
    ).all()
    return _take(session, [Execution.id.in_(due)], worker=worker, settings=settings) if due else []


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
    now = database_now(session)
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
        )
        .returning(
            Execution.id,
            Execution.public_id,
            Execution.export_job_id,
            Execution.attempts,
            Execution.rename_attempt,
            Execution.sent_server,
            Execution.sent_folder,
        )
        .execution_options(synchronize_session=False)
    )
    claims = [
        Claim(execution_id, public_id, job_id or 0, token, attempt, now, worker, marked, server, folder)
        for execution_id, public_id, job_id, attempt, marked, server, folder in session.execute(statement).all()
    ]
    if claims:
        started = {"from_status": JOB_PENDING, "to_status": JOB_STARTED, "actor": SYSTEM, "reason": "attempt started"}
        session.execute(
            insert(Event),
            [
                {"execution_id": taken.execution_id, "at": now, "attempt": taken.attempt, "worker": worker, **started}
                for taken in claims
            ],
        )
    return sorted(claims, key=lambda taken: taken.execution_id)


def is_mine(held: Claim) -> list[ColumnElement[bool]]:
    return [Execution.token == held.token, Execution.attempts == held.attempt]


def renew(session: Session, held: Claim, settings: Settings) -> bool:
    """Prolongs the lease; False when the claim is lost or the execution was stopped."""
    lease_until = database_now(session) + timedelta(seconds=settings.lease_seconds)
    statement = (
        update(Execution)
        .where(Execution.id == held.execution_id, Execution.status == JOB_STARTED, *is_mine(held))
        .values(lease_until=lease_until)
        .returning(Execution.id)
        .execution_options(synchronize_session=False)
    )
    return session.execute(statement).one_or_none() is not None


def save(session: Session, held: Claim, **values: Any) -> None:
    """Writes columns under a live claim. Raises LostClaimError, with nothing written, when it is lost."""
    statement = (
        update(Execution)
        .where(
            Execution.id == held.execution_id,
            Execution.status == JOB_STARTED,
            Execution.lease_until > database_now(session),
            *is_mine(held),
        )
        .values(**values)
        .returning(Execution.id)
        .execution_options(synchronize_session=False)
    )
    if session.execute(statement).one_or_none() is None:
        raise LostClaimError(f"execution {held.public_id} is no longer claimed by this worker")


def succeed(session: Session, held: Claim, *, reason: str) -> None:
    """JOB_STARTED to SUCCESS. Raises LostClaimError when the claim is lost."""
    ended = {
        "ended_at": database_now(session),
        "error": None,
        "token": None,
        "next_attempt_at": None,
        "left_behind": False,
    }
    _end_attempt(session, held, to=SUCCESS, reason=reason, values=ended)


def fail(session: Session, held: Claim, *, message: str, final: bool, settings: Settings) -> str:
    """Ends the attempt: back to JOB_PENDING for the next one, or ERROR when final or the last attempt is used up.

    Returns the new status. Raises LostClaimError when the claim is lost."""
    values: dict[str, Any] = {"token": None, "handed_out_at": None, "error": message}
    if final or held.attempt >= settings.max_attempts:
        values |= {"ended_at": database_now(session), "next_attempt_at": None}
        to = ERROR
    else:
        values["next_attempt_at"] = held.started_at + timedelta(seconds=settings.retry_seconds)
        to = JOB_PENDING
    _end_attempt(session, held, to=to, reason=message, values=values)
    return to


def _end_attempt(session: Session, held: Claim, *, to: str, reason: str, values: dict[str, Any]) -> None:
    moved = move(
        session,
        held.execution_id,
        kind=EXPORT,
        came_from=JOB_STARTED,
        to=to,
        actor=SYSTEM,
        reason=reason,
        conditions=is_mine(held),
        values=values,
    )
    if not moved:
        raise LostClaimError(f"execution {held.public_id} is no longer claimed by this worker")
