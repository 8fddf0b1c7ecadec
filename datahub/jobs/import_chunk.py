"""One chunk of an import: whole records are folded from their rows, checked, merged and put into the change ledger.

Everything happens in the caller's transaction, and the caller commits."""

from __future__ import annotations

import itertools
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import Connection, select

from datahub.entities.base import Field
from datahub.entities.values import NUMBER
from datahub.jobs import ledger
from datahub.jobs.import_plan import Plan
from datahub.jobs.json_values import canonical, contradicts, newer
from datahub.jobs.merge import ABSENT, CREATE, DELETE, NOTHING, REVIVE, UPDATE, Merge, Problem, Target, is_json
from datahub.models.import_run import COUNTS
from datahub.storage import SpooledRow

CREATED, UPDATED, DELETED, UNCHANGED, REJECTED = COUNTS[0], COUNTS[1], COUNTS[2], COUNTS[3], COUNTS[4]
OUTCOMES = {CREATE: CREATED, REVIVE: CREATED, UPDATE: UPDATED, DELETE: DELETED, NOTHING: UNCHANGED, ABSENT: UNCHANGED}
STRENGTH = {UNCHANGED: 0, UPDATED: 1, DELETED: 2, CREATED: 3, REJECTED: 4}
SUPERSEDED, UNKNOWN_KEY, DIFFERS = "superseded", "unknown_key", "parent_differs"


@dataclass
class Warned:
    row: SpooledRow
    code: str
    field: str
    message: str


@dataclass
class Outcome:
    """What became of the rows. `rejected` holds their faults, the first one the cause."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    rejected: list[tuple[SpooledRow, list[dict[str, str]]]] = field(default_factory=list)
    warnings: list[Warned] = field(default_factory=list)


@dataclass
class _Row:
    spooled: SpooledRow
    remove: bool
    values: list[Any]
    part_key: str | None
    part_remove: bool
    part_values: list[Any]


@dataclass
class _Record:
    """Folded from the rows that are good so far. `speaker` is the row that the record's own changes are put down to."""

    key: str
    rows: list[_Row]
    speaker: _Row
    remove: bool
    values: list[Any]
    parts: dict[str, _Row]
    warnings: list[Warned]


