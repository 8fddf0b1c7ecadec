"""What an entity is: its fields, its parts, what they refer to. One file per entity beside it, values in values.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection

KEY_LENGTH = 255
LONG_TEXT = 20_000
CATALOGUE, OFFERS, ACCOUNTS, ORDERS = "CATALOGUE", "OFFERS", "ACCOUNTS", "ORDERS"


@dataclass(frozen=True)
class FieldType:
    """`parse` gives the stored value, or None for an empty one, and raises ValueError with words for a person. Of a
    `secret`, what is given is never kept: reading replaces it by what tells whether another value is the same."""

    name: str
    parse: Callable[[Field, object], Any]
    secret: bool = False


@dataclass(frozen=True)
class Reference:
    """Records of another table, known by their external id. `name` is what people call them."""

    name: str
    model: type[Any]


@dataclass(frozen=True, eq=False)
class Field:
    """`column` is the attribute of the model. A field that is not editable may be given on creation only.

    A field that refers to something holds its id where the column is a foreign key, else a list of external ids.
    `root` are the words that stand for no reference at all, such as the top of a tree; `{store}` in them is that of the
    job. A `lasting` field has the same value after the record was deleted and came back. The value of one that names a
    column as `depends_on` goes when a row changes that column and gives no other value. A `unique` one has another
    value in each record that is not deleted. One of a part that is `sought` finds the record as the key of the part
    does. What goes falls back to the default, which may then not be None: where no row of a record gives one that is
    `erased_when_absent`, and one that is `personal` when its record is deleted. `used_options` finds, of labels in the
    main locale that a list of options is about to lose, those that records use. `spellings` are other names of its
    columns."""

    key: str
    label: str
    column: str
    type: FieldType
    required_on_create: bool = False
    required_on_update: bool = False
    editable: bool = True
    lasting: bool = False
    depends_on: str = ""
    unique: bool = False
    sought: bool = False
    erased_when_absent: bool = False
    personal: bool = False
    default: Any = None
    localisable: bool = False
    length: int = KEY_LENGTH
    spellings: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    least: int | None = None
    more_than: int | None = None
    refers_to: Reference | None = None
    root: tuple[str, ...] = ()
    used_options: Callable[[Connection, str, Sequence[str]], set[str]] | None = None

    def parse(self, value: object) -> Any:
        return None if value is None else self.type.parse(self, value)

    def fresh_default(self) -> Any:
        return self.default.copy() if isinstance(self.default, (list, dict)) else self.default


@dataclass(frozen=True)
class Use:
    """A column whose live rows keep a record from being deleted. `what` is how a person would call them."""

    what: str
    column: Any


@dataclass(frozen=True)
class Holder:
    """A JSON column whose live rows keep a record from being deleted while they hold a value under its external id, or
    where it `is_list`, while they list it."""

    what: str
    column: Any
    is_list: bool = False


@dataclass(frozen=True)
class Link:
    """Parts of records of another entity that point at a record, or at a part, by `column`, and go along when it is
    deleted. Where the other entity only adds to the record, they are its own."""

    entity: str
    shown_as: str
    column: Any
    owner: Any
    owner_model: type[Any]


@dataclass(frozen=True)
class Listed:
    """A field of another entity whose JSON lists name the record by its external id, until it is deleted."""

    entity: str
    field: str
    column: Any


@dataclass(frozen=True, eq=False)
class Rule:
    """What must hold between fields once a row is applied. `broken` gets a function from a column to what it comes to,
    and gives an SQL condition. Of a record that is there already, a rule that is `about` some columns is asked only
    where one of them changes."""

    code: str
    field: Field
    message: str
    broken: Callable[[Callable[[str], ColumnElement[Any]]], ColumnElement[bool]]
    about: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Check:
    """What must hold within one row. `fault` gets the values that are given, by column, and gives words or None. A row
    that gives the field is checked with the `stored` columns too, where it says nothing of them itself."""

    field: Field
    fault: Callable[[Mapping[str, Any]], str | None]
    stored: tuple[str, ...] = ()

    def locale(self, values: Mapping[str, Any]) -> str | None:
        """Of a field with a value per locale, the first one that is at fault by itself."""
        texts = values.get(self.field.column)
        if not isinstance(texts, dict):
            return None
        wrong = (locale for locale in texts if self.fault({**values, self.field.column: {locale: texts[locale]}}))
        return next(wrong, None)


@dataclass(frozen=True, eq=False)
class Part:
    """Records inside a record, such as the addresses of an account.

    `owner` is the column that points at the record. A part whose key is `global_key` belongs to one record only,
    whoever names it; other keys count within their record. `removed_by` is the flag that takes one away: the row, or
    where the table has `deleted_at`, only from sight; parts of one entity may share it. A key field that refers to
    something is the reference; where it is a list, a row names several parts, as it does by `more_keys`, other columns
    that name parts likewise. Where the flag `removes_all`, it takes away all parts of the record, before other rows add
    theirs. A record may have `most` of them. A part `in_each_row` must be named by every row that does not delete its
    record. One that `has_attributes` bears those that are for variants."""

    key: str
    label: str
    shown_as: str
    attribute: str
    model: type[Any]
    owner: str
    key_field: Field
    fields: tuple[Field, ...]
    removed_by: Field
    removes_all: bool = False
    more_keys: tuple[Field, ...] = ()
    most: int | None = None
    global_key: bool = False
    required_on_create: bool = False
    in_each_row: bool = False
    has_attributes: bool = False
    used_by: tuple[Use, ...] = ()
    links: tuple[Link, ...] = ()
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, eq=False)
class EntityType:
    """`after` names the entities whose records this one refers to; executions of one `family` write in turns. Where
    records `must_exist`, imports change those that something else has made. Where it is `replaced_whole`, an import
    leaves what the file names and nothing else; one bad row refuses the file. `emptied_by` is a flag by which a row
    empties the lists in `emptied`, but for those that it gives itself. Where the key is empty, the value of
    `other_key` finds the record. Rows that act on records instead of being merged name the kind of these as `acts_on`;
    pages and calls of their own show them. `scoped_by` is the column of the store that a job imports for: keys count
    within it, and records of other stores are not seen. Such records have no parts. A field for that column names
    stores, and a row must name that of the job or none. Where it `takes_store`, the job may name one for the records
    that it makes. `custom_field_owners` are those whose custom fields rows give, where they are more than the
    entity. Files are XML where `elements` name the one around all records, and that of a record."""

    name: str
    label: str
    family: str
    model: type[Any]
    key: Field
    fields: tuple[Field, ...]
    parts: tuple[Part, ...] = ()
    after: tuple[str, ...] = ()
    deleted_by: Field | None = None
    must_exist: bool = False
    other_key: Field | None = None
    acts_on: str = ""
    elements: tuple[str, str] | None = None
    takes_store: bool = False
    scoped_by: str = ""
    replaced_whole: bool = False
    emptied_by: Field | None = None
    emptied: tuple[Field, ...] = ()
    has_custom_fields: bool = False
    custom_field_owners: tuple[str, ...] = ()
    has_attributes: bool = False
    has_full_mode: bool = False
    used_by: tuple[Use, ...] = ()
    held_by: tuple[Holder, ...] = ()
    links: tuple[Link, ...] = ()
    listed_in: tuple[Listed, ...] = ()
    rules: tuple[Rule, ...] = ()
    checks: tuple[Check, ...] = ()
    by_key: dict[str, Field] = field(init=False, repr=False, default_factory=dict)

    @property
    def hides_deleted(self) -> bool:
        return "deleted_at" in self.model.__table__.c

    def __post_init__(self) -> None:
        self.by_key.update({field.key: field for field in self.fields})

    @property
    def has_secrets(self) -> bool:
        return any(field.type.secret for field in self.fields)

    @property
    def bears_custom_fields(self) -> bool:
        """Whether its records do, and not only its rows."""
        return self.has_custom_fields and (not self.custom_field_owners or self.name in self.custom_field_owners)

    def instead_of(self, key: str) -> Field | None:
        """The field that a row may have in place of this one."""
        return self.other_key if key == self.key.key else None

    def named(self) -> dict[str, Field]:
        """By key, all that a column of a file can be about."""
        flags = [flag for flag in (self.deleted_by, self.emptied_by) if flag is not None]
        parts = [
            item for part in self.parts for item in (part.key_field, *part.more_keys, *part.fields, part.removed_by)
        ]
        return {item.key: item for item in (self.key, *self.fields, *flags, *parts) if item.key}
