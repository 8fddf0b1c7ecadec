"""OFFER: the stock of a variant at a supplier, with its prices; one row per stock and price."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select

from datahub.entities.base import OFFERS, EntityType, Field, Part, Reference, Rule
from datahub.entities.product import A_VARIANT
from datahub.entities.store import A_STORE
from datahub.entities.supplier import A_SUPPLIER
from datahub.entities.values import BOOLEAN, CHOICE, CURRENCY, INTEGER, NUMBER, PRICE_RANGES, TEXT, TEXT_LIST
from datahub.models.offer import ACCOUNT, GROUP, PRICE_TYPES, Price, Stock
from datahub.models.party import DEFAULT_STORE, Account


def _is_live_account(external_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Also where none is named: that is another rule's fault."""
    live = select(Account.id).where(Account.external_id == external_id, Account.deleted_at.is_(None))
    return or_(external_id.is_(None), exists(live))


A_PRICE = Reference("offer_price", Price)
TYPE_VALUE = Field("priceTypeValue", "Price Type Value", "type_value", TEXT, depends_on="type")
PRICE = Part(
    "prices",
    label="Prices",
    shown_as="prices",
    attribute="prices",
    model=Price,
    owner="stock_id",
    global_key=True,
    removed_by=Field("priceDeleted", "Price Deleted", "deleted_at", BOOLEAN),
    key_field=Field("offerPriceExternalId", "Offer Price External Id", "external_id", TEXT, editable=False),
    fields=(
        Field("priceType", "Price Type", "type", CHOICE, required_on_create=True, choices=PRICE_TYPES),
        TYPE_VALUE,
        Field("price", "Price", "price", NUMBER, required_on_create=True, least=0),
        Field("currency", "Currency", "currency", CURRENCY, required_on_create=True, length=3),
        Field("packingType", "Packing Type", "packing_type", TEXT, default="UNIT", length=40),
        Field("itemPerPack", "Item Per Pack", "item_per_pack", INTEGER, default=1, least=1),
        Field("quantityPerItem", "Quantity Per Item", "quantity_per_item", NUMBER, default=Decimal(1), more_than=0),
        Field("minQuantity", "Min Quantity", "min_quantity", INTEGER, default=1, least=1),
        Field("priceRanges", "Price Ranges", "ranges", PRICE_RANGES, default=[]),
        Field("priceInactive", "Price Inactive", "inactive", BOOLEAN, default=False),
    ),
    rules=(
        Rule(
            "required",
            TYPE_VALUE,
            f"A price of type {GROUP} or {ACCOUNT} must name whom it is for.",
            lambda final: and_(final("type").in_((GROUP, ACCOUNT)), final("type_value").is_(None)),
        ),
        Rule(
            "unknown_reference",
            TYPE_VALUE,
            f"A price of type {ACCOUNT} must name an account that exists, by its external id. Import it first.",
            lambda final: and_(final("type") == ACCOUNT, ~_is_live_account(final("type_value"))),
            about=("type", "type_value"),
        ),
    ),
)
OFFER = EntityType(
    "OFFER",
    label="Offers",
    family=OFFERS,
    model=Stock,
    key=Field("stockId", "Stock Id", "external_id", TEXT, editable=False),
    fields=(
        Field(
            "stockVariantId",
            "Stock Variant Id",
            "variant_id",
            TEXT,
            required_on_create=True,
            required_on_update=True,
            editable=False,
            refers_to=A_VARIANT,
        ),
        Field(
            "supplierId",
            "Supplier Id",
            "supplier_id",
            TEXT,
            required_on_create=True,
            required_on_update=True,
            editable=False,
            refers_to=A_SUPPLIER,
        ),
        Field(
            "stockNumber",
            "Stock Number",
            "quantity",
            INTEGER,
            required_on_create=True,
            required_on_update=True,
            least=0,
        ),
        Field("quantityPerPack", "Quantity Per Pack", "quantity_per_pack", INTEGER, least=1),
        Field("leadTimeToShip", "Lead Time To Ship", "lead_time_to_ship", INTEGER, least=0),
        Field("stockInactive", "Stock Inactive", "inactive", BOOLEAN, default=False),
        Field(
            "storeExternalIds", "Store External Ids", "stores", TEXT_LIST, default=[DEFAULT_STORE], refers_to=A_STORE
        ),
    ),
    parts=(PRICE,),
    after=("PRODUCT", "SUPPLIER", "STORE", "ACCOUNT"),
    deleted_by=Field("stockDeleted", "Stock Deleted", "deleted_at", BOOLEAN),
    has_custom_fields=True,
    has_full_mode=True,
)
