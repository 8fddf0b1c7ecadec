"""Assortments: sets of products and of single variants, which may overlap."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from datahub.db import Base


class Assortment(Base):
    __tablename__ = "assortments"

    id: Mapped[int] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(String(255), unique=True)
    name: Mapped[str] = mapped_column(String(255), default="")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    products: Mapped[list[AssortmentProduct]] = relationship(
        order_by="AssortmentProduct.id", cascade="all, delete-orphan"
    )
    variants: Mapped[list[AssortmentVariant]] = relationship(
        order_by="AssortmentVariant.id", cascade="all, delete-orphan"
    )


class AssortmentProduct(Base):
    """A product that is in an assortment with all of its variants."""

    __tablename__ = "assortment_products"
    __table_args__ = (UniqueConstraint("assortment_id", "product_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    assortment_id: Mapped[int] = mapped_column(ForeignKey("assortments.id", ondelete="CASCADE"))
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"), index=True)


class AssortmentVariant(Base):
    """A single variant that is in an assortment, whether its product is or not."""

    __tablename__ = "assortment_variants"
    __table_args__ = (UniqueConstraint("assortment_id", "variant_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    assortment_id: Mapped[int] = mapped_column(ForeignKey("assortments.id", ondelete="CASCADE"))
    variant_id: Mapped[int] = mapped_column(ForeignKey("variants.id"), index=True)
