"""Values that no row of a record gives and that are erased for it, with a warning."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from datahub.jobs.merging.stored_values import stored_values
from datahub.jobs.rows.cells import as_cell
from datahub.jobs.rows.fold import Record, warn_once
from datahub.jobs.rows.plan import Plan

ERASED = "erased"


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
