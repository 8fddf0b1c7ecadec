"""A new order from a body in the shape of the JSON export. Triggers and status history are the caller's."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute, Session

from datahub import currencies
from datahub.errors import FieldConflictError
from datahub.faults import Faults
from datahub.models.order import Order, OrderAddress, OrderLine, OrderPayment
from datahub.models.order_document import (
    CUSTOMER,
    LINE_PRICES,
    LINES,
    ORDER,
    ORDER_PRICES,
    PAYMENTS,
    PRODUCT,
    SHIPPING_ADDRESS,
    SUPPLIER,
    VARIANT,
    Field,
    Part,
)
from datahub.models.setting import GeneralSettings
from datahub.orders.amounts import complete_line, complete_order
from datahub.orders.body import Values, read_body
from datahub.orders.parties import Parties, addresses, customer_snapshot, find_parties, supplier_snapshot

LINE_DEFAULTS: Values = {
    "type": "PUBLIC",
    "itemPerPack": 1,
    "quantityPerItem": Decimal(1),
    "externalSource": "EXTERN",
    "packingType": "UNIT",
}
UNIQUE: dict[str, InstrumentedAttribute[Any]] = {
    "reference": Order.reference,
    "id": Order.number,
    "externalId": Order.external_id,
}


def read_order(
    session: Session,
    body: Values,
    *,
    now: datetime,
    seeing_all: Callable[[Session], AbstractContextManager[object]] = nullcontext,
) -> Order:
    """Adds and flushes the order with all that hangs on it. Numbers with a fraction must come as Decimal. `seeing_all`
    lets the session see the names of every order, or a hidden one's would be taken for free.

    Raises InvalidError with every faulty field, FieldConflictError for a reference, id or external id in use."""
    faults = Faults()
    values = read_body(body, faults)
    _check_required(values, faults)
    found = find_parties(session, values, faults)
    complete_prices(values, session.get_one(GeneralSettings, 1).currency, faults)
    faults.raise_any("order")
    if found is None:
        raise AssertionError("a missing party must have been a fault")
    return add_order(session, values, found, now=now, seeing_all=seeing_all)


def add_order(
    session: Session,
    values: Values,
    found: Parties,
    *,
    now: datetime,
    seeing_all: Callable[[Session], AbstractContextManager[object]] = nullcontext,
) -> Order:
    """Of values with complete prices, in the shape of the document without wrappers; names that they lack are made.

    Raises FieldConflictError for a reference, id or external id in use."""
    with seeing_all(session):
        _refuse_taken(session, values)
        _complete_names(session, values, now)
    order = _build(values, found)
    try:
        with session.begin_nested():
            session.add(order)
            session.flush()
    except IntegrityError:
        # Somebody may have stored the same names since we looked.
        with seeing_all(session):
            _refuse_taken(session, values)
        raise
    return order


def _check_required(values: Values, faults: Faults) -> None:
    if values.get("status") is None:
        faults.add_first("status", "is missing")
    for name in UNIQUE:
        if values.get(name) is not None and not values[name].strip():
            faults.add(name, "must not be blank")
    if values.get("reference") in (".", ".."):
        faults.add("reference", "must be more than dots: no address could name this order")
    if not values.get("lines") and not any(path.startswith("lines") for path in faults.fields):
        faults.add("lines.line", "needs at least one line")
    for index, payment in enumerate(values.get("payments", [])):
        if payment.get("amount") is None:
            faults.add_first(f"payments.payment[{index}].amount", "is missing")
    _check_lines(values.get("lines", []), faults)


def _check_lines(lines: list[Values], faults: Faults) -> None:
    seen: set[str] = set()
    for index, line in enumerate(lines):
        path = _line_path(index)
        if line.get("quantity") is None:
            faults.add_first(f"{path}.quantity", "is missing")
        if line.get("id") in seen:
            faults.add(f"{path}.id", "is the id of an earlier line")
        seen.update(filter(None, [line.get("id")]))
        prices = line.setdefault(LINE_PRICES.name, {})
        if prices.get("price") is None and prices.get("itemPriceWithoutTaxes") is None:
            faults.add_first(f"{path}.{LINE_PRICES.name}.price", "is missing")


def complete_prices(values: Values, usual_currency: str, faults: Faults) -> None:
    """Lines that are malformed elsewhere are left alone; the totals need all of them."""
    faulty = {path.partition("]")[0] for path in faults.fields}
    lines, prices = values.get("lines", []), values.setdefault(ORDER_PRICES.name, {})
    _complete_currency(prices, lines, usual_currency, faults)
    done = []
    for index, line in enumerate(lines):
        path = _line_path(index)
        if path.rstrip("]") in faulty:
            continue
        given = line[LINE_PRICES.name]
        amounts = complete_line(given, line["quantity"], path=f"{path}.{LINE_PRICES.name}", faults=faults)
        given.update(amounts)
        done.append(amounts)
    if done and not faults.fields:
        prices.update(complete_order(prices, done, path=ORDER_PRICES.name, faults=faults))


def _complete_currency(prices: Values, lines: list[Values], usual: str, faults: Faults) -> None:
    """One currency for all: the order's, else the one that a line names, else the usual one."""
    named = [prices.get("currency"), *(line.get(LINE_PRICES.name, {}).get("currency") for line in lines)]
    currency = next(filter(None, named), usual)
    if fault := currencies.fault(currency):
        faults.add_first(f"{ORDER_PRICES.name}.currency", fault)
    prices["currency"] = currency
    for index, line in enumerate(lines):
        given = line.setdefault(LINE_PRICES.name, {})
        if given.get("currency", currency) not in (currency, None):
            faults.add(f"{_line_path(index)}.{LINE_PRICES.name}.currency", f"differs from the order's, {currency}")
        given["currency"] = currency


