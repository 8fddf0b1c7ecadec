"""The rows of a record folded into one: of what several rows say, what counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from orjson import loads

from datahub.jobs.import_plan import Plan
from datahub.jobs.json_values import contradicts, newer
from datahub.storage import SpooledRow

SUPERSEDED, DIFFERS, NOT_APPLIED = "superseded", "parent_differs", "not_applied"


@dataclass
class Warned:
    row: SpooledRow
    code: str
    field: str
    message: str


class Row(NamedTuple):
    """Values by the given fields of the plan's targets. `extras` are by the ids of custom fields or attributes."""

    spooled: SpooledRow
    remove: bool | None
    values: list[Any]
    part_key: str | None
    part_remove: bool
    part_values: list[Any]
    extras: dict[str, Any]


@dataclass(slots=True)
class Record:
    """Folded from the rows that are good so far; `is_whole` while no row of it was rejected. `speaker` is the row that
    the record's own changes are put down to."""

    key: str
    rows: list[Row]
    speaker: Row
    remove: bool
    values: list[Any]
    parts: dict[str, Row]
    warnings: list[Warned] = field(default_factory=list)
    extra_warnings: list[Warned] = field(default_factory=list)
    is_whole: bool = True


def read_rows(spooled: Iterable[SpooledRow], plan: Plan) -> list[Row]:
    """Of rows that have no faults."""
    rows = [Row._make((row, *loads(row.values))) for row in spooled]
    _restore(plan.root.given_numbers, [row.values for row in rows])
    if plan.part is not None:
        _restore(plan.part.given_numbers, [row.part_values for row in rows])
    if plan.root.extras is not None and not plan.has_levels:
        for row in rows:
            row.values[-1] = row.extras or None
    return rows


def fold(rows: Sequence[Row], plan: Plan, *, is_whole: bool = True) -> Record:
    """Rows of one key. The last value that is not empty wins; of rows that name the same part, or no part, the last."""
    key = rows[0].spooled.key
    if plan.part is None:
        *older, last = rows
        warnings = [superseded(row, last) for row in older]
        return Record(key, list(rows), last, bool(last.remove), last.values, {}, warnings, is_whole=is_whole)
    warnings = []
    values: list[Any] = []
    speaker, parts = rows[0], dict[str | None, Row]()
    nothing: list[Any] = [None] * len(plan.root.given)
    said, speaks_of_removal = nothing, False
    for row in rows:
        if row.values != nothing:
            speaker = row
            # Mostly every row of a record says the same of it.
            if row.values != said:
                if values:
                    warnings += _merge_values(values, row, plan)
                else:
                    values = row.values.copy()
                said = row.values
        if row.part_key in parts:
            warnings.append(superseded(parts[row.part_key], row))
        parts[row.part_key] = row
        speaks_of_removal = speaks_of_removal or row.remove is not None
    named = {part_key: row for part_key, row in parts.items() if part_key is not None}
    record = Record(key, list(rows), speaker, False, values or nothing, named, warnings, is_whole=is_whole)
    if speaks_of_removal:
        _settle_removal(record, plan)
    return record


def _settle_removal(record: Record, plan: Plan) -> None:
    """The last word counts; what other rows of a record that goes away bring is not applied."""
    flag = plan.entity.deleted_by
    if flag is None:
        return
    speaking = [row for row in record.rows if row.remove is not None]
    last = speaking[-1]
    record.warnings += [differs(row, flag.key, flag.label) for row in speaking[-1:] if row.remove != speaking[0].remove]
    if not last.remove:
        return
    record.remove, record.speaker, record.parts = True, last, {}
    message = f"Line {last.spooled.line} of {last.spooled.file} deletes the record: this row is not applied."
    others = (row for row in record.rows if not row.remove and row.part_key is not None)
    record.warnings += [Warned(row.spooled, NOT_APPLIED, "", message) for row in others]


def superseded(row: Row, by: Row) -> Warned:
    message = f"Line {by.spooled.line} of {by.spooled.file} names the same key again and counts instead."
    return Warned(row.spooled, SUPERSEDED, "", message)


def differs(row: Row, name: str, label: str) -> Warned:
    message = f"{label} differs from an earlier row of {row.spooled.key}; this one counts."
    return Warned(row.spooled, DIFFERS, name, message)


def _merge_values(values: list[Any], row: Row, plan: Plan) -> Iterator[Warned]:
    for place, (item, value) in enumerate(zip(plan.root.given, row.values, strict=True)):
        if value is None:
            continue
        if values[place] is not None and contradicts(values[place], value):
            yield differs(row, item.key, item.label)
        values[place] = newer(values[place], value) if item in plan.root.given_json else value


def _restore(places: Iterable[int], rows: Sequence[list[Any]]) -> None:
    """Decimals travel through the spool as text."""
    for place in places:
        for values in rows:
            if values[place] is not None:
                values[place] = Decimal(values[place])
