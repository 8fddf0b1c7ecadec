"""The life of an order: which status may follow which. One table; nothing here reads or writes rows."""

from __future__ import annotations

from datahub.errors import InvalidError
from datahub.models.order import ORDER_STATUSES

RANKS = {
    "CREATING": 0,
    "DRAFT_ORDER": 1,
    "DRAFT_ORDER_ON_HOLD": 2,
    "BLOCKED_BY_POLICY": 2,
    "BLOCKED_BY_PAYMENT": 2,
    "ORDER_CREATED": 3,
    "WAITING_CUSTOMER_APPROVAL": 4,
    "WAITING_SUPPLIER_APPROVAL": 5,
    "ACCEPTED_BY_SUPPLIER": 6,
    "WAITING_FULFILLMENT": 7,
    "WAITING_SHIPMENT": 8,
    "PARTIALLY_CANCELED": 9,
    "PARTIALLY_SHIPPED": 9,
    "SHIPPED": 10,
    "INCIDENT": 11,
    "COMPLETED": 12,
}
TERMINAL = frozenset({"COMPLETED", "CANCELED", "DECLINED_BY_SUPPLIER", "DECLINED_BY_CUSTOMER"})
BLOCKED = frozenset({"BLOCKED_BY_POLICY", "BLOCKED_BY_PAYMENT"})
ALIASES = {"ORDER_DRAFT_ON_HOLD": "DRAFT_ORDER_ON_HOLD", "CREATED": "ORDER_CREATED"}


def parse_status(text: str) -> str:
    """The stored name of a status or of one of its aliases. Raises InvalidError at `status`."""
    status = ALIASES.get(text, text)
    if status not in ORDER_STATUSES:
        message = f"must be one of {', '.join(ORDER_STATUSES)}"
        raise InvalidError("This is not a status of an order.", {"status": [message]})
    return status


def may_move(current: str, wanted: str) -> bool:
    """True also for the status that the order has: that is no change, and no error."""
    return wanted == current or wanted in NEXT[current]


def next_statuses(current: str) -> list[str]:
    """What may follow, other than staying: the nearest step first, the ways out last."""
    return list(NEXT[current])


def _follows(current: str, wanted: str) -> bool:
    if current in TERMINAL or wanted == current:
        return False
    rank = RANKS[current]
    match wanted:
        case "CANCELED":
            return True
        case "DECLINED_BY_CUSTOMER":
            return rank <= RANKS["WAITING_CUSTOMER_APPROVAL"]
        case "DECLINED_BY_SUPPLIER":
            return current == "BLOCKED_BY_POLICY" or 3 <= rank <= 5
        case "DRAFT_ORDER" if current in BLOCKED:
            return True
        case _:
            return RANKS[wanted] > rank


NEXT = {current: tuple(wanted for wanted in ORDER_STATUSES if _follows(current, wanted)) for current in ORDER_STATUSES}
