"""Who is limited to some stores, and the one place that keeps the rows of all others from them.

A session that is limited finds no order, execution, supplier … of another store, whatever statement a route makes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

from sqlalchemy import ClauseElement, Table, event, select
from sqlalchemy.orm import ORMExecuteState, Session
from sqlalchemy.sql.util import find_tables

from datahub.access import store_criteria, users
from datahub.errors import InvalidError
from datahub.models.access import ADMIN, User
from datahub.models.party import DEFAULT_STORE, Store

_LIMIT = "store limit"


@dataclass(frozen=True)
class StoreLimit:
    """The stores that somebody sees: their ids, and their external ids in the same order."""

    ids: tuple[int, ...]
    external_ids: tuple[str, ...]

    def visible(self, external_ids: Iterable[str]) -> list[str]:
        return [external_id for external_id in external_ids if external_id in self.external_ids]

    def sees(self, stores: Collection[str]) -> bool:
        """Whether a supplier, product or offer with this list of stores is there for them."""
        return any(external_id in self.external_ids for external_id in stores or [DEFAULT_STORE])

    def words(self) -> str:
        return ", ".join(self.external_ids)


def of_user(user: User) -> StoreLimit | None:
    """None for a user who sees all stores."""
    if user.role == ADMIN or not user.stores:
        return None
    return StoreLimit(tuple(it.id for it in user.stores), tuple(it.external_id for it in user.stores))


def choices(session: Session) -> list[Store]:
    """By external id, those to which somebody can be limited."""
    return list(session.scalars(select(Store).order_by(Store.external_id)))


def choose(session: Session, user: User, external_ids: Sequence[str]) -> None:
    """Limits the user to these stores, or with none lets them see all. Flushes.

    Raises InvalidError at `stores` for one that does not exist, and for an ADMIN, who always sees all."""
    users.lock(session, user)
    wanted = dict.fromkeys(text for given in external_ids if (text := given.strip()))
    stores = list(session.scalars(select(Store).where(Store.external_id.in_(wanted)).order_by(Store.external_id)))
    unknown = wanted.keys() - {store.external_id for store in stores}
    faults = []
    if unknown:
        faults.append("There is no store with the external id " + ", ".join(sorted(unknown)) + ".")
    if wanted and user.role == ADMIN:
        faults.append("An ADMIN sees every store. Choose another role first, or no store.")
    if faults:
        raise InvalidError("The stores were not changed.", {"stores": faults})
    user.stores = stores
    session.flush()


def limit(session: Session, limit: StoreLimit | None) -> None:
    """From now on the session sees what belongs to these stores, and what is shared by all; None lets it see all."""
    session.info[_LIMIT] = limit


def of_session(session: Session) -> StoreLimit | None:
    found: StoreLimit | None = session.info.get(_LIMIT)
    return found


@contextmanager
def lifted(session: Session) -> Iterator[None]:
    """For what the hub does by itself in a request, such as to find the exports that a status owes. Nothing that is
    read here may be shown."""
    before = of_session(session)
    limit(session, None)
    try:
        yield
    finally:
        limit(session, before)


def visible(session: Session, external_ids: Iterable[str]) -> list[str]:
    """Those of these stores that the session sees."""
    known = of_session(session)
    return list(external_ids) if known is None else known.visible(external_ids)


@event.listens_for(Session, "do_orm_execute")
def _keep_to_stores(state: ORMExecuteState) -> None:
    known = of_session(state.session)
    if known is None or state.is_insert:
        return
    if not state.is_orm_statement:
        _refuse_plain(state)
    elif not (state.is_column_load or state.is_relationship_load):
        # What hangs on a row that was found belongs to it: an order shows its supplier.
        dialect = state.session.get_bind().dialect.name
        criteria = store_criteria.criteria(known.ids, known.external_ids, dialect)
        state.statement = state.statement.options(*criteria)


def _refuse_plain(state: ORMExecuteState) -> None:
    """A statement over bare tables would pass by every criterion."""
    statement = cast(ClauseElement, state.statement)
    parts = dict.fromkeys(("include_joins", "include_aliases", "include_selects", "include_crud"), True)
    tables = {table.name for table in find_tables(statement, **parts) if isinstance(table, Table)}
    if tables & store_criteria.TABLES:
        raise AssertionError(f"limited to stores, but asked without the models for {', '.join(sorted(tables))}")
