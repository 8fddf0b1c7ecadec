"""What changed a record, read from the change ledger."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import Select, literal, select
from sqlalchemy.orm import Session

from datahub.access import store_limits
from datahub.entities import ENTITIES, RECORDS, adding_to
from datahub.entities.store import A_STORE
from datahub.entities.values import NUMBER
from datahub.models.change import ACTIONS, Change
from datahub.models.execution import Execution
from datahub.models.party import Store
from datahub.paging import PAGE_SIZE, Page, Slice, read_page


class Run(NamedTuple):
    execution_id: str
    job_name: str


class Recorded(NamedTuple):
    """The execution's public id and its job's name; None for a change by page or API. `store` is the external id of
    the one whose record changed, where keys count within a store. `differences` is what the change says of fields, in
    values as records have them: decimals as Decimal, and without stores that the session does not see."""

    change: Change
    execution_id: str | None
    job_name: str | None
    store: str | None
    differences: dict[str, Any] | None


def find_changes(
    session: Session,
    entity: str,
    external_id: str,
    *,
    store_id: int | None = None,
    descending: bool = True,
    page: int = 0,
    size: int = PAGE_SIZE,
) -> Slice[Recorded]:
    """By time, those of the parts included, whichever import brought them. `store_id` is that of the store, of an
    entity whose keys count within one."""
    order = Change.id.desc() if descending else Change.id.asc()
    query = _changes(entity, external_id, store_id).order_by(order).offset(page * size).limit(size + 1)
    rows = [_recorded(session, *row) for row in session.execute(query)]
    return Slice(rows[:size], has_more=len(rows) > size)


def changes_page(
    session: Session,
    entity: str,
    external_id: str,
    *,
    store_id: int | None = None,
    before: str = "",
    after: str = "",
    size: int = PAGE_SIZE,
) -> Page[Recorded]:
    """Newest first."""
    query, recorded = _changes(entity, external_id, store_id), partial(_recorded, session)
    return read_page(session, query, Change.id, recorded, size=size, descending=True, before=before, after=after)


def imports_of(session: Session, entity: str, external_id: str) -> dict[datetime, Run]:
    """Those that changed the record itself, by the time that the ledger gives the change."""
    query = select(Change.at, Execution.public_id, Execution.job_name)
    query = query.join(Execution, Execution.id == Change.execution_id)
    query = query.where(Change.entity == entity, Change.record_key == external_id, Change.part == "")
    return {at: Run(execution_id, job_name) for at, execution_id, job_name in session.execute(query)}


def changes_of(
    session: Session,
    execution: Execution,
    *,
    action: str = "",
    before: str = "",
    after: str = "",
    size: int = PAGE_SIZE,
) -> Page[Recorded]:
    """What one execution changed, in the order of writing. An unknown action counts as none."""
    query = select(Change, literal(execution.public_id), literal(execution.job_name), Store.external_id)
    query = query.outerjoin(Store, Store.id == Change.store_id)
    query = query.where(Change.execution_id == execution.id)
    if action in ACTIONS:
        query = query.where(Change.action == action)
    return read_page(session, query, Change.id, partial(_recorded, session), size=size, before=before, after=after)


def _changes(entity: str, external_id: str, store_id: int | None) -> Select[Change, str, str, str]:
    query = select(Change, Execution.public_id, Execution.job_name, Store.external_id)
    query = query.outerjoin(Execution, Execution.id == Change.execution_id)
    query = query.outerjoin(Store, Store.id == Change.store_id)
    others = [other.name for other in adding_to(RECORDS[entity])] if entity in RECORDS else []
    query = query.where(Change.entity.in_([entity, *others]), Change.record_key == external_id)
    return query if store_id is None else query.where(Change.store_id == store_id)


def _recorded(
    session: Session, change: Change, execution_id: str | None, job_name: str | None, store: str | None
) -> Recorded:
    limit, differences = store_limits.of_session(session), _with_decimals(change)
    if limit is not None and differences and change.entity in RECORDS:
        of_stores = {field.key for field in RECORDS[change.entity].fields if field.refers_to is A_STORE}
        differences = {
            key: [limit.visible(value or []) for value in pair] if key in of_stores else pair
            for key, pair in differences.items()
        }
    return Recorded(change, execution_id, job_name, store, differences)


def _with_decimals(change: Change) -> dict[str, list[Any]] | None:
    """The ledger keeps decimals as text."""
    if not change.changes:
        return change.changes
    fields = ENTITIES[change.entity].named()
    numbers = {key for key in change.changes if key in fields and fields[key].type is NUMBER}
    return {
        key: [Decimal(value) if key in numbers and value is not None else value for value in pair]
        for key, pair in change.changes.items()
    }
