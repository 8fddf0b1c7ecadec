"""An order that an import makes, through the functions that take in orders by the API."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from datahub.access import store_limits
from datahub.db import database_now
from datahub.entities.order import (
    ACCOUNT,
    CUSTOMER,
    DELETION,
    EXTERNAL_ID,
    GROSS_PRICE,
    LINE_EXTERNAL_ID,
    LINE_ID,
    STATUS,
    SUPPLIER,
)
from datahub.errors import FieldConflictError
from datahub.faults import Faults
from datahub.jobs import ledger, orders
from datahub.jobs.rows import order_lines
from datahub.jobs.rows.faults import NOT_UNIQUE, REQUIRED
from datahub.jobs.rows.order_address import MANDATORY, given_address
from datahub.jobs.rows.order_rows import LINE_PART, OF_AN_ORDER, OrderRows
from datahub.models import order_document
from datahub.models.change import CREATED
from datahub.models.order import Order
from datahub.models.order_document import LINE_PRICES, LINES, ORDER_PRICES, SHIPPING_ADDRESS
from datahub.models.party import DEFAULT_STORE, Store
from datahub.models.setting import GeneralSettings
from datahub.orders import intake
from datahub.orders.parties import Parties, addresses, find_customer, find_parties, of_customer

FIRST_STATUS, NO_STATUS = "DRAFT_ORDER_ON_HOLD", "CREATING"
# Where the functions that take in orders find fault, the field that gives it.
FIELDS = {"supplierSnapshot.externalId": SUPPLIER, "customerUserSnapshot.accountExternalId": ACCOUNT}


def add_order(session: Session, rows: OrderRows) -> Order:
    """Flushes; being made in a status reaches it. Raises RowFaultError."""
    values = _values(session, rows)
    found = _parties(session, rows, values)
    _require_address(rows, values, found)
    values[order_document.CUSTOMER.name] |= _customer(session, rows, found)
    counting = _lines_of(rows)
    if not counting:
        raise rows.fault(0, REQUIRED, LINE_EXTERNAL_ID, "A new order needs a line.")
    lines = [order_lines.new_line(session, rows, number, found.supplier) for number in counting.values()]
    values[LINES.name] = lines
    _complete(session, rows, values, list(counting.values()))
    rows.require(0, OF_AN_ORDER, {name: given.value for name, given in rows.custom.items()})
    try:
        order = intake.add_order(session, values, found, now=database_now(session), seeing_all=store_limits.lifted)
    except FieldConflictError as error:
        raise rows.fault(0, NOT_UNIQUE, EXTERNAL_ID) from error
    order.is_external = True
    for line, (external_id, number) in zip(order.lines, counting.items(), strict=True):
        line.external_id, line.gross_unit_price = external_id, rows.values[number].get(GROSS_PRICE.key)
    session.flush()
    _tell(session, rows, order, list(counting.values()))
    return order


def _values(session: Session, rows: OrderRows) -> dict[str, Any]:
    """In the shape of the document without wrappers, but for the lines."""
    for item in (ACCOUNT, SUPPLIER):
        if item.key not in rows.of_order:
            raise rows.fault(0, REQUIRED, item)
    told = {key: given.value for key, given in rows.of_order.items()}
    status = told.get(STATUS.key, FIRST_STATUS)
    if status == NO_STATUS:
        number = rows.of_order[STATUS.key].number
        raise rows.fault(number, "illegal_move", STATUS, f"No order is made as {NO_STATUS}.")
    store_id = rows.doing.store_id
    return {
        "externalId": told[EXTERNAL_ID.key],
        "status": status,
        "storeExternalId": DEFAULT_STORE if store_id is None else session.get_one(Store, store_id).external_id,
        order_document.SUPPLIER.name: {"externalId": told[SUPPLIER.key]},
        order_document.CUSTOMER.name: {"accountExternalId": told[ACCOUNT.key]},
        SHIPPING_ADDRESS.name: given_address(rows),
        ORDER_PRICES.name: {},
        "customFieldValues": [{"externalId": external_id, **given.value} for external_id, given in rows.custom.items()],
    }


def _parties(session: Session, rows: OrderRows, values: dict[str, Any]) -> Parties:
    faults = Faults()
    found = find_parties(session, values, faults)
    for path, item in FIELDS.items():
        if path in faults.fields:
            raise rows.fault(rows.of_order[item.key].number, order_lines.UNKNOWN, item)
    faults.raise_any("order")
    if found is None:
        raise AssertionError("a missing party must have been a fault")
    return found


def _customer(session: Session, rows: OrderRows, found: Parties) -> dict[str, Any]:
    """The user that rows name, or the first one of the account."""
    given = rows.of_order.get(CUSTOMER.key)
    user = find_customer(session, found.account, given and given.value)
    if user is None and given is not None:
        message = f"{found.account.external_id} has no customer user with the external id {given.value}."
        raise rows.fault(given.number, order_lines.UNKNOWN, CUSTOMER, message)
    if user is None:
        message = f"{found.account.external_id} has no customer user yet. Import one."
        raise rows.fault(0, REQUIRED, CUSTOMER, message)
    return of_customer(user)


def _require_address(rows: OrderRows, values: dict[str, Any], found: Parties) -> None:
    if "SHIPPING" not in addresses(values, found.account):
        message = f"{found.account.external_id} has no shipping address, so the order must say one."
        raise rows.fault(0, REQUIRED, MANDATORY[0], message)


def _lines_of(rows: OrderRows) -> dict[str, int]:
    """By their external ids, the rows that count."""
    named = []
    for number in rows.of_lines():
        external_id = rows.values[number].get(LINE_EXTERNAL_ID.key)
        if rows.values[number].get(DELETION.key):
            rows.doing.warn(number, "unknown_key", "", "The order is new, and has no such line: nothing to delete.")
            continue
        if LINE_ID.key in rows.values[number]:
            raise rows.fault(number, "unknown_key", LINE_ID, "The order is new, and has no such line yet.")
        named.append((external_id, number))
    return rows.last_of(named)


def _complete(session: Session, rows: OrderRows, values: dict[str, Any], numbers: list[int]) -> None:
    lines = values[LINES.name]
    named = [line[LINE_PRICES.name].get("currency") for line in lines]
    currency = next(filter(None, named), session.get_one(GeneralSettings, 1).currency)
    for number, one in zip(numbers, named, strict=True):
        order_lines.require_currency(rows, number, one, currency)
    faults = Faults()
    intake.complete_prices(values, currency, faults)
    order_lines.refuse_amounts(rows, numbers[-1], faults)


def _tell(session: Session, rows: OrderRows, order: Order, numbers: list[int]) -> None:
    for number in range(len(rows.said)):
        if number in numbers or not _was_superseded(rows, number):
            rows.note(number, CREATED)
    now = database_now(session)
    orders.reach(session, order, came_from=None, source=rows.doing.source(OF_AN_ORDER, rows.said[0]))
    for line, number in zip(order.lines, numbers, strict=True):
        source = rows.doing.source(OF_AN_ORDER, rows.said[number])
        ledger.note(session, source, order.reference, CREATED, None, now, part=LINE_PART, part_key=line.number)


def _was_superseded(rows: OrderRows, number: int) -> bool:
    return any(warned.number == number for warned in rows.doing.warnings)
