"""How pages show records: which columns a list has, and the values of fields in pieces that templates only place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from datahub.entities import ENTITIES
from datahub.entities.base import EntityType, Field, Part
from datahub.entities.values import INTEGER, NUMBER
from datahub.jobs import record_search
from datahub.jobs.record_reads import Named

# What people know the records by, beside external id and name; other entities show what they cannot do without.
COLUMNS = {
    "STORE": ("storeDescription",),
    "ACCOUNT": ("companyRegistrationName", "accountVatNumber"),
    "SUPPLIER": ("supplierRating",),
    "ATTRIBUTE": ("attributeType", "attributeUnit", "attributeVariant"),
    "CLASSIFICATION_CATEGORY": ("classificationParentExternalId",),
    "NAVIGATION_CATEGORY": (
        "navigationCategoryParentId",
        "classificationCategoryCode",
        "navigationCategoryPosition",
    ),
    "PRODUCT": ("productBrand", "productClassificationCategoryId"),
    "CUSTOMER_USER": (
        "customerUserFirstName",
        "customerUserLastName",
        "customerUserEmail",
        "customerUserAccountIds",
    ),
    "OFFER": ("stockVariantId", "supplierId", "stockNumber"),
    "PRODUCT_TAG": (),
    "RELATED_PRODUCT": (),
    "ASSORTMENT": (),
    "CATALOG_VIEW": ("catalogDescription", "allowedAssortmentExternalId"),
}
NOTES = {
    "STORE": "The shops that sell.",
    "ACCOUNT": "The companies that buy, with their addresses.",
    "CUSTOMER_USER": "The people who buy, each for one or more accounts.",
    "SUPPLIER": "Who delivers what is ordered.",
    "ATTRIBUTE": "What products and variants are described by.",
    "CLASSIFICATION_CATEGORY": "The tree that products stand in, with the attributes they bear.",
    "NAVIGATION_CATEGORY": "The tree that a store leads its customers through.",
    "PRODUCT": "What is sold, with its variants.",
    "OFFER": "The stock of a variant at a supplier, with its prices.",
    "PRODUCT_TAG": "Words that products are found by.",
    "RELATED_PRODUCT": "What products lead to, one way.",
    "ASSORTMENT": "Products and single variants that belong together.",
    "CATALOG_VIEW": "Which assortments accounts see.",
}
# Together they are the one state of a record in a list.
STATE_COLUMNS = ("status", "active", "inactive")
ACTIVE = "ACTIVE"
LONG = 100
ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)
MOST_SHOWN = 500
ABBREVIATIONS = ("sku", "ean")


class Piece(NamedTuple):
    """`mark` says what the text is one of: a locale, or the name of an attribute. A text that is itself an address
    elsewhere is its own `url`."""

    text: str
    mark: str = ""
    url: str = ""

    @property
    def is_address(self) -> bool:
        return bool(self.url) and self.url == self.text


class Shown(NamedTuple):
    label: str
    key: str
    pieces: list[Piece]
    is_number: bool = False

    @property
    def is_long(self) -> bool:
        return sum(len(piece.text) for piece in self.pieces if not piece.is_address) > LONG

    @property
    def is_marked(self) -> bool:
        return any(piece.mark for piece in self.pieces)


class Table(NamedTuple):
    """The parts of a record. `headings` pair a label with whether its column holds numbers."""

    title: str
    headings: list[tuple[str, bool]]
    rows: list[list[Shown]]
    left_out: int


Links = Mapping[str, str]
# By external id, of custom fields or attributes.
Names = Mapping[str, Named]


def pieces_of(value: Any, links: Links, unit: str = "") -> list[Piece]:
    """`links` are addresses by external id. Empty values have no pieces."""
    match value:
        case None | "":
            return []
        case dict():
            return [Piece(", ".join(_texts(item)), mark) for mark, item in value.items()]
        case _:
            return [Piece(f"{text} {unit}".strip(), url=links.get(text) or _address(text)) for text in _texts(value)]


def _address(text: str) -> str:
    return text if ADDRESS.fullmatch(text) else ""


def shown_extras(values: Mapping[str, Any], names: Names) -> list[Shown]:
    """Of custom fields or attributes, by external id."""
    called = {key: names.get(key, Named(key, "")) for key in values}
    return [Shown(called[key].name, key, pieces_of(value, {}, called[key].unit)) for key, value in values.items()]


def shown_field(item: Field, value: Any, links: Links, title: str = "") -> Shown:
    """In a table with a title, its label is the heading there."""
    return Shown(heading(item, title), item.key, pieces_of(value, links), item.type in (INTEGER, NUMBER))


def heading(item: Field, title: str) -> str:
    """The label without a first word that the title says already: below Variants, Variant Names are Names."""
    first, _, rest = item.label.partition(" ")
    return rest if rest and title.startswith(first) else item.label


def name_field(kind: EntityType) -> Field | None:
    return next((item for item in kind.fields if item.column in ("name", "names")), None)


def looks_in(kind: EntityType) -> str:
    """What the search of its list finds records by."""
    found = ["External id"]
    if hasattr(kind.model, "name") or hasattr(kind.model, "names"):
        found.append("name")
    found += [item.label.split()[-1].lower() for item in kind.fields if item.unique]
    for part in kind.parts:
        sought = record_search.sought_in(kind, part)
        # Many columns of one thing, such as tags.
        found += [part.label.lower()] if sought and part.more_keys else _in_a_row(sought)
    if "name" not in found:
        found.append("what it refers to")
    *first, last = found
    return f"{', '.join(first)} or {last}"


def _in_a_row(items: Sequence[Field]) -> list[str]:
    """As in: variant id, SKU, EAN. They have their first word in common."""
    found = []
    for item in items:
        first, *rest = item.label.replace(" External", "").lower().split()
        words = rest if found and rest else [first, *rest]
        found.append(" ".join(word.upper() if word in ABBREVIATIONS else word for word in words))
    return found


def name_of(record: Any, main_locale: str) -> str:
    """In the main locale, else in any. Empty for what has no name."""
    name = getattr(record, "name" if "name" in record.__table__.c else "names", None)
    if isinstance(name, dict):
        name = name.get(main_locale) or next(iter(name.values()), "")
    return str(name or "")


def list_fields(kind: EntityType) -> list[Field]:
    """Those that a list shows beside external id and name."""
    if kind.name in COLUMNS:
        return [kind.by_key[key] for key in COLUMNS[kind.name]]
    return [item for item in kind.fields if item.required_on_create and item is not name_field(kind)]


class State(NamedTuple):
    words: str
    is_active: bool


def has_state(kind: EntityType) -> bool:
    return any(item.column in STATE_COLUMNS for item in kind.fields)


def state_of(kind: EntityType, fields: Mapping[str, Any]) -> State:
    """What a status and a switch say together: either may hold a record back, whatever the other is."""
    values = [(item.column, fields[item.key]) for item in kind.fields if item.column in STATE_COLUMNS]
    held_back = [value for column, value in values if column == "status" and value != ACTIVE]
    held_back += ["inactive" for column, value in values if column != "status" and value == (column == "inactive")]
    return State(", ".join(held_back or [ACTIVE]).capitalize(), not held_back)


def parts_table(part: Part, rows: list[dict[str, Any]], links: Links, names: Names, number: int) -> Table:
    """Without the columns that are empty in every row. The record has this number of parts, of which some may be left
    out of the rows."""
    shown = [_part_row(part, row, links, names) for row in rows]
    used = [place for place, cells in enumerate(zip(*shown, strict=True)) if any(cell.pieces for cell in cells)]
    kept = [[row[place] for place in used] for row in shown]
    headings = [(cell.label, cell.is_number) for cell in kept[0]] if kept else []
    return Table(part.label, headings, kept, number - len(rows))


def _part_row(part: Part, row: dict[str, Any], links: Links, names: Names) -> list[Shown]:
    items = (part.key_field, *part.fields)
    cells = [shown_field(item, row[item.key], links, part.label) for item in items]
    extras = shown_extras(row.get("attributes") or {}, names)
    pieces = [Piece(", ".join(_marked(piece) for piece in one.pieces), one.label) for one in extras]
    return [*cells, Shown("Attributes", "attributes", pieces)]


def _marked(piece: Piece) -> str:
    return f"{piece.text} ({piece.mark})" if piece.mark else piece.text


def labels_of(kind: EntityType) -> dict[str, str]:
    """By key of a field, those of the parts and of every import that acts on such records included."""
    acting = (item for other in ENTITIES.values() if other.acts_on == kind.name for item in other.fields)
    parts = (item for part in kind.parts for item in (part.key_field, *part.fields))
    return {item.key: item.label for item in (*acting, kind.key, *kind.fields, *parts)}


class Difference(NamedTuple):
    label: str
    old: list[Piece]
    new: list[Piece]


def differences(label: str, old: Any, new: Any) -> list[Difference]:
    """One for a field; of a localised one, one for each locale that differs."""
    if not isinstance(old, dict) and not isinstance(new, dict):
        return [Difference(label, _cut(old), _cut(new))]
    before, after = old or {}, new or {}
    names = [name for name in before | after if before.get(name) != after.get(name)]
    return [Difference(f"{label} {name}", _cut(before.get(name)), _cut(after.get(name))) for name in names]


def differing_extras(old: Any, new: Any, names: Names) -> list[Difference]:
    """Of custom fields or attributes, one for each that differs."""
    before, after = old or {}, new or {}
    found = [key for key in before | after if before.get(key) != after.get(key)]
    called = [(key, names.get(key, Named(key, ""))) for key in found]
    return [Difference(it.name, _cut(before.get(key), it.unit), _cut(after.get(key), it.unit)) for key, it in called]


def _cut(value: Any, unit: str = "") -> list[Piece]:
    """Values may be whole descriptions. Addresses are no links here: what differs may stand at their end."""
    return [piece._replace(text=_shortened(piece.text), url="") for piece in pieces_of(value, {}, unit)]


def _shortened(text: str) -> str:
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}… ({len(text)} characters)"


def _texts(value: Any) -> list[str]:
    if isinstance(value, list):
        return [text for item in value for text in ([_pair(item)] if isinstance(item, list) else _texts(item))]
    return [_text(value)]


def _pair(item: Iterable[Any]) -> str:
    """A range of prices, as files write it."""
    return ":".join(_text(side) for side in item)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)
