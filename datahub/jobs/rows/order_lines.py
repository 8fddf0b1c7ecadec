"""One line of an imported order: what a row says of it, with what the catalogue knows, and its amounts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from datahub.entities.order import (
    CATEGORY,
    LINE_STATUS,
    NET_PRICE,
    PRICE,
    QUANTITY,
    TAX,
    VARIANT,
    VARIANT_DESCRIPTION,
    VARIANT_NAME,
)
from datahub.faults import Faults
from datahub.jobs.rows.faults import REQUIRED
from datahub.jobs.rows.order_rows import OF_A_LINE, OrderRows
from datahub.models import order_document
from datahub.models.catalogue import Variant
from datahub.models.offer import Price
from datahub.models.order import Order, OrderLine
from datahub.models.order_document import LINE_PRICES, ORDER_PRICES, TAX_INFORMATION, Field
from datahub.models.party import Supplier
from datahub.orders import purchase
from datahub.orders.amounts import ZERO, complete_line, complete_order

Values = dict[str, Any]

UNKNOWN, OTHER_OFFER, OTHER_CURRENCY = "unknown_reference", "contradicts_offer", "mixed_currencies"
# By name in the document.
COLUMNS, TOTALS = (
    {part.name: part.column for part in group.parts if isinstance(part, Field) and part != TAX_INFORMATION}
    for group in (LINE_PRICES, ORDER_PRICES)
)
SHIPPING = ("shippingPriceWithoutTaxes", "shippingTaxAmount", "shippingPriceWithTaxes")
MALFORMED = "malformed"


def new_line(session: Session, rows: OrderRows, number: int, supplier: Supplier) -> Values:
    """In the shape of the document without wrappers, with what it keeps beside. Raises RowFaultError."""
    given = rows.values[number]
    if QUANTITY.key not in given:
        raise rows.fault(number, REQUIRED, QUANTITY)
    price = find_price(session, rows, number, supplier)
    variant = find_variant(session, rows, number, price)
    for item in () if price else (VARIANT, NET_PRICE):
        if item.key not in given:
            message = f"A new line needs {PRICE.label}, or both {VARIANT.label} and {NET_PRICE.label}."
            raise rows.fault(number, REQUIRED, item, message)
    net = given.get(NET_PRICE.key)
    if net is None and price is not None:
        net = purchase.unit_price(price, given[QUANTITY.key])
    line = {
        "quantity": given[QUANTITY.key],
        "status": given.get(LINE_STATUS.key),
        LINE_PRICES.name: _unit_amounts(net, given.get(TAX.key, ZERO)) | (purchase.of_price(price) if price else {}),
        "customFieldValues": [
            {"externalId": external_id, **held} for external_id, held in rows.customs(number, OF_A_LINE).items()
        ],
    }
    rows.require(number, OF_A_LINE, rows.customs(number, OF_A_LINE))
    return line | described(session, rows, number, variant)


def described(session: Session, rows: OrderRows, number: int, variant: Variant | None) -> Values:
    """Product and variant as the catalogue has them, but for what the row says."""
    given, locale = rows.values[number], rows.doing.main_locale
    product = purchase.of_product(variant.product, locale) if variant else {}
    own = purchase.of_variant(variant, locale) if variant else {}
    if CATEGORY.key in given:
        product |= find_category(session, rows, number)
    said = {"name": given.get(VARIANT_NAME.key), "description": given.get(VARIANT_DESCRIPTION.key)}
    own |= {name: text for name, text in said.items() if text is not None}
    return {order_document.PRODUCT.name: product, order_document.VARIANT.name: own}


def find_price(session: Session, rows: OrderRows, number: int, supplier: Supplier) -> Price | None:
    external_id = rows.values[number].get(PRICE.key)
    if external_id is None:
        return None
    price = purchase.find_price(session, external_id)
    if price is None:
        raise rows.fault(number, UNKNOWN, PRICE)
    if price.stock.supplier_id != supplier.id:
        message = f"{external_id} is an offer of {price.stock.supplier.external_id}, and the order is one of "
        raise rows.fault(number, OTHER_OFFER, PRICE, f"{message}{supplier.external_id}.")
    return price


def find_variant(session: Session, rows: OrderRows, number: int, price: Price | None) -> Variant | None:
    external_id = rows.values[number].get(VARIANT.key)
    if price is not None and external_id not in (None, price.stock.variant.external_id):
        message = f"{price.external_id} is an offer of {price.stock.variant.external_id}, and not of {external_id}."
        raise rows.fault(number, OTHER_OFFER, VARIANT, message)
    if price is not None:
        return price.stock.variant
    variant = None if external_id is None else purchase.find_variant(session, external_id)
    if external_id is not None and variant is None:
        raise rows.fault(number, UNKNOWN, VARIANT)
    return variant


def find_category(session: Session, rows: OrderRows, number: int) -> Values:
    category = purchase.find_category(session, rows.values[number][CATEGORY.key])
    if category is None:
        raise rows.fault(number, UNKNOWN, CATEGORY)
    return purchase.of_category(category)


def require_currency(rows: OrderRows, number: int, named: str | None, currency: str) -> None:
    if named not in (None, currency):
        message = f"The offer is in {named}, and the order in {currency}. An order has one currency."
        raise rows.fault(number, OTHER_CURRENCY, PRICE, message)


def settle_line(rows: OrderRows, number: int, line: OrderLine, *, anew: bool) -> None:
    """The amounts of a line whose quantity has changed, and where they come `anew`, those of one unit as well."""
    shipping = {name: getattr(line, COLUMNS[name]) for name in SHIPPING}
    faults = Faults()
    given = _unit_amounts(line.item_price_without_taxes, line.tax_amount) | shipping
    amounts = complete_line(given, line.quantity, path="", faults=faults)
    refuse_amounts(rows, number, faults)
    for name, amount in amounts.items():
        if anew or name.startswith("total"):
            setattr(line, COLUMNS[name], amount)


def settle_order(rows: OrderRows, order: Order) -> None:
    lines = [{name: getattr(line, column) for name, column in COLUMNS.items()} for line in order.lines]
    faults = Faults()
    totals = complete_order({}, lines, path="", faults=faults)
    refuse_amounts(rows, len(rows.values) - 1, faults)
    for name, amount in totals.items():
        setattr(order, TOTALS[name], amount)


def refuse_amounts(rows: OrderRows, number: int, faults: Faults) -> None:
    for path, (message, *_) in faults.fields.items():
        raise rows.fault(number, MALFORMED, QUANTITY, f"{path.rpartition('.')[-1]} {message}.")


def _unit_amounts(net: Decimal | None, tax: Decimal) -> Values:
    return {"price": net, "itemPriceWithoutTaxes": net, "taxAmount": tax}
