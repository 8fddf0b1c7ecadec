"""Rows that take parts away, and how many parts a record may have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from sqlalchemy import Connection

from datahub.entities.base import Part
from datahub.jobs.merging.merge import CREATE, DELETE, REVIVE, Merge
from datahub.jobs.merging.stored_values import stored_values
from datahub.jobs.rows.cells import as_cell
from datahub.jobs.rows.faults import TOO_MANY, Fault
from datahub.jobs.rows.fold import NOT_APPLIED, Record, Row, Warned
from datahub.jobs.rows.plan import Plan

SPARED = "Another row of the record is rejected, so this one took nothing away. Mend it, and upload both."


def leave_unmade(connection: Connection, plan: Plan, records: Sequence[Record]) -> None:
    """Where the key alone would make a record, as that of an assortment does: then its rows take away what is not
    there, and are told so. May be repeated."""
    if plan.entity.must_exist or not plan.parts or any(item.required_on_create for item in plan.entity.fields):
        return
    taking = [record for record in records if all(_only_takes(row) for row in record.rows)]
    there = stored_values(connection, plan.root, [plan.root.key.column], [record.key for record in taking])
    for record in taking:
        if record.key not in there:
            record.remove, record.parts = True, [{} for _ in record.parts]


def _only_takes(row: Row) -> bool:
    named = [mention for mention in row.parts if mention.keys]
    return bool(named) and all(mention.remove for mention in named)


def take_all(plan: Plan, merges: Sequence[Merge], records: Sequence[Record]) -> None:
    """Has the rows that take away all parts of their record name them, but for those that other rows give it. Where one
    of these is rejected, they take nothing: what should stand in its place would be missing."""
    for number, part in enumerate(plan.entity.parts):
        if not part.removes_all:
            continue
        every = [(record, row) for record in records for row in record.rows if row.parts[number].remove]
        takers = {record.key: (record, row) for record, row in every if record.is_whole}
        for record, row in every:
            if not record.is_whole and all(it.message != SPARED for it in record.warnings):
                record.warnings.append(Warned(row.spooled, NOT_APPLIED, "", SPARED))
        for owner, key in merges[number].parts_of(takers):
            record, row = takers[owner]
            record.parts[number].setdefault(key, row)


def beyond_limit(number: int, part: Part, merge: Merge, records: Sequence[Record]) -> Iterator[tuple[Row, Fault]]:
    """Rows whose parts, the kind of this number, no longer fit."""
    if part.most is None or merge.wanted().isdisjoint((CREATE, REVIVE)):
        return
    rows = {row.spooled.sequence: row for record in records for row in record.parts[number].values()}
    added = Counter(rows[sequence].spooled.key for sequence, action in merge.actions() if action in (CREATE, REVIVE))
    taken = Counter(rows[sequence].spooled.key for sequence, action in merge.actions() if action == DELETE)
    stored = Counter(owner for owner, _ in merge.parts_of(added))
    room = {key: part.most - stored[key] + taken[key] for key in added}
    told: set[int] = set()
    for sequence, action in sorted(merge.actions()):
        if action not in (CREATE, REVIVE):
            continue
        row = rows[sequence]
        room[row.spooled.key] -= 1
        if room[row.spooled.key] < 0 and sequence not in told:
            told.add(sequence)
            limit = f"{row.spooled.key} would have more than {part.most} {part.label.lower()}."
            message = f"{limit} Give fewer, or take some away first."
            given = as_cell(list(row.parts[number].keys))[:200]
            yield row, {"code": TOO_MANY, "field": part.key_field.key, "value": given, "message": message}
