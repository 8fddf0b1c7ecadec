"""ATTRIBUTE: what products and variants can be described by."""

from __future__ import annotations

from sqlalchemy import and_, or_

from datahub.entities.base import CATALOGUE, EntityType, Field, Reference, Rule, Use
from datahub.entities.store import A_STORE
from datahub.entities.values import BOOLEAN, CHOICE, LOCALISED, LOCALISED_LIST, TEXT, TEXT_LIST, UNIT
from datahub.models.catalogue import (
    ATTRIBUTE_TYPES,
    LIST_METRIC_TYPE,
    LIST_TYPES,
    METRIC_TYPE,
    UNITS,
    Attribute,
    CategoryAttribute,
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
    choices=ATTRIBUTE_TYPES,
)
MULTI = Field("attributeMulti", "Attribute Multi", "multi", BOOLEAN, default=False)
UNIT_TYPE = Field("attributeUnitType", "Attribute Unit Type", "unit_type", CHOICE, choices=tuple(UNITS))
THE_UNIT = Field("attributeUnit", "Attribute Unit", "unit", UNIT, choices=EVERY_UNIT)
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
    Rule(
        "wrong_unit",
        THE_UNIT,
        "This unit does not belong to the unit type: "
        + "; ".join(f"{name} has {', '.join(units)}" for name, units in UNITS.items())
        + ".",
        lambda final: or_(
            *(and_(final("unit_type") == name, final("unit").not_in(units)) for name, units in UNITS.items())
        ),
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
        Field("attributeValues", "Attribute Values", "options", LOCALISED_LIST, default={}, localisable=True),
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
    rules=RULES,
    used_by=(Use("classification categories", CategoryAttribute.attribute_id),),
)
