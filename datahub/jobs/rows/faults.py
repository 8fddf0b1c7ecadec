"""What is said of rows that are rejected: of those that are at fault, and of those that go along with them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

import orjson

from datahub.entities.base import Field, Part
from datahub.jobs.merging.problem import IN_USE, UNKNOWN_KEY, Problem
from datahub.jobs.merging.target import Target
from datahub.jobs.rows.cells import as_cell
from datahub.jobs.rows.fold import Record, Row
from datahub.jobs.rows.plan import NO_VALUE
from datahub.jobs.rows.tree_cycles import OWN_ANCESTOR
from datahub.storage import SpooledRow

NOT_EDITABLE, REQUIRED, OTHER_ROW = "not_editable", "required", "other_row_invalid"
NOT_UNIQUE, TOO_MANY, REFUSED = "not_unique", "too_many_parts", "tree_refused"

Fault = dict[str, str]
# By sequence of the row; the first one is the cause.
RowFaults = dict[int, list[Fault]]


def no_value_in(column: str) -> str:
    """What is said of a custom field or an attribute that is required and not there."""
    return f"A value is required: fill in a column {column}."


def blame(faults: RowFaults, row: Row, fault: Fault) -> None:
    faults.setdefault(row.spooled.sequence, []).append(fault)


def blame_all(
    faults: RowFaults, target: Target, record: Record, rows: Sequence[Row], item: Field, fault: Fault
) -> None:
    """For what is wrong with the record as a whole: rows that do not say it go along with one that does."""
    bearers = _bearers(target, record, rows, item, fault["code"])
    own = {row.spooled.sequence for row in bearers}
    for row in rows:
        blame(faults, row, fault if row.spooled.sequence in own else because_of(bearers[-1].spooled, fault))


def join(faults: RowFaults, others: RowFaults) -> None:
    for sequence, found in others.items():
        faults.setdefault(sequence, []).extend(found)


def name_culprits(target: Target, rows: Sequence[SpooledRow], faulty: RowFaults) -> None:
    """A record lacks what another row of it says, wrongly or in vain: that row is at fault, not those that leave it
    out."""
    shared = {item.key for item in target.fields}
    by_record: dict[str, list[SpooledRow]] = defaultdict(list)
    for row in rows:
        if row.sequence in faulty:
            by_record[row.key].append(row)
    for group in by_record.values():
        if shared.isdisjoint(it["field"] for row in group for it in faulty[row.sequence] if it["code"] == REQUIRED):
            continue
        culprits = _culprits(target, group, faulty, shared)
        for row in group:
            faulty[row.sequence] = [
                because_of(*culprits[fault["field"]])
                if fault["code"] == REQUIRED and fault["field"] in culprits
                else fault
                for fault in faulty[row.sequence]
            ]


def _culprits(
    target: Target, group: Sequence[SpooledRow], faulty: RowFaults, shared: Collection[str]
) -> dict[str, tuple[SpooledRow, Fault]]:
    """By key of a field of the record: the row that says it wrongly, else one that says it and is rejected for
    something else."""
    culprits: dict[str, tuple[SpooledRow, Fault]] = {}
    for row in group:
        for fault in faulty[row.sequence]:
            if fault["field"] in shared and fault["code"] not in (REQUIRED, OTHER_ROW):
                culprits.setdefault(fault["field"], (row, fault))
    for row in group:
        if own := _own_fault(faulty[row.sequence], shared):
            _, values, *_ = orjson.loads(row.values)
            given = (item.key for item, value in zip(target.given, values, strict=True) if value is not None)
            culprits |= {key: (row, own) for key in given if key not in culprits}
    return culprits


def _own_fault(faults: Sequence[Fault], shared: Collection[str]) -> Fault | None:
    """One that the row has whatever the other rows of its record say."""
    lacking = (fault for fault in faults if fault["code"] != OTHER_ROW)
    return next((it for it in lacking if it["code"] != REQUIRED or it["field"] not in shared), None)


def explain(problem: Problem, target: Target, values: Sequence[Any], stored: Any = None) -> Fault:
    """`values` are those of the given fields; `stored` is what a field that may not change holds."""
    item = problem.field
    given = values[target.given.index(item)] if item in target.given else None
    if given is None and item is target.key:
        given = problem.key
    shown = [] if given is None else [as_cell(given)]
    message = problem.message
    if problem.code == UNKNOWN_KEY:
        message = f"There is no {target.noun} {problem.key}. This import changes records that exist, and makes none."
    if message:
        return {"code": problem.code, "field": item.key, "value": "".join(shown)[:200], "message": message}
    return fault_of(problem.code, item, shown, stored)


def nothing_to_delete(target: Target, part: Part | None, record_key: str, keys: Sequence[str]) -> str:
    """Of a row that takes away what is not there: its record, or with a `part` some parts of it."""
    listed = ", ".join(keys)
    if part is None:
        return f"There is no {target.noun} {listed}, or it is deleted already: nothing to delete."
    return f"The {target.noun} {record_key} has no {listed} among its {part.label.lower()}: nothing to delete."


def fault_of(code: str, item: Field, given: Sequence[str], stored: Any = None) -> Fault:
    shown = ", ".join(given)
    name = item.refers_to.name.replace("_", " ").lower() if item.refers_to else ""
    was = "" if stored is None else f" It is {as_cell(stored)}, and the row says {shown}."
    messages = {
        REQUIRED: NO_VALUE,
        "unknown_reference": f"There is no {name} with the external id {shown}. Import it, or transcode the value.",
        NOT_EDITABLE: f"This field cannot be changed once the record is there.{was}",
        "cycle": OWN_ANCESTOR,
        NOT_UNIQUE: f"{shown} is that of another record. No two have the same.",
    }
    return {"code": code, "field": item.key, "value": shown[:200], "message": messages[code]}


def _bearers(target: Target, record: Record, rows: Sequence[Row], item: Field, code: str) -> Sequence[Row]:
    if code == IN_USE:
        return [row for row in rows if row.remove] or rows
    value = record.values[target.given.index(item)] if item in target.given else None
    if value is None:
        return rows
    place = target.given.index(item)
    return [row for row in rows if row.values[place] == value] or rows


def because_of(row: SpooledRow, fault: Fault) -> Fault:
    """What is said of the other rows of its record."""
    told = f"Line {row.line} of {row.file}, of the same record, is rejected, and this one with it: {fault['message']}"
    return {"code": OTHER_ROW, "field": "", "value": "", "message": told}
