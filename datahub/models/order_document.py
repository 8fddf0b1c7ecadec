"""The declared shape of the exported order: every part, in its order, with its type and where it appears.

Snapshots store such a document as plain JSON: decimals and times as text, lists without wrappers. Formats write it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from datahub.models.order import ORDER_STATUSES, PAYMENT_STATUSES
from datahub.models.party import DUE_DATE_MODES

PAYMENT_OPTIONS = ("CREDIT_CARD", "DIRECT_PAYMENT", "BANK_WIRE", "BANK_WIRE_ON_DUE_DATE", "BANK_WIRE_ON_ACCEPTANCE")
LONG_TEXT = 10_000

ILLEGAL_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Document = dict[str, Any]


class Kind(Enum):
    TEXT = "text"
    DECIMAL = "decimal"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    TIME = "time"


class InJson(Enum):
    """XML needs no such rule: there, what is null is left out."""

    ALWAYS = "always"
    WHEN_SET = "when set"
    NEVER = "never"


@dataclass(frozen=True)
class Field:
    """`limit` is the longest text in characters, `least` the smallest integer."""

    name: str
    kind: Kind = Kind.TEXT
    limit: int = 255
    least: int = 0
    choices: tuple[str, ...] = ()
    in_json: InJson = InJson.ALWAYS

    @property
    def column(self) -> str:
        """The attribute that holds the value on the order, the line, the address or the payment."""
        return _COLUMNS.get(self.name) or re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), self.name)


@dataclass(frozen=True)
class Group:
    name: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Items:
    """A wrapper with repeated children named `item`. Without `always` the wrapper is left out while it is empty."""

    name: str
    item: str
    parts: tuple[Part, ...]
    most: int
    always: bool = True


@dataclass(frozen=True)
class CustomFields:
    """A wrapper of `customField` children, whose value is one text (`simpleValue`) or a list (`listValue`)."""

    name: str = "customFieldValues"
    item: str = "customField"
    most: int = 1_000


Part = Field | Group | Items | CustomFields

_COLUMNS = {"id": "number", "orderCommercialReference": "commercial_reference"}


def _decimals(*names: str) -> tuple[Field, ...]:
    return tuple(Field(name, Kind.DECIMAL) for name in names)


def _texts(*names: str) -> tuple[Field, ...]:
    return tuple(Field(name) for name in names)


_ADDRESS = (
    *_texts("externalId", "country", "label", "fullName"),
    Field("address", limit=LONG_TEXT),
    Field("additionalAddress", limit=LONG_TEXT),
    *_texts("city", "state", "zipcode", "phone"),
)

SUPPLIER = Group(
    "supplierSnapshot",
    (
        Field("name"),
        Field("description", limit=LONG_TEXT),
        Field("totalOffers", Kind.INTEGER),
        Field("totalOrders", Kind.INTEGER),
        Field("totalSales", Kind.INTEGER),
        Field("returnPolicy", limit=LONG_TEXT),
        Field("externalId"),
        Group(
            "paymentDueDate",
            (Field("paymentDueDateDelay", Kind.INTEGER), Field("paymentDueDateMode", choices=DUE_DATE_MODES)),
        ),
    ),
)
SHIPPING_ADDRESS = Group("shippingAddressSnapshot", _ADDRESS)
BILLING_ADDRESS = Group("billingAddressSnapshot", _ADDRESS)
CUSTOMER = Group(
    "customerUserSnapshot",
    _texts("accountExternalId", "accountName", "accountTvaNumber", "civility", "firstName", "lastName", "email"),
)
PAYMENTS = Items(
    "payments", "payment", (Field("amount", Kind.DECIMAL), Field("transactionId")), most=1_000, always=False
)
ORDER_PRICES = Group(
    "orderLogisticPrices",
    (
        *_decimals("totalShippingFees", "totalItemPrice", "totalOrderPrice", "totalTaxAmount"),
        *_decimals("totalPriceWithoutTax", "totalPriceWithTax", "totalShippingTaxAmount"),
        *_decimals("totalShippingFeesWithoutTax", "totalShippingFeesWithTax"),
        *_decimals("totalProductTaxAmount", "totalProductWithoutTax", "totalProductWithTax"),
        Field("currency", limit=3),
    ),
)
# Nobody has said what taxInformation holds: it is written as null and no column keeps it.
TAX_INFORMATION = Field("taxInformation")
LINE_PRICES = Group(
    "orderLogisticLinePriceDto",
    (
        *_decimals("price", "itemPriceWithoutTaxes", "taxRate", "taxAmount", "priceWithTaxes"),
        Field("type", limit=20),
        Field("typeValue"),
        Field("itemPerPack", Kind.INTEGER, least=1),
        Field("quantityPerItem", Kind.DECIMAL),
        Field("externalSource", limit=20),
        Field("currency", limit=3),
        Field("packingType", limit=50),
        Field("externalOfferId"),
        TAX_INFORMATION,
        *_decimals("shippingPriceWithoutTaxes", "shippingTaxAmount", "shippingPriceWithTaxes", "totalItemPrice"),
        *_decimals("totalItemPriceWithTaxes", "totalPriceWithTaxes", "totalItemTaxAmount"),
        *_decimals("totalPriceWithoutTaxes", "totalTaxes"),
    ),
)
PRODUCT = Group("orderLogisticLineProductDto", _texts("name", "externalId", "classificationCategory", "brand"))
VARIANT = Group(
    "orderLogisticLineProductVariantDto",
    (
        *_texts("externalId", "name", "externalReference", "gtin", "mpn"),
        Field("mainImageUrl", limit=LONG_TEXT),
    ),
)
LINES = Items(
    "lines",
    "line",
    (
        Field("id", limit=50),
        Field("quantity", Kind.INTEGER, least=1),
        LINE_PRICES,
        PRODUCT,
        VARIANT,
        Field("status", choices=ORDER_STATUSES),
        Field("incidentDeclared", Kind.BOOLEAN),
        Field("paymentStatus", choices=PAYMENT_STATUSES),
        CustomFields(),
    ),
    most=10_000,
)
ORDER: tuple[Part, ...] = (
    Field("createdAt", Kind.TIME),
    Field("updatedAt", Kind.TIME),
    Field("reference"),
    Field("id", limit=50, in_json=InJson.NEVER),
    Field("externalId"),
    Field("orderCommercialReference"),
    Field("incidentDeclared", Kind.BOOLEAN),
    SUPPLIER,
    SHIPPING_ADDRESS,
    BILLING_ADDRESS,
    CUSTOMER,
    Field("status", choices=ORDER_STATUSES),
    Field("paymentStatus", choices=PAYMENT_STATUSES),
    PAYMENTS,
    Field("paymentOption", choices=PAYMENT_OPTIONS),
    ORDER_PRICES,
    Field("initialPrice", Kind.DECIMAL),
    LINES,
    Field("orderOrigin"),
    Field("shippingType"),
    Field("partiallyDeclinedBySupplier", Kind.BOOLEAN),
    Field("leadTimeToShip", Kind.INTEGER, in_json=InJson.WHEN_SET),
    CustomFields(),
)


def decimal_text(value: Decimal) -> str:
    """Without trailing zeros but with at least one decimal: 5.0, 117.45. `value` has six decimals at most."""
    whole, _, decimals = f"{value:.6f}".partition(".")
    return f"{whole}.{decimals.rstrip('0') or '0'}"


def time_text(value: datetime) -> str:
    """UTC with milliseconds, such as 2025-03-24T14:32:31.824Z."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
