"""Reads the audit log: filtered, by pages, the newest first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, String, cast, or_, select
from sqlalchemy.orm import Session

from datahub.access.audit import ACTIONS
from datahub.db import Base, holds
from datahub.models.access import ApiToken
from datahub.models.audit import SOURCES, AuditEntry
from datahub.models.execution import Execution
from datahub.paging import NUMBER, Page, read_page

PAGE_SIZE = 50
EXECUTION = "execution"


@dataclass(frozen=True)
class Filters:
    """What is empty or unknown filters nothing. `text` is looked for in the object's name and id; days are UTC."""

    person: str = ""
    kind: str = ""
    action: str = ""
    source: str = ""
    text: str = ""
    since: date | None = None
    until: date | None = None


def kinds() -> list[str]:
    return sorted({EXECUTION, *_classes()})


def page(
    session: Session, filters: Filters, *, before: str = "", after: str = "", size: int = PAGE_SIZE
) -> Page[AuditEntry]:
    query = select(AuditEntry).where(*_conditions(filters, session.get_bind().dialect.name))
    return read_page(
        session, query, AuditEntry.id, lambda entry: entry, size=size, descending=True, before=before, after=after
    )


def homes(session: Session, entries: Iterable[AuditEntry]) -> dict[tuple[str, str], str]:
    """By kind and id, of what was not deleted since: the id of the page where it lives, for a token its user's."""
    wanted: dict[str, set[str]] = {}
    for entry in entries:
        wanted.setdefault(entry.kind, set()).add(entry.object_id)
    classes: dict[str, Any] = _classes() | {EXECUTION: Execution}
    found = {}
    for kind in wanted.keys() & classes.keys():
        model = classes[kind]
        key = model.public_id if hasattr(model, "public_id") else cast(model.id, String)
        home = cast(model.user_id, String) if model is ApiToken else key
        for public_id, place in session.execute(select(key, home).where(key.in_(wanted[kind]))):
            found[kind, public_id] = place
    return found


def _classes() -> dict[str, type[Base]]:
    classes = (mapper.class_ for mapper in Base.registry.mappers)
    return {model.audit_kind: model for model in classes if model.audit_kind}


def _conditions(filters: Filters, dialect: str) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if NUMBER.fullmatch(filters.person):
        found.append(AuditEntry.user_id == int(filters.person))
    for column, value, known in (
        (AuditEntry.kind, filters.kind, kinds()),
        (AuditEntry.action, filters.action, ACTIONS),
        (AuditEntry.source, filters.source, SOURCES),
    ):
        if value in known:
            found.append(column == value)
    if filters.text:
        by_name = holds([AuditEntry.object_name], filters.text, dialect)
        found.append(or_(by_name, AuditEntry.object_id == filters.text))
    if filters.since:
        found.append(AuditEntry.at >= _start_of(filters.since))
    if filters.until and filters.until < date.max:
        found.append(AuditEntry.at < _start_of(filters.until + timedelta(days=1)))
    return found


def _start_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
