"""What of an order may still be edited, by the status that it is in. Nothing here reads or writes rows."""

from __future__ import annotations

from enum import IntEnum

from datahub.orders.life import RANKS


class Stage(IntEnum):
    """`OPEN`: everything. `ACCEPTED`: status, external ids and custom fields. `SENT`: the status alone."""

    SENT = 0
    ACCEPTED = 1
    OPEN = 2


def stage_of(status: str) -> Stage:
    """An order that was cancelled or declined is as fixed as one that was sent."""
    rank = RANKS.get(status, RANKS["COMPLETED"])
    if rank <= RANKS["WAITING_SUPPLIER_APPROVAL"]:
        return Stage.OPEN
    return Stage.ACCEPTED if rank <= RANKS["WAITING_SHIPMENT"] else Stage.SENT
