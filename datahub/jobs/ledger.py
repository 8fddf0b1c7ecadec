"""The change ledger: a line for whatever an import created, updated or deleted. The caller commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from datahub.jobs.merge import CREATE, DELETE, REVIVE, UPDATE
from datahub.jobs.staging import load
from datahub.models import change
from datahub.models.change import Change
from datahub.storage import SpooledRow

ACTIONS = {CREATE: change.CREATED, REVIVE: change.CREATED, UPDATE: change.UPDATED, DELETE: change.DELETED}
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
    "at",
)


@dataclass(frozen=True)
class Source:
    """By whom, and in which execution; None for a change by page or API."""

    entity: str
    execution_id: int | None
    actor: str


@dataclass(frozen=True, slots=True)
class Entry:
    """`changes` are field: [old, new] of an update."""

    row: SpooledRow
    part: str
    part_key: str
    action: int
    changes: dict[str, list[Any]] | None


def write(connection: Connection, source: Source, entries: Sequence[Entry], now: datetime) -> None:
    table: Any = Change.__table__
    rows = (
        (
            source.execution_id,
            source.actor,
            source.entity,
            entry.row.key,
            entry.part,
            entry.part_key,
            ACTIONS[entry.action],
            _plain(entry.changes),
            entry.row.file,
            entry.row.line,
            now,
        )
        for entry in entries
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
    """One line, for a change by page or API."""
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
            at=now,
        )
    )


def _plain(changes: dict[str, list[Any]] | None) -> dict[str, list[Any]] | None:
    """Decimals as text, which keeps them exact."""
    if changes is None:
        return None
    return {name: [_as_json(old), _as_json(new)] for name, (old, new) in changes.items()}


def _as_json(value: Any) -> Any:
    return format(value.normalize(), "f") if isinstance(value, Decimal) else value
