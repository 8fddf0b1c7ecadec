"""One chunk of an import: whole records are folded from their rows, checked, merged and put into the change ledger.

Everything happens in the caller's transaction, and the caller commits."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from operator import attrgetter
from typing import Any

import orjson
from sqlalchemy import Connection, select

from datahub.entities.base import Field, Part
from datahub.entities.extras import EXTRA_KEYS
from datahub.entities.values import HIDDEN
from datahub.jobs import ledger
from datahub.jobs.merging import conditions, gone, links
from datahub.jobs.merging.locks import lock_changed, lock_deleted, require_referred
from datahub.jobs.merging.merge import ABSENT, CREATE, DELETE, NOTHING, REVIVE, UPDATE, Merge, Updated
from datahub.jobs.merging.problem import IN_USE, UNKNOWN_KEY, Problem, cannot_delete
from datahub.jobs.merging.staged_cells import staged_cells
from datahub.jobs.merging.stored_values import Stored, stored_values
from datahub.jobs.merging.target import Target
from datahub.jobs.rows import part_owners
from datahub.jobs.rows.extras import ExtraValues, what_differs
from datahub.jobs.rows.faults import (
    NOT_EDITABLE,
    NOT_UNIQUE,
    REQUIRED,
    Fault,
    RowFaults,
    blame,
    blame_all,
    explain,
    fault_of,
    join,
    name_culprits,
    nothing_to_delete,
)
from datahub.jobs.rows.fold import Record, Row, Warned, fold, read_rows
from datahub.jobs.rows.held_values import still_held
from datahub.jobs.rows.kept_options import settle_options
from datahub.jobs.rows.listed_ids import shortened_by, unknown_in_lists
from datahub.jobs.rows.part_rows import beyond_limit, leave_unmade, take_all
from datahub.jobs.rows.plan import Plan
from datahub.jobs.rows.secret_values import settle_secrets
from datahub.jobs.rows.stored_checks import broken_with_stored, second_holders
from datahub.jobs.rows.stored_warnings import warn_of_erased, warn_of_units
from datahub.jobs.rows.tree_cycles import new_cycles
from datahub.models import change
from datahub.models.import_run import COUNTS
from datahub.storage import SpooledRow

CREATED, UPDATED, DELETED, UNCHANGED, REJECTED = COUNTS[0], COUNTS[1], COUNTS[2], COUNTS[3], COUNTS[4]
OUTCOMES = {CREATE: CREATED, REVIVE: CREATED, UPDATE: UPDATED, DELETE: DELETED, NOTHING: UNCHANGED, ABSENT: UNCHANGED}
MADE = {CREATE, REVIVE}
STRENGTH = {UNCHANGED: 0, UPDATED: 1, DELETED: 2, CREATED: 3, REJECTED: 4}
KEY = attrgetter("spooled.key")
RANKS = {action: STRENGTH[outcome] for action, outcome in OUTCOMES.items()}


@dataclass
class Outcome:
    """What became of the rows. `rejected` holds their faults, the first one the cause."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    rejected: list[tuple[SpooledRow, list[dict[str, str]]]] = field(default_factory=list)
    warnings: list[Warned] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        self.counts = {name: number + other.counts[name] for name, number in self.counts.items()}
        self.rejected += other.rejected
        self.warnings += other.warnings


