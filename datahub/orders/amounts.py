"""The amounts of an order. What is missing is computed, what is given is checked. No rows, plain dicts of Decimal.

Unit amounts are rounded to two decimals before they are multiplied by the quantity."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from datahub.faults import Faults

CENT = Decimal("0.01")
TOLERANCE = CENT
LARGEST = Decimal(10) ** 12
ZERO = Decimal(0)
EXACT = Context(prec=60, rounding=ROUND_HALF_UP)

# Each order total is the sum of one amount over the lines; at this level item price includes shipping.
ORDER_TOTALS = {
    "totalShippingFees": "shippingPriceWithTaxes",
    "totalItemPrice": "totalPriceWithoutTaxes",
    "totalOrderPrice": "totalPriceWithTaxes",
    "totalTaxAmount": "totalTaxes",
    "totalPriceWithoutTax": "totalPriceWithoutTaxes",
    "totalPriceWithTax": "totalPriceWithTaxes",
    "totalShippingTaxAmount": "shippingTaxAmount",
    "totalShippingFeesWithoutTax": "shippingPriceWithoutTaxes",
    "totalShippingFeesWithTax": "shippingPriceWithTaxes",
    "totalProductTaxAmount": "totalItemTaxAmount",
    "totalProductWithoutTax": "totalItemPrice",
    "totalProductWithTax": "totalItemPriceWithTaxes",
}


def round_money(value: Decimal) -> Decimal:
    """Half up, to two decimals."""
    return EXACT.quantize(value, CENT)


def complete_line(prices: dict[str, Any], quantity: int, *, path: str, faults: Faults) -> dict[str, Decimal]:
    """The amounts of one line by name, of which `price` or `itemPriceWithoutTaxes` must be given."""
    price = _first(prices.get("itemPriceWithoutTaxes"), prices.get("price"))
    rate, tax = _tax(prices, price)
    shipping, shipping_tax = _shipping(prices)
    item, item_tax = round_money(price) * quantity, round_money(tax) * quantity
    sent, sent_tax = round_money(shipping), round_money(shipping_tax)
    expected = {
        "price": price,
        "itemPriceWithoutTaxes": price,
        "taxRate": rate,
        "taxAmount": _first(_expected_tax(prices, price), tax),
        "priceWithTaxes": round_money(price + tax),
        "shippingPriceWithoutTaxes": shipping,
        "shippingTaxAmount": shipping_tax,
        "shippingPriceWithTaxes": sent + sent_tax,
        "totalItemPrice": item,
        "totalItemPriceWithTaxes": item + item_tax,
        "totalPriceWithTaxes": item + item_tax + sent + sent_tax,
        "totalItemTaxAmount": item_tax,
        "totalPriceWithoutTaxes": item + sent,
        "totalTaxes": item_tax + sent_tax,
    }
    return _settle(prices, expected, TOLERANCE, path, faults)


def complete_order(
    prices: dict[str, Any], lines: list[dict[str, Decimal]], *, path: str, faults: Faults
) -> dict[str, Decimal]:
    """The totals of the order by name, from lines that are complete."""
    expected = {total: round_money(sum((line[part] for line in lines), ZERO)) for total, part in ORDER_TOTALS.items()}
    return _settle(prices, expected, TOLERANCE * len(lines), path, faults)


def _tax(prices: dict[str, Any], price: Decimal) -> tuple[Decimal, Decimal]:
    """Rate in percent and amount per unit; one gives the other, neither means no tax."""
    rate, amount = prices.get("taxRate"), prices.get("taxAmount")
    if amount is None:
        amount = _expected_tax(prices, price) or ZERO
    if rate is None:
        share = EXACT.divide(amount * 100, price) if price else ZERO
        rate = EXACT.quantize(share, Decimal("0.0001"))
    return rate, amount


def _expected_tax(prices: dict[str, Any], price: Decimal) -> Decimal | None:
    rate: Decimal | None = prices.get("taxRate")
    return None if rate is None else round_money(EXACT.multiply(price, rate) / 100)


def _shipping(prices: dict[str, Any]) -> tuple[Decimal, Decimal]:
    """Shipping without tax and its tax, which has a rate of its own. None given: free."""
    net, tax, gross = (
        prices.get(name) for name in ("shippingPriceWithoutTaxes", "shippingTaxAmount", "shippingPriceWithTaxes")
    )
    if tax is None:
        tax = gross - net if gross is not None and net is not None else ZERO
    if net is None:
        net = ZERO if gross is None else gross - tax
    return net, tax


def _settle(
    given: dict[str, Any], expected: dict[str, Decimal], tolerance: Decimal, path: str, faults: Faults
) -> dict[str, Decimal]:
    """Given amounts stay as they are; those too far from the expected ones, and any that no column can hold, are
    faults."""
    settled = {}
    for name, amount in expected.items():
        value = _first(given.get(name), amount)
        if abs(amount) >= LARGEST:
            faults.add(f"{path}.{name}", "comes to more than 12 digits before the decimal point")
        elif abs(value - amount) > tolerance:
            faults.add(f"{path}.{name}", f"is {value}, but the other amounts give {amount}")
        settled[name] = value
    return settled


def _first(*values: Decimal | None) -> Any:
    return next((value for value in values if value is not None), None)
