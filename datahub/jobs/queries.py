"""Reads for lists: orders, and the newest executions of jobs; with everything that is shown, in few statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, func, or_, select, union_all
from sqlalchemy.orm import Session, contains_eager, joinedload, selectinload

from datahub.access import store_limits
from datahub.db import holds
from datahub.models.execution import EXPORT, Execution
from datahub.models.export_job import ExportJob
from datahub.models.import_job import ImportJob
from datahub.models.incident import Incident
from datahub.models.order import ORDER_STATUSES, Order, OrderLine
from datahub.models.party import Account
from datahub.paging import Page, read_page

PAGE_SIZE = 20
# A compound SELECT of SQLite has at most 500.
TERMS = 100
# What an execution belongs to, and the time by which the history of such a job is indexed.
OF_JOB = {
    ExportJob: (Execution.export_job_id, Execution.executed_at),
    ImportJob: (Execution.import_job_id, Execution.created_at),
}
ORDER_SORTS = {"created_at": Order.created_at, "updated_at": Order.updated_at, "reference": Order.reference}
ORDER_SEARCH = (
    Order.reference,
    Order.commercial_reference,
    Order.external_id,
    Account.external_id,
    Account.name,
)

Row = TypeVar("Row")
Ordering = tuple[ColumnElement[Any], ColumnElement[Any]]


@dataclass(frozen=True)
class Slice(Generic[Row]):
    """`has_more` says whether rows follow."""

    items: list[Row]
    has_more: bool


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
    return by_offset(session, query, ORDER_SORTS[sort], Order.id, descending, page, size)


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


def newest_executions(
    session: Session,
    kind: type[ExportJob] | type[ImportJob],
    job_ids: Sequence[int],
    *,
    count: int,
    conditions: Sequence[ColumnElement[bool]] = (),
) -> dict[int, list[Execution]]:
    """Of each job by its key, newest first: at most `count`, only those that meet all conditions."""
    of_job, at = OF_JOB[kind]
    order = by_time(at, Execution.id, descending=True)
    newest_of_job: Any = select(Execution.id, at.label("at")).where(*conditions).order_by(*order).limit(count)
    newest_of_job = newest_of_job.correlate(kind)
    ranges = [newest_of_job.where(*of_its_own) for of_its_own in _of_job(session, kind)]
    # A look-up in the index for each: a window function would read the whole history of every job.
    every = [first_of(ranges, 1, number).subquery() for number in range(count)]
    places = [select(row.c.id).scalar_subquery() for row in every]
    found = session.execute(select(*places).where(kind.id.in_(job_ids))).all()
    ids = [row_id for row in found for row_id in row if row_id is not None]
    query = select(of_job, Execution).where(Execution.id.in_(ids)).order_by(*order)
    newest: dict[int, list[Execution]] = {}
    for job_id, execution in session.execute(query.options(joinedload(Execution.import_run))):
        newest.setdefault(job_id or 0, []).append(execution)
    return newest


def first_of(found: Sequence[Select[Any]], limit: int, offset: int = 0, *, descending: bool = True) -> Select[Any]:
    """Of several statements that give `id` and `at` in this order, each at most limit + offset, what comes first."""
    while len(found) > TERMS:
        pieces = [found[start : start + TERMS] for start in range(0, len(found), TERMS)]
        found = [first_of(piece, limit + offset, descending=descending) for piece in pieces]
    every = union_all(*(select(each.subquery()) for each in found)).subquery()
    order = by_time(every.c.at, every.c.id, descending=descending)
    return select(every).order_by(*order).limit(limit).offset(offset)


def by_time(at: Any, row_id: Any, *, descending: bool) -> Ordering:
    return (at.desc(), row_id.desc()) if descending else (at.asc(), row_id.asc())


def is_known_job(session: Session, public_id: str) -> bool:
    """Of export jobs; true for a deleted one as well, as long as its history is there."""
    known = select(ExportJob.id).where(ExportJob.public_id == public_id)
    history = select(Execution.id).where(*_of_export_job(public_id)).limit(1)
    return session.scalar(known) is not None or session.scalar(history) is not None


def _of_job(session: Session, kind: type[ExportJob] | type[ImportJob]) -> list[list[ColumnElement[bool]]]:
    """The conditions of each range of an index that holds executions of a job."""
    limit = store_limits.of_session(session)
    if limit is None or kind is ImportJob:
        return [[OF_JOB[kind][0] == kind.id]]
    return [[Execution.store_id == store_id, Execution.job_public_id == kind.public_id] for store_id in limit.ids]


def _of_export_job(public_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Execution.job_public_id == public_id, Execution.kind == EXPORT


def _orders(session: Session, search: str, statuses: Sequence[str]) -> Select[Order]:
    query = select(Order).join(Order.account)
    query = query.options(joinedload(Order.supplier), joinedload(Order.store), contains_eager(Order.account))
    text = search.strip()
    if text:
        dialect = session.get_bind().dialect.name
        # Those that the text names an incident of.
        named = select(Incident.order_id).where(holds((Incident.incident_id, Incident.external_id), text, dialect))
        query = query.where(or_(holds(ORDER_SEARCH, text, dialect), Order.id.in_(named)))
    known = [status for status in statuses if status in ORDER_STATUSES]
    return query.where(Order.status.in_(known)) if known else query


def by_offset(
    session: Session, query: Select[Row], column: Any, key: Any, descending: bool, page: int, size: int
) -> Slice[Row]:
    """A page of the query; rows that are equal in the column follow by the key."""
    order = (column.desc(), key.desc()) if descending else (column.asc(), key.asc())
    rows = list(session.scalars(query.order_by(*order).offset(page * size).limit(size + 1)))
    return Slice(rows[:size], has_more=len(rows) > size)
