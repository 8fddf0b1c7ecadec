"""Orders that the sample ERP has taken by telephone, and what it knows better of two that came through the shop."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.catalogue.offers import offers
from sandbox.catalogue.parties import ACCOUNTS
from sandbox.catalogue.sheet import CRLF, Cells, Note, Row, Sheet, insert

ORDERS = 24
ORDER, LINE, REFERENCE = "Order External Id", "Order Line External Id", "Order Reference"
ACCOUNT, SUPPLIER, PRICE, VARIANT = (
    "Account External Id",
    "Supplier External Id",
    "Offer Price External Id",
    "Variant External Id",
)
QUANTITY, NET_PRICE, TAX, STATUS = "Order Line Quantity", "Net Unit Price", "Tax Amount", "Order Status"
ADDRESS = {
    "Shipping Address Full Name": "Chantier des Gorges",
    "Shipping Address Country": "France",
    "Shipping Address Street Name": "12 route de la Bourne",
    "Shipping Address City": "Pont-en-Royans",
    "Shipping Address Zip Code": "38680",
}
HEADER = (ORDER, LINE, ACCOUNT, SUPPLIER, PRICE, VARIANT, QUANTITY, NET_PRICE, TAX, STATUS, *ADDRESS)
# Of the orders that the demo takes in through the API: one accepted, one that still waits.
ACCEPTED, WAITING = "174-282-6749427-1", "171-690-8488913-1"


def orders() -> Sheet:
    """A row per line; every third order is shipped elsewhere than usual."""
    offered = _offered()
    good = [Row(cells) for number in range(ORDERS) for cells in _order(number, offered[number * 9])]
    return Sheet("ORDER", "orders.csv", HEADER, list(insert(good, _wrong(good))), ";", CRLF)


def order_updates() -> Sheet:
    header = (REFERENCE, ORDER, ACCOUNT, STATUS, *ADDRESS)
    rows = [
        Row({REFERENCE: ACCEPTED, ORDER: "ERP-900123"}),
        Row({REFERENCE: WAITING, **ADDRESS}),
        Row({REFERENCE: "999-999-9999999-1", STATUS: "SHIPPED"}, Note("unknown_key", "orderReference")),
        Row({ORDER: "TEL-1001", STATUS: "SHIPPED"}, Note("external_order", "orderExternalId")),
        Row({ORDER: "TEL-0999", STATUS: "ON THE LORRY"}, Note("malformed", "orderStatus")),
    ]
    return Sheet("ORDER_UPDATE", "order-updates.csv", header, rows, ",")


def _order(number: int, offered: Cells) -> Iterator[Cells]:
    """By an offer of a supplier, and one line at a price that was agreed upon."""
    of_order = {
        ORDER: f"TEL-{1001 + number}",
        ACCOUNT: ACCOUNTS[number % len(ACCOUNTS)][0],
        SUPPLIER: offered["Supplier Id"],
        STATUS: ("", "CREATED", "WAITING_CUSTOMER_APPROVAL")[number % 3],
    }
    if number % 3 == 2:
        of_order |= ADDRESS
    yield of_order | {LINE: "10", PRICE: offered["Offer Price External Id"], QUANTITY: str(1 + number)}
    agreed = {VARIANT: offered["Stock Variant Id"], NET_PRICE: f"{7 + number}.50", TAX: f"{1 + number // 5}.50"}
    yield of_order | {LINE: "20", QUANTITY: "3"} | agreed


def _offered() -> list[Cells]:
    """Good offers for everybody in euros."""
    rows = [row.cells for row in offers().rows if row.fault is None and row.warning is None]
    return [cells for cells in rows if cells.get("Price Type") == "PUBLIC" and cells["Currency"] == "EUR"]


def _wrong(good: list[Row]) -> dict[int, list[Row]]:
    """By the number of the good row they go before. One bad row costs its order, and no other one."""
    first = good[0].cells
    faults: list[tuple[Cells, str, str]] = [
        ({ACCOUNT: "TY-NOBODY"}, "unknown_reference", "accountExternalId"),
        ({SUPPLIER: ""}, "required", "supplierExternalId"),
        ({QUANTITY: "a few"}, "malformed", "orderLineQuantity"),
        ({PRICE: "", VARIANT: ""}, "required", "variantExternalId"),
        ({PRICE: "LOST:P"}, "unknown_reference", "offerPriceExternalId"),
        ({"Shipping Address City": "Grenoble"}, "required", "shippingAddressFullName"),
        ({STATUS: "CREATING"}, "illegal_move", "orderStatus"),
    ]
    wrong = {}
    for number, (change, code, field) in enumerate(faults, 1):
        wrong[number * 4] = [Row(first | {ORDER: f"TEL-0{number:03}"} | change, Note(code, field))]
    torn = first | {ORDER: "TEL-0900"}
    wrong[34] = [
        Row(torn, Note("other_row_invalid")),
        Row(torn | {LINE: "20", STATUS: "CREATED"}, Note("other_row_invalid")),
        Row(torn | {LINE: "30", STATUS: "SHIPPED"}, Note("conflicting_rows", "orderStatus")),
    ]
    return wrong | {1: [Row(good[1].cells | {QUANTITY: "2"}, warning=Note("superseded"))]}
