"""The change ledger: a line for whatever an import created, updated or deleted. The caller commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Select, case, insert, literal, select
from sqlalchemy.orm import Session

from datahub.jobs.merging.merge import CREATE, REVIVE, Updated
from datahub.jobs.merging.staging import load
from datahub.models import change
from datahub.models.change import Change

ACTIONS = {CREATE: change.CREATED, REVIVE: change.CREATED}
COLUMNS = (
    "execution_id",
    "actor",
    "entity",
    "record_key",
    "part",
    "part_key",
    "action",
    "changes",
    "file",
    "line",
    "store_id",
    "at",
)


@dataclass(frozen=True)
class Source:
    """By whom, and in which execution; None for a change by page or API. `file` and `line` are for `note` alone: what
    is merged brings its own. `store_id` as Change has it."""

    entity: str
    execution_id: int | None
    actor: str
    file: str | None = None
    line: int | None = None
    store_id: int | None = None


def write_made(connection: Connection, source: Source, part: str, found: Select[Any], now: datetime) -> None:
    """A line for each that `Merge.made` finds, without leaving the database."""
    table: Any = Change.__table__
    rows = found.subquery()
    values = {
        "execution_id": literal(source.execution_id, table.c.execution_id.type),
        "actor": literal(source.actor),
        "entity": literal(source.entity),
        "record_key": rows.c.record_key,
        "part": literal(part),
        "part_key": rows.c.key if part else literal(""),
        "action": case(ACTIONS, value=rows.c.action),
        "file": rows.c.file,
        "line": rows.c.line,
        "store_id": literal(source.store_id, table.c.store_id.type),
        "at": literal(now, table.c.at.type),
    }
    connection.execute(insert(table).from_select(list(values), select(*values.values())))


def write_changes(
    connection: Connection, source: Source, part: str, action: str, updates: Sequence[Updated], now: datetime
) -> None:
    """A line for each, with what its fields held and come to."""
    if not updates:
        return
    table: Any = Change.__table__
    rows = (
        (
            source.execution_id,
            source.actor,
            source.entity,
            update.record_key,
            part,
            update.key if part else "",
            action,
            _plain(update.fields),
            update.file,
            update.line,
            source.store_id,
            now,
        )
        for update in updates
    )
    load(connection, table, rows, COLUMNS)


def note(
    session: Session,
    source: Source,
    key: str,
    action: str,
    changes: dict[str, list[Any]] | None,
    now: datetime,
    *,
    part: str = "",
    part_key: str = "",
) -> None:
    """One line, for what is changed one by one."""
    session.add(
        Change(
            execution_id=source.execution_id,
            actor=source.actor,
            entity=source.entity,
            record_key=key,
            part=part,
            part_key=part_key,
            action=action,
            changes=_plain(changes),
            file=source.file,
            line=source.line,
            at=now,
        )
    )


def _plain(changes: dict[str, list[Any]] | None) -> dict[str, list[Any]] | None:
    if changes is None:
        return None
    return {name: [_as_json(old), _as_json(new)] for name, (old, new) in changes.items()}


def _as_json(value: Any) -> Any:
    """Decimals as text, which keeps them exact."""
    return format(value.normalize(), "f") if isinstance(value, Decimal) else value
