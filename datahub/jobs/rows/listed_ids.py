"""Lists of external ids are JSON, which a merge cannot look into: what they name must exist, and where their field says
so, goes from them when it is deleted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, exists, literal, null, select, update

from datahub.db import elements_of, in_batches, only_reads
from datahub.entities.base import Field, Listed
from datahub.jobs.merging.merge import DELETE, Merge, Updated
from datahub.jobs.merging.target import Target, is_json
from datahub.jobs.rows.fold import Record


class Shortened(NamedTuple):
    """`store_id` is that of the store that the record's key counts within, if it does."""

    store_id: int | None
    record_key: str
    old: list[str]
    new: list[str]


def unknown_in_lists(
    connection: Connection, target: Target, records: Sequence[Record]
) -> Iterator[tuple[Record, Field, list[str]]]:
    """Each with what it names and is not there. What is there cannot be deleted by others until the commit, unless the
    transaction only reads."""
    for place, item in enumerate(target.given):
        if item.refers_to is None or not is_json(target, item):
            continue
        table = item.refers_to.model.__table__
        named = {key for record in records for key in record.values[place] or ()}
        query = select(table.c.external_id)
        if "deleted_at" in table.c:
            query = query.where(table.c.deleted_at.is_(None))
            query = query if only_reads(connection) else query.with_for_update(read=True, key_share=True)
        in_named = (query.where(table.c.external_id.in_(batch)) for batch in in_batches(sorted(named)))
        known = {key for found in in_named for key in connection.scalars(found)}
        for record in records:
            missing = [key for key in record.values[place] or () if key not in known]
            if missing and not record.remove:
                yield record, item, missing


def shortened_by(
    connection: Connection, merge: Merge, listed: Listed, now: datetime
) -> dict[int | None, list[Updated]]:
    """What the merge is about to delete goes from the lists: a line of the ledger for each, put down to the first row
    that deletes something of it, by store."""
    work = merge.work.c
    query = select(work.key, work.file, work.line).where(work.action == DELETE).order_by(work.sequence)
    rows = {key: (file, line) for key, file, line in connection.execute(query)}
    lines: dict[int | None, list[Updated]] = {}
    for store_id, record_key, old, new in drop_from_lists(connection, listed, rows, now):
        file, line = next(row for key, row in rows.items() if key in old and key not in new)
        lines.setdefault(store_id, []).append(Updated(record_key, "", file, line, {listed.field: [old, new]}))
    return lines


def drop_from_lists(connection: Connection, listed: Listed, gone: Collection[str], now: datetime) -> list[Shortened]:
    """Takes these ids away."""
    table = listed.column.class_.__table__
    stored = table.c[listed.column.key]
    given = {stored.name: bindparam("new", type_=stored.type), "updated_at": now}
    found = []
    for number, store_id, record_key, old in _that_name(connection, table, stored, gone):
        new = [key for key in old if key not in gone]
        connection.execute(
            update(table).where(table.c.id == bindparam("number")).values(given), [{"number": number, "new": new}]
        )
        found.append(Shortened(store_id, record_key, old, new))
    return found


def _that_name(
    connection: Connection, table: Any, stored: Any, gone: Iterable[str]
) -> list[tuple[int, int | None, str, list[str]]]:
    """Id, store, external id and list of the live records whose lists name one of the keys, which nobody changes
    meanwhile."""
    named = elements_of(stored, connection.dialect.name)
    store = table.c.get("store_id", null())
    query = (
        select(table.c.id, store, table.c.external_id, stored).where(table.c.deleted_at.is_(None)).order_by(table.c.id)
    )
    found: dict[int, tuple[int, int | None, str, list[str]]] = {}
    for batch in in_batches(gone):
        is_named = exists(select(literal(1)).select_from(named).where(named.c.value.in_(batch)))
        for number, store_id, key, ids in connection.execute(query.where(is_named).with_for_update(of=table)):
            found[number] = (number, store_id, key, ids)
    return list(found.values())
