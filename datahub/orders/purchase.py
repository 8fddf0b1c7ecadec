"""What a line of an order copies from the catalogue: of an offer's price, of a variant and its product."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from datahub.models.catalogue import Category, Product, Variant
from datahub.models.offer import Price, Stock

Values = dict[str, Any]


def find_price(session: Session, external_id: str) -> Price | None:
    query = select(Price).join(Stock, Stock.id == Price.stock_id).where(Price.external_id == external_id)
    return session.scalar(query.where(Price.deleted_at.is_(None), Stock.deleted_at.is_(None)))


def find_variant(session: Session, external_id: str) -> Variant | None:
    query = select(Variant).join(Product, Product.id == Variant.product_id).where(Variant.external_id == external_id)
    return session.scalar(query.where(Variant.deleted_at.is_(None), Product.deleted_at.is_(None)))


def find_category(session: Session, external_id: str) -> Category | None:
    return session.scalar(select(Category).where(Category.external_id == external_id, Category.deleted_at.is_(None)))


def unit_price(price: Price, quantity: int) -> Decimal:
    """That of the last range which the quantity reaches."""
    reached = [Decimal(amount) for least, amount in price.ranges if int(least) <= quantity]
    return reached[-1] if reached else price.price


def of_price(price: Price) -> Values:
    """What a line says of the offer that it was bought by, by name in the document."""
    return {
        "type": price.type,
        "typeValue": price.type_value,
        "itemPerPack": price.item_per_pack,
        "quantityPerItem": price.quantity_per_item,
        "currency": price.currency,
        "packingType": price.packing_type,
        "externalOfferId": price.external_id,
    }


def of_product(product: Product, locale: str) -> Values:
    return {
        "name": in_locale(product.names, locale),
        "externalId": product.external_id,
        "brand": product.brand,
        **of_category(product.category),
    }


def of_category(category: Category) -> Values:
    """The document has its name; its external id is kept beside."""
    return {"classificationCategory": category.name, "classificationCategoryExternalId": category.external_id}


def of_variant(variant: Variant, locale: str) -> Values:
    """The document has no description; it is kept beside."""
    return {
        "externalId": variant.external_id,
        "name": in_locale(variant.names, locale),
        "externalReference": variant.sku,
        "gtin": variant.ean,
        "mpn": variant.mpn,
        "mainImageUrl": variant.main_image_url,
        "description": in_locale(variant.descriptions, locale),
    }


def in_locale(texts: Mapping[str, str], locale: str) -> str | None:
    """In the main locale, else in any."""
    return texts.get(locale) or next(iter(texts.values()), None)
