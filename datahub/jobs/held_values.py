"""Records that may not be deleted yet, because others hold values under their external ids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, literal, select

from datahub.jobs.import_fold import Record
from datahub.jobs.import_plan import Plan


def still_held(connection: Connection, plan: Plan, records: Sequence[Record]) -> Iterator[tuple[Record, list[str]]]:
    """Each with what holds values of it."""
    for record in records:
        if not record.remove:
            continue
        holders = []
        for holder in plan.entity.held_by:
            is_held = holder.column[record.key].as_string().is_not(None)
            lives = holder.column.class_.deleted_at.is_(None)
            if connection.scalar(select(literal(1)).where(lives, is_held).limit(1)):
                holders.append(holder.what)
        if holders:
            yield record, holders
