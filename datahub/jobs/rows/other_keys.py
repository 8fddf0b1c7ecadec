"""Rows that name their record by another field than its key get that key, so that all rows of a record meet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from sqlalchemy import Connection, delete, insert, select

from datahub.entities.base import Field
from datahub.jobs.rows.act_writer import ACTS
from datahub.jobs.rows.plan import Plan
from datahub.models.import_run import SettledKeys
from datahub.storage import AFTER_BY_OTHER, Spool, is_ordered, rewritten

AT_A_TIME = 1000

# Pairs of the key of a record and what rows call it.
Pairs = list[tuple[str, str]]


def settle(path: Path, plan: Plan, find: Callable[[Spool, Field], Iterator[Pairs]]) -> None:
    """Once for each spool, whole or not at all; nobody else may have it open. What nothing is found for keeps what it
    says."""
    other = plan.entity.other_key
    if other is None or other not in plan.root.given or is_ordered(path):
        return
    with rewritten(path) as spool:
        # Where rows act one by one, each names its record for itself.
        said = _said(spool, plan, other) if ACTS[plan.entity.name].is_joint else ()
        spool.set_keys(chain(chain.from_iterable(find(spool, other)), said))


def stored(
    spool: Spool, other: Field, *, plan: Plan, connection: Connection, keep: Callable[[int, Pairs], None]
) -> Iterator[Pairs]:
    """What records are called by now. `keep` gets each page, counted from 1, in the transaction that found it."""
    after, page = "", 0
    while names := spool.other_keys(after, AT_A_TIME):
        after, page = names[-1], page + 1
        with connection.begin():
            pairs = called(connection, plan, other, names)
            keep(page, pairs)
        yield pairs


def called(connection: Connection, plan: Plan, other: Field, names: Sequence[str]) -> Pairs:
    """The records that are called so by now."""
    columns = plan.root.table.c
    query = select(columns[plan.entity.key.column], columns[other.column]).where(columns[other.column].in_(names))
    return [(key, name) for key, name in connection.execute(query)]


def keep(connection: Connection, execution_id: int, page: int, pairs: Pairs) -> None:
    """The first page takes the place of all that were kept before. The caller commits."""
    if page == 1:
        connection.execute(delete(SettledKeys).where(SettledKeys.execution_id == execution_id))
    connection.execute(insert(SettledKeys).values(execution_id=execution_id, page=page, pairs=pairs))


def kept(connection: Connection, execution_id: int) -> Iterator[Pairs]:
    query = select(SettledKeys.pairs).where(SettledKeys.execution_id == execution_id).order_by(SettledKeys.page)
    with connection.begin():
        yield from connection.scalars(query.execution_options(yield_per=1))


def _said(spool: Spool, plan: Plan, other: Field) -> Iterator[tuple[str, str]]:
    """A row that gives both names tells which record the other one is of, if nothing else is called so."""
    place = plan.root.given.index(other)
    for key, (_, values, *_) in spool.each_value():
        if key > AFTER_BY_OTHER and values[place]:
            yield key, values[place]
