"""Offers of the sample catalogue: a row per stock and price, and one for a stock without prices."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.catalogue.parties import SUPPLIERS
from sandbox.catalogue.products import PRODUCTS, variant_keys
from sandbox.catalogue.sheet import Cells, Note, Row, Sheet, insert, number_for, pick

# Taken in turns, so that 3,000 stocks have 5,400 prices in 6,000 rows.
PRICES = (0, 1, 2, 3, 3)
STOCK, VARIANT, SUPPLIER, NUMBER = "Stock Id", "Stock Variant Id", "Supplier Id", "Stock Number"
PRICE_ID, TYPE, TYPE_VALUE, PRICE = "Offer Price External Id", "Price Type", "Price Type Value", "Price"
HEADER = (
    STOCK,
    VARIANT,
    SUPPLIER,
    NUMBER,
    "Quantity Per Pack",
    "Lead Time To Ship",
    "Stock Inactive",
    "Store External Ids",
    PRICE_ID,
    TYPE,
    TYPE_VALUE,
    PRICE,
    "Currency",
    "Packing Type",
    "Item Per Pack",
    "Quantity Per Item",
    "Min Quantity",
    "Price Ranges",
    "Price Inactive",
)


def offers() -> Sheet:
    good = [Row(cells) for cells in _offer_rows()]
    return Sheet("OFFER", "offers.csv", HEADER, list(insert(good, _wrong(good))), ",")


def _offer_rows() -> Iterator[Cells]:
    """Every variant has a stock, every second one another at the next supplier."""
    variants = [key for number in range(1, PRODUCTS + 1) for key in variant_keys(number)]
    number = 0
    for place, variant in enumerate(variants):
        for turn in range(1 + place % 2):
            stock = _stock(variant, number_for(variant) + turn)
            yield from (stock | price for price in _prices(stock[STOCK], number) or [{}])
            number += 1


def _stock(variant: str, number: int) -> Cells:
    supplier = SUPPLIERS[number % len(SUPPLIERS)][0]
    return {
        STOCK: f"{variant}@{supplier[4:]}",
        VARIANT: variant,
        SUPPLIER: supplier,
        NUMBER: pick(("0", "1", "8", "25", "140", "2600"), variant, supplier),
        "Quantity Per Pack": pick(("", "1", "10"), supplier, variant),
        "Lead Time To Ship": pick(("", "1", "2", "14"), "days", variant),
        "Stock Inactive": "TRUE" if number % 70 == 0 else "",
        "Store External Ids": pick(("", "default_store", "default_store||counter||rental"), "stores", variant),
    }


def _prices(stock: str, number: int) -> list[Cells]:
    """One for everybody, one for a group of customers, one for an account."""
    cents = 150 + number_for(stock) % 40_000
    public = {
        PRICE_ID: f"{stock}:P",
        TYPE: "PUBLIC",
        PRICE: _money(cents),
        "Currency": "CHF" if number % 11 == 0 else "EUR",
        "Packing Type": "PACK" if number % 6 == 0 else "UNIT",
        "Item Per Pack": "10" if number % 6 == 0 else "",
        "Quantity Per Item": pick(("", "1", "0.5", "2.50"), stock, "item"),
        "Min Quantity": "5" if number % 7 == 0 else "",
        "Price Ranges": f"10:{_money(cents * 95 // 100)}||100:{_money(cents * 9 // 10)}" if number % 3 == 0 else "",
    }
    group = public | {
        PRICE_ID: f"{stock}:G",
        TYPE: "group",
        TYPE_VALUE: pick(("TRADE", "SCHOOLS"), stock),
        PRICE: _money(cents * 92 // 100),
        "Price Inactive": "true" if number % 40 == 3 else "false",
    }
    account = group | {
        PRICE_ID: f"{stock}:A",
        TYPE: "ACCOUNT",
        TYPE_VALUE: pick(("TY-JOINERY", "TY-SCHOOL", "TY-GARAGE"), stock),
        PRICE: _money(cents * 88 // 100),
        "Price Ranges": "",
    }
    return [public, group, account][: PRICES[number % len(PRICES)]]


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"


def _wrong(good: list[Row]) -> dict[int, list[Row]]:
    """By the number of the good row they go before. They cost no row but themselves."""
    lone = {STOCK: "TY-LOST", VARIANT: "TY-0001-A", SUPPLIER: "SUP-HALDRUN", NUMBER: "3"}
    lone |= {PRICE_ID: "TY-LOST:P", TYPE: "PUBLIC", PRICE: "12.50", "Currency": "EUR"}
    priced = next(row.cells for row in good if row.cells.get(PRICE_ID))
    far = [row.cells for row in good if row.cells.get(PRICE_ID)][-1]
    faults: list[tuple[Cells, str, str]] = [
        ({PRICE: "12,50"}, "malformed", "price"),
        ({NUMBER: "2.5"}, "malformed", "stockNumber"),
        ({SUPPLIER: "SUP-GONE"}, "unknown_reference", "supplierId"),
        ({VARIANT: "TY-9999-A"}, "unknown_reference", "stockVariantId"),
        ({NUMBER: ""}, "required", "stockNumber"),
        ({"Currency": "EURO"}, "malformed", "currency"),
        ({"Currency": "€"}, "malformed", "currency"),
        ({"Currency": ""}, "required", "currency"),
        ({TYPE: "WHOLESALE"}, "malformed", "priceType"),
        ({TYPE: ""}, "required", "priceType"),
        ({PRICE: ""}, "required", "price"),
        ({PRICE: "on request"}, "malformed", "price"),
        ({"Price Ranges": "100:11.20||10:11.90"}, "malformed", "priceRanges"),
        ({"Price Ranges": "10=11.90"}, "malformed", "priceRanges"),
        ({"Stock Inactive": "ja"}, "malformed", "stockInactive"),
        ({"Store External Ids": "moon"}, "unknown_reference", "storeExternalIds"),
        ({TYPE: "ACCOUNT", TYPE_VALUE: "ACC-GONE"}, "unknown_reference", "priceTypeValue"),
        ({STOCK: ""}, "required", "stockId"),
        ({SUPPLIER: ""}, "required", "supplierId"),
        ({VARIANT: ""}, "required", "stockVariantId"),
        ({PRICE_ID: priced[PRICE_ID]}, "belongs_to_another", "offerPriceExternalId"),
        ({PRICE_ID: far[PRICE_ID]}, "belongs_to_another", "offerPriceExternalId"),
        ({PRICE_ID: ""}, "required", "offerPriceExternalId"),
    ]
    wrong = {}
    for number, (change, code, field) in enumerate(faults, 1):
        cells = lone | {STOCK: f"TY-LOST-{number:02}", PRICE_ID: f"TY-LOST-{number:02}:P"} | change
        wrong[number * 250] = [Row(cells, Note(code, field))]
    return wrong | {4321: [Row(good[4321].cells | {PRICE: "9999"}, warning=Note("superseded"))]}
