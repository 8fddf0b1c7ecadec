"""Order logistics with what hangs on them: lines, addresses, payments, status history, frozen snapshots."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, event, inspect
from sqlalchemy.orm import Mapped, mapped_column, relationship

from datahub.db import Base
from datahub.models.party import Account, Store, Supplier

ORDER_STATUSES = (
    "CREATING",
    "DRAFT_ORDER",
    "DRAFT_ORDER_ON_HOLD",
    "BLOCKED_BY_POLICY",
    "BLOCKED_BY_PAYMENT",
    "ORDER_CREATED",
    "WAITING_CUSTOMER_APPROVAL",
    "WAITING_SUPPLIER_APPROVAL",
    "ACCEPTED_BY_SUPPLIER",
    "WAITING_FULFILLMENT",
    "WAITING_SHIPMENT",
    "PARTIALLY_CANCELED",
    "PARTIALLY_SHIPPED",
    "SHIPPED",
    "INCIDENT",
    "COMPLETED",
    "CANCELED",
    "DECLINED_BY_SUPPLIER",
    "DECLINED_BY_CUSTOMER",
)
PAYMENT_STATUSES = (
    "INIT_PAYMENT",
    "AUTHORIZATION_PENDING",
    "WAITING_AUTHORIZATION",
    "AUTHORIZED",
    "WAITING_PAYMENT",
    "CAPTURE_PENDING",
    "PAID",
    "PARTIALLY_PAID",
    "OVER_PAID",
    "REFUSED",
    "WAITING_REFUND",
    "PARTIALLY_REFUNDED",
    "REFUNDED",
)


TRACKING_URL_LENGTH = 2000


class Order(Base):
    """An order logistic. It keeps its store for good, since its executions carry it. An import has made it if it
    `is_external`.

    `supplier_snapshot` and `customer_snapshot` keep the keys of the exported document; `custom_fields` is
    `{external id: {"type": …, "value": text or list of texts}}` in document order."""

    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint(f"status in {ORDER_STATUSES}", name="status"),
        CheckConstraint(f"payment_status in {PAYMENT_STATUSES}", name="payment_status"),
        Index("ix_orders_status_id", "status", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(255), unique=True)
    number: Mapped[str] = mapped_column(String(50), unique=True)
    external_id: Mapped[str | None] = mapped_column(String(255), unique=True)
    is_external: Mapped[bool] = mapped_column(default=False)
    commercial_reference: Mapped[str] = mapped_column(String(255), index=True)
    store_id: Mapped[int] = mapped_column(ForeignKey("stores.id"), index=True)
    supplier_id: Mapped[int] = mapped_column(ForeignKey("suppliers.id"), index=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    status: Mapped[str] = mapped_column(String(40))
    payment_status: Mapped[str | None] = mapped_column(String(40))
    payment_option: Mapped[str | None] = mapped_column(String(40))
    incident_declared: Mapped[bool] = mapped_column(default=False)
    partially_declined_by_supplier: Mapped[bool] = mapped_column(default=False)
    order_origin: Mapped[str | None] = mapped_column(String(255))
    shipping_type: Mapped[str | None] = mapped_column(String(255))
    shipping_tracking_url: Mapped[str | None] = mapped_column(String(TRACKING_URL_LENGTH))
    lead_time_to_ship: Mapped[int | None]
    initial_price: Mapped[Decimal | None]
    supplier_snapshot: Mapped[dict[str, Any]] = mapped_column(JSON)
    customer_snapshot: Mapped[dict[str, Any]] = mapped_column(JSON)
    custom_fields: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    currency: Mapped[str] = mapped_column(String(3))
    total_shipping_fees: Mapped[Decimal]
    total_item_price: Mapped[Decimal]
    total_order_price: Mapped[Decimal]
    total_tax_amount: Mapped[Decimal]
    total_price_without_tax: Mapped[Decimal]
    total_price_with_tax: Mapped[Decimal]
    total_shipping_tax_amount: Mapped[Decimal]
    total_shipping_fees_without_tax: Mapped[Decimal]
    total_shipping_fees_with_tax: Mapped[Decimal]
    total_product_tax_amount: Mapped[Decimal]
    total_product_without_tax: Mapped[Decimal]
    total_product_with_tax: Mapped[Decimal]

    store: Mapped[Store] = relationship()
    supplier: Mapped[Supplier] = relationship()
    account: Mapped[Account] = relationship()
    lines: Mapped[list[OrderLine]] = relationship(order_by="OrderLine.position", cascade="all, delete-orphan")
    addresses: Mapped[list[OrderAddress]] = relationship(cascade="all, delete-orphan")
    payments: Mapped[list[OrderPayment]] = relationship(order_by="OrderPayment.position", cascade="all, delete-orphan")
    status_changes: Mapped[list[OrderStatusChange]] = relationship(order_by="OrderStatusChange.id")


@event.listens_for(Order, "before_update")
def _keep_store(_mapper: object, _connection: object, order: Order) -> None:
    if inspect(order).attrs.store_id.history.has_changes():
        raise AssertionError(f"the order {order.reference} was given another store, but not its executions")


class OrderLine(Base):
    """`price`, `item_price_without_taxes`, `tax_amount`, `price_with_taxes` are per unit, `total_*` per line.
    `product` and `variant` keep the keys of the exported document, and of an imported line what else is known."""

    __tablename__ = "order_lines"
    __table_args__ = (
        UniqueConstraint("order_id", "number"),
        Index("ix_order_lines_external", "order_id", "external_id", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))
    position: Mapped[int]
    number: Mapped[str] = mapped_column(String(50))
    external_id: Mapped[str | None] = mapped_column(String(255))
    quantity: Mapped[int]
    gross_unit_price: Mapped[Decimal | None]
    price: Mapped[Decimal]
    item_price_without_taxes: Mapped[Decimal]
    tax_rate: Mapped[Decimal]
    tax_amount: Mapped[Decimal]
    price_with_taxes: Mapped[Decimal]
    type: Mapped[str] = mapped_column(String(20), default="PUBLIC")
    type_value: Mapped[str | None] = mapped_column(String(255))
    item_per_pack: Mapped[int] = mapped_column(default=1)
    quantity_per_item: Mapped[Decimal]
    external_source: Mapped[str] = mapped_column(String(20), default="EXTERN")
    currency: Mapped[str] = mapped_column(String(3))
    packing_type: Mapped[str] = mapped_column(String(50), default="UNIT")
    external_offer_id: Mapped[str | None] = mapped_column(String(255))
    shipping_price_without_taxes: Mapped[Decimal]
    shipping_tax_amount: Mapped[Decimal]
    shipping_price_with_taxes: Mapped[Decimal]
    total_item_price: Mapped[Decimal]
    total_item_price_with_taxes: Mapped[Decimal]
    total_price_with_taxes: Mapped[Decimal]
    total_item_tax_amount: Mapped[Decimal]
    total_price_without_taxes: Mapped[Decimal]
    total_taxes: Mapped[Decimal]
    product: Mapped[dict[str, Any]] = mapped_column(JSON)
    variant: Mapped[dict[str, Any]] = mapped_column(JSON)
    status: Mapped[str | None] = mapped_column(String(40))
    payment_status: Mapped[str | None] = mapped_column(String(40))
    incident_declared: Mapped[bool] = mapped_column(default=False)
    custom_fields: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class OrderAddress(Base):
    __tablename__ = "order_addresses"
    __table_args__ = (
        UniqueConstraint("order_id", "kind"),
        CheckConstraint("kind in ('SHIPPING', 'BILLING')", name="kind"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(10))
    external_id: Mapped[str | None] = mapped_column(String(255))
    country: Mapped[str | None] = mapped_column(String(255))
    label: Mapped[str | None] = mapped_column(String(255))
    full_name: Mapped[str | None] = mapped_column(String(255))
    address: Mapped[str | None] = mapped_column(Text)
    additional_address: Mapped[str | None] = mapped_column(Text)
    city: Mapped[str | None] = mapped_column(String(255))
    state: Mapped[str | None] = mapped_column(String(255))
    zipcode: Mapped[str | None] = mapped_column(String(255))
    phone: Mapped[str | None] = mapped_column(String(255))


class OrderPayment(Base):
    __tablename__ = "order_payments"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    position: Mapped[int]
    amount: Mapped[Decimal]
    transaction_id: Mapped[str | None] = mapped_column(String(255))


class OrderSnapshot(Base):
    """The order as it was when a status was reached; never changed after. `document` is the exported document
    with decimals and times as text, so that every format can be rendered from it later."""

    __tablename__ = "order_snapshots"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    status: Mapped[str] = mapped_column(String(40))
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
    store_external_id: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime]


class OrderStatusChange(Base):
    """One status reached. `snapshot_id` is set where an export wanted the order as it was then."""

    __tablename__ = "order_status_changes"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    from_status: Mapped[str | None] = mapped_column(String(40))
    to_status: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(150))
    snapshot_id: Mapped[int | None] = mapped_column(ForeignKey("order_snapshots.id"), index=True)
