"""What keeps imports and other writers apart on PostgreSQL, where they write side by side: locks on the rows that a
chunk is about to change, and looks whether what it has read is still so. SQLite has one writer and needs none of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, literal, or_, select

from datahub.db import only_reads
from datahub.jobs.merging.again import CameBetweenError
from datahub.jobs.merging.merge import CREATE, DELETE, REVIVE, UPDATE, Merge
from datahub.jobs.merging.target import Target, is_reference


def lock_deleted(connection: Connection, merge: Merge, parts: Sequence[Target]) -> None:
    """Before it is asked whether anything refers to them: whoever refers to one of them from now on must wait, since
    foreign keys lock what they point at. `parts` go along. Where the transaction only reads, nothing comes of it."""
    if not _has_many_writers(connection) or DELETE not in merge.wanted() or only_reads(connection):
        return
    table = merge.target.table
    for locked, which in ((table, table.c.id), *((part.table, part.table.c[part.owner_column]) for part in parts)):
        query = select(locked.c.id).where(which.in_(merge.deleted())).order_by(locked.c.id)
        connection.execute(query.with_for_update()).all()


def lock_changed(connection: Connection, merge: Merge, seen: Mapping[str, datetime] | None) -> None:
    """Raises CameBetweenError where one of the rows was changed since it was read. `seen` says by key when the rows
    had last been changed whose JSON was read, which happens before the others are compared."""
    table, work = merge.target.table, merge.work.c
    if (
        not _has_many_writers(connection)
        or "updated_at" not in table.c
        or merge.wanted().isdisjoint((UPDATE, REVIVE, DELETE))
    ):
        return
    query = select(work.key, work.action, work.seen_at, table.c.updated_at).join(table, table.c.id == work.id)
    query = query.where(work.action.in_((UPDATE, REVIVE, DELETE))).order_by(table.c.id)
    for key, action, seen_at, updated_at in connection.execute(query.with_for_update(of=table, key_share=True)).all():
        known = seen.get(key) if seen is not None and action == UPDATE else seen_at
        if not known == seen_at == updated_at:
            raise CameBetweenError(f"{table.name} {key}")


def require_referred(connection: Connection, merge: Merge, now: datetime) -> None:
    """After apply, when foreign keys hold what the rows refer to until the commit. Raises CameBetweenError where one of
    it has been deleted, other than by this chunk, which stamps with `now`."""
    if not _has_many_writers(connection) or merge.wanted().isdisjoint((CREATE, REVIVE, UPDATE)):
        return
    gone = [and_(points, deleted_at != now) for points, deleted_at in _referred(merge)]
    if gone and connection.scalar(select(literal(1)).select_from(merge.work).where(or_(*gone)).limit(1)):
        raise CameBetweenError(merge.target.table.name)


def _referred(merge: Merge) -> Iterator[tuple[ColumnElement[bool], ColumnElement[Any]]]:
    """Which rows have come to point at something, and when that was deleted: asked row by row, since PostgreSQL might
    else read the whole other table to join it."""
    work, target = merge.work.c, merge.target
    is_new = work.action.in_((CREATE, REVIVE))
    pointed: list[tuple[ColumnElement[bool], Any, str, ColumnElement[Any]]] = []
    if target.owner:
        pointed.append((is_new, target.owner.table, "id", work.owner_id))
    if is_reference(target, target.key) and target.key.refers_to:
        pointed.append((is_new, target.key.refers_to.model.__table__, "external_id", work.key))
    for field in target.given:
        if is_reference(target, field) and field.refers_to:
            points = or_(is_new, and_(work.action == UPDATE, work[f"d_{field.column}"]))
            pointed.append((points, field.refers_to.model.__table__, "id", work[f"r_{field.column}"]))
    for points, table, column, value in pointed:
        if "deleted_at" in table.c:
            other = table.alias()
            yield points, select(other.c.deleted_at).where(other.c[column] == value).scalar_subquery()


def _has_many_writers(connection: Connection) -> bool:
    return connection.dialect.name == "postgresql"
