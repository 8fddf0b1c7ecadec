"""What a run would reject rows of a sample for, by its own checks and what is stored now. Nothing but temporary tables
is written to, and these do not stay.

The trial writes nothing, where a run writes one record after the other: what the rest of the file may undo until then
is not foretold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import orjson
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from datahub.db import in_batches
from datahub.entities.base import Field
from datahub.formats.delimited import Row
from datahub.jobs.import_read import unreadable
from datahub.jobs.merging.problem import IN_USE, cannot_delete
from datahub.jobs.merging.target import Target
from datahub.jobs.rows.act_writer import writer_of
from datahub.jobs.rows.chunk import ChunkWriter
from datahub.jobs.rows.columns import spoolable
from datahub.jobs.rows.faults import REQUIRED, Fault, RowFaults, because_of
from datahub.jobs.rows.plan import Converted, Plan
from datahub.jobs.rows.secret_values import UNSEALED
from datahub.storage import KEYLESS, SpooledRow

UNKNOWN_REFERENCE = "unknown_reference"


class Said(NamedTuple):
    """What a row without faults of its own says of its place in a tree. `parent` is empty at the top."""

    row: SpooledRow
    remove: bool | None
    parent: str | None


def find_faults(
    session: Session, plan: Plan, file: str, rows: Sequence[Row], converted: Sequence[Converted | None], *, is_cut: bool
) -> RowFaults:
    """By place of the row, of those that are rejected. Of rows that act, what they do is not tried. Where the sample
    `is_cut`, what is not there is taken to come later."""
    spooled = sorted(_spooled(plan, file, rows, converted), key=lambda row: (row.key, row.sequence))
    connection = session.connection()
    with connection.begin_nested() as trial:
        writer = writer_of(connection, plan, execution_id=None, actor="")
        found = writer.find_faults(spooled)
        trial.rollback()
    if not isinstance(writer, ChunkWriter):
        return found
    if is_cut and plan.parts:
        found = _without_lacks(plan, spooled, found)
    own = [item for item in plan.root.fields if item.refers_to and item.refers_to.model is plan.entity.model]
    return _in_tree(connection, plan, own[0], spooled, found, is_cut=is_cut) if own else found


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


def _without_lacks(plan: Plan, rows: Sequence[SpooledRow], faults: RowFaults) -> RowFaults:
    """Further rows of the same records may give what these lack."""
    of_parts = {item.key for part in plan.parts for item in part.fields}
    return _without(rows, faults, lambda _, fault: fault["code"] == REQUIRED and fault["field"] not in of_parts)


def _in_tree(
    connection: Connection, plan: Plan, item: Field, rows: Sequence[SpooledRow], faults: RowFaults, *, is_cut: bool
) -> RowFaults:
    """A run writes parents before their children, and removes last, when others have left what goes: without the
    faults that this mends. `item` is the field of the parent."""
    said = {told.row.sequence: told for told in _said(plan, item, rows)}
    uses = {cannot_delete(use.what) for use in plan.root.used_by if use.column.class_ is plan.entity.model}
    going = {row.key for row in rows if any(it["message"] in uses for it in faults.get(row.sequence, ()))}
    children = _children(connection, plan.root, item, going)

    def is_orphan(fault: Fault) -> bool:
        return fault["code"] == UNKNOWN_REFERENCE and fault["field"] == item.key

    def mended(faults: RowFaults) -> RowFaults:
        good = [told for at, told in said.items() if at not in faults]
        orphans = (told for at, told in said.items() if at in faults and all(map(is_orphan, faults[at])))
        coming, moves = _coming(good, orphans), _moves(good)

        def is_mended(row: SpooledRow, fault: Fault) -> bool:
            if is_orphan(fault):
                return is_cut or said[row.sequence].parent in coming
            if fault["code"] == IN_USE and fault["message"] in uses:
                return is_cut or all(moves[child] - {row.key} for child in children[row.key])
            return False

        left = _without(rows, faults, is_mended)
        return left if plan.parts else _without_superseded(rows, left)

    while (left := mended(faults)) != faults:
        faults = left
    return faults


def _said(plan: Plan, item: Field, rows: Iterable[SpooledRow]) -> Iterator[Said]:
    place = plan.root.given.index(item) if item in plan.root.given else None
    for row in rows:
        if row.faults:
            continue
        remove, values, *_ = orjson.loads(row.values)
        yield Said(row, remove, None if place is None else values[place])


def _coming(good: Iterable[Said], orphans: Iterable[Said]) -> set[str]:
    """Keys of what the file brings, or leaves there, with those that lack nothing but a parent that comes. The last
    word on a removal counts."""
    removed: dict[str, bool] = {}
    for told in good:
        removed[told.row.key] = removed.get(told.row.key, False) if told.remove is None else told.remove
    coming = {key for key, is_removed in removed.items() if not is_removed}
    below: defaultdict[str | None, list[str]] = defaultdict(list)
    for told in orphans:
        below[told.parent].append(told.row.key)
    reached = list(coming)
    while reached:
        reached += (found := set(below.pop(reached.pop(), ())) - coming)
        coming |= found
    return coming


def _moves(good: Iterable[Said]) -> defaultdict[str, set[str | None]]:
    """By key, the parents that it is given; None where it is removed."""
    moves: defaultdict[str, set[str | None]] = defaultdict(set)
    for told in good:
        if told.remove or told.parent is not None:
            moves[told.row.key].add(None if told.remove else told.parent)
    return moves


def _children(
    connection: Connection, target: Target, item: Field, parents: Iterable[str]
) -> defaultdict[str, list[str]]:
    """The keys of those that are stored, by that of the parent."""
    child, parent = target.table.alias("child"), target.table.alias("parent")
    above, below = parent.c[target.key.column], child.c[target.key.column]
    query = select(above, below).join(child, child.c[item.column] == parent.c.id)
    query = query.where(child.c.deleted_at.is_(None), target.within(parent))
    found: defaultdict[str, list[str]] = defaultdict(list)
    for batch in in_batches(parents):
        for key, under in connection.execute(query.where(above.in_(batch))):
            found[key].append(under)
    return found


def _without_superseded(rows: Sequence[SpooledRow], faults: RowFaults) -> RowFaults:
    """Where records have no parts, only the last good row of each is checked."""
    last = {row.key: row.sequence for row in rows if row.sequence not in faults}
    stays = {row.sequence for row in rows if row.faults or row.sequence > last.get(row.key, -1)}
    return {at: found for at, found in faults.items() if at in stays}


def _without(rows: Sequence[SpooledRow], faults: RowFaults, is_void: Callable[[SpooledRow, Fault], bool]) -> RowFaults:
    """Nor with those of other rows of a record that go along with such a fault. What is wrong with a row by itself
    stays."""
    tried = [row for row in rows if row.sequence in faults and not row.faults]
    void: defaultdict[str, list[Fault]] = defaultdict(list)
    for row in tried:
        for fault in faults[row.sequence]:
            if is_void(row, fault):
                void[row.key] += (fault, because_of(row, fault))
    kept = {row.sequence: [it for it in faults[row.sequence] if it not in void[row.key]] for row in tried}
    return {at: left for at, found in faults.items() if (left := kept.get(at, found))}
