"""ATTRIBUTE: what products and variants can be described by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, and_, select

from datahub.entities.base import CATALOGUE, Check, EntityType, Field, Holder, Link, Reference, Rule
from datahub.entities.store import A_STORE
from datahub.entities.values import (
    A_COLOUR,
    A_NUMBER,
    BOOLEAN,
    CHOICE,
    LOCALISED,
    LOCALISED_LIST,
    TEXT,
    TEXT_LIST,
    UNIT,
)
from datahub.models.catalogue import (
    ATTRIBUTE_TYPES,
    LIST_COLOR_TYPE,
    LIST_METRIC_TYPE,
    LIST_TYPES,
    METRIC_TYPE,
    UNITS,
    Attribute,
    Category,
    CategoryAttribute,
    Product,
    Variant,
)
from datahub.models.party import DEFAULT_STORE

AN_ATTRIBUTE = Reference("ATTRIBUTE", Attribute)
METRIC_TYPES = (METRIC_TYPE, LIST_METRIC_TYPE)
EVERY_UNIT = tuple(unit for units in UNITS.values() for unit in units)
TYPE = Field(
    "attributeType",
    "Attribute Type",
    "type",
    CHOICE,
    required_on_create=True,
    editable=False,
    lasting=True,
    choices=ATTRIBUTE_TYPES,
)


def _used_options(connection: Connection, external_id: str, labels: Sequence[str]) -> set[str]:
    """Those that live products or variants have."""
    used: set[str] = set()
    for model in (Product, Variant):
        values = model.attributes[external_id]
        query = select(values).where(model.deleted_at.is_(None), values.is_not(None))
        for found in connection.scalars(query):
            used |= set(found if isinstance(found, list) else ())
    return used & set(labels)


def _misshapen(values: Mapping[str, Any]) -> str | None:
    """Options are colours or numbers where the type of the attribute is."""
    a_whole = {LIST_COLOR_TYPE: A_COLOUR, LIST_METRIC_TYPE: A_NUMBER}.get(values.get("type") or "")
    labels = [label for labels in (values.get("options") or {}).values() for label in labels]
    wrong = [label for label in labels if a_whole and label and not a_whole.fullmatch(label)]
    if not wrong:
        return None
    example = "a colour such as #000000|Black" if values["type"] == LIST_COLOR_TYPE else "a number with a dot"
    return f"Each value must be {example}; {wrong[0]} is not."


OPTIONS = Field(
    "attributeValues",
    "Attribute Values",
    "options",
    LOCALISED_LIST,
    default={},
    localisable=True,
    used_options=_used_options,
)
MULTI = Field("attributeMulti", "Attribute Multi", "multi", BOOLEAN, default=False)
UNIT_TYPE = Field("attributeUnitType", "Attribute Unit Type", "unit_type", CHOICE, choices=tuple(UNITS))
THE_UNIT = Field("attributeUnit", "Attribute Unit", "unit", UNIT, length=20, choices=EVERY_UNIT)


def _unit_rule(name: str, units: Sequence[str]) -> Rule:
    return Rule(
        "wrong_unit",
        THE_UNIT,
        f"Of the unit type {name} it must be one of {', '.join(units)}.",
        lambda final: and_(final("unit_type") == name, final("unit").not_in(units)),
    )


RULES = (
    Rule(
        "required",
        UNIT_TYPE,
        f"This field is required for {METRIC_TYPE} and {LIST_METRIC_TYPE}.",
        lambda final: and_(final("type").in_(METRIC_TYPES), final("unit_type").is_(None)),
    ),
    Rule(
        "required",
        THE_UNIT,
        f"This field is required for {METRIC_TYPE} and {LIST_METRIC_TYPE}.",
        lambda final: and_(final("type").in_(METRIC_TYPES), final("unit").is_(None)),
    ),
    *(_unit_rule(name, units) for name, units in UNITS.items()),
    Rule(
        "wrong_unit",
        THE_UNIT,
        f"Without a unit type it must be one of {', '.join(EVERY_UNIT)}.",
        lambda final: and_(final("unit_type").is_(None), final("unit").not_in(EVERY_UNIT)),
    ),
    Rule(
        "not_a_list",
        MULTI,
        f"Only lists take several values: {', '.join(LIST_TYPES)}.",
        lambda final: and_(final("multi"), final("type").not_in(LIST_TYPES)),
    ),
)
ATTRIBUTE = EntityType(
    "ATTRIBUTE",
    label="Attributes",
    family=CATALOGUE,
    model=Attribute,
    key=Field("attributeExternalId", "Attribute External Id", "external_id", TEXT, editable=False),
    fields=(
        Field(
            "attributeNames",
            "Attribute Names",
            "names",
            LOCALISED,
            required_on_create=True,
            default={},
            localisable=True,
        ),
        TYPE,
        OPTIONS,
        MULTI,
        UNIT_TYPE,
        THE_UNIT,
        Field("attributeVariant", "Attribute Variant", "for_variant", BOOLEAN, default=False),
        Field(
            "attributeStoresExternalId",
            "Attribute Stores External Id",
            "stores",
            TEXT_LIST,
            default=[DEFAULT_STORE],
            refers_to=A_STORE,
        ),
    ),
    after=("STORE",),
    deleted_by=Field("attributeDeleted", "Attribute Deleted", "deleted_at", BOOLEAN),
    held_by=(Holder("products", Product.attributes), Holder("variants", Variant.attributes)),
    links=(
        Link(
            "CLASSIFICATION_CATEGORY",
            "attributes",
            CategoryAttribute.attribute_id,
            CategoryAttribute.category_id,
            Category,
        ),
    ),
    rules=RULES,
    checks=(Check(OPTIONS, _misshapen, stored=(TYPE.column,)),),
)
