"""What a merge is about to delete, with the values that it has: of parts nothing else would know them, and of records
nothing once their keys come back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, select

from datahub.entities.base import Field
from datahub.entities.extras import personal_fields
from datahub.jobs.merging.merge import DELETE, Merge, Updated


def gone(connection: Connection, merge: Merge) -> list[Updated]:
    """In the order of the rows, each field that has more than its default with its value and None. Asked before apply,
    as all of these."""
    work, table, fields = merge.work.c, merge.target.table, merge.target.fields
    columns = (work.record_key, work.key, work.file, work.line)
    query = select(*columns, *(merge.stored(field) for field in fields))
    query = query.select_from(merge.work.join(table, table.c.id == work.id)).where(work.action == DELETE)
    return read_gone(connection, query.order_by(work.sequence), fields)


def gone_along(connection: Connection, merge: Merge, owner: Merge) -> list[Updated]:
    """The parts that go with what `owner` deletes."""
    work, target, fields = owner.work.c, merge.target, merge.target.fields
    columns = (work.record_key, merge.shown_key().label("key"), work.file, work.line)
    query = select(*columns, *(merge.stored(field) for field in fields))
    query = query.select_from(target.table.join(owner.work, target.table.c[target.owner_column] == work.id))
    query = query.where(work.action == DELETE)
    if target.is_hidden_when_deleted:
        query = query.where(target.table.c.deleted_at.is_(None))
    return read_gone(connection, query.order_by(target.table.c.id), fields)


def as_it_was(fields: Sequence[Field], values: Sequence[Any]) -> dict[str, list[Any]]:
    """By key of a field, its value and None: of those that say more than the default and are not personal."""
    personal = personal_fields(fields)
    pairs = [(field, value) for field, value in zip(fields, values, strict=True) if value not in (None, "", [], {})]
    return {
        field.key: [value, None] for field, value in pairs if field not in personal and value != field.fresh_default()
    }


def read_gone(connection: Connection, query: Select[Any], fields: Sequence[Field]) -> list[Updated]:
    """`query` finds record key, key, file and line, then the values of the fields."""
    return [
        Updated(record_key, key, file, line, as_it_was(fields, values))
        for record_key, key, file, line, *values in connection.execute(query).all()
    ]
