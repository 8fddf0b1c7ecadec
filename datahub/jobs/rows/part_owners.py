"""Parts with a key of their own belong to one record. Rows that claim one for another record are rejected, wherever
chunks end: what one row of a file takes away, no other row of that file gives to somebody else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from sqlalchemy import Connection, select

from datahub.db import in_batches
from datahub.jobs.merging.merge import Merge
from datahub.jobs.merging.target import Target
from datahub.jobs.rows.fold import Record, Row
from datahub.jobs.rows.plan import Plan
from datahub.models.change import DELETED, Change

BELONGS_TO_ANOTHER = "belongs_to_another"


def held_by_others(
    connection: Connection, plan: Plan, number: int, merge: Merge, execution_id: int | None
) -> Iterator[tuple[int, str, str]]:
    """Sequences of staged rows that claim what is another record's, the part's key, and words for a person."""
    claimed = merge.of_others()
    if not claimed:
        return
    owners = _owners(connection, merge.target, [key for _, key, _ in claimed])
    hidden = {key: owners[key] for _, key, is_hidden in claimed if is_hidden}
    given_up = _given_up(connection, plan, number, hidden, execution_id) if hidden and execution_id else set()
    for sequence, key, is_hidden in claimed:
        if not is_hidden:
            yield sequence, key, _belongs(plan, key, owners[key])
        elif key in given_up:
            yield sequence, key, _belonged(plan, key, owners[key])


def second_claims(plan: Plan, number: int, records: Sequence[Record]) -> Iterator[tuple[Row, str, str]]:
    """Rows that name a part which an earlier record of the chunk will own, the part's key, and words for a person: it
    is not stored, or only hidden."""
    named = [key for record in records for key in record.parts[number]]
    if not plan.parts[number].global_key or len(set(named)) == len(named):
        return
    firsts: dict[str, str] = {}
    for record in records:
        for key, row in record.parts[number].items():
            first = firsts.get(key, record.key)
            if not row.parts[number].remove:
                firsts[key] = first
            if first != record.key:
                yield row, key, _belongs(plan, key, first)


def _owners(connection: Connection, target: Target, parts: Iterable[str]) -> dict[str, str]:
    """By key of a part, the key of the record that it belongs or belonged to."""
    assert target.owner is not None  # noqa: S101  (records belong to nothing)
    part, owner = target.table.c, target.owner.table
    key = part[target.key.column]
    query = select(key, owner.c[target.owner.key.column]).join(owner, owner.c.id == part[target.owner_column])
    found = (connection.execute(query.where(key.in_(batch))) for batch in in_batches(parts))
    return {row[0]: row[1] for rows in found for row in rows}


def _given_up(
    connection: Connection, plan: Plan, number: int, owners: Mapping[str, str], execution_id: int
) -> set[str]:
    """Keys of the parts that this very execution has taken away from their records."""
    kind = plan.entity.parts[number].shown_as
    query = select(Change.part_key).where(
        Change.entity == plan.entity.name, Change.part == kind, Change.action == DELETED
    )
    query = query.where(Change.execution_id == execution_id)
    found = (connection.scalars(query.where(Change.record_key.in_(batch))) for batch in in_batches(owners.values()))
    return {key for keys in found for key in keys}


def _belongs(plan: Plan, key: str, owner: str) -> str:
    return f"{key} belongs to the {plan.root.noun} {owner}."


def _belonged(plan: Plan, key: str, owner: str) -> str:
    return (
        f"{key} belonged to the {plan.root.noun} {owner} until another row of this execution deleted it. It can be "
        "given to another one from the next execution on."
    )
