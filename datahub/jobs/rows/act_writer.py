"""Rows that are not merged but act on a record, such as moves of an order's status: one record after the other, through
the functions that pages and the API use, with all that these set off. The caller commits."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import orjson
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from datahub.jobs.rows import order_import, status_acts
from datahub.jobs.rows.acts import Act, Doing, RowFaultError, Said, Values
from datahub.jobs.rows.chunk import REJECTED, ChunkWriter, Outcome
from datahub.jobs.rows.faults import REQUIRED, Fault, RowFaults, because_of, fault_of
from datahub.jobs.rows.fold import Row, Warned, read_rows
from datahub.jobs.rows.plan import Plan
from datahub.storage import BY_OTHER, SpooledRow

# By name of the entity.
ACTS = {
    "ORDER": Act(order_import.write_order, is_joint=True),
    "ORDER_UPDATE": Act(order_import.update_order, is_joint=True),
    "ORDER_STATUS": Act(status_acts.move_order),
    "INCIDENT": Act(status_acts.move_incident),
}


def writer_of(connection: Connection, plan: Plan, *, execution_id: int | None, actor: str) -> Writer:
    """Without an execution, to find faults only."""
    act = ACTS.get(plan.entity.name)
    if act is None:
        return ChunkWriter(connection, plan, execution_id=execution_id, actor=actor)
    doing = Doing(actor, plan.main_locale, execution_id, plan.store_id, plan.extras.definitions)
    return ActWriter(connection, plan, act, doing)


_Good = tuple[SpooledRow, Values]
_Bad = tuple[SpooledRow, list[Fault]]


class ActWriter:
    """Belongs to one run and one connection."""

    def __init__(self, connection: Connection, plan: Plan, act: Act, doing: Doing) -> None:
        self._connection, self._plan, self._act, self._doing = connection, plan, act, doing

    def write(self, rows: Sequence[SpooledRow], _: datetime) -> Outcome:
        """`rows` are whole records in the order of their keys."""
        outcome = Outcome()
        session = Session(self._connection)
        for key, group in itertools.groupby(rows, key=lambda row: row.key):
            bad, good = self._sift(list(group))
            outcome.rejected += bad
            for together in [good] if good and self._act.is_joint else [[one] for one in good]:
                self._do(session, key, together, outcome)
        outcome.counts[REJECTED] = len(outcome.rejected)
        return outcome

    def find_faults(self, rows: Sequence[SpooledRow]) -> RowFaults:
        """Those that `write` would reject rows for whatever is stored, by sequence."""
        groups = (self._sift(list(group)) for _, group in itertools.groupby(rows, key=lambda row: row.key))
        return {row.sequence: faults for bad, _ in groups for row, faults in bad}

    def _sift(self, given: Sequence[SpooledRow]) -> tuple[list[_Bad], list[_Good]]:
        """With the rows that go along with faulty ones."""
        bad, good = self._parted(given)
        if bad and self._act.is_joint:
            others = because_of(bad[0][0], bad[0][1][0])
            return [*bad, *((row, [others]) for row, _ in good)], []
        return bad, good

    def _parted(self, given: Sequence[SpooledRow]) -> tuple[list[_Bad], list[_Good]]:
        """The rows that are faulty by themselves, with their faults, and the others with their values."""
        bad = [(row, orjson.loads(row.faults)) for row in given if row.faults]
        good = []
        for row in read_rows((row for row in given if not row.faults), self._plan):
            values = self._values(row)
            lacking = [item for item in self._plan.root.fields if item.required_on_update and item.key not in values]
            if lacking:
                bad.append((row.spooled, [fault_of(REQUIRED, item, []) for item in lacking]))
            else:
                good.append((row.spooled, values))
        return bad, good

    def _do(self, session: Session, key: str, rows: Sequence[_Good], outcome: Outcome) -> None:
        extras, files = self._plan.extras, {row.file for row, _ in rows}
        feeds, clears = any(extras.files.get(file) for file in files), files <= extras.clearing
        doing = replace(self._doing, feeds_extras=feeds, clears=clears, warnings=[])
        said = [Said(values, row.file, row.line) for row, values in rows]
        try:
            with session.begin_nested():
                known = "" if key.startswith(BY_OTHER) else key
                done = self._act.do(session, known, said, doing)
        except RowFaultError as error:
            culprit, _ = rows[error.number]
            others = because_of(culprit, error.fault)
            outcome.rejected += [(row, [error.fault if row is culprit else others]) for row, _ in rows]
            return
        for name in done:
            outcome.counts[name] += 1
        for it in doing.warnings:
            outcome.warnings.append(Warned(rows[it.number][0], it.code, it.field, it.message))

    def _values(self, row: Row) -> Values:
        plan = self._plan
        values = dict(zip((item.key for item in plan.root.given), row.values, strict=True))
        for part, target, mention in zip(plan.entity.parts, plan.parts, row.parts, strict=True):
            values |= {part.key_field.key: mention.keys or None, part.removed_by.key: mention.remove or None}
            values |= zip((item.key for item in target.given), mention.values, strict=True)
        return {name: value for name, value in values.items() if value is not None}


Writer = ChunkWriter | ActWriter
