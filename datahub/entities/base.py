"""What an entity is: its fields, their types, how given values become stored ones. One file per entity beside it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

KEY_LENGTH = 255
LONG_TEXT = 20_000
WORDS = {"true": True, "false": False}
# What XML 1.0 cannot carry: exports and imports of partners would fail on it.
UNCARRIABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
NUMBER = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,6})?")


@dataclass(frozen=True)
class FieldType:
    """`parse` gives the stored value, or None for an empty one, and raises ValueError with words for a person."""

    name: str
    parse: Callable[[Field, object], Any]


@dataclass(frozen=True, eq=False)
class Field:
    """`column` is the attribute of the model. A field that is not editable may be given on creation only."""

    key: str
    label: str
    column: str
    type: FieldType
    required_on_create: bool = False
    required_on_update: bool = False
    editable: bool = True
    default: Any = None
    localisable: bool = False
    length: int = KEY_LENGTH
    choices: tuple[str, ...] = ()
    refers_to: str | None = None

    def parse(self, value: object) -> Any:
        return None if value is None else self.type.parse(self, value)

    def fresh_default(self) -> Any:
        return list(self.default) if isinstance(self.default, list) else self.default


@dataclass(frozen=True, eq=False)
class Part:
    """Records inside a record, such as the addresses of an account. `unlink` is the flag that takes one away."""

    key: str
    label: str
    shown_as: str
    attribute: str
    model: type[Any]
    key_field: Field
    fields: tuple[Field, ...]
    unlink: str
    required_on_create: bool = False


@dataclass(frozen=True, eq=False)
class EntityType:
    """`after` names the entities whose records this one refers to. `deletable` entities take the field `deleted`."""

    name: str
    label: str
    model: type[Any]
    key: Field
    fields: tuple[Field, ...]
    parts: tuple[Part, ...] = ()
    after: tuple[str, ...] = ()
    deletable: bool = False
    has_custom_fields: bool = False
    by_key: dict[str, Field] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.by_key.update({field.key: field for field in self.fields})


def parse_text(field: Field, value: object) -> str | None:
    text = _trimmed(value)
    if len(text) > field.length:
        raise ValueError(f"At most {field.length} characters; this has {len(text)}.")
    return text or None


def parse_boolean(field: Field, value: object) -> bool | None:
    """Booleans, and the words true and false in any case."""
    if isinstance(value, bool):
        return value
    text = _trimmed(value)
    if text and text.lower() not in WORDS:
        raise ValueError("Must be true or false.")
    return WORDS.get(text.lower())


def parse_number(field: Field, value: object) -> Decimal | None:
    text = _digits(value) if isinstance(value, Decimal) else _trimmed(value)
    if not text:
        return None
    if not NUMBER.fullmatch(text):
        raise ValueError("Must be a number with a dot, at most 12 digits before it and 6 after it.")
    return Decimal(text)


def parse_integer(field: Field, value: object) -> int | None:
    number = parse_number(field, value)
    if number is not None and number != number.to_integral_value():
        raise ValueError("Must be a whole number.")
    return None if number is None else int(number)


def parse_list(field: Field, value: object) -> list[str] | None:
    """A list of texts, or one text with `||` between the values. Repeated values count once."""
    values = value if isinstance(value, list) else _trimmed(value).split("||")
    texts = (parse_text(field, item) for item in values)
    return list(dict.fromkeys(text for text in texts if text)) or None


def parse_choice(field: Field, value: object) -> str | None:
    """One of the field's words, in any case."""
    text = _trimmed(value).upper()
    if text and text not in field.choices:
        raise ValueError(f"Must be one of {', '.join(field.choices)}.")
    return text or None


def parse_custom_value(value: object) -> str | list[str] | None:
    """Text or a list of texts; numbers and booleans become text. None means that the stored value stays."""
    if isinstance(value, list):
        texts = (_scalar(item) for item in value)
        return [text for text in texts if text] or None
    return _scalar(value) or None


def _scalar(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return _digits(value)
    text = _trimmed(value)
    if len(text) > LONG_TEXT:
        raise ValueError(f"At most {LONG_TEXT} characters; this has {len(text)}.")
    return text


def _digits(value: Decimal) -> str:
    """Without an exponent, which a few bytes could make a million digits of."""
    if not value.is_finite() or abs(value.adjusted()) > 30:
        raise ValueError("This number is too large or too small.")
    return format(value, "f")


def _trimmed(value: object) -> str:
    """Whole numbers count as text: many systems send ids so."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise ValueError("Must be text." if value is not None else "This field is required.")
    if UNCARRIABLE.search(value):
        raise ValueError("Holds a control character that no XML file can carry.")
    return value.strip()


TEXT = FieldType("TEXT", parse_text)
BOOLEAN = FieldType("BOOLEAN", parse_boolean)
NUMBER_TYPE = FieldType("NUMBER", parse_number)
INTEGER = FieldType("INTEGER", parse_integer)
TEXT_LIST = FieldType("TEXT_LIST", parse_list)
CHOICE = FieldType("CHOICE", parse_choice)
