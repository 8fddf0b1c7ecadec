"""An order reached a status: freeze what it looks like and owe an export to every job that asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from sqlalchemy import TextClause, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, selectinload

from datahub.db import database_now
from datahub.jobs import dispatch, lifecycle
from datahub.models.execution import (
    EXPORT,
    FIRST_REACHED,
    JOB_PENDING,
    REACHED,
    TRIGGER,
    WAITING_REPEAT,
    Execution,
)
from datahub.models.export_job import ExportJob
from datahub.models.order import Order, OrderSnapshot, OrderStatusChange
from datahub.orders.snapshot import build_document

ON_HOLD = "DRAFT_ORDER_ON_HOLD"


def reached(session: Session, order: Order, change: OrderStatusChange) -> list[Execution]:
    """Inserts one execution for each active job that the order's new status fires for the first time.

    Belongs in the transaction that changes the status; flushes, never commits. Repeating it inserts nothing."""
    jobs = [job for job in _active_jobs(session) if wants(job, order)]
    inserted, change.snapshot_id = _fire(session, order, jobs, change.actor)
    session.flush()
    return inserted


def edited(session: Session, order: Order, *, actor: str) -> list[Execution]:
    """An on-hold draft goes out again where its status stays and something else of it changes."""
    if order.status != ON_HOLD:
        return []
    jobs = [job for job in _active_jobs(session) if wants(job, order) and job.reexport_on_hold]
    inserted, _ = _fire(session, order, jobs, actor)
    session.flush()
    return inserted


def _fire(session: Session, order: Order, jobs: Sequence[ExportJob], actor: str) -> tuple[list[Execution], int | None]:
    """With the snapshot that they send, if any does."""
    if not jobs:
        return [], None
    snapshot = freeze(session, order)
    inserted = [
        execution for job in jobs if (execution := _owe(session, job, order, snapshot, actor=actor)) is not None
    ]
    if session.scalar(select(Execution.id).where(Execution.snapshot_id == snapshot.id).limit(1)):
        return inserted, snapshot.id
    session.delete(snapshot)
    return inserted, None


def wants(job: ExportJob, order: Order) -> bool:
    """Whether the job exports orders of this supplier in this status; it says nothing about having done so."""
    return order.status in job.trigger_statuses and _takes_supplier(job, order)


def would_fire(session: Session, order: Order, statuses: Sequence[str]) -> dict[str, list[ExportJob]]:
    """For each status the jobs that would export this order if it moved there now."""
    rows = session.execute(
        select(Execution.export_job_id, Execution.trigger_status).where(Execution.order_id == order.id, FIRST_REACHED)
    )
    fired = set(rows)
    jobs = [job for job in _active_jobs(session) if _takes_supplier(job, order)]

    def fires(job: ExportJob, status: str) -> bool:
        is_first = (job.id, status) not in fired or (job.reexport_on_hold and status == ON_HOLD)
        return status in job.trigger_statuses and is_first

    return {status: [job for job in jobs if fires(job, status)] for status in statuses}


def freeze(session: Session, order: Order) -> OrderSnapshot:
    """The order as it is now, kept for good. Flushes."""
    snapshot = OrderSnapshot(
        order_id=order.id,
        status=order.status,
        document=build_document(order),
        store_external_id=order.store.external_id,
        created_at=database_now(session),
    )
    session.add(snapshot)
    session.flush()
    return snapshot


def new_execution(
    session: Session, job: ExportJob, order: Order, snapshot: OrderSnapshot, *, origin: str, actor: str
) -> dict[str, Any]:
    """The column values of an execution that is due at once."""
    now = database_now(session)
    return {
        "public_id": str(uuid4()),
        "kind": EXPORT,
        "export_job_id": job.id,
        "job_public_id": job.public_id,
        "job_name": job.name,
        "entity": job.entity,
        "order_id": order.id,
        "store_id": order.store_id,
        "entity_reference": order.reference,
        "trigger_status": snapshot.status,
        "snapshot_id": snapshot.id,
        "origin": origin,
        "actor": actor,
        "status": JOB_PENDING,
        "attempts": 0,
        "repeats": False,
        "may_have_arrived_twice": False,
        "left_behind": False,
        "created_at": now,
        "executed_at": now,
        "next_attempt_at": now,
    }


def insert_execution(session: Session, values: dict[str, Any], *, reason: str) -> Execution:
    """Adds the execution with its first event; the caller guards against doubles."""
    execution_id = session.execute(insert(Execution).values(**values).returning(Execution.id)).scalar_one()
    return _announce(session, execution_id, actor=values["actor"], reason=reason)


def _takes_supplier(job: ExportJob, order: Order) -> bool:
    return not job.suppliers or order.supplier_id in {supplier.id for supplier in job.suppliers}


def _active_jobs(session: Session) -> list[ExportJob]:
    # A job that is being deleted is waited for and then gone; one that is being edited is taken as it was.
    statement = select(ExportJob).where(ExportJob.active).order_by(ExportJob.id)
    statement = statement.with_for_update(read=True, key_share=True, of=ExportJob)
    return list(session.scalars(statement.options(selectinload(ExportJob.suppliers))))


def _owe(session: Session, job: ExportJob, order: Order, snapshot: OrderSnapshot, *, actor: str) -> Execution | None:
    values = new_execution(session, job, order, snapshot, origin=TRIGGER, actor=actor)
    execution_id = _insert_or_ignore(session, values, FIRST_REACHED)
    if execution_id is None and job.reexport_on_hold and order.status == ON_HOLD:
        execution_id = _repeat(session, values)
    if execution_id is None:
        return None
    return _announce(session, execution_id, actor=actor, reason=f"order reached {order.status}")


def _repeat(session: Session, values: dict[str, Any]) -> int | None:
    """An on-hold draft goes out again with each change; one that still waits takes the newer snapshot instead."""
    waiting = [getattr(Execution, name) == values[name] for name in REACHED]
    newer = update(Execution).where(*waiting, WAITING_REPEAT).values(snapshot_id=values["snapshot_id"])
    while (execution_id := _insert_or_ignore(session, values | {"repeats": True}, WAITING_REPEAT)) is None:
        # A worker may have taken the one that waited: then there is room for another.
        if session.execute(newer.returning(Execution.id)).all():
            return None
    return execution_id


def _insert_or_ignore(session: Session, values: dict[str, Any], where: TextClause) -> int | None:
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = (
        dialect.insert(Execution)
        .values(**values)
        .on_conflict_do_nothing(index_elements=REACHED, index_where=where)
        .returning(Execution.id)
    )
    return session.execute(statement).scalar_one_or_none()


def _announce(session: Session, execution_id: int, *, actor: str, reason: str) -> Execution:
    lifecycle.note(
        session, execution_id, came_from=None, to=JOB_PENDING, actor=actor, attempt=0, worker=None, reason=reason
    )
    dispatch.note_work(session)
    return session.get_one(Execution, execution_id)
