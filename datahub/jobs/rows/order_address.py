"""The shipping address that rows of an order give: all of it or nothing."""

from __future__ import annotations

from typing import Any

from datahub.entities.order import ADDRESS
from datahub.jobs.rows.faults import REQUIRED
from datahub.jobs.rows.order_rows import OrderRows
from datahub.models.order import OrderAddress

# By key of a field, the attribute of the stored address, which is its name in the document too but for one.
COLUMNS = dict(
    zip(
        (item.key for item in ADDRESS),
        ("full_name", "country", "address", "city", "zipcode", "state", "additional_address"),
        strict=True,
    )
)
IN_DOCUMENT = {"full_name": "fullName", "additional_address": "additionalAddress"}
MANDATORY = ADDRESS[:5]


def given_address(rows: OrderRows) -> dict[str, Any]:
    """By name in the document; empty where no row says any of it. Raises RowFaultError for one that is not whole."""
    given = {COLUMNS[item.key]: rows.of_order[item.key].value for item in ADDRESS if item.key in rows.of_order}
    if not given:
        return {}
    number = max(rows.of_order[item.key].number for item in ADDRESS if item.key in rows.of_order)
    for item in MANDATORY:
        if item.key not in rows.of_order:
            message = "An address is taken as a whole: with any of it, this must be given too."
            raise rows.fault(number, REQUIRED, item, message)
    return {IN_DOCUMENT.get(column, column): value for column, value in given.items()}


def final_address(rows: OrderRows, stored: OrderAddress) -> dict[str, Any]:
    """By column, what the given address comes to. Another one keeps nothing of the stored one; an equal one keeps what
    rows leave out."""
    given = {COLUMNS[item.key]: rows.of_order[item.key].value for item in ADDRESS if item.key in rows.of_order}
    if all(getattr(stored, COLUMNS[item.key]) == given[COLUMNS[item.key]] for item in MANDATORY):
        return given
    return dict.fromkeys(COLUMNS.values()) | {"external_id": None, "label": None, "phone": None} | given
