"""STORE: a store of the shop. Never deleted."""

from __future__ import annotations

from datahub.entities.base import CATALOGUE, LONG_TEXT, EntityType, Field, Reference
from datahub.entities.values import TEXT
from datahub.models.party import Store

A_STORE = Reference("STORE", Store)
STORE = EntityType(
    "STORE",
    label="Stores",
    family=CATALOGUE,
    model=Store,
    key=Field("storeExternalId", "Store External Id", "external_id", TEXT, editable=False),
    fields=(
        Field("storeName", "Store Name", "name", TEXT, required_on_create=True, required_on_update=True),
        Field(
            "storeDescription",
            "Store Description",
            "description",
            TEXT,
            required_on_create=True,
            required_on_update=True,
            length=LONG_TEXT,
        ),
    ),
)
