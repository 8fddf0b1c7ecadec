"""The parties of an order: stores, suppliers, accounts with their addresses and users."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from datahub.db import Base

DEFAULT_STORE = "default_store"
SUPPLIER_STATUSES = ("ACTIVE", "SUSPENDED", "CLOSED")
DUE_DATE_MODES = ("SIMPLE", "END_OF_MONTH")
CIVILITIES = ("MR", "MRS", "MISS")
USER_GROUPS = ("FOC_Admin", "FOC_User", "FOC_Webmaster")


class Store(Base):
    __tablename__ = "stores"

    id: Mapped[int] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(String(255), unique=True)
    name: Mapped[str] = mapped_column(String(255))
    description: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Supplier(Base):
    """`accounts` and `stores` are lists of external ids; `custom_fields` is keyed by external id."""

    __tablename__ = "suppliers"
    __table_args__ = (
        CheckConstraint(f"status in {SUPPLIER_STATUSES}", name="status"),
        CheckConstraint(f"payment_due_date_mode in {DUE_DATE_MODES}", name="payment_due_date_mode"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(String(255), unique=True)
    name: Mapped[str] = mapped_column(String(255))
    description: Mapped[str | None] = mapped_column(Text)
    logo: Mapped[str | None] = mapped_column(Text)
    banner: Mapped[str | None] = mapped_column(Text)
    rating: Mapped[Decimal | None]
    return_policy: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(20), default="ACTIVE")
    inactive: Mapped[bool] = mapped_column(default=False)
    total_offers: Mapped[int] = mapped_column(default=0)
    total_orders: Mapped[int] = mapped_column(default=0)
    total_sales: Mapped[int] = mapped_column(default=0)
    payment_due_date_delay: Mapped[int] = mapped_column(default=0)
    payment_due_date_mode: Mapped[str] = mapped_column(String(20), default="SIMPLE")
    accounts: Mapped[list[str]] = mapped_column(JSON, default=list)
    stores: Mapped[list[str]] = mapped_column(JSON, default=list)
    custom_fields: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]


class Account(Base):
    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(String(255), unique=True)
    name: Mapped[str] = mapped_column(String(255))
    company_registration_name: Mapped[str] = mapped_column(String(255), default="")
    business_registration_number: Mapped[str] = mapped_column(String(255), default="")
    manager_name: Mapped[str | None] = mapped_column(String(255))
    website: Mapped[str | None] = mapped_column(Text)
    vat_number: Mapped[str | None] = mapped_column(String(255))
    customer_tags: Mapped[list[str]] = mapped_column(JSON, default=list)
    inactive: Mapped[bool] = mapped_column(default=False)
    custom_fields: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    addresses: Mapped[list[AccountAddress]] = relationship(order_by="AccountAddress.id", cascade="all, delete-orphan")


class AccountAddress(Base):
    __tablename__ = "account_addresses"
    __table_args__ = (UniqueConstraint("account_id", "external_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    external_id: Mapped[str] = mapped_column(String(255))
    label: Mapped[str | None] = mapped_column(String(255))
    full_name: Mapped[str] = mapped_column(String(255))
    country: Mapped[str] = mapped_column(String(255))
    state: Mapped[str | None] = mapped_column(String(255))
    city: Mapped[str] = mapped_column(String(255))
    zip_code: Mapped[str] = mapped_column(String(255))
    street_name: Mapped[str] = mapped_column(String(255))
    additional_street_name: Mapped[str | None] = mapped_column(String(255))
    phone_number: Mapped[str | None] = mapped_column(String(255))
    shipping: Mapped[bool] = mapped_column(default=True)
    billing: Mapped[bool] = mapped_column(default=True)


class CustomerUser(Base):
    """Who buys for some accounts. `accounts` and `stores` are lists of external ids. The e-mail is in small letters.
    What is kept of a `password` is its hash, and a fingerprint that tells whether another one is the same."""

    __tablename__ = "customer_users"
    __table_args__ = (CheckConstraint(f"civility in {(*CIVILITIES, '')}", name="civility"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(String(255), unique=True)
    civility: Mapped[str] = mapped_column(String(10))
    first_name: Mapped[str] = mapped_column(String(255))
    last_name: Mapped[str] = mapped_column(String(255))
    name = column_property(first_name + " " + last_name)
    email: Mapped[str] = mapped_column(String(255), index=True)
    phone: Mapped[str] = mapped_column(String(255))
    groups: Mapped[list[str]] = mapped_column(JSON, default=list)
    accounts: Mapped[list[str]] = mapped_column(JSON, default=list)
    organisations: Mapped[list[str]] = mapped_column(JSON, default=list)
    main_organisation: Mapped[str | None] = mapped_column(String(255))
    password: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    inactive: Mapped[bool] = mapped_column(default=False)
    stores: Mapped[list[str]] = mapped_column(JSON, default=list)
    custom_fields: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
