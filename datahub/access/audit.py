"""Writes the audit log. Sessions that carry an actor record every change of configuration as it is flushed, in its own
transaction, so that no caller can forget it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Table, event, insert, update
from sqlalchemy.orm import (
    Mapper,
    ORMExecuteState,
    RelationshipDirection,
    RelationshipProperty,
    Session,
    UOWTransaction,
    object_mapper,
)
from sqlalchemy.orm.attributes import History, get_history
from sqlalchemy.orm.base import PASSIVE_NO_INITIALIZE

from datahub.db import Base, database_now
from datahub.models.audit import CHANGED, CREATED, DELETED, WITHHELD, AuditEntry

SIGNED_IN, SIGNED_OUT, SIGN_IN_FAILED = "signed in", "signed out", "sign-in failed"
INVITED, RESET, LOCKED_OUT, SESSIONS_ENDED = "invited", "password reset", "locked out", "sessions ended"
RAN, STOPPED, RETRIED, RESENT, UPLOADED = "run", "stopped", "retried", "sent again", "file uploaded"
ACTIONS = (
    *(CREATED, CHANGED, DELETED),
    *(RAN, UPLOADED, STOPPED, RETRIED, RESENT),
    *(SIGNED_IN, SIGNED_OUT, SIGN_IN_FAILED, SESSIONS_ENDED, INVITED, RESET, LOCKED_OUT),
)
# Options of a statement that changes rows of the configuration past the log, since it changes nothing that counts.
UNLOGGED = {"unlogged": True}
_WHO, _WRITTEN = "audit: who acts", "audit: written"


@dataclass(frozen=True)
class Actor:
    """`name` is empty for somebody who is not signed in."""

    name: str
    user_id: int | None
    source: str
    address: str = ""


def acts(session: Session, who: Callable[[], Actor]) -> None:
    """From now on the session records what is changed in it. `who` is asked at the first change."""
    session.info[_WHO] = who


def info_of(who: Callable[[], Actor]) -> dict[str, Any]:
    """For makers of sessions: what `acts` does, for each session."""
    return {_WHO: who}


def note(
    session: Session, action: str, *, kind: str, object_id: str, name: str, changes: dict[str, Any] | None = None
) -> None:
    """For what is no change of a row. Sessions without an actor, such as those of workers, note nothing."""
    if _WHO in session.info:
        _write(session, {"action": action, "kind": kind, "object_id": object_id, "object_name": name}, changes)


def _write(session: Session, what: dict[str, Any], changes: dict[str, Any] | None) -> int:
    actor: Actor = session.info[_WHO]()
    who = {"actor": actor.name, "user_id": actor.user_id, "source": actor.source, "address": actor.address[:64]}
    entry = insert(AuditEntry).values(at=database_now(session), changes=changes, **who, **what)
    return session.execute(entry.returning(AuditEntry.id)).scalar_one()


@event.listens_for(Session, "after_flush")
def _record(session: Session, _context: UOWTransaction) -> None:
    if _WHO not in session.info:
        return
    for things, action in ((session.new, CREATED), (session.dirty, CHANGED), (session.deleted, DELETED)):
        for thing in things:
            if isinstance(thing, Base) and thing.audit_kind is not None:
                changes = _changes(session, thing, action)
                if changes or action == DELETED:
                    _keep(session, thing, action, changes)


def _keep(session: Session, thing: Base, action: str, changes: dict[str, Any]) -> None:
    """What one transaction does to one thing in several steps is one entry."""
    transaction = session.get_transaction()
    written: dict[Base, tuple[object, int, dict[str, Any]]] = session.info.setdefault(_WRITTEN, {})
    before = written.get(thing)
    if before and before[0] is transaction and action == CHANGED:
        _, entry_id, old = before
        merged = old | {field: _joined(old.get(field), new) for field, new in changes.items()}
        what = update(AuditEntry).where(AuditEntry.id == entry_id).values(changes=merged, object_name=_name(thing))
        # The entry is gone where a savepoint was taken back.
        if session.scalars(what.returning(AuditEntry.id), execution_options={"synchronize_session": False}).all():
            written[thing] = (transaction, entry_id, merged)
            return
    public_id = str(getattr(thing, "public_id", None) or thing.id)  # type: ignore[attr-defined]
    what_changed = {"kind": thing.audit_kind, "object_id": public_id, "object_name": _name(thing)}
    written[thing] = (transaction, _write(session, {"action": action} | what_changed, changes), changes)


def _joined(old: Any, new: Any) -> Any:
    return [old[0], new[1]] if isinstance(old, list) and isinstance(new, list) else new


def _name(thing: Base) -> str:
    return str(getattr(thing, "name", ""))[:255]


def _changes(session: Session, thing: Base, action: str) -> dict[str, Any]:
    """{field: [old, new]}; many-to-one and many-to-many relationships by the names of what they lead to."""
    mapper = object_mapper(thing)
    found: dict[str, Any] = {}
    for relation in mapper.relationships:
        if relation.direction is RelationshipDirection.MANYTOONE:
            (column,) = relation.local_columns
            history = get_history(thing, mapper.get_property_by_column(column).key, PASSIVE_NO_INITIALIZE)
            found[relation.key] = [_referred(session, relation, value) for value in _old_and_new(history, action)]
        elif relation.secondary is not None:
            history = get_history(thing, relation.key, PASSIVE_NO_INITIALIZE)
            kept, added, gone = ([_label(item) for item in items or ()] for items in _parts(history))
            new = [] if action == DELETED else sorted([*kept, *added])
            found[relation.key] = [sorted([*kept, *gone, *(added if action == DELETED else [])]), new]
    for attribute in mapper.column_attrs:
        column = attribute.columns[0]
        if column.primary_key or column.foreign_keys or attribute.key == "public_id":
            continue
        mark = column.info.get("audit")
        old_and_new = _old_and_new(get_history(thing, attribute.key, PASSIVE_NO_INITIALIZE), action)
        if mark == "secret" and old_and_new[0] != old_and_new[1] and any(old_and_new):
            found[attribute.key.removesuffix("_hash")] = WITHHELD
        elif mark is None:
            found[attribute.key] = [_plain(value) for value in old_and_new]
    return {field: change for field, change in found.items() if change == WITHHELD or _tells(change, action)}


def _tells(change: Any, action: str) -> bool:
    old, new = change
    return old != new and (action == CHANGED or any(value not in (None, "", []) for value in change))


def _parts(history: History) -> tuple[Any, Any, Any]:
    return history.unchanged, history.added, history.deleted


def _old_and_new(history: History, action: str) -> list[Any]:
    kept, added, gone = ([*(values or ())] for values in _parts(history))
    now = (added or kept or [None])[0]
    if action == CREATED:
        return [None, now]
    if action == DELETED:
        return [(gone or kept or added or [None])[0], None]
    return [(gone or kept or [None])[0], now]


def _referred(session: Session, relation: RelationshipProperty[Any], key: Any) -> str | None:
    return None if key is None else _label(session.get(relation.mapper.class_, key))


def _label(thing: Any) -> str:
    """Its name among people: of partners and stores the external id, which never changes."""
    return str(getattr(thing, "external_id", None) or getattr(thing, "name", ""))


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


@event.listens_for(Mapper, "after_configured")
def _keep_old_values() -> None:
    """A row that a rollback has expired is read again before a new value takes the place of the old one."""
    for mapper in Base.registry.mappers:
        if mapper.class_.audit_kind is not None:
            for attribute in mapper.column_attrs:
                getattr(mapper.class_, attribute.key).impl.active_history = True


@event.listens_for(Session, "do_orm_execute")
def _refuse_to_bypass(state: ORMExecuteState) -> None:
    """No listener sees the rows that such a statement changes. Sessions without an actor go free."""
    is_change = state.is_insert or state.is_update or state.is_delete
    if not is_change or _WHO not in state.session.info or state.execution_options.get("unlogged"):
        return
    table = getattr(state.statement, "table", None)
    if isinstance(table, Table) and table in _recorded_tables():
        raise RuntimeError(f"A statement would change {table.name} past the audit log; change the objects instead.")


@cache
def _recorded_tables() -> set[object]:
    recorded: set[object] = set()
    for mapper in Base.registry.mappers:
        if mapper.class_.audit_kind is not None:
            recorded.add(mapper.local_table)
            recorded.update(relation.secondary for relation in mapper.relationships if relation.secondary is not None)
    return recorded
