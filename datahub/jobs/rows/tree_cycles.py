"""Records of a tree that would become their own ancestors by way of records that are stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import Connection, select

from datahub.db import in_batches
from datahub.entities.base import Field
from datahub.jobs.merging.target import Target
from datahub.jobs.rows.fold import Record

OWN_ANCESTOR = "It would be its own ancestor. Give one of them another parent."


def new_cycles(
    connection: Connection, target: Target, records: Sequence[Record]
) -> Iterator[tuple[Record, Field, str]]:
    """With the field of the parent, and the parent that is given. The file was looked through as a whole before: here
    it is what others have changed since."""
    for place, item in enumerate(target.given):
        if item.refers_to is None or item.refers_to.model is not target.model:
            continue
        given = {record.key: record for record in records if record.values[place] is not None and not record.remove}
        stored = dict(_ways_up(connection, target, item, given, climbs=False))
        moved = {key: record for key, record in given.items() if key in stored and stored[key] != record.values[place]}
        above = (record.values[place] for record in moved.values())
        parents: dict[str, str | None] = dict(_ways_up(connection, target, item, above, climbs=True))
        parents |= {key: record.values[place] for key, record in given.items()}
        for record in moved.values():
            if _is_own_ancestor(record.key, parents):
                yield record, item, record.values[place]


def _ways_up(
    connection: Connection, target: Target, item: Field, keys: Iterable[str], *, climbs: bool
) -> Iterator[tuple[str, str | None]]:
    """Live records of these keys with their stored parents, and all their ancestors with theirs."""
    table, key = target.table, target.key.column
    live = (table.c.deleted_at.is_(None), target.within(table))
    parent = table.alias("parent")
    for batch in in_batches(keys):
        records = select(table.c.id, table.c[key], table.c[item.column]).where(*live)
        found = records.where(table.c[key].in_(batch)).cte("found", recursive=climbs)
        if climbs:
            found = found.union(records.join(found, table.c.id == found.c[item.column]))
        query = select(found.c[key], parent.c[key]).outerjoin(parent, parent.c.id == found.c[item.column])
        for row in connection.execute(query):
            yield row[0], row[1]


def _is_own_ancestor(key: str, parents: dict[str, str | None]) -> bool:
    seen = {key}
    current = parents.get(key)
    while current is not None and current not in seen:
        seen.add(current)
        current = parents.get(current)
    return current == key
