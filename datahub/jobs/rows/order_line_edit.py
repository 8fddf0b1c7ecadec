"""What rows do to the lines of an order that exists: new ones, changed ones, and those that go."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from datahub.db import database_now
from datahub.entities.base import Field
from datahub.entities.order import (
    CATEGORY,
    DELETION,
    GROSS_PRICE,
    LINE_EXTERNAL_ID,
    LINE_ID,
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
from datahub.jobs import ledger
from datahub.jobs.rows import order_lines
from datahub.jobs.rows.extras import what_differs
from datahub.jobs.rows.order_rows import LINE_PART, OF_A_LINE, OF_AN_ORDER, OrderRows, plain
from datahub.models import order_document
from datahub.models.change import CREATED, DELETED, UPDATED
from datahub.models.incident import IncidentLine
from datahub.models.order import Order, OrderLine
from datahub.orders import intake, purchase
from datahub.orders.amounts import complete_line
from datahub.orders.editing import Stage

LAST_LINE, IN_USE, UNKNOWN_KEY = "last_line", "in_use", "unknown_key"
# Of a line that an import has not made, these alone may change.
OF_INTERNAL = (QUANTITY, GROSS_PRICE)
# They stay once they are set; the external id may be set for longer.
SET_ONCE = {LINE_EXTERNAL_ID: Stage.ACCEPTED, PRICE: Stage.OPEN, VARIANT: Stage.OPEN}


def stored(line: OrderLine) -> dict[Field, Any]:
    """What a line holds, by the field that gives it."""
    return {
        LINE_EXTERNAL_ID: line.external_id,
        PRICE: line.external_offer_id,
        VARIANT: line.variant.get("externalId"),
        NET_PRICE: line.item_price_without_taxes,
        GROSS_PRICE: line.gross_unit_price,
        TAX: line.tax_amount,
        QUANTITY: line.quantity,
        CATEGORY: line.product.get("classificationCategoryExternalId"),
        VARIANT_NAME: line.variant.get("name"),
        VARIANT_DESCRIPTION: line.variant.get("description"),
        LINE_STATUS: line.status,
    }


class LineEdits:
    def __init__(self, session: Session, order: Order, rows: OrderRows, stage: Stage) -> None:
        self._session, self._order, self._rows, self._stage = session, order, rows, stage
        self._by_number = {line.number: line for line in order.lines}
        self._by_external_id = {line.external_id: line for line in order.lines if line.external_id}
        self._resized = False

    def apply(self) -> bool:
        """Whether any line has changed. Raises RowFaultError."""
        before, is_edited = list(self._order.lines), False
        counting = self._rows.last_of(self._named())
        for line, number in counting.items():
            if isinstance(line, str):
                self._add(number)
            elif self._rows.values[number].get(DELETION.key):
                self._remove(line, number)
            else:
                is_edited |= self._change(line, number)
        if not self._order.lines:
            number = max(counting.values())
            raise self._rows.fault(number, LAST_LINE, DELETION, "An order keeps at least one line.")
        if self._resized or before != list(self._order.lines):
            order_lines.settle_order(self._rows, self._order)
            is_edited = True
        return is_edited

    def _named(self) -> list[tuple[OrderLine | str, int]]:
        """Each row with its line, or with the external id of a new one."""
        named: list[tuple[OrderLine | str, int]] = []
        for number in self._rows.of_lines():
            values = self._rows.values[number]
            line, item = self._line(values)
            if line is None and values.get(DELETION.key):
                self._rows.doing.warn(
                    number, UNKNOWN_KEY, "", f"The order has no line {values[item.key]}: nothing to delete."
                )
            elif line is None and item is LINE_ID:
                message = f"The order has no line {values[item.key]}."
                raise self._rows.fault(number, UNKNOWN_KEY, LINE_ID, message)
            else:
                named.append((line or values[LINE_EXTERNAL_ID.key], number))
        return named

    def _line(self, values: dict[str, Any]) -> tuple[OrderLine | None, Field]:
        """The line that a row names, and by what. The number goes before the external id."""
        if LINE_ID.key in values:
            return self._by_number.get(values[LINE_ID.key]), LINE_ID
        return self._by_external_id.get(values[LINE_EXTERNAL_ID.key]), LINE_EXTERNAL_ID

    def _add(self, number: int) -> None:
        rows, order = self._rows, self._order
        if self._stage < Stage.OPEN:
            raise rows.not_editable(number, LINE_EXTERNAL_ID, None, self._why("Lines cannot be added"))
        values = order_lines.new_line(self._session, rows, number, order.supplier)
        prices = values[order_document.LINE_PRICES.name]
        order_lines.require_currency(rows, number, prices.get("currency"), order.currency)
        faults = Faults()
        prices |= complete_line(prices, values["quantity"], path="", faults=faults)
        order_lines.refuse_amounts(rows, number, faults)
        prices["currency"] = order.currency
        values["id"] = intake.new_number()
        while values["id"] in self._by_number:
            values["id"] = intake.new_number()
        line = intake.build_line(values, max(it.position for it in order.lines) + 1 if order.lines else 0)
        line.gross_unit_price = rows.values[number].get(GROSS_PRICE.key)
        self._take_name(line, number)
        self._by_number[line.number] = line
        order.lines.append(line)
        self._note(line, number, CREATED, None)

    def _remove(self, line: OrderLine, number: int) -> None:
        if self._stage < Stage.OPEN:
            raise self._rows.not_editable(number, DELETION, False, self._why("Lines cannot be deleted"))
        has_incident = select(IncidentLine.id).where(IncidentLine.order_line_id == line.id).limit(1)
        if self._session.scalar(has_incident) is not None:
            raise self._rows.fault(number, IN_USE, DELETION, "The line has an incident, so it cannot be deleted.")
        held = {item.key: [value, None] for item, value in stored(line).items() if value is not None}
        self._order.lines.remove(line)
        self._note(line, number, DELETED, held)

    def _change(self, line: OrderLine, number: int) -> bool:
        given, old = self._rows.values[number], stored(line)
        differing = [item for item in old if item.key in given and given[item.key] != old[item]]
        for item in differing:
            self._require_editable(item, old[item], number)
        changed = {item.key: [old[item], given[item.key]] for item in differing}
        self._set(line, differing, number)
        for item, value in stored(line).items():
            # What comes along with an offer or a variant.
            if value != old[item]:
                changed[item.key] = [old[item], value]
        changed |= self._set_custom_fields(line, number)
        if changed:
            self._note(line, number, UPDATED, changed)
        return bool(changed)

    def _require_editable(self, item: Field, old: Any, number: int) -> None:
        if item is LINE_STATUS:
            return
        if item in SET_ONCE and old is not None:
            raise self._rows.not_editable(number, item, old, "This field cannot be changed once it is set.")
        if self._stage < SET_ONCE.get(item, Stage.OPEN):
            raise self._rows.not_editable(number, item, old, self._why("This cannot be changed"))
        if item not in SET_ONCE and not self._order.is_external and item not in OF_INTERNAL:
            why = "This cannot be changed on an order that no import has made."
            raise self._rows.not_editable(number, item, old, why)

    def _set(self, line: OrderLine, differing: list[Field], number: int) -> None:
        given = self._rows.values[number]
        if LINE_EXTERNAL_ID in differing:
            self._take_name(line, number)
        if LINE_STATUS in differing:
            line.status = given[LINE_STATUS.key]
        if GROSS_PRICE in differing:
            line.gross_unit_price = given[GROSS_PRICE.key]
        self._set_purchase(line, differing, number)
        line.quantity = given[QUANTITY.key] if QUANTITY in differing else line.quantity
        net = self._net_price(line, differing, number)
        if net is not None:
            line.item_price_without_taxes = net
        if TAX in differing:
            line.tax_amount = given[TAX.key]
        anew = net is not None or TAX in differing
        if anew or QUANTITY in differing:
            order_lines.settle_line(self._rows, number, line, anew=anew)
            self._resized = True

    def _net_price(self, line: OrderLine, differing: list[Field], number: int) -> Any:
        """None where it stays. A row that gives a quantity and its offer instead of a price asks for that of the
        offer, on an order that an import has made."""
        given = self._rows.values[number]
        if NET_PRICE in differing:
            return given[NET_PRICE.key]
        if QUANTITY not in differing or NET_PRICE.key in given or not self._order.is_external:
            return None
        price = order_lines.find_price(self._session, self._rows, number, self._order.supplier)
        if price is None:
            return None
        order_lines.require_currency(self._rows, number, price.currency, self._order.currency)
        net = purchase.unit_price(price, line.quantity)
        return None if net == line.item_price_without_taxes else net

    def _set_purchase(self, line: OrderLine, differing: list[Field], number: int) -> None:
        given, rows = self._rows.values[number], self._rows
        if PRICE in differing or VARIANT in differing:
            price = None
            if PRICE in differing:
                price = order_lines.find_price(self._session, rows, number, self._order.supplier)
            if price is not None:
                order_lines.require_currency(rows, number, price.currency, self._order.currency)
                for name, value in purchase.of_price(price).items():
                    setattr(line, order_lines.COLUMNS[name], value)
            variant = order_lines.find_variant(self._session, rows, number, price)
            if line.variant.get("externalId") in (None, variant and variant.external_id):
                described = order_lines.described(self._session, rows, number, variant)
                line.product = described[order_document.PRODUCT.name]
                line.variant = described[order_document.VARIANT.name]
        if CATEGORY in differing:
            line.product = line.product | order_lines.find_category(self._session, rows, number)
        for item, name in ((VARIANT_NAME, "name"), (VARIANT_DESCRIPTION, "description")):
            if item in differing:
                line.variant = line.variant | {name: given[item.key]}

    def _take_name(self, line: OrderLine, number: int) -> None:
        name = self._rows.values[number][LINE_EXTERNAL_ID.key]
        if name in self._by_external_id:
            raise self._rows.fault(number, "not_unique", LINE_EXTERNAL_ID)
        self._by_external_id[name] = line
        line.external_id = name

    def _set_custom_fields(self, line: OrderLine, number: int) -> dict[str, list[Any]]:
        rows, old = self._rows, line.custom_fields
        new = rows.joined(old, rows.customs(number, OF_A_LINE), OF_A_LINE, self._stage)
        if self._stage >= Stage.ACCEPTED:
            rows.require(number, OF_A_LINE, new)
        was, becomes = plain(old), plain(new)
        if becomes == was:
            return {}
        if self._stage < Stage.ACCEPTED:
            name = next(name for name in becomes if becomes[name] != was.get(name))
            raise rows.custom_not_editable(number, name, old.get(name), self._why("This cannot be changed"))
        line.custom_fields = new
        return {"customFields": what_differs(was, becomes)}

    def _why(self, what: str) -> str:
        return f"{what} while the order is {self._order.status}."

    def _note(self, line: OrderLine, number: int, action: str, changes: dict[str, list[Any]] | None) -> None:
        self._rows.note(number, action)
        source = self._rows.doing.source(OF_AN_ORDER, self._rows.said[number])
        now, key = database_now(self._session), self._order.reference
        ledger.note(self._session, source, key, action, changes, now, part=LINE_PART, part_key=line.number)
