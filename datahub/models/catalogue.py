"""The catalogue: attributes, classification categories with their attribute links, products with variants."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from datahub.db import Base

TEXT_TYPE, LONG_TEXT_TYPE, NUMBER_TYPE, DATE_TYPE, COLOR_TYPE, METRIC_TYPE = (
    "TEXT",
    "LONG_TEXT",
    "NUMBER",
    "DATE",
    "COLOR",
    "METRIC",
)
LIST_TEXT_TYPE, LIST_METRIC_TYPE, LIST_COLOR_TYPE = LIST_TYPES = ("LIST_TEXT", "LIST_METRIC", "LIST_COLOR")
ATTRIBUTE_TYPES = (TEXT_TYPE, LONG_TEXT_TYPE, NUMBER_TYPE, DATE_TYPE, COLOR_TYPE, METRIC_TYPE, *LIST_TYPES)
UNITS = {
    "WEIGHT_METRIC": ("kg", "g", "mg"),
    "WEIGHT_IMPERIAL": ("lb", "oz"),
    "VOLUME_METRIC": ("m3", "L", "cL", "mL"),
    "VOLUME_IMPERIAL": ("gal", "qt", "pt", "fl oz"),
    "LENGTH_METRIC": ("m", "cm"),
    "LENGTH_IMPERIAL": ("yd", "ft", "in"),
    "AREA_METRIC": ("m2",),
    "AREA_IMPERIAL": ("ft2",),
}


class Attribute(Base):
    """`names` and `options` map a locale to a text or a list of labels, paired across locales by position."""

    __tablename__ = "attributes"
    __table_args__ = (CheckConstraint(f"type in {ATTRIBUTE_TYPES}", name="type"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(String(255), unique=True)
    names: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    type: Mapped[str] = mapped_column(String(20))
    options: Mapped[dict[str, list[str]]] = mapped_column(JSON, default=dict)
    multi: Mapped[bool] = mapped_column(default=False)
    unit_type: Mapped[str | None] = mapped_column(String(20))
    unit: Mapped[str | None] = mapped_column(String(20))
    for_variant: Mapped[bool] = mapped_column(default=False)
    stores: Mapped[list[str]] = mapped_column(JSON, default=list)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]


class Category(Base):
    """A classification category. `parent_id` None is the top level."""

    __tablename__ = "categories"

    id: Mapped[int] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(String(255), unique=True)
    name: Mapped[str] = mapped_column(String(255))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("categories.id"), index=True)
    custom_fields: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    parent: Mapped[Category | None] = relationship(remote_side=[id])
    attributes: Mapped[list[CategoryAttribute]] = relationship(
        order_by="CategoryAttribute.id", cascade="all, delete-orphan"
    )


class CategoryAttribute(Base):
    """Which attributes the products of a category bear, and how."""

    __tablename__ = "category_attributes"
    __table_args__ = (UniqueConstraint("category_id", "attribute_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    category_id: Mapped[int] = mapped_column(ForeignKey("categories.id", ondelete="CASCADE"))
    attribute_id: Mapped[int] = mapped_column(ForeignKey("attributes.id"), index=True)
    enabled: Mapped[bool] = mapped_column(default=True)
    indexable: Mapped[bool] = mapped_column(default=False)
    required: Mapped[bool] = mapped_column(default=False)
    for_variant: Mapped[bool] = mapped_column(default=False)
    faceted: Mapped[bool] = mapped_column(default=False)
    searchable: Mapped[bool] = mapped_column(default=False)
    sortable: Mapped[bool] = mapped_column(default=False)

    attribute: Mapped[Attribute] = relationship()


class Product(Base):
    """`attributes` holds the values of attributes that are not for variants, by external id."""

    __tablename__ = "products"

    id: Mapped[int] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(String(255), unique=True)
    names: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    descriptions: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    brand: Mapped[str | None] = mapped_column(String(255))
    unit: Mapped[str | None] = mapped_column(String(255))
    category_id: Mapped[int] = mapped_column(ForeignKey("categories.id"), index=True)
    inactive: Mapped[bool] = mapped_column(default=False)
    stores: Mapped[list[str]] = mapped_column(JSON, default=list)
    attributes: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    category: Mapped[Category] = relationship()
    variants: Mapped[list[Variant]] = relationship(order_by="Variant.id", back_populates="product")


class ProductTag(Base):
    __tablename__ = "product_tags"
    __table_args__ = (UniqueConstraint("product_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    name: Mapped[str] = mapped_column(String(255))


class RelatedProduct(Base):
    """What a product leads to. The other way is another row, if there is one."""

    __tablename__ = "related_products"
    __table_args__ = (UniqueConstraint("product_id", "related_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    related_id: Mapped[int] = mapped_column(ForeignKey("products.id"), index=True)


class Variant(Base):
    """What is sold. Its external id is unique among all variants, whatever their products."""

    __tablename__ = "variants"

    id: Mapped[int] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(String(255), unique=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"), index=True)
    names: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    descriptions: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    sku: Mapped[str | None] = mapped_column(String(255))
    ean: Mapped[str | None] = mapped_column(String(255))
    mpn: Mapped[str | None] = mapped_column(String(255))
    main_image_url: Mapped[str | None] = mapped_column(Text)
    additional_images: Mapped[list[str]] = mapped_column(JSON, default=list)
    inactive: Mapped[bool] = mapped_column(default=False)
    attributes: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    product: Mapped[Product] = relationship(back_populates="variants")
