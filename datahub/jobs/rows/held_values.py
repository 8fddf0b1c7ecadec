"""Records under whose external ids others hold values: they may not be deleted yet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, literal, select

from datahub.db import elements_of, in_batches
from datahub.entities.base import EntityType, Holder
from datahub.jobs.rows.fold import Record


def still_held(
    connection: Connection, entity: EntityType, records: Sequence[Record]
) -> Iterator[tuple[Record, list[str]]]:
    """Each with what holds values of it, or lists it."""
    going = [record.key for record in records if record.remove]
    held = [(holder.what, _held(connection, holder, going)) for holder in entity.held_by if going]
    for record in records:
        if record.remove and (holders := [what for what, keys in held if record.key in keys]):
            yield record, holders


def holders_of(connection: Connection, entity: EntityType, key: str) -> list[str]:
    """What holds values under an external id, or lists it."""
    return [holder.what for holder in entity.held_by if _held(connection, holder, [key])]


def _held(connection: Connection, holder: Holder, keys: Sequence[str]) -> set[str]:
    """Those of the keys that it holds."""
    lives = holder.column.class_.deleted_at.is_(None)
    if holder.is_list:
        listed = elements_of(holder.column, connection.dialect.name)
        query = select(listed.c.value).select_from(holder.column.class_).join(listed, literal(True)).where(lives)
        batches = (query.where(listed.c.value.in_(batch)).distinct() for batch in in_batches(keys))
        return {key for found in batches for key in connection.scalars(found)}
    found = (select(literal(1)).where(lives, holder.column[key].as_string().is_not(None)).limit(1) for key in keys)
    return {key for key, query in zip(keys, found, strict=True) if connection.scalar(query)}
