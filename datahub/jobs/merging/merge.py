"""Merging staged rows into one table, set by set: what is there and what changes. The caller commits."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    cast,
    delete,
    false,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    true,
    update,
)

from datahub.db import in_batches
from datahub.entities.base import Field
from datahub.entities.extras import personal_fields
from datahub.jobs.merging.staging import empty, load
from datahub.jobs.merging.target import Target, is_json, is_reference, referred, temporary_tables

NOTHING, CREATE, REVIVE, UPDATE, DELETE, ABSENT = range(6)
NO_REFERENCE = ""


@dataclass(frozen=True, slots=True)
class Updated:
    """`fields` hold the old and the new value of those that change."""

    record_key: str
    key: str
    file: str
    line: int
    fields: dict[str, list[Any]]


class Merge:
    """Belongs to one connection, whose temporary tables it makes. A row is staged as (sequence, file, line, record key,
    key, remove, then per given field its value, and for JSON whether it differs)."""

    def __init__(self, connection: Connection, target: Target) -> None:
        self._connection = connection
        self.target = target
        self._table = target.table
        self._is_postgresql = connection.dialect.name == "postgresql"
        self._done: list[tuple[int, int]] | None = None
        self._stage, self.work = temporary_tables(target)
        # Another run may have left tables of the same names on this connection.
        self.work.metadata.drop_all(connection)
        self.work.metadata.create_all(connection)

    def stage(self, rows: Iterable[Sequence[Any]]) -> None:
        """Replaces what is staged."""
        empty(self._connection, self._stage, self.work)
        self._done = None
        load(self._connection, self._stage, rows)
        self._resolve()

    def actions(self) -> Sequence[tuple[int, int]]:
        """Sequences of rows, each as often as it names something, with what becomes of that, unless nothing does."""
        if self._done is None:
            work = self.work.c
            query = select(work.sequence, work.action).where(work.action != NOTHING)
            # All at once: row by row, each costs a call through every layer.
            self._done = [(sequence, action) for sequence, action in self._connection.execute(query).all()]
        return self._done

    def wanted(self) -> set[int]:
        return {action for _, action in self.actions()}

    def absent(self) -> Sequence[tuple[int, str]]:
        """Sequences of rows and the keys of what they are to take away and is not there."""
        query = select(self.work.c.sequence, self.work.c.key).where(self.work.c.action == ABSENT)
        return [(row[0], row[1]) for row in self._connection.execute(query)] if ABSENT in self.wanted() else []

    def of_others(self) -> Sequence[tuple[int, str, bool]]:
        """Sequences of rows and the keys of what belongs to another record, and whether it is hidden."""
        if self.target.owner is None or not self.target.global_key:
            return []
        work = self.work.c
        query = select(work.sequence, work.key, work.hidden).where(work.is_others)
        return [(row[0], row[1], row[2]) for row in self._connection.execute(query)]

    def parts_of(self, owners: Iterable[str]) -> list[tuple[str, str]]:
        """The keys of the records and of each live part that is stored of them."""
        assert self.target.owner is not None  # noqa: S101  (only parts belong to something)
        owner, owner_key = self.target.owner.table, self.target.owner.key.column
        query = select(owner.c[owner_key], self.shown_key())
        query = query.select_from(self._table.join(owner, owner.c.id == self._table.c[self.target.owner_column]))
        if self.target.is_hidden_when_deleted:
            query = query.where(self._table.c.deleted_at.is_(None))
        found = (self._connection.execute(query.where(owner.c[owner_key].in_(batch))) for batch in in_batches(owners))
        return [(row[0], row[1]) for rows in found for row in rows]

    def updates(self, actions: Collection[int] = (UPDATE,)) -> list[Updated]:
        """Asked before apply."""
        work, target = self.work.c, self.target
        if not target.given or set(actions).isdisjoint(self.wanted()):
            return []
        columns: list[ColumnElement[Any]] = [work.record_key, work.key, work.file, work.line]
        for field in target.given:
            columns += [work[f"d_{field.column}"], self.stored(field), work[f"v_{field.column}"]]
        joined = self.work.join(self._table, self._table.c.id == work.id)
        query = select(*columns).select_from(joined).where(work.action.in_(actions)).order_by(work.sequence)
        changed = []
        for record_key, key, file, line, *cells in self._connection.execute(query).all():
            triples = zip(target.given, cells[::3], cells[1::3], cells[2::3], strict=True)
            fields = {field.key: [old, self._read(field, new)] for field, differs, old, new in triples if differs}
            changed.append(Updated(record_key, key, file, line, fields))
        return changed

    def made(self) -> Select[Any]:
        """What is created or revived: action, record key, key, file and line, in the order of the rows."""
        work = self.work.c
        columns = (work.action, work.record_key, work.key, work.file, work.line)
        return select(*columns).where(work.action.in_((CREATE, REVIVE))).order_by(work.sequence)

    def _read(self, field: Field, new: Any) -> Any:
        if new == NO_REFERENCE and is_reference(self.target, field):
            return None
        return json.loads(new) if is_json(self.target, field) else new

    def apply(self, now: datetime) -> None:
        """Creates, revives, updates and deletes. The rows must be free of problems."""
        wanted = self.wanted()
        if CREATE in wanted:
            self._create(now)
        for action in wanted & {REVIVE, UPDATE}:
            self._change(action, now)
        if DELETE in wanted:
            self._remove(self._table.c.id.in_(self.deleted()), now)

    def deleted(self) -> Select[Any]:
        """The ids of the records that apply deletes."""
        return select(self.work.c.id).where(self.work.c.action == DELETE)

    def shown_key(self) -> ColumnElement[Any]:
        """What people call the stored record or part."""
        column: ColumnElement[Any] = self._table.c[self.target.key.column]
        if not is_reference(self.target, self.target.key):
            return column
        other = referred(self.target.key)
        return select(other.c.external_id).where(other.c.id == column).scalar_subquery()

    def take_along(self, owners: Select[Any], now: datetime) -> None:
        """Deletes the parts of these records."""
        self._remove(self._table.c[self.target.owner_column].in_(owners), now)

    def stored(self, field: Field) -> ColumnElement[Any]:
        """The value of a field as it is, references as external ids."""
        value: ColumnElement[Any] = self._table.c[field.column]
        if is_reference(self.target, field):
            other = referred(field)
            value = select(other.c.external_id).where(other.c.id == value).scalar_subquery()
        return value.label(f"o_{field.column}")

    def _resolve(self) -> None:
        """Fills the work table: what is stored under each key, what references point at, what differs."""
        stage, table, target = self._stage, self._table, self.target
        source: Any = stage
        owner_id: ColumnElement[Any] = literal(None, BigInteger)
        matches = [self._key_matches(table)]
        is_others: ColumnElement[bool] = false()
        if target.owner is not None:
            owner = target.owner.table.alias("owner")
            source = source.outerjoin(owner, owner.c[target.owner.key.column] == stage.c.record_key)
            owner_id = owner.c.id
            belongs = table.c[target.owner_column]
            if target.global_key:
                is_others = and_(table.c.id.is_not(None), belongs.is_distinct_from(owner.c.id))
            else:
                matches.append(belongs == owner.c.id)
        source = source.outerjoin(table, and_(*matches))
        hidden = table.c.deleted_at.is_not(None) if target.is_hidden_when_deleted else false()
        differs, references = {}, {}
        for field in target.given:
            source, differs[field], references[field] = self._compare(source, field)
        action = case(
            (and_(stage.c.remove, or_(table.c.id.is_(None), hidden)), ABSENT),
            (stage.c.remove, DELETE),
            (table.c.id.is_(None), CREATE),
            (hidden, REVIVE),
            (or_(false(), *differs.values()), UPDATE),
            else_=NOTHING,
        )
        seen_at = table.c.get("updated_at", null())
        columns = [*stage.c, table.c.id, seen_at, hidden, owner_id, is_others, action]
        for field in target.given:
            columns.append(differs[field])
            if is_reference(target, field):
                columns.append(references[field])
        named = [column.label(name) for column, name in zip(columns, self.work.c.keys(), strict=True)]
        self._connection.execute(insert(self.work).from_select(self.work.c.keys(), select(*named).select_from(source)))

    def _key_matches(self, table: Any) -> ColumnElement[bool]:
        column: ColumnElement[Any] = table.c[self.target.key.column]
        if not is_reference(self.target, self.target.key):
            return and_(column == self._stage.c.key, self.target.within(table))
        other = referred(self.target.key)
        return column == select(other.c.id).where(other.c.external_id == self._stage.c.key).scalar_subquery()

    def _compare(self, source: Any, field: Field) -> tuple[Any, ColumnElement[bool], ColumnElement[Any]]:
        given, stored = self._stage.c[f"v_{field.column}"], self._table.c[field.column]
        if is_json(self.target, field):
            return source, func.coalesce(self._stage.c[f"c_{field.column}"], false()), literal(None)
        if not is_reference(self.target, field):
            falls = and_(stored.is_not(None), self._falls(self._stage.c, field))
            return source, or_(and_(given.is_not(None), given.is_distinct_from(stored)), falls), literal(None)
        other = referred(field)
        lives = other.c.deleted_at.is_(None) if "deleted_at" in other.c else true()
        is_own_kind = field.refers_to is not None and field.refers_to.model is self.target.model
        seen = self.target.within(other) if is_own_kind else true()
        source = source.outerjoin(other, and_(other.c.external_id == given, lives, seen))
        return source, and_(given.is_not(None), other.c.id.is_distinct_from(stored)), other.c.id

    def _falls(self, rows: Any, field: Field) -> ColumnElement[bool]:
        """Whether a row gives no value, and changes the column that the stored one depends on."""
        if f"v_{field.depends_on}" not in rows:
            return false()
        given, other = rows[f"v_{field.column}"], rows[f"v_{field.depends_on}"]
        return and_(given.is_(None), other.is_not(None), other.is_distinct_from(self._table.c[field.depends_on]))

    def kept(self, field: Field) -> ColumnElement[Any]:
        """What is stored, as far as it outlasts the row."""
        stored: ColumnElement[Any] = self._table.c[field.column]
        return case((self._falls(self.work.c, field), null()), else_=stored) if field.depends_on else stored

    def referred_key(self) -> Select[Any]:
        other = referred(self.target.key)
        lives = other.c.deleted_at.is_(None) if "deleted_at" in other.c else true()
        return select(other.c.id).where(other.c.external_id == self.work.c.key, lives)

    def _create(self, now: datetime) -> None:
        target, work = self.target, self.work
        values: dict[str, ColumnElement[Any]] = {}
        if is_reference(target, target.key):
            values[target.key.column] = self.referred_key().scalar_subquery()
        else:
            values[target.key.column] = work.c.key
        source: Any = work
        if target.owner is not None:
            owner = target.owner.table.alias("owner")
            source = work.join(owner, owner.c[target.owner.key.column] == work.c.record_key)
            values[target.owner_column] = owner.c.id
        values |= {field.column: self._fresh(field) for field in target.fields}
        values |= self._stamps(now, created=True)
        if target.scope is not None:
            values[target.scope[0]] = literal(target.scope[1])
        rows = select(*values.values()).select_from(source).where(work.c.action == CREATE).order_by(work.c.sequence)
        self._connection.execute(insert(self._table).from_select(list(values), rows))

    def _change(self, action: int, now: datetime) -> None:
        target, work = self.target, self.work
        values: dict[str, ColumnElement[Any]] = self._stamps(now, created=False)
        if action == REVIVE:
            if not target.is_hidden_when_deleted:
                return
            values |= {field.column: self._fresh(field) for field in target.fields} | {"deleted_at": literal(None)}
            if target.owner is not None:
                # Its owner may have been created with this very chunk.
                owner = target.owner.table.alias("owner")
                found = select(owner.c.id).where(owner.c[target.owner.key.column] == work.c.record_key)
                values[target.owner_column] = found.scalar_subquery()
        else:
            values |= {field.column: self._newer(field) for field in target.given if field.editable}
        if values:
            chosen = (self._table.c.id == work.c.id, work.c.action == action)
            self._connection.execute(update(self._table).where(*chosen).values(values))

    def _remove(self, which: ColumnElement[bool], now: datetime) -> None:
        if self.target.is_hidden_when_deleted:
            live = self._table.c.deleted_at.is_(None)
            hidden: dict[str, Any] = {"deleted_at": now, "updated_at": now}
            hidden |= {field.column: field.fresh_default() for field in personal_fields(self.target.fields)}
            self._connection.execute(update(self._table).where(which, live).values(hidden))
        else:
            self._connection.execute(delete(self._table).where(which))

    def _stamps(self, now: datetime, *, created: bool) -> dict[str, ColumnElement[Any]]:
        names = ["created_at", "updated_at"] if created else ["updated_at"]
        return {name: literal(now, self._table.c[name].type) for name in names if name in self._table.c}

    def _fresh(self, field: Field) -> ColumnElement[Any]:
        column = self._table.c[field.column]
        default = literal(field.fresh_default(), column.type)
        return func.coalesce(self._new(field), default) if field in self.target.given else default

    def _newer(self, field: Field) -> ColumnElement[Any]:
        if is_json(self.target, field):
            return case((self.work.c[f"c_{field.column}"], self._new(field)), else_=self.kept(field))
        if is_reference(self.target, field):
            return case((self.work.c[f"v_{field.column}"].is_not(None), self._new(field)), else_=self.kept(field))
        return func.coalesce(self._new(field), self.kept(field))

    def _new(self, field: Field) -> ColumnElement[Any]:
        work = self.work.c
        if is_reference(self.target, field):
            return work[f"r_{field.column}"]
        if is_json(self.target, field) and self._is_postgresql:
            return cast(work[f"v_{field.column}"], JSON)
        return work[f"v_{field.column}"]
