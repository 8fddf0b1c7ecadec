"""Which executions a search means: any part of their id, or the beginning of what they carry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    column,
    exists,
    func,
    literal,
    or_,
    select,
    table,
    union_all,
)
from sqlalchemy.orm import Session

from datahub.models.execution import Execution, Payload
from datahub.models.import_run import ImportFile

SEARCHABLE = frozenset("0123456789abcdef-")
ID_LENGTH = 36
# More than this many hits are so dense that the newest rows hold a page of them.
FEW = 3000
PART = 3
LAST = "\U0010ffff"
IDS = table("execution_ids", column("rowid", BigInteger()), column("execution_ids"))


@dataclass(frozen=True)
class Hits:
    """Either the `ids` of all, or None: then all rows match (`are_exact`), or too many to be listed do."""

    ids: list[int] | None
    are_exact: bool


def hits(session: Session, search: str, *, names: bool) -> Hits:
    """With `names` also by the beginning of an order's reference or of a file's name, in any case."""
    typed = search.strip()
    if not typed:
        return Hits(None, are_exact=True)
    if is_part_of_id(typed) and _is_short(typed):
        return Hits(None, are_exact=False)
    queries = list(_indexed(session, typed, names=names))
    if not queries:
        return Hits([], are_exact=True)
    limited = [select(query.limit(FEW + 1).subquery()) for query in queries]
    ids = set(session.scalars(union_all(*limited)))
    return Hits(None, are_exact=False) if len(ids) > FEW else Hits(sorted(ids), are_exact=True)


def is_part_of_id(typed: str) -> bool:
    """Ids hold hex digits and single dashes only."""
    return SEARCHABLE.issuperset(typed.lower()) and "--" not in typed and len(typed) <= ID_LENGTH


def matches(session: Session, search: str, *, names: bool) -> ColumnElement[bool]:
    """The same, asked of rows of Execution one by one."""
    typed = search.strip()
    asked: list[ColumnElement[bool]] = []
    if is_part_of_id(typed):
        asked.append(Execution.public_id.contains(typed.lower(), autoescape=True))
    if names:
        sent = exists().where(Payload.execution_id == Execution.id, _begins(session, Payload.file_name, typed))
        read = exists().where(ImportFile.execution_id == Execution.id, _begins(session, ImportFile.name, typed))
        asked += [_begins(session, Execution.entity_reference, typed), sent, read]
    return or_(*asked)


def _is_short(typed: str) -> bool:
    """No trigram of PostgreSQL says enough of it: they stop at dashes."""
    return len(typed) < PART or (len(typed) == PART and typed[1] == "-")


def _indexed(session: Session, typed: str, *, names: bool) -> Iterator[Select[Any]]:
    if is_part_of_id(typed):
        if len(typed) == ID_LENGTH:
            yield select(Execution.id).where(Execution.public_id == typed.lower())
        elif session.get_bind().dialect.name == "sqlite":
            yield select(IDS.c.rowid.label("id")).where(IDS.c.execution_ids.op("match")(f'"{typed.lower()}"'))
        else:
            yield select(Execution.id).where(Execution.public_id.like(f"%{typed.lower()}%"))
    if names:
        yield select(Execution.id).where(_begins(session, Execution.entity_reference, typed))
        yield select(Payload.execution_id).where(_begins(session, Payload.file_name, typed))
        yield select(ImportFile.execution_id).where(_begins(session, ImportFile.name, typed))


def _begins(session: Session, name: Any, typed: str) -> ColumnElement[bool]:
    """Said as each database finds it in the index."""
    folded = func.lower(name)
    if session.get_bind().dialect.name == "sqlite":
        return (folded >= func.lower(literal(typed))) & (folded < func.lower(literal(typed + LAST)))
    pattern = typed.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    return folded.like(func.lower(literal(pattern)))
