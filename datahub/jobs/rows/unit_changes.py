"""Units of numbers that records hold: they may change, but the numbers stay as they are."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from datahub.entities.values import UNIT
from datahub.jobs.merging.stored_values import stored_values
from datahub.jobs.rows.fold import Record, warn_once
from datahub.jobs.rows.held_values import holders_of
from datahub.jobs.rows.plan import Plan

UNIT_CHANGED = "unit_changed"


def warn_of_units(connection: Connection, plan: Plan, records: Sequence[Record]) -> None:
    """May be repeated."""
    for place, item in enumerate(plan.root.given):
        if item.type is not UNIT:
            continue
        given = [record for record in records if record.values[place] and not record.remove]
        stored = stored_values(connection, plan.root, [item.column], [record.key for record in given])
        for record in given:
            old, new = stored.get(record.key, {}).get(item.column), record.values[place]
            if not old or old == new:
                continue
            if holders := holders_of(connection, plan.entity, record.key):
                message = (
                    f"Numbers that {' and '.join(holders)} hold in {old} are now in {new}: they are not converted."
                )
                warn_once(record, UNIT_CHANGED, item, message)
