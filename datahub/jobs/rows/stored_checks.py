"""Checks of rows that ask what is stored.

Values are unique as if the records of a chunk were written one after the other: it does not matter where chunks end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, select

from datahub.db import in_batches
from datahub.entities.base import Field
from datahub.jobs.merging.stored_values import stored_values
from datahub.jobs.merging.target import Target
from datahub.jobs.rows.fold import Record
from datahub.jobs.rows.plan import Plan, fault_of_check


def broken_with_stored(
    connection: Connection, plan: Plan, records: Sequence[Record]
) -> Iterator[tuple[Record, Field, dict[str, str]]]:
    """Each with its fault."""
    for check in plan.entity.checks:
        given = [(record, _given(plan, record)) for record in records if not record.remove]
        checked = [(record, values) for record, values in given if check.field.column in values]
        if not check.stored or not checked:
            continue
        fresh = {item.column: item.fresh_default() for item in plan.entity.fields if item.column in check.stored}
        stored = stored_values(connection, plan.root, check.stored, [record.key for record, _ in checked])
        for record, values in checked:
            final = {**stored.get(record.key, fresh), **values}
            if message := check.fault(final):
                yield record, check.field, fault_of_check(check, final, message)


def _given(plan: Plan, record: Record) -> dict[str, Any]:
    pairs = zip(plan.root.given, record.values, strict=True)
    return {item.column: value for item, value in pairs if value is not None}


def second_holders(
    connection: Connection, target: Target, records: Sequence[Record]
) -> Iterator[tuple[Record, Field, str]]:
    """With the field, and the value that is another record's. `records` are in the order of writing."""
    for place, item in enumerate(target.given):
        if item.unique:
            for record in _second_holders(connection, target, place, records):
                yield record, item, str(record.values[place])


def _second_holders(connection: Connection, target: Target, place: int, records: Sequence[Record]) -> Iterator[Record]:
    given = {record.values[place] for record in records if record.values[place] is not None}
    holders, held = _holders(connection, target, target.given[place], given, [record.key for record in records])
    for record in records:
        value = None if record.remove else record.values[place]
        if value is None and not record.remove:
            continue
        if holders.get(value, record.key) != record.key:
            yield record
            continue
        if (old := held.get(record.key)) is not None:
            del holders[old]
        if value is not None:
            holders[value] = record.key


def _holders(
    connection: Connection, target: Target, item: Field, values: set[Any], keys: Sequence[str]
) -> tuple[dict[Any, str], dict[str, Any]]:
    """The live records that have these values, and what those of these keys have."""
    key, value = target.table.c[target.key.column], target.table.c[item.column]
    query = select(key, value).where(value.is_not(None), target.table.c.deleted_at.is_(None))
    ways = [query.where(value.in_(batch)) for batch in in_batches(values)]
    ways += [query.where(key.in_(batch)) for batch in in_batches(keys)]
    rows = [(row[0], row[1]) for way in ways for row in connection.execute(way)]
    return {own: holder for holder, own in rows}, dict(rows)
