"""The rows of a record folded into one: of what several rows say, what counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from orjson import loads

from datahub.entities.base import Field
from datahub.entities.extras import CUSTOM_FIELD, CUSTOM_FIELDS
from datahub.jobs.merging.json_values import contradicts, newer
from datahub.jobs.rows.plan import Mention, Plan
from datahub.storage import SpooledRow

SUPERSEDED, DIFFERS, NOT_APPLIED = "superseded", "parent_differs", "not_applied"


@dataclass
class Warned:
    row: SpooledRow
    code: str
    field: str
    message: str


class Row(NamedTuple):
    """Values by the given fields of the plan's targets, mentions of parts in the order of their kinds. `extras` are by
    the ids of custom fields or attributes."""

    spooled: SpooledRow
    remove: bool | None
    values: list[Any]
    parts: list[Mention]
    extras: dict[str, Any]


@dataclass(slots=True)
class Record:
    """Folded from the rows that are good so far; `is_whole` while no row of it was rejected. `speaker` is the row that
    the record's own changes are put down to. `parts` has for each kind the row that counts, by the part's key."""

    key: str
    rows: list[Row]
    speaker: Row
    remove: bool
    values: list[Any]
    parts: Sequence[dict[str, Row]]
    warnings: list[Warned] = field(default_factory=list)
    extra_warnings: list[Warned] = field(default_factory=list)
    is_whole: bool = True


def read_rows(spooled: Iterable[SpooledRow], plan: Plan) -> list[Row]:
    """Of rows that have no faults."""
    rows = [
        Row(row, remove, values, [Mention(*part) for part in parts], extras)
        for row in spooled
        for remove, values, parts, extras in (loads(row.values),)
    ]
    _restore(plan.root.given_numbers, [row.values for row in rows])
    for number, target in enumerate(plan.parts):
        _restore(target.given_numbers, [row.parts[number].values for row in rows])
    if plan.root.extras is not None and not plan.has_levels:
        for row in rows:
            row.values[-1] = row.extras or None
    return rows


def fold(rows: Sequence[Row], plan: Plan, *, is_whole: bool = True) -> Record:
    """Rows of one key. The last value that is not empty wins; of rows that name the same part, or no part, the last."""
    record = _fold_parts(rows, plan) if plan.parts else _fold(rows)
    record.is_whole = is_whole
    # Only a file that says all of a record erases what it does not say.
    if plan.erased and is_whole and plan.mended.isdisjoint(row.spooled.file for row in rows):
        record.values = _erased(record.values, plan)
    return record


def _fold(rows: Sequence[Row]) -> Record:
    *older, last = rows
    warnings = [superseded(row, last) for row in older]
    return Record(last.spooled.key, list(rows), last, bool(last.remove), last.values, (), warnings)


def _fold_parts(rows: Sequence[Row], plan: Plan) -> Record:
    key = rows[0].spooled.key
    warnings: list[Warned] = []
    values: list[Any] = []
    speaker = rows[0]
    bare: Row | None = None
    parts: list[dict[str, Row]] = [{} for _ in plan.parts]
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
        replaced = _keep_named(parts, row, plan)
        if replaced is None:
            replaced, bare = [bare] if bare else [], row
        for one in replaced:
            warnings.append(superseded(one, row))
        speaks_of_removal = speaks_of_removal or row.remove is not None
    record = Record(key, list(rows), speaker, False, values or nothing, parts, warnings)
    if speaks_of_removal:
        _settle_removal(record, plan)
    return record


def _erased(values: Sequence[Any], plan: Plan) -> list[Any]:
    """A copy: rows that give nothing share one list."""
    erased = list(values)
    for place in plan.erased:
        erased[place] = plan.root.given[place].fresh_default() if erased[place] is None else erased[place]
    return erased


def _keep_named(parts: Sequence[dict[str, Row]], row: Row, plan: Plan) -> list[Row] | None:
    """The rows that it takes the place of; None for one that names no part."""
    replaced: list[Row] = []
    names_any = False
    for known, mention, part in zip(parts, row.parts, plan.entity.parts, strict=True):
        for key in () if mention.remove and part.removes_all else mention.keys:
            names_any = True
            if key in known:
                replaced.append(known[key])
            known[key] = row
    return replaced if names_any else None


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
    record.remove, record.speaker, record.parts = True, last, [{} for _ in record.parts]
    message = f"Line {last.spooled.line} of {last.spooled.file} deletes the record: this row is not applied."
    others = (row for row in record.rows if not row.remove and any(mention.keys for mention in row.parts))
    record.warnings += [Warned(row.spooled, NOT_APPLIED, "", message) for row in others]


def warn_once(record: Record, code: str, item: Field, message: str) -> None:
    """For checks that are repeated where other rows turn out bad."""
    if not any((warned.code, warned.field) == (code, item.key) for warned in record.extra_warnings):
        record.extra_warnings.append(Warned(record.speaker.spooled, code, item.key, message))


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
            yield from _differing(row, item, values[place], value)
        values[place] = newer(values[place], value) if item in plan.root.given_json else value


def _differing(row: Row, item: Field, old: Any, new: Any) -> Iterator[Warned]:
    """Custom fields are told by themselves."""
    if item is not CUSTOM_FIELDS:
        yield differs(row, item.key, item.label)
        return
    for external_id in new:
        if external_id in old and contradicts(old[external_id], new[external_id]):
            column = f"{CUSTOM_FIELD}{external_id}"
            yield differs(row, column, column)


def _restore(places: Iterable[int], rows: Sequence[list[Any]]) -> None:
    """Decimals travel through the spool as text."""
    for place in places:
        for values in rows:
            if values[place] is not None:
                values[place] = Decimal(values[place])
