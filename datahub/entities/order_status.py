"""ORDER_STATUS: moves of orders to another status, as XML; one element per move."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from datahub.entities.base import ORDERS, Check, EntityType, Field
from datahub.entities.extras import is_address
from datahub.entities.order import ALIASES
from datahub.entities.values import CHOICE, TEXT
from datahub.models.order import ORDER_STATUSES, TRACKING_URL_LENGTH, Order

# The keys are those of the order, so that a fault names the same field; the labels are the elements of the file.
REFERENCE = Field("orderReference", "Reference", "reference", TEXT, editable=False)
EXTERNAL_ID = Field("orderExternalId", "External Id", "external_id", TEXT, editable=False)
STATUS = Field("orderStatus", "Status", "status", CHOICE, required_on_update=True, choices=(*ORDER_STATUSES, *ALIASES))
TRACKING_URL = Field(
    "shippingTrackingUrl", "Shipping Tracking Url", "shipping_tracking_url", TEXT, length=TRACKING_URL_LENGTH
)


def _no_address(values: Mapping[str, Any]) -> str | None:
    given = values.get(TRACKING_URL.column)
    return None if given is None or is_address(given) else "Must be an address such as https://example.com/parcel/1."


ORDER_STATUS = EntityType(
    "ORDER_STATUS",
    label="Statuses of orders",
    family=ORDERS,
    model=Order,
    must_exist=True,
    acts_on="ORDER",
    elements=("Orders", "Order"),
    key=REFERENCE,
    other_key=EXTERNAL_ID,
    fields=(EXTERNAL_ID, STATUS, TRACKING_URL),
    checks=(Check(TRACKING_URL, _no_address),),
    has_custom_fields=True,
    custom_field_owners=("ORDER",),
)
