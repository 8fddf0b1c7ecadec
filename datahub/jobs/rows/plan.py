"""From a source's cells to the values of an entity's fields: what each column feeds, and how its texts are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from datahub.entities import noun_of
from datahub.entities.base import Check, EntityType, Field, Part
from datahub.entities.extras import ATTRIBUTES, CUSTOM_FIELDS, Definition
from datahub.entities.values import (
    HIDDEN,
    LOCALISED,
    LOCALISED_LIST,
    NEVER,
    TEXT,
    parse_labels,
    parse_text,
)
from datahub.jobs.merging.json_values import newer
from datahub.jobs.merging.target import Target
from datahub.jobs.rows.cells import EMPTIES, FLAG, KEY, MULTIPLE, NOWHERE, WORDED, Cell, CellValues, as_cell, keys_of
from datahub.mapping.transcoding import Transcoding

NO_VALUE = "The row gives no value here, and must."
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
class Mention:
    """What a row says of the parts of one kind: the keys of those it names, whether they go, and their values."""

    keys: Sequence[str]
    remove: bool
    values: list[Any]


@dataclass(slots=True)
class Converted:
    """One row, its empty values None, and so its flag of removal. Where it is `by_other`, `key` is what it says in the
    field that stands for an empty key. `parts` has a mention for each kind of part, in the
    order of the entity; `extras` are by external id."""

    key: str = ""
    by_other: bool = False
    remove: bool | None = None
    values: list[Any] = field(default_factory=list)
    parts: list[Mention] = field(default_factory=list)
    extras: dict[str, Any] = field(default_factory=dict)
    faults: list[dict[str, str]] = field(default_factory=list)

    def packed(self) -> list[Any]:
        """As the spool keeps it."""
        parts = [[part.keys, part.remove, part.values] for part in self.parts]
        return [self.remove, self.values, parts, self.extras]


class Plan:
    """How one run reads its rows. `bound` pairs a column with a field key and a locale or None. Files in `mended` hold
    rows that were rejected before: they may say less of a record than the whole file did. `store` is the id and the
    external id of the one whose records are imported, of an entity that is scoped by it."""

    def __init__(
        self,
        entity: EntityType,
        header: Sequence[str],
        bound: Sequence[tuple[int, str, str | None]],
        transcoding: Transcoding,
        main_locale: str,
        extras: Extras = NO_EXTRAS,
        mended: frozenset[str] = frozenset(),
        store: tuple[int, str] | None = None,
    ) -> None:
        self.entity = entity
        self.header = list(header)
        self.extras = extras
        self.has_levels = entity.has_attributes
        self._transcoding = transcoding
        self.main_locale = main_locale
        self.mended = mended
        self.store = store
        self.store_id = store[0] if store else None
        keys = {key for _, key, _ in bound}
        self._scope = next((item for item in entity.fields if item.column == entity.scoped_by), None)
        merged = tuple(item for item in entity.fields if item is not self._scope)
        given = _given(merged, keys, entity.emptied if entity.emptied_by else ())
        self.root = self._root_target(merged, given)
        self.emptied = tuple(place for place, item in enumerate(given) if item in entity.emptied)
        self.erased = tuple(place for place, item in enumerate(given) if item.erased_when_absent)
        self.secrets = tuple(place for place, item in enumerate(given) if item.type.secret)
        self.parts = tuple(self._part_target(number, part, keys) for number, part in enumerate(entity.parts))
        # A column that names the main locale goes before one that names none, which counts where the other is empty.
        ordered = sorted(bound, key=lambda one: one[2] is not None)
        self.cells = [cell for binding in ordered for cell in self._cells(*binding)]
        by_id = {definition.external_id: definition for definition in extras.definitions}
        self.extra_cells = [
            (column, by_id[external_id], locale or main_locale)
            for column, external_id, locale in sorted(extras.columns, key=lambda one: one[2] is not None)
        ]

        self.secret_columns = {cell.column for cell in self.cells if cell.field.type.secret}
        self.used_columns = {cell.column for cell in self.cells} | {column for column, _, _ in self.extra_cells}

    def _kind_of_extras(self) -> tuple[Field, ...]:
        if self.has_levels:
            return (ATTRIBUTES,)
        return (CUSTOM_FIELDS,) if self.entity.has_custom_fields else ()

    def _root_target(self, fields: tuple[Field, ...], given: tuple[Field, ...]) -> Target:
        entity, extras = self.entity, self.extras
        kind = self._kind_of_extras()
        sees_to_extras = self.has_levels or bool(extras.definitions) or bool(extras.clearing)
        return Target(
            name="record",
            model=entity.model,
            key=entity.key,
            fields=fields + kind,
            given=given + (kind if sees_to_extras else ()),
            used_by=entity.used_by,
            links=entity.links,
            parts=entity.parts,
            rules=entity.rules,
            must_exist=entity.must_exist,
            noun=noun_of(entity),
            scope=(entity.scoped_by, self.store_id) if entity.scoped_by and self.store_id is not None else None,
        )

    def _part_target(self, number: int, part: Part, keys: set[str]) -> Target:
        kind = (ATTRIBUTES,) if part.has_attributes else ()
        return Target(
            name=f"part_{number}",
            model=part.model,
            key=part.key_field,
            fields=part.fields + kind,
            given=_given(part.fields, keys) + kind,
            owner=self.root,
            owner_column=part.owner,
            global_key=part.global_key,
            used_by=part.used_by,
            links=part.links,
            rules=part.rules,
        )

    def _cells(self, column: int, key: str, locale: str | None) -> Iterator[Cell]:
        """One for each target that the field speaks of: kinds of parts may share a flag of removal."""
        targets = (self.root, *self.parts)
        flags = (self.entity.deleted_by, *(part.removed_by for part in self.entity.parts))
        for number, target, flag in zip((None, *range(len(self.parts))), targets, flags, strict=True):
            empties = self.entity.emptied_by if number is None else None
            keys = (target.key, *(() if number is None else self.entity.parts[number].more_keys))
            scope = self._scope if number is None else None
            flags_of = ((FLAG, flag), (EMPTIES, empties), (NOWHERE, scope))
            for place, known in (*((KEY, name) for name in keys), *flags_of, *enumerate(target.given)):
                if known is not None and known.key == key:
                    localised = locale or self.main_locale if known.type in (LOCALISED, LOCALISED_LIST) else None
                    is_plain_text = known.type in (TEXT, LOCALISED) and not self._transcoding.tables.get(key)
                    values = CellValues(self._reader(known))
                    yield Cell(
                        column, known, number, place, localised, values, is_plain_text, self._roots(known, place)
                    )

    def _roots(self, field: Field, place: int) -> tuple[str, ...]:
        store = self.store[1] if self.store else ""
        return tuple(word.replace("{store}", store) for word in field.root) if place >= 0 else ()

    def _reader(self, field: Field) -> Callable[[str], Any]:
        parse, is_multiple = partial(_parser(field), field), field.type in MULTIPLE
        if field is self._scope:
            parse = partial(self._name_own_store, field)
        if not self._transcoding.tables.get(field.key):
            return parse
        return lambda text: parse(self._transcoding.transcode(field.key, text, multiple=is_multiple))

    def _name_own_store(self, field: Field, text: str) -> None:
        named = field.parse(text)
        if named and self.store and self.store[1] not in named:
            raise ValueError(f"The job imports for the store {self.store[1]}: name it here, or leave the cell empty.")

    def key_of(self, cells: Sequence[str]) -> tuple[str, Field] | None:
        """Of a row that is not looked into, if its cell can be read, and the field that gives it. Beside secrets it may
        be one of them."""
        if self.entity.has_secrets and len(cells) != len(self.header):
            return None
        named = {self.entity.key: KEY}
        if self.entity.other_key in self.root.given:
            named[self.entity.other_key] = self.root.given.index(self.entity.other_key)
        for item, place in named.items():
            for cell in self.cells:
                if cell.place == place and cell.part is None and cell.column < len(cells):
                    with suppress(ValueError):
                        if key := cell.values.read(cells[cell.column].replace("\0", "").strip()):
                            return key, item
        return None

    def convert(self, cells: Sequence[str]) -> Converted:
        """Never raises: what cannot be read becomes a fault of the row."""
        row = Converted(values=[None] * len(self.root.given))
        row.parts = [Mention((), False, [None] * len(target.given)) for target in self.parts]
        unread: list[tuple[Cell, dict[str, str]]] = []
        empties = False
        for cell in self.cells:
            try:
                value = cell.values[cells[cell.column]]
            except ValueError as error:
                hint = " A transcoding can exchange other words for these." if cell.field.type in WORDED else ""
                given = cells[cell.column].strip()
                unread.append((cell, self._fault("malformed", cell.field, given, f"{error}{hint}", cell.column)))
                continue
            if value is None:
                continue
            if cell.place == EMPTIES:
                empties = value
            else:
                _put(cell, value, row)
        for place in self.emptied if empties else ():
            row.values[place] = [] if row.values[place] is None else row.values[place]
        if not row.key and self.entity.other_key in self.root.given:
            row.key = row.values[self.root.given.index(self.entity.other_key)] or ""
            row.by_other = bool(row.key)
        row.faults = self._that_count(unread, row, cells)
        for column, definition, locale in self.extra_cells:
            text = cells[column].strip()
            if text:
                self._read_extra(definition, text, locale, row, column)
        if not row.faults:
            self._check(row)
        return row

    def _no_key(self) -> str:
        key, other = self.entity.key, self.entity.other_key
        return f"The row gives neither {key.label} nor {other.label}, and must give one." if other else NO_VALUE

    def _that_count(
        self, unread: Sequence[tuple[Cell, dict[str, str]]], row: Converted, cells: Sequence[str]
    ) -> list[dict[str, str]]:
        """A column that feeds several kinds of parts has one fault for all."""
        faults = [fault for cell, fault in unread if self._counts(cell, row, cells)]
        return [fault for place, fault in enumerate(faults) if fault not in faults[:place]]

    def _counts(self, cell: Cell, row: Converted, cells: Sequence[str]) -> bool:
        """Whether it matters what a cell says. It does not where the row takes away what it speaks of, or where a
        column that names the main locale is filled beside one that names none."""
        if row.remove:
            return cell.part is None and cell.place == KEY
        part = None if cell.part is None else row.parts[cell.part]
        if part and part.remove and part.keys and cell.place >= 0:
            return False
        place = (cell.part, cell.place, cell.locale)
        later = self.cells[self.cells.index(cell) + 1 :] if cell.locale else ()
        return not any((one.part, one.place, one.locale) == place and cells[one.column].strip() for one in later)

    def _check(self, row: Converted) -> None:
        """What only the row as a whole can show."""
        if not row.key:
            row.faults.append(self._fault("required", self.entity.key, "", self._no_key()))
        else:
            for part in unnamed(self.entity, row.remove, row.parts):
                row.faults.append(self._fault("required", part.key_field, "", _lacking(self.entity, part)))
        row.faults += self._naming_itself(row)
        for check in () if row.remove else self.entity.checks:
            given = {item.column: value for item, value in zip(self.root.given, row.values, strict=True)}
            if message := check.fault(given):
                row.faults.append(fault_of_check(check, given, message))

    @cached_property
    def links_to_own_kind(self) -> tuple[int, ...]:
        """Numbers of the kinds of parts that lead from one record to others like it."""
        references = [part.key_field.refers_to for part in self.entity.parts]
        return tuple(number for number, to in enumerate(references) if to and to.model is self.entity.model)

    def _naming_itself(self, row: Converted) -> Iterator[dict[str, str]]:
        """Links that lead to where they come from. Those that are stored can be taken away."""
        for number in self.links_to_own_kind:
            part, mention = self.entity.parts[number], row.parts[number]
            if row.key in mention.keys and not mention.remove:
                message = f"{row.key} is the {self.root.noun} itself, which leads to others only: leave it out."
                yield self._fault("own_key", part.key_field, row.key, message)

    def _read_extra(self, definition: Definition, text: str, locale: str, row: Converted, column: int) -> None:
        try:
            self.add_extra(row.extras, definition, text, locale)
        except ValueError as error:
            if not row.remove:
                row.faults.append(self._fault("malformed", definition.as_field(), text, str(error), column))

    def add_extra(self, extras: dict[str, Any], definition: Definition, text: str, locale: str) -> None:
        """To what other columns of the row say. Raises ValueError with words for a person."""
        value = definition.parse(text, locale, self.main_locale)
        extras[definition.external_id] = newer(extras.get(definition.external_id), value)

    def _fault(self, code: str, field: Field, value: str, message: str, column: int | None = None) -> dict[str, str]:
        shown = HIDDEN if field.type.secret and value else value[:200]
        told = {"code": code, "field": field.key, "value": shown, "message": message}
        return told if column is None else told | {"column": self.header[column]}


def _given(fields: Sequence[Field], keys: set[str], emptied: Sequence[Field] = ()) -> tuple[Field, ...]:
    """With those that go with a value of another one, or without one of their own."""
    columns = {field.column for field in (*(field for field in fields if field.key in keys), *emptied)}
    return tuple(
        field for field in fields if field.erased_when_absent or field.column in columns or field.depends_on in columns
    )


def fault_of_check(check: Check, values: Mapping[str, Any], message: str) -> dict[str, str]:
    """Where a locale is at fault, with it: the column is that of the locale. The value is that of the field, or what
    another column says where the field is empty."""
    concerned = (values.get(column) for column in (check.field.column, *check.stored))
    given = next((as_cell(value) for value in concerned if value), "")
    told = {"code": "malformed", "field": check.field.key, "value": given[:200], "message": message}
    locale = check.locale(values)
    if locale is not None:
        told |= {"locale": locale, "value": "||".join(values[check.field.column][locale])[:200]}
    return told


def unnamed(entity: EntityType, removes_record: bool | None, parts: Sequence[Mention]) -> Iterator[Part]:
    """Parts that a row must name and does not. Switches without a link to switch say nothing; a flag that parts share
    is about those that are named, and where none is, the first kind stands for all."""
    taken = {part.removed_by.key for part, mention in zip(entity.parts, parts, strict=True) if mention.keys}
    for part, mention in zip(entity.parts, parts, strict=True):
        if mention.keys or removes_record:
            continue
        removes = mention.remove and not part.removes_all and part.removed_by.key not in taken
        says = part.removed_by is not NEVER and (removes or any(value is not None for value in mention.values))
        if says or part.in_each_row:
            taken.add(part.removed_by.key)
            yield part


def _lacking(entity: EntityType, part: Part) -> str:
    if not part.in_each_row:
        sharing = [other.key_field.label for other in entity.parts if other.removed_by is part.removed_by]
        return f"Give one of {', '.join(sharing)}." if len(sharing) > 1 else NO_VALUE
    return (
        f"Each row must name one of the {part.label.lower()}; this one names none. Fill in the column, or leave such "
        "rows out of the file."
    )


def _parser(field: Field) -> Callable[[Field, object], Any]:
    if field.type is LOCALISED:
        return parse_text
    return parse_labels if field.type is LOCALISED_LIST else field.type.parse


def _put(cell: Cell, value: Any, row: Converted) -> None:
    if cell.place >= 0:
        values = row.values if cell.part is None else row.parts[cell.part].values
        values[cell.place] = cell.joined(values[cell.place], value)
    elif cell.part is None and cell.place == KEY:
        row.key = value
    elif cell.part is None:
        row.remove = value
    elif cell.place == KEY:
        part = row.parts[cell.part]
        part.keys = keys_of(cell.joined(part.keys or None, value))
    else:
        row.parts[cell.part].remove = value