class ChunkWriter:
    """Belongs to one run and one connection."""

    def __init__(self, connection: Connection, plan: Plan, *, execution_id: int | None, actor: str) -> None:
        self._connection = connection
        self._plan = plan
        self._source = ledger.Source(plan.entity.name, execution_id, actor)
        self._root = Merge(connection, plan.root)
        self._part = Merge(connection, plan.part) if plan.part else None

    def write(self, rows: Sequence[SpooledRow], now: datetime) -> Outcome:
        """`rows` are whole records in the order of their keys."""
        outcome = Outcome()
        faulty = {row.sequence: orjson.loads(row.faults) for row in rows if row.faults is not None}
        good = [_read(row, self._plan) for row in rows if row.faults is None]
        records = [self._fold(list(group)) for _, group in itertools.groupby(good, key=lambda row: row.spooled.key)]
        while found := self._check(records):
            faulty |= found
            records = [self._refold(record, faulty) for record in records]
            records = [record for record in records if record.rows]
        actions = self._apply(records, now)
        self._settle(rows, records, actions, faulty, outcome)
        return outcome

    def _fold(self, rows: list[_Row]) -> _Record:
        """The last value that is not empty wins; of rows that name the same part, or no part, the last row."""
        warnings: list[Warned] = []
        if self._part is None:
            *older, last = rows
            warnings += [_superseded(row, last) for row in older]
            return _Record(last.spooled.key, rows, last, last.remove, last.values, {}, warnings)
        values: list[Any] = [None] * len(self._plan.root.given)
        speaker, parts = rows[0], dict[str, _Row]()
        for row in rows:
            if any(value is not None for value in row.values):
                speaker = row
                warnings += self._merge_values(values, row)
            if row.part_key is not None:
                if row.part_key in parts:
                    warnings.append(_superseded(parts[row.part_key], row))
                parts[row.part_key] = row
        remove = any(row.remove for row in rows)
        return _Record(rows[0].spooled.key, rows, speaker, remove, values, {} if remove else parts, warnings)

    def _merge_values(self, values: list[Any], row: _Row) -> Iterator[Warned]:
        for place, (item, value) in enumerate(zip(self._plan.root.given, row.values, strict=True)):
            if value is None:
                continue
            if values[place] is not None and contradicts(values[place], value):
                yield Warned(
                    row.spooled,
                    DIFFERS,
                    item.key,
                    f"{item.label} differs from an earlier row of {row.spooled.key}; this one counts.",
                )
            values[place] = newer(values[place], value) if is_json(self._plan.root, item) else value

    def _refold(self, record: _Record, faulty: dict[int, Any]) -> _Record:
        rows = [row for row in record.rows if row.spooled.sequence not in faulty]
        if len(rows) == len(record.rows):
            return record
        return self._fold(rows) if rows else _Record(record.key, [], record.speaker, False, [], {}, [])

    def _check(self, records: list[_Record]) -> dict[int, list[dict[str, str]]]:
        """The faults of rows, by sequence, against what is stored."""
        faults: dict[int, list[dict[str, str]]] = {}
        by_speaker = {record.speaker.spooled.sequence: record for record in records}
        self._root.stage(self._staged_roots(self._plan.root, records))
        for problem in self._root.problems():
            for row in by_speaker[problem.sequence].rows:
                faults.setdefault(row.spooled.sequence, []).append(
                    _explain(problem, row, of_part=False, plan=self._plan)
                )
        for record, item, missing in self._unknown_in_lists(records):
            for row in record.rows:
                fault = _fault("unknown_reference", item, missing, self._plan)
                faults.setdefault(row.spooled.sequence, []).append(fault)
        if self._part is not None and self._plan.part is not None:
            parts = {row.spooled.sequence: row for record in records for row in record.parts.values()}
            self._part.stage(self._staged_parts(self._plan.part, records))
            for problem in self._part.problems():
                row = parts[problem.sequence]
                faults.setdefault(problem.sequence, []).append(_explain(problem, row, of_part=True, plan=self._plan))
            for row in self._second_claims(records, faults):
                problem = Problem(row.spooled.sequence, "belongs_to_another", self._plan.part.key)
                faults[problem.sequence] = [_explain(problem, row, of_part=True, plan=self._plan)]
        return faults

    def _second_claims(self, records: list[_Record], faulty: Container[int]) -> list[_Row]:
        """Rows that name a part which an earlier record of the chunk will own: it is not stored, or only hidden."""
        if self._plan.part is None or not self._plan.part.global_key:
            return []
        owners: dict[str, str] = {}
        named = [(record, key, row) for record in records for key, row in record.parts.items() if not row.part_remove]
        return [
            row
            for record, key, row in named
            if row.spooled.sequence not in faulty and owners.setdefault(key, record.key) != record.key
        ]

    def _unknown_in_lists(self, records: list[_Record]) -> Iterator[tuple[_Record, Field, list[str]]]:
        """Lists of external ids are JSON, which the merge cannot look into."""
        for place, item in enumerate(self._plan.root.given):
            if item.refers_to is None or not is_json(self._plan.root, item):
                continue
            table = item.refers_to.model.__table__
            named = {key for record in records for key in record.values[place] or ()}
            query = select(table.c.external_id).where(table.c.external_id.in_(named))
            if "deleted_at" in table.c:
                query = query.where(table.c.deleted_at.is_(None))
            known = set(self._connection.scalars(query))
            for record in records:
                missing = [key for key in record.values[place] or () if key not in known]
                if missing and not record.remove:
                    yield record, item, missing

    def _staged_roots(self, target: Target, records: list[_Record]) -> Iterator[tuple[Any, ...]]:
        stored = self._stored(target, [record.key for record in records])
        return (
            (
                record.speaker.spooled.sequence,
                record.key,
                record.key,
                record.remove,
                *_cells(target, record.values, stored.get(record.key)),
            )
            for record in records
        )

    def _staged_parts(self, target: Target, records: list[_Record]) -> Iterator[tuple[Any, ...]]:
        stored = self._stored(target, [key for record in records for key in record.parts])
        return (
            (
                row.spooled.sequence,
                record.key,
                key,
                row.part_remove,
                *_cells(target, row.part_values, stored.get(key)),
            )
            for record in records
            for key, row in record.parts.items()
        )

    def _stored(self, target: Target, keys: list[str]) -> dict[str, dict[str, Any]]:
        """The JSON values of the live records of these keys: only they are compared here, and not by the database."""
        names = [item.column for item in target.given if is_json(target, item)]
        if not names:
            return {}
        table = target.table
        columns = [table.c[target.key.column], *(table.c[name] for name in names)]
        query = select(*columns).where(columns[0].in_(keys))
        if target.is_hidden_when_deleted:
            query = query.where(table.c.deleted_at.is_(None))
        return {key: dict(zip(names, values, strict=True)) for key, *values in self._connection.execute(query)}

    def _apply(self, records: list[_Record], now: datetime) -> dict[int, int]:
        """The strongest action by sequence of row; writes the ledger."""
        actions: dict[int, int] = {}
        rows = {row.spooled.sequence: row.spooled for record in records for row in record.rows}
        for merge, target in ((self._root, self._plan.root), (self._part, self._plan.part)):
            if merge is None or target is None:
                continue
            done, changes = merge.actions(), dict(merge.updates())
            merge.apply(now)
            if target.owner is None and self._part is not None:
                self._part.take_along(self._root.deleted(), now)
            part = self._plan.entity.parts[0].shown_as if target.owner else ""
            keys = self._part_keys(records) if part else {}
            entries = [
                ledger.Entry(rows[sequence], part, keys.get(sequence, ""), action, changes.get(sequence))
                for sequence, action in sorted(done.items())
                if action != ABSENT
            ]
            ledger.write(self._connection, self._source, entries, now)
            for sequence, action in done.items():
                actions[sequence] = _stronger(actions.get(sequence, NOTHING), action)
        return actions

    def _part_keys(self, records: list[_Record]) -> dict[int, str]:
        return {row.spooled.sequence: key for record in records for key, row in record.parts.items()}

    def _settle(
        self,
        rows: Sequence[SpooledRow],
        records: list[_Record],
        actions: dict[int, int],
        faulty: dict[int, list[dict[str, str]]],
        outcome: Outcome,
    ) -> None:
        for row in rows:
            if row.sequence in faulty:
                outcome.rejected.append((row, faulty[row.sequence]))
            elif actions.get(row.sequence) == ABSENT:
                message = f"There is no {row.key}, or it is deleted already: nothing to delete."
                outcome.warnings.append(Warned(row, UNKNOWN_KEY, "", message))
        for record in records:
            outcome.warnings += record.warnings
        for action in actions.values():
            outcome.counts[OUTCOMES[action]] += 1
        outcome.counts[REJECTED] = len(outcome.rejected)
        outcome.counts[UNCHANGED] += len(rows) - len(outcome.rejected) - len(actions)


