"""A small catalogue with offers, for tests of records: each is added and flushed, never committed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from datahub.db import database_now
from datahub.models.assortment import Assortment, AssortmentProduct, AssortmentVariant
from datahub.models.catalog_view import CatalogView
from datahub.models.catalogue import (
    Attribute,
    Category,
    CategoryAttribute,
    Product,
    ProductTag,
    RelatedProduct,
    Variant,
)
from datahub.models.change import Change
from datahub.models.execution import IMPORT, INTEGRATION_DONE, MANUAL, Execution
from datahub.models.navigation import NavigationCategory
from datahub.models.offer import Price, Stock
from datahub.models.party import DEFAULT_STORE, Store
from tests.factories import make_supplier

Thing = TypeVar("Thing")


def make_attribute(session: Session, external_id: str = "COLOR", **changes: Any) -> Attribute:
    """The one that exists with this external id, or a new one."""
    values = {"names": {"en-GB": "Colour", "fr-FR": "Couleur"}, "type": "LIST_TEXT", "stores": [DEFAULT_STORE]}
    return _known_or_new(session, Attribute, external_id, values | changes)


def make_category(session: Session, external_id: str = "TOOLS", **changes: Any) -> Category:
    """The one that exists with this external id, or a new one."""
    return _known_or_new(session, Category, external_id, {"name": external_id.title(), **changes})


def make_navigation_category(
    session: Session, external_id: str = "HOME", *, store: Store | None = None, **changes: Any
) -> NavigationCategory:
    """At the top of the default store's tree unless told otherwise."""
    store = store or session.scalars(select(Store).where(Store.external_id == DEFAULT_STORE)).one()
    now = database_now(session)
    values = {"names": {"en-GB": external_id.title()}, "categories": ["TOOLS"], "created_at": now, "updated_at": now}
    return _added(session, NavigationCategory(store_id=store.id, external_id=external_id, **values | changes))


def link_attribute(session: Session, category: Category, attribute: Attribute, **changes: Any) -> CategoryAttribute:
    return _added(session, CategoryAttribute(category_id=category.id, attribute_id=attribute.id, **changes))


def make_product(session: Session, external_id: str = "P-1", *, variants: int = 1, **changes: Any) -> Product:
    """In the category TOOLS unless another is given; its variants are P-1-V1, P-1-V2, …"""
    values = {"names": {"en-GB": f"Product {external_id}"}, "brand": "Own", "stores": [DEFAULT_STORE]}
    category = changes.pop("category", None) or make_category(session)
    product = _known_or_new(session, Product, external_id, values | {"category_id": category.id} | changes)
    for number in range(1, variants + 1):
        make_variant(session, product, f"{external_id}-V{number}")
    return product


def make_tags(session: Session, external_id: str = "P-1", *names: str) -> Product:
    """The product with this external id, bearing these tags, or sale."""
    product = make_product(session, external_id)
    for name in names or ("sale",):
        _added(session, ProductTag(product_id=product.id, name=name))
    return product


def make_relation(session: Session, external_id: str = "P-1", other: str = "P-2") -> Product:
    """The product with this external id, which then leads to the other one."""
    product = make_product(session, external_id)
    _added(session, RelatedProduct(product_id=product.id, related_id=make_product(session, other).id))
    return product


def make_variant(session: Session, product: Product, external_id: str, **changes: Any) -> Variant:
    names = {"en-GB": f"Variant {external_id}"}
    return _known_or_new(session, Variant, external_id, {"product_id": product.id, "names": names} | changes)


def make_offer(session: Session, external_id: str = "STOCK-1", *, prices: int = 1, **changes: Any) -> Stock:
    """Of the first variant of P-1 at SUP-1 unless others are given; its prices are STOCK-1-P1, STOCK-1-P2, …"""
    variant = changes.pop("variant", None) or make_variant(session, make_product(session), "P-1-V1")
    supplier = changes.pop("supplier", None) or make_supplier(session)
    values = {"variant_id": variant.id, "supplier_id": supplier.id, "quantity": 5, "stores": [DEFAULT_STORE]}
    stock = _known_or_new(session, Stock, external_id, values | changes)
    for number in range(1, prices + 1):
        make_price(session, stock, f"{external_id}-P{number}")
    return stock


def make_price(session: Session, stock: Stock, external_id: str, **changes: Any) -> Price:
    values = {"stock_id": stock.id, "type": "PUBLIC", "price": Decimal("9.99"), "currency": "EUR"}
    return _known_or_new(session, Price, external_id, values | changes)


def make_assortment(session: Session, external_id: str = "RANGE", **changes: Any) -> Assortment:
    """The one that exists with this external id, or a new one, with nothing in it."""
    return _known_or_new(session, Assortment, external_id, {"name": external_id.title()} | changes)


def make_view(session: Session, external_id: str = "VIEW", **changes: Any) -> CatalogView:
    """The one that exists with this external id, or a new one that shows nothing to nobody."""
    return _known_or_new(session, CatalogView, external_id, {"name": external_id.title()} | changes)


def put_into(session: Session, assortment: Assortment, product: Product) -> None:
    """The product, and each of its variants by itself."""
    _added(session, AssortmentProduct(assortment_id=assortment.id, product_id=product.id))
    for variant in session.scalars(select(Variant).where(Variant.product_id == product.id)).all():
        _added(session, AssortmentVariant(assortment_id=assortment.id, variant_id=variant.id))


def make_import(session: Session, public_id: str) -> Execution:
    """An import that is done, without a job."""
    now = database_now(session)
    return _added(
        session,
        Execution(
            public_id=public_id,
            kind=IMPORT,
            job_public_id="11111111-1111-4111-8111-111111111111",
            job_name="Suppliers from ERP",
            entity="SUPPLIER",
            entity_reference="",
            trigger_status="",
            origin=MANUAL,
            actor="ada",
            status=INTEGRATION_DONE,
            created_at=now,
            executed_at=now,
        ),
    )


def record_change(session: Session, entity: str, key: str, action: str = "updated", **changes: Any) -> Change:
    values = {"actor": "ada", "entity": entity, "record_key": key, "action": action, "at": database_now(session)}
    return _added(session, Change(**values | changes))


def _known_or_new(session: Session, model: type[Thing], external_id: str, values: dict[str, Any]) -> Thing:
    table: Any = model
    known = session.scalar(select(model).where(table.external_id == external_id))
    if known is not None:
        return known
    now = database_now(session)
    return _added(session, table(external_id=external_id, **{"created_at": now, "updated_at": now} | values))


def _added(session: Session, thing: Thing) -> Thing:
    session.add(thing)
    session.flush()
    return thing
