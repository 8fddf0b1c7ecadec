"""What rows of ORDER and ORDER_UPDATE do: all rows of one order at once, since a bad one costs them all."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from datahub.entities.base import Field
from datahub.entities.order import EXTERNAL_ID, REFERENCE
from datahub.jobs.rows.acts import Doing, RowFaultError, Said
from datahub.jobs.rows.order_edit import edit_order
from datahub.jobs.rows.order_new import add_order
from datahub.jobs.rows.order_rows import OrderRows
from datahub.models.order import Order

UNKNOWN_KEY, EXTERNAL_ORDER = "unknown_key", "external_order"


def write_order(session: Session, key: str, said: Sequence[Said], doing: Doing) -> list[str]:
    """An order that no reference names is made where its external id is new."""
    order = find_order(session, key, said[0])
    if order is None and key:
        hint = "New orders have none: they are known by their external id alone, and get a reference then."
        raise _unknown(REFERENCE, key, hint)
    rows = OrderRows(said, doing)
    if order is None:
        add_order(session, rows)
    else:
        edit_order(session, order, rows)
    return rows.done


def update_order(session: Session, key: str, said: Sequence[Said], doing: Doing) -> list[str]:
    """Of an order that an import has not made."""
    order = find_order(session, key, said[0])
    named: str = said[0].values.get(EXTERNAL_ID.key, "")
    if order is None:
        item, value = (REFERENCE, key) if key else (EXTERNAL_ID, named)
        raise _unknown(item, value, "This import changes orders that exist, and makes none.")
    if order.is_external:
        # Rows that name it otherwise have the key of the others, and not in a column of their own.
        item, value = (EXTERNAL_ID, named) if named == order.external_id else (REFERENCE, key)
        message = f"An import has made order {order.reference}: import its rows as ORDER."
        raise RowFaultError(EXTERNAL_ORDER, item.key, value, message)
    rows = OrderRows(said, doing)
    edit_order(session, order, rows)
    return rows.done


def find_order(session: Session, key: str, row: Said) -> Order | None:
    """Locked against whoever moves it. The reference goes before the external id."""
    is_it = Order.reference == key if key else Order.external_id == row.values[EXTERNAL_ID.key]
    return session.scalar(select(Order).where(is_it).with_for_update().execution_options(populate_existing=True))


def _unknown(item: Field, value: str, hint: str) -> RowFaultError:
    message = f"There is no order with this {item.label.lower()}, {value}. {hint}"
    return RowFaultError(UNKNOWN_KEY, item.key, value, message)
