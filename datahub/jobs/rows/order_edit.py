"""What rows change of an order that exists: fields, lines, and last its status, which then fires its exports."""

from __future__ import annotations

from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from datahub.db import database_now
from datahub.entities.base import Field
from datahub.entities.order import ACCOUNT, ADDRESS, CUSTOMER, EXTERNAL_ID, STATUS, SUPPLIER
from datahub.errors import IllegalMoveError
from datahub.jobs import ledger, orders, triggers
from datahub.jobs.rows.extras import what_differs
from datahub.jobs.rows.faults import NOT_UNIQUE
from datahub.jobs.rows.order_address import COLUMNS, final_address, given_address
from datahub.jobs.rows.order_line_edit import LineEdits
from datahub.jobs.rows.order_rows import OF_AN_ORDER, OrderRows, plain
from datahub.models.change import UPDATED
from datahub.models.order import Order, OrderAddress
from datahub.orders.editing import Stage, stage_of

ILLEGAL_MOVE = "illegal_move"


def edit_order(session: Session, order: Order, rows: OrderRows, *, has_changed: bool = False) -> None:
    """Flushes. Raises RowFaultError. `has_changed` says that the caller has changed something else of the order."""
    edit = _Edit(session, order, rows)
    edit.refuse_other_parties()
    edit.set_external_id()
    edit.set_address()
    edit.set_custom_fields()
    edit.note_fields()
    was_edited = LineEdits(session, order, rows, edit.stage).apply() or bool(edit.changed) or has_changed
    if was_edited:
        order.updated_at = database_now(session)
    session.flush()
    before = order.status
    edit.move()
    if was_edited and order.status == before:
        triggers.edited(session, order, actor=rows.doing.actor)


def why_not(order: Order) -> str:
    return f"This cannot be changed while the order is {order.status}."


class _Edit:
    """`changed` has old and new values, by key of a field, and `number` is that of the last row that changed one."""

    def __init__(self, session: Session, order: Order, rows: OrderRows) -> None:
        self._session, self._order, self._rows = session, order, rows
        self.stage = stage_of(order.status)
        self.changed: dict[str, list[Any]] = {}
        self._number = 0

    def refuse_other_parties(self) -> None:
        order = self._order
        stored: dict[Field, str | None] = {ACCOUNT: order.account.external_id, SUPPLIER: order.supplier.external_id}
        stored[CUSTOMER] = order.customer_snapshot.get(CUSTOMER.key)
        for item, old in stored.items():
            # Orders that came over the API say nothing of their customer's id.
            if old is not None and self._differs(item, old):
                why = "This field cannot be changed once the record is there."
                raise self._rows.not_editable(self._number_of(item), item, old, why)

    def set_external_id(self) -> None:
        """It stays once it is set."""
        old = self._order.external_id
        if not self._differs(EXTERNAL_ID, old):
            return
        number, new = self._number_of(EXTERNAL_ID), self._rows.of_order[EXTERNAL_ID.key].value
        if old is not None or self.stage < Stage.ACCEPTED:
            why = why_not(self._order) if old is None else "This field cannot be changed once it is set."
            raise self._rows.not_editable(number, EXTERNAL_ID, old, why)
        try:
            with self._session.begin_nested():
                self._order.external_id = new
                self._session.flush()
        except IntegrityError as error:
            raise self._rows.fault(number, NOT_UNIQUE, EXTERNAL_ID) from error
        self._note(EXTERNAL_ID, old)

    def set_address(self) -> None:
        places = {place.kind: place for place in self._order.addresses}
        stored = places.get("SHIPPING") or OrderAddress(kind="SHIPPING")
        old = {item: getattr(stored, COLUMNS[item.key]) for item in ADDRESS}
        differing = [item for item in ADDRESS if self._differs(item, old[item])]
        if not differing:
            return
        if self.stage < Stage.OPEN:
            (item, *_) = differing
            raise self._rows.not_editable(self._number_of(item), item, old[item], why_not(self._order))
        given_address(self._rows)
        for column, value in final_address(self._rows, stored).items():
            setattr(stored, column, value)
        if stored not in self._order.addresses:
            self._order.addresses.append(stored)
        for item in ADDRESS:
            new = getattr(stored, COLUMNS[item.key])
            # The API may have left an empty text.
            if new != (old[item] or None):
                self.changed[item.key] = [old[item], new]
        self._number = max(self._number, *(self._number_of(item) for item in differing))

    def set_custom_fields(self) -> None:
        given = self._rows.custom
        number = max((it.number for it in given.values()), default=0)
        old = self._order.custom_fields
        new = self._rows.joined(old, {name: it.value for name, it in given.items()}, OF_AN_ORDER, self.stage)
        was, becomes = plain(old), plain(new)
        if becomes != was:
            for name in old | new if self.stage < Stage.ACCEPTED else ():
                if was.get(name) != becomes.get(name):
                    raise self._rows.custom_not_editable(given[name].number, name, old.get(name), why_not(self._order))
            self._order.custom_fields = new
            self.changed["customFields"] = what_differs(was, becomes)
            self._number = max(self._number, number)
        if self.stage >= Stage.ACCEPTED:
            self._rows.require(number, OF_AN_ORDER, new)

    def note_fields(self) -> None:
        if not self.changed:
            return
        rows = self._rows
        rows.note(self._number, UPDATED)
        source = rows.doing.source(OF_AN_ORDER, rows.said[self._number])
        reference, now = self._order.reference, database_now(self._session)
        ledger.note(self._session, source, reference, UPDATED, self.changed, now)

    def move(self) -> None:
        given = self._rows.of_order.get(STATUS.key)
        if given is None or given.value == self._order.status:
            return
        source = self._rows.doing.source(OF_AN_ORDER, self._rows.said[given.number])
        try:
            orders.change_status(self._session, self._order, given.value, actor=source.actor, source=source)
        except IllegalMoveError as error:
            raise self._rows.fault(given.number, ILLEGAL_MOVE, STATUS, str(error)) from error
        self._rows.note(given.number, UPDATED)

    def _differs(self, item: Field, old: Any) -> bool:
        return item.key in self._rows.of_order and self._rows.of_order[item.key].value != old

    def _number_of(self, item: Field) -> int:
        given = self._rows.of_order.get(item.key)
        return 0 if given is None else given.number

    def _note(self, item: Field, old: Any) -> None:
        given = self._rows.of_order[item.key]
        self.changed[item.key] = [old, given.value]
        self._number = max(self._number, given.number)