def _line_path(index: int) -> str:
    return f"{LINES.name}.{LINES.item}[{index}]"


def _refuse_taken(session: Session, values: Values) -> None:
    for name, column in UNIQUE.items():
        if values.get(name) is not None and _is_taken(session, column, values[name]):
            raise FieldConflictError(name, f"Another order has this {name}: {values[name]}")


def _is_taken(session: Session, column: InstrumentedAttribute[Any], value: str) -> bool:
    return session.scalar(select(Order.id).where(column == value)) is not None


def _complete_names(session: Session, values: Values, now: datetime) -> None:
    if values.get("reference") is None:
        values["reference"] = _new_reference(session)
    if values.get("orderCommercialReference") is None:
        values["orderCommercialReference"] = re.sub(r"(?<=.)-[0-9]+\Z", "", values["reference"])
    if values.get("id") is None:
        values["id"] = new_number()
        while _is_taken(session, Order.number, values["id"]):
            values["id"] = new_number()
    for name in ("createdAt", "updatedAt"):
        if values.get(name) is None:
            values[name] = now
    taken = {line.get("id") for line in values["lines"]}
    for line in values["lines"]:
        while line.get("id") is None:
            number = new_number()
            if number not in taken:
                line["id"] = number
                taken.add(number)


def _new_reference(session: Session) -> str:
    while True:
        first, second, third = secrets.randbelow(1_000), secrets.randbelow(1_000), secrets.randbelow(10_000_000)
        reference = f"{first:03d}-{second:03d}-{third:07d}-1"
        if not _is_taken(session, Order.reference, reference):
            return reference


def new_number() -> str:
    return f"{secrets.randbelow(10**10):010d}"


def _build(values: Values, found: Parties) -> Order:
    prices = _columns(ORDER_PRICES.parts, values[ORDER_PRICES.name])
    places = addresses(values, found.account).items()
    return Order(
        **_columns(ORDER, values),
        **prices,
        store=found.store,
        supplier=found.supplier,
        account=found.account,
        supplier_snapshot=supplier_snapshot(values[SUPPLIER.name], found.supplier),
        customer_snapshot=customer_snapshot(values[CUSTOMER.name], found.account),
        custom_fields=_custom_fields(values),
        addresses=[OrderAddress(kind=kind, **_columns(SHIPPING_ADDRESS.parts, place)) for kind, place in places],
        payments=[
            OrderPayment(position=position, **_columns(PAYMENTS.parts, payment))
            for position, payment in enumerate(values.get(PAYMENTS.name, []))
        ],
        lines=[build_line(line, position) for position, line in enumerate(values[LINES.name])],
    )


def build_line(line: Values, position: int) -> OrderLine:
    """Of values with complete prices and an id."""
    prices = LINE_DEFAULTS | {name: value for name, value in line[LINE_PRICES.name].items() if value is not None}
    return OrderLine(
        position=position,
        **_columns(LINES.parts, line),
        **_columns(LINE_PRICES.parts, prices),
        product=line.get(PRODUCT.name, {}),
        variant=line.get(VARIANT.name, {}),
        custom_fields=_custom_fields(line),
    )


def _columns(parts: tuple[Part, ...], values: Values) -> Values:
    """The plain fields that are set, by column; the others keep their default."""
    fields = [part for part in parts if isinstance(part, Field)]
    return {field.column: values[field.name] for field in fields if values.get(field.name) is not None}


def _custom_fields(values: Values) -> Values:
    fields = values.get("customFieldValues", [])
    return {field["externalId"]: {"type": field["type"], "value": field["value"]} for field in fields}
