"""Parts that go all at once, and how many of them a record may have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from datahub.entities.base import Part
from datahub.jobs.import_faults import TOO_MANY, Fault
from datahub.jobs.import_fold import Record, Row
from datahub.jobs.import_plan import Plan
from datahub.jobs.merge import CREATE, DELETE, REVIVE, Merge


def take_all(plan: Plan, merges: Sequence[Merge], records: Sequence[Record]) -> None:
    """Has the rows that take away all parts of their record name them, but for those that other rows give it."""
    for number, part in enumerate(plan.entity.parts):
        if not part.removes_all:
            continue
        takers = {record.key: (record, row) for record in records for row in record.rows if row.parts[number].remove}
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
            yield row, {"code": TOO_MANY, "field": part.key_field.key, "value": "", "message": message}
