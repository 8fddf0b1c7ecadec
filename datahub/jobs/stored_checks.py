"""Checks of a row that also count what is stored where the row says nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from datahub.entities.base import Check, Field
from datahub.jobs.import_fold import Record
from datahub.jobs.import_plan import Plan
from datahub.jobs.in_batches import in_batches


def broken_with_stored(
    connection: Connection, plan: Plan, records: Sequence[Record]
) -> Iterator[tuple[Record, Field, str]]:
    """With words for a person."""
    for check in plan.entity.checks:
        given = [(record, _given(plan, record)) for record in records if not record.remove]
        checked = [(record, values) for record, values in given if check.field.column in values]
        if not check.stored or not checked:
            continue
        stored = _stored(connection, plan, check, [record.key for record, _ in checked])
        for record, values in checked:
            if message := check.fault({**stored.get(record.key, {}), **values}):
                yield record, check.field, message


def _given(plan: Plan, record: Record) -> dict[str, Any]:
    pairs = zip(plan.root.given, record.values, strict=True)
    return {item.column: value for item, value in pairs if value is not None}


def _stored(connection: Connection, plan: Plan, check: Check, keys: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    table = plan.root.table
    key = table.c[plan.root.key.column]
    query = select(key, *(table.c[name] for name in check.stored))
    if plan.root.is_hidden_when_deleted:
        query = query.where(table.c.deleted_at.is_(None))
    return {
        external_id: dict(zip(check.stored, values, strict=True))
        for batch in in_batches(keys)
        for external_id, *values in connection.execute(query.where(key.in_(batch)))
    }
