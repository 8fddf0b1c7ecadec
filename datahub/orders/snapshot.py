"""An order as the document that is frozen when a status is reached, and from which every format is written."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from datahub.models.order import Order, OrderLine
from datahub.models.order_document import (
    BILLING_ADDRESS,
    CUSTOMER,
    LINES,
    ORDER,
    PAYMENTS,
    PRODUCT,
    SHIPPING_ADDRESS,
    SUPPLIER,
    TAX_INFORMATION,
    VARIANT,
    CustomFields,
    Document,
    Field,
    Group,
    Items,
    Part,
    decimal_text,
    time_text,
)


def build_document(order: Order) -> Document:
    """Plain JSON with every declared key; null where the order holds nothing."""
    places = {row.kind: row for row in order.addresses}
    held = {
        SUPPLIER.name: order.supplier_snapshot,
        SHIPPING_ADDRESS.name: places.get("SHIPPING", {}),
        BILLING_ADDRESS.name: places.get("BILLING", {}),
        CUSTOMER.name: order.customer_snapshot,
        PAYMENTS.name: order.payments,
        LINES.name: order.lines,
    }
    return _read_parts(ORDER, order, held)


def _read_parts(parts: tuple[Part, ...], owner: Any, held: dict[str, Any]) -> Document:
    """`held` says where else than on `owner` the groups and lists are."""
    document: Document = {}
    for part in parts:
        match part:
            case Field():
                document[part.name] = _read_field(part, owner)
            case Group():
                inner = owner.get(part.name, {}) if isinstance(owner, dict) else held.get(part.name, owner)
                document[part.name] = _read_parts(part.parts, inner, {})
            case Items():
                document[part.name] = [_read_parts(part.parts, item, _held_by(item)) for item in held[part.name]]
            case CustomFields():
                fields = owner.custom_fields.items()
                document[part.name] = [{"externalId": external_id, **field} for external_id, field in fields]
    return document


def _held_by(item: Any) -> dict[str, Any]:
    return {PRODUCT.name: item.product, VARIANT.name: item.variant} if isinstance(item, OrderLine) else {}


def _read_field(field: Field, owner: Any) -> Any:
    if field == TAX_INFORMATION:
        return None
    value = owner.get(field.name) if isinstance(owner, dict) else getattr(owner, field.column)
    match value:
        case Decimal():
            return decimal_text(value)
        case datetime():
            return time_text(value)
        case _:
            return value
