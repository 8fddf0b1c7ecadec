"""ORDER and ORDER_UPDATE: one row per line of an order. What rows may do is in datahub.jobs.order_import."""

from __future__ import annotations

from typing import Any

from datahub.entities.account import AN_ACCOUNT
from datahub.entities.base import LONG_TEXT, ORDERS, EntityType, Field, FieldType
from datahub.entities.classification_category import A_CATEGORY
from datahub.entities.customer_user import A_CUSTOMER_USER
from datahub.entities.offer import A_PRICE
from datahub.entities.product import A_VARIANT
from datahub.entities.supplier import A_SUPPLIER
from datahub.entities.values import BOOLEAN, CHOICE, INTEGER, NUMBER, TEXT
from datahub.models.order import ORDER_STATUSES, Order

# Words for statuses that partners use too.
ALIASES = ("ORDER_DRAFT_ON_HOLD", "CREATED")
LINE_NUMBER_LENGTH = 50
CUSTOM_FIELD_OWNERS = ("ORDER", "ORDER_LINE")


def _field(key: str, label: str, kind: FieldType = TEXT, **more: Any) -> Field:
    """Rows of orders act: but for what finds an order, no column is asked for, and each field stands for itself."""
    return Field(key, label, key, kind, **more)


REFERENCE = Field("orderReference", "Order Reference", "reference", TEXT, editable=False)
EXTERNAL_ID = Field("orderExternalId", "Order External Id", "external_id", TEXT)
LINE_EXTERNAL_ID = _field("orderLineExternalId", "Order Line External Id")
LINE_ID = _field("orderLineId", "Order Line Id", length=LINE_NUMBER_LENGTH)
ACCOUNT = _field("accountExternalId", "Account External Id", editable=False, refers_to=AN_ACCOUNT)
SUPPLIER = _field("supplierExternalId", "Supplier External Id", editable=False, refers_to=A_SUPPLIER)
CUSTOMER = _field("customerExternalId", "Customer External Id", editable=False, refers_to=A_CUSTOMER_USER)
STATUS = _field("orderStatus", "Order Status", CHOICE, choices=(*ORDER_STATUSES, *ALIASES))
LINE_STATUS = _field("orderLineStatus", "Order Line Status", CHOICE, choices=(*ORDER_STATUSES, *ALIASES))
ADDRESS = (
    _field("shippingAddressFullName", "Shipping Address Full Name"),
    _field("shippingAddressCountry", "Shipping Address Country"),
    _field("shippingAddressStreetName", "Shipping Address Street Name"),
    _field("shippingAddressCity", "Shipping Address City"),
    _field("shippingAddressZipCode", "Shipping Address Zip Code"),
    _field("shippingAddressState", "Shipping Address State"),
    _field("shippingAddressAdditional", "Shipping Address Additional"),
)
OF_ORDER = (EXTERNAL_ID, ACCOUNT, SUPPLIER, CUSTOMER, STATUS, *ADDRESS)
PRICE = _field("offerPriceExternalId", "Offer Price External Id", refers_to=A_PRICE)
VARIANT = _field("variantExternalId", "Variant External Id", refers_to=A_VARIANT)
NET_PRICE = _field("netUnitPrice", "Net Unit Price", NUMBER, least=0)
GROSS_PRICE = _field("grossUnitPrice", "Gross Unit Price", NUMBER, least=0)
TAX = _field("taxAmount", "Tax Amount", NUMBER, least=0)
QUANTITY = _field("orderLineQuantity", "Order Line Quantity", INTEGER, least=1)
CATEGORY = _field("classificationExternalId", "Classification External Id", refers_to=A_CATEGORY)
VARIANT_NAME = _field("variantName", "Variant Name")
VARIANT_DESCRIPTION = _field("variantDescription", "Variant Description", length=LONG_TEXT)
DELETION = _field("markOrderLineForDeletion", "Mark Order Line For Deletion", BOOLEAN)
OF_LINE = (
    LINE_EXTERNAL_ID,
    LINE_ID,
    PRICE,
    VARIANT,
    NET_PRICE,
    GROSS_PRICE,
    TAX,
    QUANTITY,
    CATEGORY,
    VARIANT_NAME,
    VARIANT_DESCRIPTION,
    DELETION,
)
ORDER = EntityType(
    "ORDER",
    label="Orders",
    family=ORDERS,
    model=Order,
    key=REFERENCE,
    other_key=EXTERNAL_ID,
    fields=(*OF_ORDER, *OF_LINE),
    acts_on="ORDER",
    after=("ACCOUNT", "SUPPLIER", "CUSTOMER_USER", "OFFER"),
    takes_store=True,
    has_custom_fields=True,
    custom_field_owners=CUSTOM_FIELD_OWNERS,
    has_full_mode=True,
)
ORDER_UPDATE = EntityType(
    "ORDER_UPDATE",
    label="Updates of orders",
    family=ORDERS,
    model=Order,
    key=REFERENCE,
    other_key=EXTERNAL_ID,
    fields=(*OF_ORDER, *OF_LINE, LINE_STATUS),
    acts_on="ORDER",
    after=("ORDER",),
    must_exist=True,
    has_custom_fields=True,
    custom_field_owners=CUSTOM_FIELD_OWNERS,
)
