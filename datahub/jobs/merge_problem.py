"""Why staged rows cannot be applied."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, select

from datahub.entities.base import Field
from datahub.jobs.in_batches import in_batches
from datahub.jobs.merge_target import Target

IN_USE, BELONGS_TO_ANOTHER = "in_use", "belongs_to_another"


@dataclass(frozen=True)
class Problem:
    """`key` is that of the row's record or part; the message is that of a broken rule."""

    sequence: int
    key: str
    code: str
    field: Field
    message: str = ""


def cannot_delete(what: str) -> str:
    return f"It cannot be deleted: {what} still refer to it."


def owners(connection: Connection, target: Target, parts: Iterable[str]) -> dict[str, str]:
    """By key of a part that belongs to one record only, the key of that record."""
    assert target.owner is not None  # noqa: S101  (records belong to nothing)
    part, owner = target.table.c, target.owner.table
    key = part[target.key.column]
    query = select(key, owner.c[target.owner.key.column]).join(owner, owner.c.id == part[target.owner_column])
    found = (connection.execute(query.where(key.in_(batch))) for batch in in_batches(parts))
    return {row[0]: row[1] for rows in found for row in rows}
