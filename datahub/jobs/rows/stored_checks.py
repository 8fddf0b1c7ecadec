"""Checks of a row that also count what is stored where the row says nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection

from datahub.entities.base import Field
from datahub.jobs.merging.stored_values import stored_values
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
