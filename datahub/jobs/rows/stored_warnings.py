"""What rows do to stored values that their senders may not have meant: warnings."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from datahub.entities.values import UNIT
from datahub.jobs.merging.stored_values import stored_values
from datahub.jobs.rows.cells import as_cell
from datahub.jobs.rows.fold import Record, warn_once
from datahub.jobs.rows.held_values import holders_of
from datahub.jobs.rows.plan import Plan

ERASED = "erased"
UNIT_CHANGED = "unit_changed"


def warn_of_erased(connection: Connection, plan: Plan, records: Sequence[Record]) -> None:
    """May be repeated."""
    for place in plan.erased:
        item = plan.root.given[place]
        nothing = item.fresh_default()
        bare = [record for record in records if record.values[place] == nothing and not record.remove]
        stored = stored_values(connection, plan.root, [item.column], [record.key for record in bare])
        for record in bare:
            old = stored.get(record.key, {}).get(item.column, nothing)
            if old != nothing:
                message = f"No row of {record.key} gives its {item.label.lower()}, so {as_cell(old)} is erased."
                warn_once(record, ERASED, item, message)


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
