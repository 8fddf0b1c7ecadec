"""Orders as lists show them, in few statements however many there are."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session, contains_eager, joinedload, selectinload

from datahub.db import holds
from datahub.models.incident import Incident
from datahub.models.order import ORDER_STATUSES, Order, OrderLine
from datahub.models.party import Account
from datahub.paging import PAGE_SIZE, Page, Slice, by_offset, read_page

SORTS = {"created_at": Order.created_at, "updated_at": Order.updated_at, "reference": Order.reference}
SEARCH = (
    Order.reference,
    Order.commercial_reference,
    Order.external_id,
    Account.external_id,
    Account.name,
)


def find_orders(
    session: Session,
    *,
    search: str = "",
    statuses: Sequence[str] = (),
    sort: str = "created_at",
    descending: bool = True,
    page: int = 0,
    size: int = PAGE_SIZE,
) -> Slice[Order]:
    """Whole orders, with all that is exported of them."""
    whole = selectinload(Order.lines), selectinload(Order.addresses), selectinload(Order.payments)
    query = _orders(session, search, statuses).options(*whole)
    return by_offset(session, query, SORTS[sort], Order.id, descending, page, size)


def orders_page(
    session: Session,
    *,
    search: str = "",
    statuses: Sequence[str] = (),
    before: str = "",
    after: str = "",
    size: int = PAGE_SIZE,
) -> Page[Order]:
    """The order that was saved last comes first."""
    query = _orders(session, search, statuses)
    return read_page(
        session, query, Order.id, lambda order: order, size=size, descending=True, before=before, after=after
    )


def count_lines(session: Session, orders: Sequence[Order]) -> dict[int, int]:
    """Number of lines by the id of their order."""
    ids = [order.id for order in orders]
    counted = select(OrderLine.order_id, func.count()).where(OrderLine.order_id.in_(ids))
    return dict(session.execute(counted.group_by(OrderLine.order_id)).all())


def _orders(session: Session, search: str, statuses: Sequence[str]) -> Select[Order]:
    query = select(Order).join(Order.account)
    query = query.options(joinedload(Order.supplier), joinedload(Order.store), contains_eager(Order.account))
    text = search.strip()
    if text:
        dialect = session.get_bind().dialect.name
        # Those that the text names an incident of.
        named = select(Incident.order_id).where(holds((Incident.incident_id, Incident.external_id), text, dialect))
        query = query.where(or_(holds(SEARCH, text, dialect), Order.id.in_(named)))
    known = [status for status in statuses if status in ORDER_STATUSES]
    return query.where(Order.status.in_(known)) if known else query
