"""Links of other records to what a merge deletes: they go along, and the ledger says of which record."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, select

from datahub.entities import ENTITIES
from datahub.entities.base import Link
from datahub.jobs.merging.gone import read_gone
from datahub.jobs.merging.merge import DELETE, Merge, Updated
from datahub.jobs.merging.target import referred


def gone_links(connection: Connection, merge: Merge, link: Link, parts: Merge | None) -> list[Updated]:
    """In the order of the rows that delete. With `parts`, those to parts of this kind that go with what the merge
    deletes. Asked before apply."""
    work, owner, table = merge.work.c, link.owner_model.__table__, link.column.class_.__table__
    (part,) = (part for part in ENTITIES[link.entity].parts if part.shown_as == link.shown_as)
    key: ColumnElement[Any] = table.c[part.key_field.column]
    if part.key_field.refers_to is not None:
        other = referred(part.key_field)
        key = select(other.c.external_id).where(other.c.id == key).scalar_subquery()
    source: Any = merge.work
    target: ColumnElement[Any] = work.id
    if parts is not None:
        of = parts.target.table
        source = source.join(of, of.c[parts.target.owner_column] == work.id)
        target = of.c.id
    columns = (owner.c.external_id.label("record_key"), key.label("key"), work.file, work.line)
    query = select(*columns, *(table.c[field.column] for field in part.fields))
    query = query.select_from(source).join(table, link.column == target).join(owner, owner.c.id == link.owner)
    return read_gone(connection, query.where(work.action == DELETE).order_by(work.sequence, table.c.id), part.fields)


def drop_links(connection: Connection, merge: Merge, link: Link, parts: Merge | None) -> None:
    """Those that gone_links finds."""
    targets = merge.deleted()
    if parts is not None:
        of = parts.target.table
        targets = select(of.c.id).where(of.c[parts.target.owner_column].in_(targets))
    connection.execute(delete(link.column.class_.__table__).where(link.column.in_(targets)))
