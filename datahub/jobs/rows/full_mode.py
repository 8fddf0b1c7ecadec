"""What Full mode would clear: rows of a file held against what is stored now. Nothing is written here."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from datahub.db import in_batches
from datahub.jobs.merging.stored_values import stored_values
from datahub.jobs.merging.target import Target
from datahub.jobs.rows.extras import ExtraValues
from datahub.jobs.rows.fold import Record, fold, read_rows
from datahub.jobs.rows.other_keys import called
from datahub.jobs.rows.plan import Converted, Plan
from datahub.storage import SpooledRow


@dataclass(frozen=True)
class Effect:
    """So many values, each locale by itself, of so many records."""

    values: int
    records: int


def full_mode_effect(session: Session, plan: Plan, rows: Iterable[Converted]) -> Effect:
    """For a plan of a single file, which clears. Rows that have faults clear nothing, nor do others of their record."""
    connection = session.connection()
    extras = ExtraValues(connection, plan)
    given = _with_keys(connection, plan, list(rows))
    roots = _stored(connection, plan.root, [row.key for row in given])
    records = list(_records(plan, (row for row in given if row.key in roots)))
    faulty = extras.spread(records)
    whole = [it for it in records if it.is_whole and not it.remove]
    whole = [it for it in whole if not any(row.spooled.sequence in faulty for row in it.rows)]
    parts = [
        _stored(connection, target, [key for it in whole for key in it.parts[number]])
        for number, target in enumerate(plan.parts)
    ]
    is_order = bool(plan.entity.acts_on)
    counted = (_count_losses(extras, record, roots[record.key], parts, is_order=is_order) for record in whole)
    lost = [count for count in counted if count]
    return Effect(values=sum(lost), records=len(lost))


def _with_keys(connection: Connection, plan: Plan, rows: Sequence[Converted]) -> Sequence[Converted]:
    """Rows that name their record by another field get the key that it has, where it is stored."""
    other = plan.entity.other_key
    named = {row.key for row in rows if row.by_other}
    if other is None or not named:
        return rows
    known: dict[str, str] = {}
    for batch in in_batches(named):
        known |= {name: key for key, name in called(connection, plan, other, batch)}
    return [replace(row, key=known.get(row.key, "")) if row.by_other else row for row in rows]


def _records(plan: Plan, rows: Iterable[Converted]) -> Iterator[Record]:
    (file,) = plan.extras.files
    keyed = [(row.key, sequence, row) for sequence, row in enumerate(rows)]
    for key, group in itertools.groupby(sorted(keyed, key=lambda one: one[:2]), key=lambda one: one[0]):
        several = list(group)
        good = [_spooled(file, key, sequence, row) for _, sequence, row in several if not row.faults]
        if good:
            yield fold(read_rows(good, plan), plan, is_whole=len(good) == len(several))


def _spooled(file: str, key: str, sequence: int, row: Converted) -> SpooledRow:
    return SpooledRow(sequence, key, file, sequence, orjson.dumps(row.packed(), default=str).decode(), "")


def _count_losses(
    extras: ExtraValues,
    record: Record,
    root: Mapping[str, Any],
    parts: Sequence[Mapping[str, Mapping[str, Any]]],
    *,
    is_order: bool,
) -> int:
    """How many values it would lose; none where it would be rejected for lack of one that is required."""
    final = extras.final(record, root)
    missing = extras.missing(record, final)
    # An order keeps each with its type, in one language.
    lost = _count_lost(root, final, by_locale=not is_order)
    for number, (known, named) in enumerate(zip(parts, record.parts, strict=True)):
        for key, row in named.items():
            if key in known and not row.parts[number].remove:
                final = extras.final_part(record, key, row, known[key])
                missing += extras.missing(record, final, of_part=True)
                lost += _count_lost(known[key], final)
    return 0 if missing else lost


def _stored(connection: Connection, target: Target, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The custom fields or attributes, by key."""
    if target.extras is None:
        return {}
    column = target.extras.column
    return {key: values[column] or {} for key, values in stored_values(connection, target, [column], keys).items()}


def _count_lost(old: Mapping[str, Any], new: Mapping[str, Any], *, by_locale: bool = True) -> int:
    return sum(
        len(value.keys() - new.get(name, {}).keys()) if by_locale and isinstance(value, dict) else name not in new
        for name, value in old.items()
    )
