"""The cells of a source's rows: which field of which target each speaks of, and how its texts are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from datahub.entities.base import Field
from datahub.entities.values import BOOLEAN, CHOICE, CHOICES, LOCALISED_LIST, TEXT_LIST

# Each value between || is transcoded by itself.
MULTIPLE = (TEXT_LIST, LOCALISED_LIST, CHOICES)
# These take a few words only.
WORDED = (BOOLEAN, CHOICE, CHOICES)
# Columns mostly repeat a few values: so many texts of each are read but once. Longer ones are hardly said twice.
REMEMBERED, REMEMBERED_LENGTH = 2_000, 40
# Places that are none among the values.
KEY, FLAG, EMPTIES, NOWHERE = -1, -2, -3, -4


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
    """What one column of the source says of one target. `part` is the number of that part, or None for the record
    itself. `place` is the field's position among the given ones of the target, or -1 for its key, -2 for its flag of
    removal, -3 for the one that empties lists, -4 where nothing is put; `roots` are words for no reference;
    `locale` is set for the columns of localised fields. `is_plain_text` where nothing is done to texts but to check and
    to trim them."""

    column: int
    field: Field
    part: int | None
    place: int
    locale: str | None
    values: CellValues
    is_plain_text: bool
    roots: tuple[str, ...] = ()

    def joined(self, old: Any, value: Any) -> Any:
        """With what other columns of the same field say. Never changes a value, which other rows may share."""
        if self.place == KEY and old is not None:
            return list(dict.fromkeys([*keys_of(old), *keys_of(value)]))
        if value in self.roots:
            value = ""
        return value if self.locale is None else (old or {}) | {self.locale: value}


def keys_of(value: Any) -> Sequence[str]:
    """A cell may name one part, or a list of them."""
    return value if isinstance(value, list) else [value]


def as_cell(value: Any) -> str:
    """A converted value as a file would have it."""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dict):
        value = list(value.values())
    return "||".join(map(as_cell, value)) if isinstance(value, list) else str(value)
