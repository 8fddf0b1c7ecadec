"""What a run would reject rows of a sample for, by its own checks and what is stored now. Nothing but temporary tables
is written to, and these do not stay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import orjson
from sqlalchemy.orm import Session

from datahub.formats.delimited import Row
from datahub.jobs.act_writer import writer_of
from datahub.jobs.import_columns import spoolable
from datahub.jobs.import_faults import Faults
from datahub.jobs.import_plan import Converted, Plan
from datahub.jobs.import_read import unreadable
from datahub.jobs.import_secrets import UNSEALED
from datahub.storage import KEYLESS, SpooledRow

UNKNOWN_REFERENCE = "unknown_reference"


def find_faults(
    session: Session, plan: Plan, file: str, rows: Sequence[Row], converted: Sequence[Converted | None], *, is_cut: bool
) -> Faults:
    """By place of the row, of those that are rejected. Of rows that act, what they do is not tried. Where the sample
    `is_cut`, parents that are not there are taken to come later."""
    spooled = sorted(_spooled(plan, file, rows, converted), key=lambda row: (row.key, row.sequence))
    connection = session.connection()
    with connection.begin_nested() as trial:
        found = writer_of(connection, plan, execution_id=None, actor="").find_faults(spooled)
        trial.rollback()
    return _without_children(plan, spooled, found, is_cut=is_cut)


def _spooled(plan: Plan, file: str, rows: Sequence[Row], converted: Sequence[Converted | None]) -> Iterator[SpooledRow]:
    for sequence, ((line, cells, fault), row) in enumerate(zip(rows, converted, strict=True)):
        key, packed, faults = unreadable(plan, cells, fault) if fault else spoolable(row or Converted())
        remove, values, *others = packed
        values = list(values)
        for place in plan.secrets:
            values[place] = values[place] and UNSEALED
        told = orjson.dumps([remove, values, *others], default=str).decode()
        key = key or f"{KEYLESS}{sequence:012}"
        yield SpooledRow(sequence, key, file, line, told, "", orjson.dumps(faults).decode() if faults else "")


def _without_children(plan: Plan, rows: Sequence[SpooledRow], faults: Faults, *, is_cut: bool) -> Faults:
    """Without those of rows whose parents come with the same file: a run writes them first."""
    own = {item.key for item in plan.root.fields if item.refers_to and item.refers_to.model is plan.entity.model}
    waiting = {
        row.sequence: row.key
        for row in rows
        if (found := faults.get(row.sequence))
        and all(fault["code"] == UNKNOWN_REFERENCE and fault["field"] in own for fault in found)
    }
    coming = {row.key for row in rows if row.sequence not in faults}
    while ready := {at for at in waiting if is_cut or faults[at][0]["value"] in coming}:
        coming |= {waiting.pop(at) for at in ready}
        faults = {at: found for at, found in faults.items() if at not in ready}
    return faults
