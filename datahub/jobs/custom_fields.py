"""Definitions of custom fields: create, change, delete, list. Their values are read and kept by imports."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from datahub.db import database_now
from datahub.entities import ENTITIES
from datahub.entities.values import A_NUMBER
from datahub.errors import ConflictError, FieldConflictError, NotFoundError
from datahub.faults import CONTROL, Faults
from datahub.models.custom_field import CUSTOM_FIELD_TYPES, LIST_TYPES, METRIC_TYPES, TEXT_TYPES, CustomField
from datahub.models.order import OrderLine

# What can have custom fields, as people call it.
OWNERS = {"ORDER_LINE": "Order lines"} | {
    entity.name: entity.label for entity in ENTITIES.values() if entity.bears_custom_fields
}
NAME_LENGTH, UNIT_LENGTH, OPTION_LENGTH = 255, 20, 255
MOST_OPTIONS = 1000
# Counting the records that hold a value ends here: then they are many.
MOST_HOLDERS = 1000
# Nothing that a header could take for a locale in brackets, or that files write in different ways.
EXTERNAL_ID = re.compile(r"[A-Za-z0-9_.-]{1,255}")
FIXED = ("entity", "external_id", "type", "localisable", "unit")
SORT_COLUMNS: dict[str, Any] = {
    "entity": CustomField.entity,
    "external_id": CustomField.external_id,
    "name": func.lower(CustomField.name),
    "created_at": CustomField.created_at,
}
_TABLES: dict[str, Any] = {"ORDER_LINE": OrderLine} | {
    entity.name: entity.model for entity in ENTITIES.values() if entity.bears_custom_fields
}


@dataclass(frozen=True)
class Definition:
    """`options` are what a list offers, `unit` is that of a metric. Lists alone may be `multi`, texts `localisable`."""

    entity: str
    external_id: str
    name: str
    type: str
    required: bool = False
    multi: bool = False
    localisable: bool = False
    options: Sequence[str] = ()
    unit: str | None = None


def create(session: Session, definition: Definition) -> CustomField:
    """Raises InvalidError with every fault, or FieldConflictError."""
    now = database_now(session)
    custom_field = CustomField(public_id=str(uuid.uuid4()), created_at=now, updated_at=now)
    faults = Faults()
    faults.choice("entity", definition.entity, OWNERS)
    if not EXTERNAL_ID.fullmatch(definition.external_id):
        faults.add("external_id", "Use 1 to 255 letters without accents, digits, dots, dashes and underscores.")
    faults.choice("type", definition.type, CUSTOM_FIELD_TYPES)
    _fill(custom_field, definition, faults)
    try:
        with session.begin_nested():
            session.add(custom_field)
            session.flush()
    except IntegrityError as error:
        message = f"{definition.entity} has a custom field {definition.external_id} already. Choose another id."
        raise FieldConflictError("external_id", message) from error
    return custom_field


def update(session: Session, custom_field: CustomField, definition: Definition) -> CustomField:
    """What stored values are read by never changes. Values that are stored stay, also those of removed options."""
    faults = Faults()
    stored = definition_of(custom_field)
    for name in FIXED:
        kept = getattr(stored, name)
        if (getattr(definition, name) or None) != (kept or None):
            faults.add(name, f"Never changes: it is {_written(kept)}.")
    _fill(custom_field, definition, faults)
    if definition_of(custom_field) != stored:
        custom_field.updated_at = database_now(session)
    session.flush()
    return custom_field


def definition_of(custom_field: CustomField) -> Definition:
    return Definition(
        entity=custom_field.entity,
        external_id=custom_field.external_id,
        name=custom_field.name,
        type=custom_field.type,
        required=custom_field.required,
        multi=custom_field.multi,
        localisable=custom_field.localisable,
        options=tuple(custom_field.options),
        unit=custom_field.unit,
    )


def delete(session: Session, custom_field: CustomField) -> None:
    """Raises ConflictError while a record that is not deleted holds a value."""
    reason = why_kept(session, custom_field)
    if reason:
        raise ConflictError(reason)
    session.delete(custom_field)
    session.flush()


def why_kept(session: Session, custom_field: CustomField) -> str:
    """Why it cannot be deleted and what to do about it; empty where nothing is in the way."""
    held = count_holders(session, custom_field)
    if not held:
        return ""
    owner, owners = ENTITIES.get(custom_field.entity), OWNERS[custom_field.entity]
    column = f"CF_{custom_field.external_id}"
    first = "Make it optional first. " if custom_field.required else ""
    advice = (
        f"{first}An import of these records in Full mode, with the column {column} left empty, takes the values away."
        if owner is not None and owner.has_full_mode
        else f"{owners} keep what they were given; make the field optional instead."
    )
    many = f"More than {MOST_HOLDERS} records hold" if held > MOST_HOLDERS else f"{held} records hold"
    count = "One record holds" if held == 1 else many
    return f"{count} a value of {custom_field.name}, so it cannot be deleted. {advice}"


def count_holders(session: Session, custom_field: CustomField) -> int:
    """How many records hold a value, deleted ones aside; above MOST_HOLDERS it is one more than that."""
    table = _TABLES.get(custom_field.entity)
    if table is None:
        return 0
    query = select(table.id).where(table.custom_fields[custom_field.external_id].as_string().is_not(None))
    if hasattr(table, "deleted_at"):
        query = query.where(table.deleted_at.is_(None))
    return session.scalar(select(func.count()).select_from(query.limit(MOST_HOLDERS + 1).subquery())) or 0


def get(session: Session, public_id: str) -> CustomField:
    found = session.scalar(select(CustomField).where(CustomField.public_id == public_id))
    if found is None:
        raise NotFoundError("There is no such custom field.")
    return found


def list_fields(
    session: Session,
    *,
    entities: Sequence[str] = (),
    sort: str = "entity",
    descending: bool = False,
    offset: int = 0,
    limit: int | None = None,
) -> Sequence[CustomField]:
    """An unknown entity has none."""
    column = SORT_COLUMNS[sort]
    query = select(CustomField).order_by(column.desc() if descending else column, CustomField.external_id)
    if entities:
        query = query.where(CustomField.entity.in_(entities))
    return session.scalars(query.order_by(CustomField.id).offset(offset).limit(limit)).all()


def _fill(custom_field: CustomField, definition: Definition, faults: Faults) -> None:
    """Sets every column, or raises InvalidError and sets none."""
    name = faults.text("name", definition.name, NAME_LENGTH, missing="Give the custom field a name.")
    if name and name == definition.external_id:
        faults.add("name", "Must differ from the external id, or imports take one for the other.")
    unit = _unit(definition, faults)
    options = _options(definition, faults)
    if definition.multi and definition.type not in LIST_TYPES:
        faults.add("multi", f"Only lists take several values: {' and '.join(LIST_TYPES)}.")
    if definition.localisable and definition.type not in TEXT_TYPES:
        faults.add("localisable", f"Only texts have locales: {' and '.join(TEXT_TYPES)}.")
    faults.raise_any("custom field")
    custom_field.entity, custom_field.external_id = definition.entity, definition.external_id
    custom_field.name, custom_field.type = name, definition.type
    custom_field.required, custom_field.multi = definition.required, definition.multi
    custom_field.localisable, custom_field.unit = definition.localisable, unit
    custom_field.options = options


def _unit(definition: Definition, faults: Faults) -> str | None:
    if definition.type not in METRIC_TYPES:
        if definition.unit:
            faults.add("unit", f"Only metric types have a unit: {' and '.join(METRIC_TYPES)}.")
        return None
    unit = faults.text("unit", definition.unit or "", UNIT_LENGTH, missing="Give the unit of its numbers, such as kg.")
    if unit and (unit[0].isdigit() or unit[0] in "+-.,"):
        faults.add("unit", "Must not begin like a number: 12 and the unit are written together in files.")
    return unit


def _options(definition: Definition, faults: Faults) -> list[str]:
    options = [option.strip() for option in definition.options]
    if definition.type not in LIST_TYPES:
        if options:
            faults.add("options", f"Only lists have options: {' and '.join(LIST_TYPES)}.")
        return []
    if not options:
        faults.add("options", "A list needs at least one option.")
    elif len(options) > MOST_OPTIONS:
        faults.add("options", f"At most {MOST_OPTIONS} options; these are {len(options)}.")
    else:
        for message in _option_faults(definition, options):
            faults.add("options", message)
    return options


def _option_faults(definition: Definition, options: Sequence[str]) -> list[str]:
    messages: list[str] = []
    seen: set[str] = set()
    for number, option in enumerate(options, start=1):
        if not option or len(option) > OPTION_LENGTH:
            messages.append(f"Option {number} must have 1 to {OPTION_LENGTH} characters.")
        elif "||" in option or CONTROL.search(option):
            messages.append(f"Option {number} must hold neither || nor control characters.")
        elif definition.type == "LIST_METRIC" and not A_NUMBER.fullmatch(option):
            messages.append(f"Option {number} must be a number with a dot and without the unit, not {option!r}.")
        else:
            same = str(Decimal(option).normalize()) if definition.type == "LIST_METRIC" else option
            if same in seen:
                messages.append(f"{option} is named twice.")
            seen.add(same)
    return messages


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "empty" if value is None else str(value)
