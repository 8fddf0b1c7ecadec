"""Rows that name their record by another field than its key get that key, so that all rows of a record meet."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from sqlalchemy import Connection, select

from datahub.entities.base import Field
from datahub.jobs.act_writer import ACTS
from datahub.jobs.import_plan import Plan
from datahub.models.change import CREATED, Change
from datahub.storage import AFTER_BY_OTHER, Spool, is_ordered, rewritten

AT_A_TIME = 1000


def settle(path: Path, plan: Plan, connection: Connection, execution_id: int) -> None:
    """Once for each spool; nobody else may have it open. What no record is called by keeps what it says. So does what
    this execution has made: rows come in the same order again where another worker had to read them afresh."""
    other = plan.entity.other_key
    if other is None or other not in plan.root.given or is_ordered(path):
        return
    with rewritten(path) as spool:
        # Where rows act one by one, each names its record for itself.
        said = _said(spool, plan, other) if ACTS[plan.entity.name].is_joint else ()
        spool.set_keys(chain(_known(spool, plan, other, connection, execution_id), said))


def _said(spool: Spool, plan: Plan, other: Field) -> Iterator[tuple[str, str]]:
    """A row that gives both names tells which record the other one is of, if nothing else is called so."""
    place = plan.root.given.index(other)
    for key, (_, values, *_) in spool.each_value():
        if key > AFTER_BY_OTHER and values[place]:
            yield key, values[place]


def _known(
    spool: Spool, plan: Plan, other: Field, connection: Connection, execution_id: int
) -> Iterator[tuple[str, str]]:
    """Pairs of the key and what the rows call it."""
    columns = plan.root.table.c
    key = columns[plan.entity.key.column]
    own = select(Change.id).where(Change.execution_id == execution_id, Change.action == CREATED, Change.part == "")
    query = select(key, columns[other.column])
    query = query.where(~own.where(Change.record_key == key, Change.entity == plan.entity.acts_on).exists())
    after = ""
    while names := spool.other_keys(after, AT_A_TIME):
        after = names[-1]
        with connection.begin():
            yield from connection.execute(query.where(columns[other.column].in_(names)))