def _read(row: SpooledRow, plan: Plan) -> _Row:
    remove, values, part_key, part_remove, part_values = orjson.loads(row.values)
    _restore(plan.root.given, values)
    if plan.part is not None:
        _restore(plan.part.given, part_values)
    return _Row(row, remove, values, part_key, part_remove, part_values)


def _restore(given: Iterable[Field], values: list[Any]) -> None:
    """Decimals travel through the spool as text."""
    for place, item in enumerate(given):
        if item.type is NUMBER and values[place] is not None:
            values[place] = Decimal(values[place])


def _cells(target: Target, values: Sequence[Any], stored: dict[str, Any] | None) -> Iterator[Any]:
    for item, value in zip(target.given, values, strict=True):
        if not is_json(target, item):
            yield value
        elif value is None:
            yield from (None, False)
        else:
            base = item.fresh_default() if stored is None else stored[item.column]
            result = newer(base, value)
            yield from (canonical(result), stored is not None and result != base)


def _superseded(row: _Row, by: _Row) -> Warned:
    message = f"Line {by.spooled.line} of {by.spooled.file} names the same key again and counts instead."
    return Warned(row.spooled, SUPERSEDED, "", message)


def _stronger(one: int, other: int) -> int:
    return max(one, other, key=lambda action: (STRENGTH[OUTCOMES[action]], action == ABSENT))


def _explain(problem: Problem, row: _Row, *, of_part: bool, plan: Plan) -> dict[str, str]:
    target = plan.part if of_part and plan.part is not None else plan.root
    values = row.part_values if of_part else row.values
    given = values[target.given.index(problem.field)] if problem.field in target.given else None
    if given is None and problem.field is target.key:
        given = row.part_key if of_part else row.spooled.key
    return _fault(problem.code, problem.field, [] if given is None else [str(given)], plan, target)


def _fault(code: str, item: Field, given: list[str], plan: Plan, target: Target | None = None) -> dict[str, str]:
    shown = ", ".join(given)
    name = item.refers_to.name if item.refers_to else plan.entity.name
    used_by = (target or plan.root).used_by
    messages = {
        "required": "This field is required to create a record.",
        "unknown_reference": f"There is no {name} with the external id {shown}.",
        "not_editable": "This field cannot be changed once the record is there.",
        "belongs_to_another": f"{shown} belongs to another record.",
        "in_use": "It cannot be deleted: " + " and ".join(use.what for use in used_by) + " still refer to it.",
    }
    return {"code": code, "field": item.key, "value": shown[:200], "message": messages[code]}
