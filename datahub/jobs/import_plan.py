"""From a source's cells to the values of an entity's fields: what each column feeds, and how its texts are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from datahub.entities.base import Check, EntityType, Field, Part
from datahub.entities.extras import ATTRIBUTES, CUSTOM_FIELDS, Definition
from datahub.entities.values import (
    BOOLEAN,
    CHOICE,
    LOCALISED,
    LOCALISED_LIST,
    NEVER,
    TEXT,
    TEXT_LIST,
    parse_list,
    parse_text,
)
from datahub.jobs.json_values import newer
from datahub.jobs.merge_target import Target
from datahub.mapping.transcoding import Transcoding

# Each value between || is transcoded by itself.
MULTIPLE = (TEXT_LIST, LOCALISED_LIST)
# These take a few words only.
WORDED = (BOOLEAN, CHOICE)
# Columns mostly repeat a few values: so many texts of each are read but once. Longer ones are hardly said twice.
REMEMBERED, REMEMBERED_LENGTH = 2_000, 40


class CellValues(dict[str, Any]):
    """By the text of a cell: None for one that is empty. Looking one up raises ValueError with words for a person."""

    def __init__(self, read: Callable[[str], Any]) -> None:
        super().__init__()
        self.read = read

    def __missing__(self, text: str) -> Any:
        given = text.strip()
        value = self.read(given) if given else None
        if len(self) < REMEMBERED and len(text) <= REMEMBERED_LENGTH:
            self[text] = value
        return value


@dataclass(frozen=True, slots=True)
class Cell:
    """One column of the source. `place` is the field's position among the given ones of its target, or -1 for its key
    and -2 for its flag of removal; `locale` is set for the columns of localised fields. `is_plain_text` where nothing
    is done to texts but to check and to trim them."""

    column: int
    field: Field
    of_part: bool
    place: int
    locale: str | None
    values: CellValues
    is_plain_text: bool

    def joined(self, old: Any, value: Any) -> Any:
        """With what other columns of the same field say. Never changes a value, which other rows may share."""
        if self.place >= 0 and self.field.root and value in self.field.root:
            value = ""
        return value if self.locale is None else (old or {}) | {self.locale: value}


# Column, external id, and a locale or None.
ExtraColumn = tuple[int, str, str | None]


@dataclass(frozen=True)
class Extras:
    """The custom fields or attributes of a run. `columns` are those of the one file that a plan reads, `files` those of
    all by name; files in `clearing` are in Full mode."""

    definitions: tuple[Definition, ...] = ()
    columns: tuple[ExtraColumn, ...] = ()
    files: Mapping[str, tuple[ExtraColumn, ...]] = field(default_factory=dict)
    clearing: frozenset[str] = frozenset()


NO_EXTRAS = Extras()


@dataclass(slots=True)
class Converted:
    """One row, its empty values None, and so its flag of removal. `part_key` is None for a row that names no part;
    `extras` are by external id."""

    key: str = ""
    remove: bool | None = None
    values: list[Any] = field(default_factory=list)
    part_key: str | None = None
    part_remove: bool = False
    part_values: list[Any] = field(default_factory=list)
    extras: dict[str, Any] = field(default_factory=dict)
    faults: list[dict[str, str]] = field(default_factory=list)

    def packed(self) -> list[Any]:
        """As the spool keeps it."""
        return [self.remove, self.values, self.part_key, self.part_remove, self.part_values, self.extras]


class Plan:
    """How one run reads its rows. `bound` pairs a column with a field key and a locale or None."""

    def __init__(
        self,
        entity: EntityType,
        header: Sequence[str],
        bound: Sequence[tuple[int, str, str | None]],
        transcoding: Transcoding,
        main_locale: str,
        extras: Extras = NO_EXTRAS,
    ) -> None:
        self.entity = entity
        self.header = list(header)
        self.extras = extras
        self.has_levels = entity.has_attributes
        self._part = entity.parts[0] if entity.parts else None
        self._transcoding = transcoding
        self.main_locale = main_locale
        keys = {key for _, key, _ in bound}
        given = tuple(field for field in entity.fields if field.key in keys)
        kind = self._kind_of_extras()
        sees_to_extras = self.has_levels or bool(extras.definitions) or bool(extras.clearing)
        self.root = Target(
            name="record",
            model=entity.model,
            key=entity.key,
            fields=entity.fields + kind,
            given=given + (kind if sees_to_extras else ()),
            used_by=entity.used_by,
            parts=entity.parts,
            rules=entity.rules,
        )
        self.part = self._part_target(self._part, keys) if self._part else None
        # A column that names the main locale goes before one that names none, which counts where the other is empty.
        self.cells = [self._cell(*binding) for binding in sorted(bound, key=lambda one: one[2] is not None)]
        by_id = {definition.external_id: definition for definition in extras.definitions}
        self.extra_cells = [
            (column, by_id[external_id], locale or main_locale)
            for column, external_id, locale in sorted(extras.columns, key=lambda one: one[2] is not None)
        ]

    def _kind_of_extras(self) -> tuple[Field, ...]:
        if self.has_levels:
            return (ATTRIBUTES,)
        return (CUSTOM_FIELDS,) if self.entity.has_custom_fields else ()

    def _part_target(self, part: Part, keys: set[str]) -> Target:
        kind = (ATTRIBUTES,) if self.has_levels else ()
        return Target(
            name="part",
            model=part.model,
            key=part.key_field,
            fields=part.fields + kind,
            given=tuple(field for field in part.fields if field.key in keys) + kind,
            owner=self.root,
            owner_column=part.owner,
            global_key=part.global_key,
            used_by=part.used_by,
            rules=part.rules,
        )

    def _cell(self, column: int, key: str, locale: str | None) -> Cell:
        localised = None
        for of_part, holder, target in ((False, self.entity, self.root), (True, self._part, self.part)):
            if holder is None or target is None:
                continue
            flag = holder.deleted_by if isinstance(holder, EntityType) else holder.removed_by
            own_key = holder.key if isinstance(holder, EntityType) else holder.key_field
            for place, known in ((-1, own_key), (-2, flag), *enumerate(target.given)):
                if known is not None and known.key == key:
                    if known.type in (LOCALISED, LOCALISED_LIST):
                        localised = locale or self.main_locale
                    is_plain_text = known.type in (TEXT, LOCALISED) and not self._transcoding.tables.get(key)
                    values = CellValues(self._reader(known))
                    return Cell(column, known, of_part, place, localised, values, is_plain_text)
        raise AssertionError(f"{self.entity.name} has no field {key}")

    def _reader(self, field: Field) -> Callable[[str], Any]:
        parse, is_multiple = partial(_parser(field), field), field.type in MULTIPLE
        if not self._transcoding.tables.get(field.key):
            return parse
        return lambda text: parse(self._transcoding.transcode(field.key, text, multiple=is_multiple))

    def key_of(self, cells: Sequence[str]) -> str | None:
        """Of a row that is not looked into, if its cell can be read."""
        for cell in self.cells:
            if cell.place == -1 and not cell.of_part and cell.column < len(cells):
                try:
                    return cell.values.read(cells[cell.column].replace("\0", "").strip()) or None
                except ValueError:
                    return None
        return None

    def convert(self, cells: Sequence[str]) -> Converted:
        """Never raises: what cannot be read becomes a fault of the row."""
        row = Converted(values=[None] * len(self.root.given))
        if self.part is not None:
            row.part_values = [None] * len(self.part.given)
        for cell in self.cells:
            try:
                value = cell.values[cells[cell.column]]
            except ValueError as error:
                hint = " A transcoding can exchange other words for these." if cell.field.type in WORDED else ""
                given = cells[cell.column].strip()
                row.faults.append(self._fault("malformed", cell.field, given, f"{error}{hint}", cell.column))
                continue
            if value is None:
                continue
            if cell.place >= 0:
                values = row.part_values if cell.of_part else row.values
                values[cell.place] = cell.joined(values[cell.place], value)
            else:
                _put(cell, value, row)
        for column, definition, locale in self.extra_cells:
            text = cells[column].strip()
            if text:
                self._read_extra(definition, text, locale, row, column)
        if not row.faults:
            self._check(row)
        return row

    def _check(self, row: Converted) -> None:
        """What only the row as a whole can show."""
        if not row.key:
            row.faults.append(self._fault("required", self.entity.key, "", "This field is required."))
        elif self._part and lacks_part_key(self._part, row.packed()):
            row.faults.append(self._fault("required", self._part.key_field, "", _lacking(self._part)))
        for check in self.entity.checks:
            given = {item.column: value for item, value in zip(self.root.given, row.values, strict=True)}
            if message := check.fault(given):
                row.faults.append(fault_of_check(check, given, message))

    def _read_extra(self, definition: Definition, text: str, locale: str, row: Converted, column: int) -> None:
        try:
            self.add_extra(row.extras, definition, text, locale)
        except ValueError as error:
            row.faults.append(self._fault("malformed", definition.as_field(), text, str(error), column))

    def add_extra(self, extras: dict[str, Any], definition: Definition, text: str, locale: str) -> None:
        """To what other columns of the row say. Raises ValueError with words for a person."""
        value = definition.parse(text, locale, self.main_locale)
        extras[definition.external_id] = newer(extras.get(definition.external_id), value)

    def _fault(self, code: str, field: Field, value: str, message: str, column: int | None = None) -> dict[str, str]:
        told = {"code": code, "field": field.key, "value": value[:200], "message": message}
        return told if column is None else told | {"column": self.header[column]}


def fault_of_check(check: Check, values: Mapping[str, Any], message: str) -> dict[str, str]:
    """Where a locale is at fault, with it: the column is that of the locale."""
    told = {"code": "malformed", "field": check.field.key, "value": "", "message": message}
    locale = check.locale(values)
    if locale is not None:
        told |= {"locale": locale, "value": "||".join(values[check.field.column][locale])[:200]}
    return told


def lacks_part_key(part: Part, packed: Sequence[Any]) -> bool:
    """Switches without a link to switch say nothing."""
    remove, _, part_key, part_remove, part_values, _ = packed
    if part_key is not None:
        return False
    if part.in_each_row and not remove:
        return True
    says = part_remove or any(value is not None for value in part_values)
    return says and part.removed_by is not NEVER


def _lacking(part: Part) -> str:
    if not part.in_each_row:
        return "This field is required."
    return (
        f"Each row must name one of the {part.label.lower()}; this one names none. Fill in the column, or leave such "
        "rows out of the file."
    )


def _parser(field: Field) -> Callable[[Field, object], Any]:
    if field.type is LOCALISED:
        return parse_text
    return parse_list if field.type is LOCALISED_LIST else field.type.parse


def _put(cell: Cell, value: Any, row: Converted) -> None:
    if cell.place == -1:
        if cell.of_part:
            row.part_key = value
        else:
            row.key = value
    elif cell.of_part:
        row.part_remove = value
    else:
        row.remove = value