class ChunkWriter:
    """Belongs to one run and one connection."""

    def __init__(self, connection: Connection, plan: Plan, *, execution_id: int | None, actor: str) -> None:
        self._connection = connection
        self._plan = plan
        self._source = ledger.Source(plan.entity.name, execution_id, actor, store_id=plan.store_id)
        self._root = Merge(connection, plan.root)
        self._parts = [Merge(connection, target) for target in plan.parts]
        self._extras = ExtraValues(connection, plan)
        self._secret = {item.key for item in plan.entity.fields if item.type.secret}
        self._seen: dict[Target, dict[str, datetime]] = {}

    def write(self, rows: Sequence[SpooledRow], now: datetime) -> Outcome:
        """`rows` are whole records in the order of their keys."""
        outcome = Outcome()
        records, faulty = self._sift(rows)
        actions = self._apply(now)
        self._settle(rows, records, actions, faulty, outcome)
        return outcome

    def find_faults(self, rows: Sequence[SpooledRow]) -> RowFaults:
        """Those that `write` would reject rows for, by sequence. Writes to temporary tables only."""
        return self._sift(rows)[1]

    def _sift(self, rows: Sequence[SpooledRow]) -> tuple[list[Record], RowFaults]:
        """Staged and found to be right, and what is wrong with the other rows."""
        faulty = {row.sequence: orjson.loads(row.faults) for row in rows if row.faults}
        spoilt = {row.key for row in rows if row.faults}
        good = read_rows((row for row in rows if not row.faults), self._plan)
        records = [
            fold(list(group), self._plan, is_whole=key not in spoilt) for key, group in itertools.groupby(good, key=KEY)
        ]
        while found := self._check(records):
            faulty |= found
            spoilt |= {row.key for row in rows if row.sequence in found}
            records = [kept for record in records for kept in self._refold(record, faulty, spoilt)]
        if self._parts:
            name_culprits(self._plan.root, rows, faulty)
        return records, faulty

    def remove_others(self, named: Container[str], now: datetime) -> tuple[int, list[Problem]]:
        """Deletes the live records whose keys are not named: how many, or why none of them can be deleted."""
        target, key = self._plan.root, self._plan.root.table.c[self._plan.root.key.column]
        seen = select(key).where(target.table.c.deleted_at.is_(None), target.within(target.table))
        live = self._connection.scalars(seen.order_by(key)).all()
        nothing = [None] * len(target.given)
        for merge in self._parts:
            merge.stage(())
        self._root.stage(
            (sequence, None, None, key, key, 1, *staged_cells(target, nothing, None, None))
            for sequence, key in enumerate(live)
            if key not in named
        )
        lock_deleted(self._connection, self._root, self._plan.parts)
        if problems := conditions.problems(self._connection, self._root):
            return 0, problems
        return len(self._apply(now)), []

    def _refold(self, record: Record, faulty: Container[int], spoilt: Container[str]) -> list[Record]:
        """Without the rows that turned out bad; nothing where all did."""
        record.is_whole = record.key not in spoilt
        rows = [row for row in record.rows if row.spooled.sequence not in faulty]
        if len(rows) == len(record.rows):
            return [record]
        return [fold(rows, self._plan, is_whole=False)] if rows else []

    def _check(self, records: list[Record]) -> RowFaults:
        """The faults of rows, by sequence, against what is stored."""
        leave_unmade(self._connection, self._plan, records)
        take_all(self._plan, self._parts, records)
        faults = self._extras.spread(records)
        self._check_roots(records, faults)
        for number in range(len(self._parts)):
            self._check_parts(number, records, faults)
        if not faults:
            self._check_rivals(records, faults)
        return faults

    def _check_roots(self, records: list[Record], faults: RowFaults) -> None:
        by_speaker = {record.speaker.spooled.sequence: record for record in records}
        # Asked for first: nothing else can be asked while rows are copied.
        stored = self._stored(self._plan.root, [record.key for record in records])
        warn_of_units(self._connection, self._plan, records)
        warn_of_erased(self._connection, self._plan, records)
        broken = broken_with_stored(self._connection, self._plan, records)
        unpaired = settle_options(self._connection, self._plan, records, stored)
        unsealed = settle_secrets(self._plan, records, stored)
        for record, item, fault in itertools.chain(broken, unpaired, unsealed):
            blame_all(faults, self._plan.root, record, self._to_blame(record), item, fault)
        missing: RowFaults = {}
        self._root.stage(self._staged_roots(self._plan.root, records, stored, missing))
        lock_deleted(self._connection, self._root, self._plan.parts)
        problems = conditions.problems(self._connection, self._root)
        is_barred = any(problem.code == NOT_EDITABLE for problem in problems)
        differing = (
            {update.record_key: update.fields for update in self._root.updates((UPDATE, REVIVE))} if is_barred else {}
        )
        for problem in problems:
            record = by_speaker[problem.sequence]
            old, _ = differing.get(record.key, {}).get(problem.field.key, (None, None))
            fault = explain(problem, self._plan.root, record.values, old)
            blame_all(faults, self._plan.root, record, self._to_blame(record), problem.field, fault)
        for record, item, fault in self._against_others(records):
            blame_all(faults, self._plan.root, record, self._to_blame(record), item, fault)
        join(faults, missing)

    def _against_others(self, records: list[Record]) -> Iterator[tuple[Record, Field, Fault]]:
        """What the merge cannot see."""
        for record, holders in still_held(self._connection, self._plan.entity, records):
            problem = Problem(0, record.key, IN_USE, self._plan.root.key, cannot_delete(" and ".join(holders)))
            yield record, problem.field, explain(problem, self._plan.root, record.values)
        for record, item, unknown in unknown_in_lists(self._connection, self._plan.root, records):
            yield record, item, fault_of("unknown_reference", item, unknown)

    def _to_blame(self, record: Record) -> list[Row]:
        """For what is wrong with the record: each of its rows, or where it has no parts, the one that counts."""
        return record.rows if self._parts else [record.speaker]

    def _check_parts(self, number: int, records: list[Record], faults: RowFaults) -> None:
        merge, target = self._parts[number], self._plan.parts[number]
        rows = {row.spooled.sequence: row for record in records for row in record.parts[number].values()}
        stored = self._stored(target, [key for record in records for key in record.parts[number]])
        missing: RowFaults = {}
        merge.stage(self._staged_parts(number, records, stored, missing))
        lock_deleted(self._connection, merge, ())
        problems = conditions.problems(self._connection, merge)
        for problem in problems:
            row = rows[problem.sequence]
            blame(faults, row, explain(problem, target, row.parts[number].values))
        owned = part_owners.held_by_others(self._connection, self._plan, number, merge, self._source.execution_id)
        for sequence, key, message in owned:
            row = rows[sequence]
            blame(faults, row, self._taken(row, key, number, message))
        join(faults, missing)
        for record in self._without_parts(number, records):
            for row in record.rows:
                blame(faults, row, fault_of(REQUIRED, target.key, []))

    def _check_rivals(self, records: list[Record], faults: RowFaults) -> None:
        """What only one of several can have: once all else is right, since a row that is wrong takes it from nobody."""
        root = self._plan.root
        rivals = [
            (record, item, fault_of(NOT_UNIQUE, item, [value]))
            for record, item, value in second_holders(self._connection, root, records)
        ]
        cycles = new_cycles(self._connection, root, records)
        rivals += [(record, item, fault_of("cycle", item, [parent])) for record, item, parent in cycles]
        for record, item, fault in rivals:
            blame_all(faults, root, record, self._to_blame(record), item, fault)
        for number, part in enumerate(self._plan.entity.parts):
            for row, fault in beyond_limit(number, part, self._parts[number], records):
                blame(faults, row, fault)
            for row, key, message in part_owners.second_claims(self._plan, number, records):
                blame(faults, row, self._taken(row, key, number, message))

    def _taken(self, row: Row, key: str, number: int, message: str) -> Fault:
        target = self._plan.parts[number]
        problem = Problem(row.spooled.sequence, key, part_owners.BELONGS_TO_ANOTHER, target.key, message)
        return explain(problem, target, row.parts[number].values)

    def _without_parts(self, number: int, records: list[Record]) -> list[Record]:
        """New records that name no part of a kind of which they need one."""
        if not self._plan.entity.parts[number].required_on_create:
            return []
        actions = dict(self._root.actions())
        return [
            record
            for record in records
            if actions.get(record.speaker.spooled.sequence) in (CREATE, REVIVE)
            and all(row.parts[number].remove for row in record.parts[number].values())
        ]

    def _staged_roots(
        self, target: Target, records: list[Record], stored: Stored, missing: RowFaults
    ) -> Iterator[tuple[Any, ...]]:
        extras = target.extras
        for record in records:
            known, final = stored.get(record.key), None
            if extras and not record.remove:
                final = self._extras.final(record, known and known[extras.column])
                for fault in self._extras.missing(record, final):
                    for row in self._to_blame(record):
                        blame(missing, row, fault)
            cells = staged_cells(target, record.values, known, final)
            spooled = record.speaker.spooled
            yield (spooled.sequence, spooled.file, spooled.line, record.key, record.key, int(record.remove), *cells)

    def _staged_parts(
        self, number: int, records: list[Record], stored: Stored, missing: RowFaults
    ) -> Iterator[tuple[Any, ...]]:
        target = self._plan.parts[number]
        extras = target.extras
        for record in records:
            for key, row in record.parts[number].items():
                mention, known, final = row.parts[number], stored.get(key), None
                if extras and not mention.remove:
                    final = self._extras.final_part(record, key, row, known and known[extras.column])
                    for fault in self._extras.missing(record, final, of_part=True):
                        blame(missing, row, fault)
                cells = staged_cells(target, mention.values, known, final)
                spooled = row.spooled
                yield (spooled.sequence, spooled.file, spooled.line, record.key, key, int(mention.remove), *cells)

    def _stored(self, target: Target, keys: list[str]) -> Stored:
        """The JSON values: only they are compared here, and not by the database."""
        columns = [item.column for item in target.given_json]
        if not columns or "updated_at" not in target.table.c:
            return stored_values(self._connection, target, columns, keys)
        stored = stored_values(self._connection, target, [*columns, "updated_at"], keys)
        self._seen[target] = {key: values["updated_at"] for key, values in stored.items()}
        return stored

    def _apply(self, now: datetime) -> dict[int, int]:
        """The strongest action by sequence of row; writes the ledger."""
        actions: dict[int, int] = {}
        names = [part.shown_as for part in self._plan.entity.parts]
        targets = (self._plan.root, *self._plan.parts)
        merges, connection = (self._root, *self._parts), self._connection
        for merge in merges:
            lock_changed(connection, merge, self._seen.get(merge.target))
        for merge, target, part in zip(merges, targets, ("", *names), strict=True):
            done, updates = merge.wanted(), merge.updates()
            if not MADE.isdisjoint(done):
                ledger.write_made(connection, self._source, part, merge.made(), now)
            self._note(self._source, part, change.UPDATED, updates, now)
            if DELETE in done:
                self._note(self._source, part, change.DELETED, gone.gone(connection, merge), now)
                self._drop_links(merge, now)
                self._shorten_lists(merge, now)
            going = list(zip(self._parts, names, strict=True)) if target.owner is None and DELETE in done else []
            for own, name in going:
                self._note(self._source, name, change.DELETED, gone.gone_along(connection, own, self._root), now)
                self._drop_links(merge, now, own)
            merge.apply(now)
            require_referred(connection, merge, now)
            for own, _ in going:
                own.take_along(self._root.deleted(), now)
            _join_actions(actions, merge.actions())
        return actions

    def _drop_links(self, merge: Merge, now: datetime, parts: Merge | None = None) -> None:
        """To what the merge deletes, or to parts that go with it."""
        for link in (parts or merge).target.links:
            along = replace(self._source, entity=link.entity)
            dropped = links.gone_links(self._connection, merge, link, parts)
            self._note(along, link.shown_as, change.DELETED, dropped, now)
            links.drop_links(self._connection, merge, link, parts)

    def _shorten_lists(self, merge: Merge, now: datetime) -> None:
        for listed in self._plan.entity.listed_in if merge is self._root else ():
            for store_id, lines in shortened_by(self._connection, merge, listed, now).items():
                of = replace(self._source, entity=listed.entity, store_id=store_id)
                self._note(of, "", change.UPDATED, lines, now)

    def _note(self, source: ledger.Source, part: str, action: str, lines: list[Updated], now: datetime) -> None:
        for line in lines:
            for key in EXTRA_KEYS & line.fields.keys():
                old, new = line.fields[key]
                line.fields[key] = list(what_differs(old, new or {}))
            for key in self._secret & line.fields.keys():
                line.fields[key] = [HIDDEN if value else None for value in line.fields[key]]
        ledger.write_changes(self._connection, source, part, action, lines, now)

    def _settle(
        self,
        rows: Sequence[SpooledRow],
        records: list[Record],
        actions: dict[int, int],
        faulty: dict[int, list[dict[str, str]]],
        outcome: Outcome,
    ) -> None:
        for row in rows if faulty else ():
            if row.sequence in faulty:
                outcome.rejected.append((row, faulty[row.sequence]))
        outcome.warnings += self._absent(records)
        for record in records:
            if record.warnings or record.extra_warnings:
                outcome.warnings += record.warnings + record.extra_warnings
        for action, count in Counter(actions.values()).items():
            outcome.counts[OUTCOMES[action]] += count
        outcome.counts[REJECTED] = len(outcome.rejected)
        outcome.counts[UNCHANGED] += len(rows) - len(outcome.rejected) - len(actions)

    def _absent(self, records: list[Record]) -> Iterator[Warned]:
        """Of rows that take away what is not there, whatever else they do."""
        named: dict[int, dict[Part | None, list[str]]] = defaultdict(dict)
        for merge, part in zip((self._root, *self._parts), (None, *self._plan.entity.parts), strict=True):
            for sequence, key in merge.absent():
                named[sequence].setdefault(part, []).append(key)
        for record, row in ((it, row) for it in records for row in it.rows) if named else ():
            if absent := named.get(row.spooled.sequence):
                told = (nothing_to_delete(self._plan.root, part, record.key, keys) for part, keys in absent.items())
                yield Warned(row.spooled, UNKNOWN_KEY, "", " ".join(told))


def _join_actions(actions: dict[int, int], others: Iterable[tuple[int, int]]) -> None:
    for sequence, action in others:
        if sequence not in actions or RANKS[action] > RANKS[actions[sequence]]:
            actions[sequence] = action
