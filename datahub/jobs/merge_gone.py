"""What a merge is about to delete, with the values that it has: of parts and links nothing else would know them, and of
records nothing once their keys come back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, select

from datahub.entities import ENTITIES
from datahub.entities.base import Field, Link
from datahub.jobs.merge import DELETE, Merge, Updated


def gone(connection: Connection, merge: Merge) -> list[Updated]:
    """In the order of the rows, each field that has more than its default with its value and None. Asked before apply,
    as all of these."""
    work, table, fields = merge.work.c, merge.target.table, merge.target.fields
    columns = (work.record_key, work.key, work.file, work.line)
    query = select(*columns, *(merge.stored(field) for field in fields))
    query = query.select_from(merge.work.join(table, table.c.id == work.id)).where(work.action == DELETE)
    return _read(connection, query.order_by(work.sequence), fields)


def gone_along(connection: Connection, merge: Merge, owner: Merge) -> list[Updated]:
    """The parts that go with what `owner` deletes."""
    work, target, fields = owner.work.c, merge.target, merge.target.fields
    columns = (work.record_key, merge.shown_key().label("key"), work.file, work.line)
    query = select(*columns, *(merge.stored(field) for field in fields))
    query = query.select_from(target.table.join(owner.work, target.table.c[target.owner_column] == work.id))
    query = query.where(work.action == DELETE)
    if target.is_hidden_when_deleted:
        query = query.where(target.table.c.deleted_at.is_(None))
    return _read(connection, query.order_by(target.table.c.id), fields)


def gone_links(connection: Connection, merge: Merge, link: Link) -> list[Updated]:
    """The links of other records that go with what the merge deletes."""
    work, owner, table = merge.work.c, link.owner_model.__table__, link.column.class_.__table__
    (part,) = (part for part in ENTITIES[link.entity].parts if part.shown_as == link.shown_as)
    columns = (owner.c.external_id.label("record_key"), work.key, work.file, work.line)
    query = select(*columns, *(table.c[field.column] for field in part.fields))
    query = query.select_from(merge.work).join(table, link.column == work.id).join(owner, owner.c.id == link.owner)
    return _read(connection, query.where(work.action == DELETE).order_by(work.sequence), part.fields)


def as_it_was(fields: Sequence[Field], values: Sequence[Any]) -> dict[str, list[Any]]:
    """By key of a field, its value and None: of those that say more than the default and are not personal."""
    pairs = [(field, value) for field, value in zip(fields, values, strict=True) if value not in (None, "", [], {})]
    return {field.key: [value, None] for field, value in pairs if not field.personal and value != field.fresh_default()}


def _read(connection: Connection, query: Select[Any], fields: Sequence[Field]) -> list[Updated]:
    return [
        Updated(record_key, key, file, line, as_it_was(fields, values))
        for record_key, key, file, line, *values in connection.execute(query).all()
    ]
