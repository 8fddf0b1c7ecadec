"""Values that an installation defines by itself: custom fields, and attributes of products and variants."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from datahub.entities.base import LONG_TEXT, Field, FieldType
from datahub.entities.values import A_COLOUR, BOOLEAN, NUMBER, TEXT, parse_list, plain_number
from datahub.models.catalogue import (
    COLOR_TYPE,
    DATE_TYPE,
    LIST_METRIC_TYPE,
    LIST_TYPES,
    LONG_TEXT_TYPE,
    METRIC_TYPE,
    NUMBER_TYPE,
)

CUSTOM_FIELD, ATTRIBUTE = "CF_", "attribute-"
DATE_FORMATS = ("%d/%m/%Y", "%Y-%m-%d")
BOOLEAN_TYPE, MEDIA_TYPE = "BOOLEAN", "MEDIA"
LONG_TYPES = (LONG_TEXT_TYPE, MEDIA_TYPE)


def _by_definition(field: Field, value: object) -> Any:
    raise AssertionError("what a definition says how to read has no type of its own")


EXTRAS = FieldType("EXTRAS", _by_definition)
CUSTOM_FIELDS = Field("customFields", "Custom field", "custom_fields", EXTRAS, default={})
ATTRIBUTES = Field("attributes", "Attribute", "attributes", EXTRAS, default={})
EXTRA_KEYS = {CUSTOM_FIELDS.key, ATTRIBUTES.key}


def personal_fields(fields: Sequence[Field]) -> list[Field]:
    """Those that go when a record is deleted. Where some do, custom fields go too: they may hold anything."""
    some_are = any(item.personal for item in fields)
    return [item for item in fields if item.personal or (some_are and item.type is EXTRAS)]


@dataclass(frozen=True)
class Definition:
    """One custom field or attribute, as a run knows it to its end. `options` are the values that a list takes, by
    locale, and pair by position, "" where a label is missing; a list is stored in those of the main locale. What is
    `localised` is stored as a text per locale, other lists as lists, and all else as text: numbers plainly, dates as
    YYYY-MM-DD. `owners` are those that may bear it, where rows speak of more than one."""

    prefix: str
    external_id: str
    type: str
    required: bool = False
    multi: bool = False
    localised: bool = False
    options: Mapping[str, Sequence[str]] = field(default_factory=dict)
    unit: str | None = None
    owners: Sequence[str] = field(default_factory=list)

    @property
    def key(self) -> str:
        return f"{self.prefix}{self.external_id}"

    @property
    def is_list(self) -> bool:
        return self.type in LIST_TYPES

    def parse(self, text: str, locale: str, main_locale: str) -> Any:
        """Raises ValueError with words for a person."""
        if self.is_list:
            return self._parse_options(text, locale, main_locale)
        value = self._parse_one(text)
        return {locale: value} if self.localised else value

    def as_field(self) -> Field:
        """To show faults at."""
        length = LONG_TEXT if self.type in LONG_TYPES else Field.length
        return Field(self.key, self.key, "", TEXT, length=length)

    def _parse_one(self, text: str) -> str:
        parse: Callable[[str], str] = {
            NUMBER_TYPE: self._parse_number,
            METRIC_TYPE: self._parse_metric,
            DATE_TYPE: _parse_date,
            COLOR_TYPE: _parse_colour,
            BOOLEAN_TYPE: self._parse_boolean,
            MEDIA_TYPE: self._parse_address,
        }.get(self.type, self._parse_text)
        return parse(text)

    def _parse_text(self, text: str) -> str:
        return str(self.as_field().parse(text))

    def _parse_address(self, text: str) -> str:
        if not is_address(text):
            raise ValueError("Must be an address such as https://example.com/manual.pdf.")
        return self._parse_text(text)

    def _parse_number(self, text: str) -> str:
        number = NUMBER.parse(self.as_field(), text)
        return plain_number(number)

    def _parse_metric(self, text: str) -> str:
        number, _, unit = text.partition(" ")
        if self.unit and not unit and number.endswith(self.unit):
            number, unit = number.removesuffix(self.unit), self.unit
        if unit and unit.strip() != self.unit:
            raise ValueError(f"Must be a number, alone or with the unit {self.unit}.")
        return self._parse_number(number)

    def _parse_boolean(self, text: str) -> str:
        return "true" if BOOLEAN.parse(self.as_field(), text) else "false"

    def _parse_options(self, text: str, locale: str, main_locale: str) -> list[str]:
        given = parse_list(self.as_field(), text) or []
        if len(given) > 1 and not self.multi:
            raise ValueError(f"{self.key} takes one value; this has {len(given)}.")
        known = list(self.options.get(locale) or ())
        stored = list(self.options.get(main_locale) or ()) or known
        # Where two labels of a locale are alike, the first one counts; one that is empty is nobody's.
        places = {self._comparable(option): place for place, option in reversed([*enumerate(known)]) if option}
        unknown = [option for option in given if places.get(self._comparable(option), len(stored)) >= len(stored)]
        if unknown:
            raise ValueError(f"{self.key} has no option {', '.join(unknown)}.")
        return [stored[places[self._comparable(option)]] for option in given]

    def _comparable(self, option: str) -> str:
        """Numbers in any writing are one option, and so are colours."""
        try:
            if self.type == LIST_METRIC_TYPE:
                return self._parse_metric(option)
            return _parse_colour(option) if option.startswith("#") else option
        except ValueError:
            return option


def is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not any(map(str.isspace, text))
    except ValueError:
        return False


def _parse_date(text: str) -> str:
    for pattern in DATE_FORMATS:
        try:
            return datetime.strptime(text, pattern).date().isoformat()  # noqa: DTZ007 - a day has no time zone
        except ValueError:
            continue
    raise ValueError("Must be a date such as 31/12/2026 or 2026-12-31.")


def _parse_colour(text: str) -> str:
    found = A_COLOUR.fullmatch(text)
    if not found:
        raise ValueError("Must be a colour such as #000000|Black.")
    return f"#{found[1].upper()}|{found[2].strip()}"
