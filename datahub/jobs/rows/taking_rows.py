"""Rows that only take parts away from a record: they make none that is not there."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from datahub.jobs.merging.stored_values import stored_values
from datahub.jobs.rows.fold import Record, Row
from datahub.jobs.rows.plan import Plan


def leave_unmade(connection: Connection, plan: Plan, records: Sequence[Record]) -> None:
    """Where the key alone would make a record, as that of an assortment does: then its rows take away what is not
    there, and are told so. May be repeated."""
    if plan.entity.must_exist or not plan.parts or any(item.required_on_create for item in plan.entity.fields):
        return
    taking = [record for record in records if all(_only_takes(row) for row in record.rows)]
    there = stored_values(connection, plan.root, [plan.root.key.column], [record.key for record in taking])
    for record in taking:
        if record.key not in there:
            record.remove, record.parts = True, [{} for _ in record.parts]


def _only_takes(row: Row) -> bool:
    named = [mention for mention in row.parts if mention.keys]
    return bool(named) and all(mention.remove for mention in named)
