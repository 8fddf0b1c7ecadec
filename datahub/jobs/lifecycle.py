"""The state machine of executions: legal moves, claims, leases. Every move is one conditional update plus an event."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.orm import Session

from datahub.db import database_now
from datahub.errors import LostClaimError
from datahub.models.execution import (
    ERROR,
    EXPORT,
    HELD,
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
)
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
MAY_HAVE_ARRIVED = "The file may have arrived: an attempt was about to give it its final name."


@dataclass(frozen=True)
class Claim:
    """A worker's right to one attempt. The columns of the execution tell how far earlier attempts came, and where.

    `leased_at` is what this machine's monotonic clock said when the lease was reckoned."""

    execution_id: int
    public_id: str
    job_id: int
    token: str
    attempt: int
    started_at: datetime
    worker: str
    leased_at: float = field(default_factory=time.monotonic, compare=False)
    rename_attempt: int | None = None
    rename_source: int | None = None
    sent_server: str | None = None
    sent_folder: str | None = None
    alone: bool = False


@dataclass(frozen=True)
class Failure:
    """How an attempt failed. `final` means that no further one can help; `had_company` that others were under way over
    the same connection when this or another one broke it."""

    message: str
    final: bool
    broke_connection: bool = False
    had_company: bool = False


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


def is_mine(held: Claim) -> list[ColumnElement[bool]]:
    return [Execution.token == held.token, Execution.attempts == held.attempt]


def renew(session: Session, held: Claim, settings: Settings) -> bool:
    """Prolongs the lease; False when the claim is lost or the execution was stopped."""
    lease_until = database_now(session) + timedelta(seconds=settings.lease_seconds)
    statement = (
        update(Execution)
        .where(Execution.id == held.execution_id, Execution.status.in_(HELD), *is_mine(held))
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
            Execution.status.in_(HELD),
            Execution.lease_until > database_now(session),
            *is_mine(held),
        )
        .values(**values)
        .returning(Execution.id)
        .execution_options(synchronize_session=False)
    )
    if session.execute(statement).one_or_none() is None:
        raise LostClaimError(held.public_id)


def let_go(session: Session, held: Claim) -> None:
    """Says that the worker of a stopped execution has heard of it. A claim that another worker has is left alone."""
    session.execute(
        update(Execution)
        .where(Execution.id == held.execution_id, Execution.status.not_in(HELD), *is_mine(held))
        .values(token=None)
        .execution_options(synchronize_session=False)
    )


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


def fail(session: Session, held: Claim, failure: Failure, settings: Settings) -> str:
    """Ends the attempt: back to JOB_PENDING for the next one, or ERROR when final or the last attempt is used up.

    Returns the new status. Raises LostClaimError when the claim is lost."""
    values: dict[str, Any] = {"token": None, "handed_out_at": None, "error": failure.message}
    if failure.final or held.attempt >= settings.max_attempts:
        may_have_arrived = session.scalar(select(Execution.may_have_arrived).where(Execution.id == held.execution_id))
        values |= {
            "ended_at": database_now(session),
            "next_attempt_at": None,
            "error": with_doubt(failure.message, bool(may_have_arrived)),
        }
        to = ERROR
    else:
        values |= {"next_attempt_at": held.started_at + timedelta(seconds=settings.retry_seconds)}
        to = JOB_PENDING
    if failure.broke_connection:
        values["alone"] = True
        if failure.had_company and not held.alone and to == JOB_PENDING:
            # Perhaps another one broke it: by itself it shows at once.
            values["next_attempt_at"] = database_now(session)
    _end_attempt(session, held, to=to, reason=failure.message, values=values)
    return to


def with_doubt(message: str, may_have_arrived: bool) -> str:
    """The error of an execution that ends, and says so where its file may have arrived."""
    return f"{message}\n{MAY_HAVE_ARRIVED}" if may_have_arrived else message


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
        raise LostClaimError(held.public_id)
