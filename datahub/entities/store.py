"""STORE: a store of the shop. Never deleted."""

from __future__ import annotations

from datahub.entities.base import LONG_TEXT, TEXT, EntityType, Field
from datahub.models.party import Store

STORE = EntityType(
    "STORE",
    label="Stores",
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
