"""Records of a tree that would become their own ancestors by way of records that are stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, select

from datahub.entities.base import Field
from datahub.jobs.import_fold import Record
from datahub.jobs.merge_target import Target

OWN_ANCESTOR = "It would be its own ancestor. Give one of them another parent."


def new_cycles(
    connection: Connection, target: Target, records: Sequence[Record]
) -> Iterator[tuple[Record, Field, str]]:
    """With the field of the parent, and the parent that is given."""
    for place, item in enumerate(target.given):
        if item.refers_to is None or item.refers_to.model is not target.model:
            continue
        child, parent = target.table.alias("child"), target.table.alias("parent")
        query = select(child.c[target.key.column], parent.c[target.key.column])
        query = query.join(parent, parent.c.id == child.c[item.column]).where(child.c.deleted_at.is_(None))
        query = query.where(target.within(child))
        parents = {row[0]: row[1] for row in connection.execute(query)}
        moved = [record for record in records if record.values[place] is not None and not record.remove]
        parents |= {record.key: record.values[place] for record in moved}
        for record in moved:
            if _is_own_ancestor(record.key, parents):
                yield record, item, record.values[place]


def _is_own_ancestor(key: str, parents: dict[str, str]) -> bool:
    seen = {key}
    current = parents.get(key)
    while current is not None and current not in seen:
        seen.add(current)
        current = parents.get(current)
    return current == key
