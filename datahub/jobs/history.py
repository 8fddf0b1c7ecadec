"""Reads for the page of one execution, and for the exports of one order. Nothing here changes a row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import LargeBinary, func, select
from sqlalchemy.orm import Session, joinedload

from datahub.db import database_now
from datahub.jobs import unfit
from datahub.models.connection import Connection
from datahub.models.execution import HELD, JOB_PENDING, Event, Execution, Payload, is_unended
from datahub.models.export_job import ExportJob
from datahub.models.order import Order

SHOWN_EXPORTS = 100


@dataclass
class Attempt:
    """One try of a worker; an import is read in one and written in another. `step` is the status while it runs,
    `to_status` what it led to. `ended_at` is None until then."""

    number: int
    worker: str | None
    started_at: datetime
    step: str
    to_status: str
    ended_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True)
class Story:
    """What happened to one execution. `successors` are its retries and resends; `waits_for` says what holds it up now,
    other than its next attempt's time, or is empty."""

    events: list[Event]
    attempts: list[Attempt]
    successors: list[Execution]
    waits_for: str


def read(session: Session, execution: Execution) -> Story:
    events = list(session.scalars(select(Event).where(Event.execution_id == execution.id).order_by(Event.id)))
    followed = select(Execution).where(Execution.predecessor_id == execution.id).order_by(Execution.id)
    successors = list(session.scalars(followed))
    return Story(events, _attempts(events), successors, _waits_for(session, execution))


def exports_of_order(session: Session, order: Order) -> list[Execution]:
    """The newest first, at most SHOWN_EXPORTS."""
    statement = select(Execution).where(Execution.order_id == order.id).options(joinedload(Execution.payload))
    return list(session.scalars(statement.order_by(Execution.id.desc()).limit(SHOWN_EXPORTS)))


def payload_start(session: Session, execution: Execution, size: int) -> bytes:
    """The first bytes of the file, without loading the whole of it."""
    start = func.substr(Payload.content, 1, size, type_=LargeBinary)
    return bytes(session.scalar(select(start).where(Payload.execution_id == execution.id)) or b"")


def _attempts(events: list[Event]) -> list[Attempt]:
    attempts: list[Attempt] = []
    for event in events:
        if event.from_status == event.to_status:
            continue
        if event.to_status in HELD:
            attempts.append(Attempt(event.attempt, event.worker, event.at, event.to_status, event.to_status))
        elif event.from_status in HELD and attempts:
            last = attempts[-1]
            last.ended_at, last.to_status, last.reason = event.at, event.to_status, event.reason
    return attempts


def _waits_for(session: Session, execution: Execution) -> str:
    if execution.status != JOB_PENDING:
        return ""
    now = database_now(session)
    connection = session.scalar(
        select(Connection)
        .join(ExportJob, ExportJob.connection_id == Connection.id)
        .where(ExportJob.id == execution.export_job_id)
    )
    if connection is not None and not connection.active:
        return f"The connection {connection.name} is disabled. Activate it, and this goes on without losing an attempt."
    earlier = session.scalar(
        select(Execution.public_id)
        .where(
            Execution.export_job_id == execution.export_job_id,
            Execution.order_id == execution.order_id,
            Execution.id < execution.id,
            is_unended(),
        )
        .order_by(Execution.id)
        .limit(1)
    )
    if earlier is not None:
        return f"Execution {earlier} sends an earlier state of this order first."
    if connection is not None and connection.paused_until is not None and connection.paused_until > now:
        return (
            f"The server of the connection {connection.name} could not be reached a moment ago. It rests until "
            f"{connection.paused_until:%H:%M:%S} UTC; waiting costs no attempt."
        )
    if execution.next_attempt_at is not None and execution.next_attempt_at <= now:
        if connection is not None and (reason := unfit.reason(session, connection)):
            return f"No worker that looked can use the connection {connection.name}; waiting costs no attempt. {reason}"
        return "It is due and waits for a free worker."
    return ""
