"""Single commerce records by hand or script: written by the rules of their entity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, literal, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from datahub.access import store_limits
from datahub.db import database_now
from datahub.entities.base import EntityType, Field, Part, Use
from datahub.entities.extras import CUSTOM_FIELDS
from datahub.entities.store import A_STORE, STORE
from datahub.errors import ConflictError, InvalidError, NotFoundError
from datahub.faults import Faults
from datahub.jobs import ledger, order_records
from datahub.jobs.merging.gone import as_it_was
from datahub.jobs.merging.json_values import newer
from datahub.jobs.merging.problem import cannot_delete
from datahub.jobs.record_reads import entity_type
from datahub.jobs.rows.extras import what_differs
from datahub.jobs.rows.given_custom_fields import read_custom_fields
from datahub.jobs.rows.held_values import holders_of
from datahub.jobs.rows.listed_ids import drop_from_lists
from datahub.models.change import CREATED, DELETED, UPDATED

# What can be written one by one; everything else comes by imports.
BY_HAND = ("STORE", "SUPPLIER", "ACCOUNT")
# By column, the old and the new value.
_Differences = dict[str, list[Any]]


@dataclass(frozen=True)
class _Change:
    """Columns to set on a record or a part; empty values are left out, which keeps what is stored."""

    key: str
    columns: dict[str, Any]
    unlink: bool = False


def put(
    session: Session,
    entity: str,
    external_id: str,
    *,
    fields: Mapping[str, Any],
    custom_fields: Mapping[str, Any],
    actor: str,
) -> tuple[Any, bool]:
    """The record, and whether it is new or back from deletion. Safe to repeat. What changes goes into the ledger.

    Raises InvalidError for an entity that is not BY_HAND, else with every fault at `fields.<key>` or
    `customFields.<id>`; nothing is changed then. In a session that is limited to stores, raises NotFoundError for the
    record of another store, and leaves the stores that it does not see as they are."""
    kind = writable(entity)
    faults = Faults()
    key = _key(kind.key, external_id, "externalId", faults)
    faults.raise_any(f"{entity} record")
    record = session.scalar(select(kind.model).where(kind.model.external_id == key).with_for_update())
    if record is None:
        _require_own(session, kind, key)
    is_new = record is None or getattr(record, "deleted_at", None) is not None
    delete = _wants_deletion(kind, fields, faults)
    change = _read_fields(kind, key, None if is_new else record, fields, faults, deleting=delete)
    parts = {part: _read_parts(part, None if is_new else record, fields, faults) for part in kind.parts}
    stored = {} if is_new or record is None else getattr(record, CUSTOM_FIELDS.column, {})
    custom = read_custom_fields(session, kind, custom_fields, faults, stored=None if delete else stored)
    _require_references(session, kind, change, faults)
    if is_new and not delete:
        _require_parts(kind, parts, faults)
    faults.raise_any(f"{entity} record {key}")
    _keep_other_stores(session, kind, key, None if is_new else record, change.columns, deleting=delete)
    if delete:
        return _delete(session, kind, key, record, actor), False
    return _write(session, kind, record, is_new, change, parts, custom, actor), is_new


def writable(name: str) -> EntityType:
    """Raises InvalidError for an entity that is not BY_HAND, NotFoundError for one that is none."""
    if name in BY_HAND:
        return entity_type(name)
    message = f"Only {', '.join(BY_HAND)} can be written one by one."
    come = "have calls of their own"
    if name not in order_records.KINDS:
        name, come = entity_type(name).name, "come by imports"
    raise InvalidError(f"The records of {name} {come}. {message}", {"entity": [message]})


def _require_own(session: Session, kind: EntityType, key: str) -> None:
    """A session that is limited to stores makes no store, and takes over no record that it does not see."""
    if store_limits.of_session(session) is None:
        return
    with store_limits.lifted(session):
        is_there = session.scalar(select(kind.model.id).where(kind.model.external_id == key)) is not None
    if is_there or kind is STORE:
        raise NotFoundError(f"There is no {kind.name} with the external id {key!r}.")


def _keep_other_stores(
    session: Session, kind: EntityType, key: str, record: Any | None, columns: dict[str, Any], *, deleting: bool
) -> None:
    """What a session that is limited to stores gives as stores replaces those that it sees; a new record gets all of
    them if it gives none."""
    limit = store_limits.of_session(session)
    listed = [item.column for item in kind.fields if item.refers_to is A_STORE]
    if limit is None or not listed:
        return
    (column,) = listed
    stored: list[str] = [] if record is None else getattr(record, column)
    hidden = [store for store in stored if store not in limit.external_ids]
    if deleting and hidden:
        raise ConflictError(f"{kind.name} {key} belongs to stores that you do not see too, so it cannot be deleted.")
    if record is None:
        columns.setdefault(column, list(limit.external_ids))
    elif column in columns:
        given = columns[column]
        kept = [store for store in stored if store in given or store in hidden]
        columns[column] = kept + [store for store in given if store not in kept]


def _key(field_: Field, value: object, path: str, faults: Faults) -> str:
    try:
        key = field_.parse(value)
    except ValueError as error:
        faults.add(path, str(error))
        return ""
    if not key:
        faults.add(path, "This field is required.")
    return key or ""


def _wants_deletion(kind: EntityType, fields: Mapping[str, Any], faults: Faults) -> bool:
    return kind.deleted_by is not None and _flag(kind.deleted_by, fields, "fields", faults)


def _read_fields(
    kind: EntityType, key: str, record: Any | None, fields: Mapping[str, Any], faults: Faults, *, deleting: bool
) -> _Change:
    others = {part.key for part in kind.parts} | ({kind.deleted_by.key} if kind.deleted_by else set())
    _refuse_unknown("fields", fields, {kind.key.key, *kind.by_key, *others}, faults)
    given = fields.get(kind.key.key)
    if given is not None and _key(kind.key, given, f"fields.{kind.key.key}", faults) not in (key, ""):
        faults.add(f"fields.{kind.key.key}", f"Must be {key}, as in the path, or be left out.")
    columns = _columns("fields", kind.fields, record, fields, faults, demand=not deleting)
    return _Change(key, columns)


def _columns(
    path: str,
    known: tuple[Field, ...],
    stored: Any | None,
    given: Mapping[str, Any],
    faults: Faults,
    *,
    demand: bool,
) -> dict[str, Any]:
    """`demand` False passes over missing fields, for a record that goes away."""
    columns: dict[str, Any] = {}
    for item in known:
        try:
            value = item.parse(given.get(item.key))
        except ValueError as error:
            faults.add(f"{path}.{item.key}", str(error))
            continue
        required = item.required_on_create if stored is None else item.required_on_update
        if value is None:
            if required and demand:
                faults.add(f"{path}.{item.key}", "This field is required.")
        elif stored is not None and not item.editable and value != getattr(stored, item.column):
            faults.add(f"{path}.{item.key}", f"Cannot be changed: it is {getattr(stored, item.column)}.")
        else:
            columns[item.column] = value
    return columns


def _refuse_unknown(path: str, given: Mapping[str, Any], known: set[str], faults: Faults) -> None:
    for key in given:
        if key not in known:
            faults.add(f"{path}.{key}", "There is no such field.")


def _read_parts(part: Part, record: Any | None, fields: Mapping[str, Any], faults: Faults) -> list[_Change]:
    path = f"fields.{part.key}"
    given = fields.get(part.key)
    if given is None:
        return []
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        faults.add(path, "Must be a list of objects.")
        return []
    stored = {} if record is None else {row.external_id: row for row in getattr(record, part.attribute)}
    known = {part.key_field.key, part.removed_by.key, *(item.key for item in part.fields)}
    changes: list[_Change] = []
    for number, item in enumerate(given):
        here = f"{path}.{number}"
        _refuse_unknown(here, item, known, faults)
        key = _key(part.key_field, item.get(part.key_field.key), f"{here}.{part.key_field.key}", faults)
        if key and key in (change.key for change in changes):
            faults.add(f"{here}.{part.key_field.key}", f"{key} is named twice.")
        unlink = _flag(part.removed_by, item, here, faults)
        columns = _columns(here, part.fields, stored.get(key), item, faults, demand=not unlink)
        changes.append(_Change(key, columns, unlink))
    return changes


def _flag(flag: Field, given: Mapping[str, Any], path: str, faults: Faults) -> bool:
    try:
        return bool(flag.parse(given.get(flag.key)))
    except ValueError as error:
        faults.add(f"{path}.{flag.key}", str(error))
        return False


def _require_parts(kind: EntityType, parts: Mapping[Part, list[_Change]], faults: Faults) -> None:
    for part in kind.parts:
        path = f"fields.{part.key}"
        if part.required_on_create and path not in faults.fields and all(change.unlink for change in parts[part]):
            faults.add(path, "At least one is required.")


def _require_references(session: Session, kind: EntityType, change: _Change, faults: Faults) -> None:
    for item in kind.fields:
        wanted = change.columns.get(item.column)
        if item.refers_to is None or not wanted:
            continue
        target = item.refers_to
        query = select(target.model.external_id).where(target.model.external_id.in_(wanted))
        if hasattr(target.model, "deleted_at"):
            query = query.where(target.model.deleted_at.is_(None))
        missing = sorted(set(wanted) - set(session.scalars(query)))
        if missing:
            message = f"There is no {target.name} with the external id {', '.join(missing)}."
            faults.add(f"fields.{item.key}", message)


def _write(
    session: Session,
    kind: EntityType,
    record: Any,
    is_new: bool,
    change: _Change,
    parts: Mapping[Part, list[_Change]],
    custom: dict[str, Any],
    actor: str,
) -> Any:
    now = database_now(session)
    columns = change.columns
    if is_new:
        columns = {item.column: item.fresh_default() for item in kind.fields if item.default is not None} | columns
        record = _fresh(kind, record, change.key, now)
    differences = _assign(record, columns)
    if custom:
        stored = record.custom_fields or {}
        if _assign(record, {"custom_fields": newer(stored, custom)}):
            differences["custom_fields"] = what_differs(stored, record.custom_fields)
    lines = [(part, line) for part, changes in parts.items() for line in _assign_parts(part, record, changes)]
    if differences or lines or is_new:
        record.updated_at = now
    try:
        with session.begin_nested():
            session.add(record)
            session.flush()
    except IntegrityError as error:
        raise ConflictError(f"{kind.name} {change.key} was created by somebody else just now. Try again.") from error
    source = ledger.Source(kind.name, None, actor)
    if is_new or differences:
        changed = None if is_new else _by_key(kind.fields, differences)
        ledger.note(session, source, change.key, CREATED if is_new else UPDATED, changed, now)
    for part, (key, action, changed) in lines:
        told = _by_key(part.fields, changed) if action == UPDATED else changed or None
        ledger.note(session, source, change.key, action, told, now, part=part.shown_as, part_key=key)
    return record


def _by_key(fields: tuple[Field, ...], differences: _Differences) -> _Differences:
    keys = {CUSTOM_FIELDS.column: CUSTOM_FIELDS.key} | {item.column: item.key for item in fields}
    return {keys[column]: pair for column, pair in differences.items()}


def _fresh(kind: EntityType, record: Any | None, key: str, now: datetime) -> Any:
    """A record that comes back from deletion starts afresh, under its old row."""
    if record is None:
        return kind.model(external_id=key, created_at=now)
    for item in kind.fields:
        if not item.required_on_create:
            setattr(record, item.column, item.fresh_default())
    record.custom_fields = {}
    record.deleted_at = None
    return record


def _assign(row: Any, columns: Mapping[str, Any]) -> _Differences:
    differences = {name: [getattr(row, name), value] for name, value in columns.items() if getattr(row, name) != value}
    for name, (_, value) in differences.items():
        setattr(row, name, value)
    return differences


def _assign_parts(part: Part, record: Any, changes: list[_Change]) -> list[tuple[str, str, _Differences]]:
    """Key, action and differences of each part that changes."""
    rows = getattr(record, part.attribute)
    stored = {row.external_id: row for row in rows}
    lines: list[tuple[str, str, _Differences]] = []
    for change in changes:
        row = stored.get(change.key)
        if change.unlink:
            if row is not None:
                rows.remove(row)
                lines.append((change.key, DELETED, _as_it_was(part.fields, row)))
        elif row is not None:
            if differences := _assign(row, change.columns):
                lines.append((change.key, UPDATED, differences))
        else:
            defaults = {item.column: item.default for item in part.fields if item.default is not None}
            rows.append(part.model(external_id=change.key, **(defaults | change.columns)))
            lines.append((change.key, CREATED, {}))
    return lines


def _as_it_was(fields: Sequence[Field], row: Any) -> _Differences:
    return as_it_was(fields, [getattr(row, item.column) for item in fields])


def _live_uses(use: Use, record: Any) -> Select[int]:
    owner = use.column.class_
    return select(literal(1)).where(use.column == record.id, owner.deleted_at.is_(None)).limit(1)


def _require_unused(session: Session, kind: EntityType, key: str, record: Any) -> None:
    """The lock on the record keeps others from referring to it meanwhile."""
    with store_limits.lifted(session):
        used = [use.what for use in kind.used_by if session.scalar(_live_uses(use, record))]
        used += holders_of(session.connection(), kind, key)
    if used:
        raise ConflictError(f"{kind.name} {key}: {cannot_delete(' and '.join(used))}")


def _shorten_lists(session: Session, kind: EntityType, key: str, actor: str, now: datetime) -> None:
    for listed in kind.listed_in:
        for store_id, record_key, old, new in drop_from_lists(session.connection(), listed, [key], now):
            of = ledger.Source(listed.entity, None, actor, store_id=store_id)
            ledger.note(session, of, record_key, UPDATED, {listed.field: [old, new]}, now)


def _delete(session: Session, kind: EntityType, key: str, record: Any | None, actor: str) -> Any:
    """Takes the parts along. Deleting what is deleted already changes nothing."""
    if record is None:
        raise NotFoundError(f"There is no {kind.name} with the external id {key!r}, so it cannot be deleted.")
    if record.deleted_at is None:
        _require_unused(session, kind, key, record)
        was = _as_it_was(kind.fields, record)
        if record.custom_fields:
            was[CUSTOM_FIELDS.key] = [record.custom_fields, {}]
        now = record.deleted_at = record.updated_at = database_now(session)
        for item in (item for item in kind.fields if item.personal):
            setattr(record, item.column, item.fresh_default())
        source = ledger.Source(kind.name, None, actor)
        ledger.note(session, source, key, DELETED, was, now)
        _shorten_lists(session, kind, key, actor, now)
        for part in kind.parts:
            for row in getattr(record, part.attribute):
                gone = {"part": part.shown_as, "part_key": row.external_id}
                ledger.note(session, source, key, DELETED, _as_it_was(part.fields, row), now, **gone)
            getattr(record, part.attribute).clear()
        session.flush()
    return record
