"""ATTRIBUTE: what products and variants can be described by."""

from __future__ import annotations

from datahub.entities.base import CATALOGUE, EntityType, Field, Reference, Use
from datahub.entities.store import A_STORE
from datahub.entities.values import BOOLEAN, CHOICE, LOCALISED, LOCALISED_LIST, TEXT, TEXT_LIST, UNIT
from datahub.models.catalogue import ATTRIBUTE_TYPES, UNITS, Attribute, CategoryAttribute
from datahub.models.party import DEFAULT_STORE

AN_ATTRIBUTE = Reference("ATTRIBUTE", Attribute)
EVERY_UNIT = tuple(unit for units in UNITS.values() for unit in units)
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
        Field(
            "attributeType",
            "Attribute Type",
            "type",
            CHOICE,
            required_on_create=True,
            editable=False,
            choices=ATTRIBUTE_TYPES,
        ),
        Field("attributeValues", "Attribute Values", "options", LOCALISED_LIST, default={}, localisable=True),
        Field("attributeMulti", "Attribute Multi", "multi", BOOLEAN, default=False),
        Field("attributeUnitType", "Attribute Unit Type", "unit_type", CHOICE, choices=tuple(UNITS)),
        Field("attributeUnit", "Attribute Unit", "unit", UNIT, choices=EVERY_UNIT),
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
    used_by=(Use("classification categories", CategoryAttribute.attribute_id),),
)
