"""SUPPLIER: who delivers an order. `status` and `inactive` are independent of each other."""

from __future__ import annotations

from datahub.entities.account import AN_ACCOUNT
from datahub.entities.base import ACCOUNTS, LONG_TEXT, EntityType, Field, Reference, Use
from datahub.entities.store import A_STORE
from datahub.entities.values import BOOLEAN, CHOICE, INTEGER, NUMBER, TEXT, TEXT_LIST
from datahub.models.offer import Stock
from datahub.models.party import DEFAULT_STORE, SUPPLIER_STATUSES, Supplier

A_SUPPLIER = Reference("SUPPLIER", Supplier)
SUPPLIER = EntityType(
    "SUPPLIER",
    label="Suppliers",
    family=ACCOUNTS,
    model=Supplier,
    deleted_by=Field("deleted", "Deleted", "deleted_at", BOOLEAN),
    used_by=(Use("offers", Stock.supplier_id),),
    has_full_mode=True,
    has_custom_fields=True,
    key=Field("externalId", "Supplier External Id", "external_id", TEXT, editable=False),
    fields=(
        Field("name", "Supplier Name", "name", TEXT, required_on_create=True),
        Field("inactive", "Mark Supplier as Inactive", "inactive", BOOLEAN, default=False),
        Field("description", "Description", "description", TEXT, length=LONG_TEXT),
        Field("logo", "Logo", "logo", TEXT, length=LONG_TEXT),
        Field("banner", "Banner", "banner", TEXT, length=LONG_TEXT),
        Field("supplierRating", "Supplier Rating", "rating", NUMBER, least=0),
        Field("returnPolicy", "Return Policy", "return_policy", TEXT, length=LONG_TEXT),
        Field("accountExternalId", "Account External Id", "accounts", TEXT_LIST, default=[], refers_to=AN_ACCOUNT),
        Field("status", "Status", "status", CHOICE, default="ACTIVE", choices=SUPPLIER_STATUSES),
        Field("storesExternalId", "Store External Id", "stores", TEXT_LIST, default=[DEFAULT_STORE], refers_to=A_STORE),
        Field("totalOffers", "Total Offers", "total_offers", INTEGER, default=0, editable=False),
        Field("totalOrders", "Total Orders", "total_orders", INTEGER, default=0, editable=False),
    ),
)
