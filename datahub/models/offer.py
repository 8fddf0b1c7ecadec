"""Offers: the stock of one variant at one supplier, with its prices."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from datahub.db import Base
from datahub.models.catalogue import Variant
from datahub.models.party import Supplier

PUBLIC, GROUP, ACCOUNT = "PUBLIC", "GROUP", "ACCOUNT"
PRICE_TYPES = (PUBLIC, GROUP, ACCOUNT)


class Stock(Base):
    __tablename__ = "stocks"

    id: Mapped[int] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(String(255), unique=True)
    variant_id: Mapped[int] = mapped_column(ForeignKey("variants.id"), index=True)
    supplier_id: Mapped[int] = mapped_column(ForeignKey("suppliers.id"), index=True)
    quantity: Mapped[int]
    quantity_per_pack: Mapped[int | None]
    lead_time_to_ship: Mapped[int | None]
    inactive: Mapped[bool] = mapped_column(default=False)
    stores: Mapped[list[str]] = mapped_column(JSON, default=list)
    custom_fields: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    variant: Mapped[Variant] = relationship()
    supplier: Mapped[Supplier] = relationship()
    prices: Mapped[list[Price]] = relationship(order_by="Price.id", back_populates="stock")


class Price(Base):
    """`type_value` names the group or account that a GROUP or ACCOUNT price is for; `ranges` are pairs of a minimum
    quantity and a price, as texts."""

    __tablename__ = "prices"
    __table_args__ = (CheckConstraint(f"type in {PRICE_TYPES}", name="type"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(String(255), unique=True)
    stock_id: Mapped[int] = mapped_column(ForeignKey("stocks.id"), index=True)
    type: Mapped[str] = mapped_column(String(10))
    type_value: Mapped[str | None] = mapped_column(String(255))
    price: Mapped[Decimal]
    currency: Mapped[str] = mapped_column(String(3))
    packing_type: Mapped[str] = mapped_column(String(40), default="UNIT")
    item_per_pack: Mapped[int] = mapped_column(default=1)
    quantity_per_item: Mapped[Decimal] = mapped_column(default=Decimal(1))
    min_quantity: Mapped[int] = mapped_column(default=1)
    ranges: Mapped[list[list[str]]] = mapped_column(JSON, default=list)
    inactive: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    stock: Mapped[Stock] = relationship(back_populates="prices")
