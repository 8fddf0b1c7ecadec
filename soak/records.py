"""The books of a finished soak: what was owed and done from the database, what arrived from the partner's notes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from datahub.models.execution import Execution, Payload, is_unended
from datahub.models.order import Order, OrderStatusChange
from datahub.models.party import Supplier
from soak.checker import Arrival, Books, Owed, Sending
from soak.observer import ARRIVED, MODIFIED
from soak.plan import JOBS, JobPlan


def read_books(
    session: Session,
    findings: list[dict[str, Any]],
    acknowledged: list[tuple[str, str]],
    jobs_run: Collection[str],
) -> Books:
    """`jobs_run` are those that people ran: they owe the orders that stood in one of their statuses from the start."""
    history = _history(session)
    return Books(
        owed=[*_owed(history, JOBS), *_owed(_standing(session), [job for job in JOBS if job.name in jobs_run])],
        sendings=_sendings(session),
        arrivals=[_arrival(found) for found in findings if found["kind"] == ARRIVED],
        acknowledged=acknowledged,
        history={(order, status) for order, _, status in history},
        modified=[f"{found['folder']}/{found['name']}" for found in findings if found["kind"] == MODIFIED],
    )


def count_unended(session: Session) -> int:
    return session.scalars(select(func.count()).select_from(Execution).where(is_unended())).one()


def find_strangers(folder: Path, findings: list[dict[str, Any]]) -> list[str]:
    """Final names that are there although the partner was never told that they came."""
    told = {found["name"] for found in findings if found["kind"] == ARRIVED and found["folder"] == folder.name}
    return [f"{folder.name}/{path.name}" for path in folder.glob("[!.]*") if path.name not in told]


def _history(session: Session) -> list[tuple[str, str, str]]:
    """(order, supplier, status) in the order in which statuses were reached."""
    rows = session.execute(
        select(Order.reference, Supplier.external_id, OrderStatusChange.to_status)
        .join(Order, Order.id == OrderStatusChange.order_id)
        .join(Supplier, Supplier.id == Order.supplier_id)
        .order_by(OrderStatusChange.id)
    )
    return [(reference, supplier, status) for reference, supplier, status in rows]


def _standing(session: Session) -> list[tuple[str, str, str]]:
    """(order, supplier, status) of those that never moved."""
    moved = exists(select(OrderStatusChange.id).where(OrderStatusChange.order_id == Order.id))
    rows = session.execute(
        select(Order.reference, Supplier.external_id, Order.status)
        .join(Supplier, Supplier.id == Order.supplier_id)
        .where(~moved)
        .order_by(Order.id)
    )
    return [(reference, supplier, status) for reference, supplier, status in rows]


def _owed(history: list[tuple[str, str, str]], jobs: Sequence[JobPlan]) -> list[Owed]:
    """Each once, however often the order reached the status."""
    owed = {
        Owed(job.name, order, status): None
        for order, supplier, status in history
        for job in jobs
        if status in job.statuses and (not job.suppliers or supplier in job.suppliers)
    }
    return list(owed)


def _sendings(session: Session) -> list[Sending]:
    rows = session.execute(
        select(Execution, Payload.file_name, Payload.sha256)
        .outerjoin(Payload, Payload.execution_id == Execution.id)
        .order_by(Execution.id)
    )
    return [
        Sending(
            number=execution.id,
            public_id=execution.public_id,
            job=execution.job_name,
            order=execution.entity_reference,
            reached=execution.trigger_status,
            status=execution.status,
            origin=execution.origin,
            attempts=execution.attempts,
            is_marked_twice=execution.may_have_arrived_twice,
            may_have_arrived=execution.may_have_arrived,
            file_name=file_name,
            sha256=sha256,
            error=execution.error,
        )
        for execution, file_name, sha256 in rows
    ]


def _arrival(found: dict[str, Any]) -> Arrival:
    temporary = found["temporary"]
    # ".<public id>-<attempt>.part"
    sending = temporary[1:].rpartition("-")[0] if temporary else None
    return Arrival(job=found["folder"], name=found["name"], sha256=found["sha256"], sending=sending)
