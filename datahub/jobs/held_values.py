"""Records under whose external ids others hold values: they may not be deleted yet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, literal, select

from datahub.jobs.import_fold import Record
from datahub.jobs.import_plan import Plan


def still_held(connection: Connection, plan: Plan, records: Sequence[Record]) -> Iterator[tuple[Record, list[str]]]:
    """Each with what holds values of it."""
    for record in records:
        if record.remove and (holders := holders_of(connection, plan, record.key)):
            yield record, holders


def holders_of(connection: Connection, plan: Plan, key: str) -> list[str]:
    """What holds values under an external id."""
    holders = []
    for holder in plan.entity.held_by:
        is_held = holder.column[key].as_string().is_not(None)
        lives = holder.column.class_.deleted_at.is_(None)
        if connection.scalar(select(literal(1)).where(lives, is_held).limit(1)):
            holders.append(holder.what)
    return holders
