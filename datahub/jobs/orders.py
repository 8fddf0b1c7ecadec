"""Orders as the outside world changes them: intake and status moves, with the exports these fire."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from datahub.access import store_limits
from datahub.db import database_now
from datahub.errors import ConflictError, IllegalMoveError, NotFoundError
from datahub.jobs import ledger, triggers
from datahub.models.change import CREATED, UPDATED
from datahub.models.execution import Execution
from datahub.models.order import Order, OrderStatusChange
from datahub.orders import life
from datahub.orders.intake import read_order


def get(session: Session, reference: str) -> Order:
    order = session.scalar(select(Order).where(Order.reference == reference))
    if order is None:
        raise NotFoundError(f"There is no order with the reference {reference!r}.")
    return order


def create_order(session: Session, body: dict[str, Any], *, actor: str) -> Order:
    """Reads an order in the shape of the JSON export; being created in a status reaches it. Flushes.

    Raises InvalidError with every fault at its field, FieldConflictError for a reference that exists."""
    order = read_order(session, body, now=database_now(session), seeing_all=store_limits.lifted)
    reach(session, order, came_from=None, source=ledger.Source("ORDER", None, actor))
    return order


def change_status(
    session: Session,
    order: Order,
    status: str,
    *,
    actor: str,
    seen: str | None = None,
    source: ledger.Source | None = None,
) -> list[Execution]:
    """Moves the order and returns the exports this fired. The status it already has changes nothing. `source` is what
    the change ledger is told, of a move by import.

    Raises InvalidError for an unknown word, IllegalMoveError for a move the life cycle forbids, ConflictError when
    the order is no longer in the status `seen`."""
    to = life.parse_status(status)
    # Two moves of one order at the same moment take turns here; the second sees what the first made of it.
    session.refresh(order, with_for_update=True)
    if seen is not None and order.status != seen:
        raise ConflictError(f"Meanwhile order {order.reference} became {order.status}; it was {seen} before.")
    if to == order.status:
        return []
    if not life.may_move(order.status, to):
        allowed = ", ".join(life.next_statuses(order.status))
        rest = f"It may become: {allowed}." if allowed else "It has ended."
        raise IllegalMoveError(f"Order {order.reference} is {order.status} and cannot become {to}. {rest}")
    came_from, order.status = order.status, to
    order.updated_at = database_now(session)
    session.flush()
    return reach(session, order, came_from=came_from, source=source or ledger.Source("ORDER", None, actor))


def reach(session: Session, order: Order, *, came_from: str | None, source: ledger.Source) -> list[Execution]:
    """Of an order that has just got its status, after all else that changes with it. Flushes."""
    now = database_now(session)
    change = OrderStatusChange(
        order_id=order.id, from_status=came_from, to_status=order.status, at=now, actor=source.actor
    )
    session.add(change)
    action, changes = (CREATED, None) if came_from is None else (UPDATED, {"orderStatus": [came_from, order.status]})
    ledger.note(session, source, order.reference, action, changes, now)
    session.flush()
    return triggers.reached(session, order, change)
