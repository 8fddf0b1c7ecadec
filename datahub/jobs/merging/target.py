"""Tables that imported rows are merged into."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Column, ColumnElement, Integer, MetaData, Table, Text, true

from datahub.db import UtcTime
from datahub.entities.base import Field, Link, Part, Rule, Use
from datahub.entities.extras import EXTRAS
from datahub.entities.values import NUMBER


@dataclass(frozen=True, eq=False)
class Target:
    """A table that rows are merged into. `given` are the fields that the source has columns for, `fields` all.

    For a part, `owner` is the target of the records that it belongs to and `owner_column` what points at them. `parts`
    are those that go along when a record is deleted. `scope` is a column and the id that it has in all records of the
    run. `noun` is what a record is called in a sentence."""

    name: str
    model: type[Any]
    key: Field
    fields: tuple[Field, ...]
    given: tuple[Field, ...]
    owner: Target | None = None
    owner_column: str = ""
    global_key: bool = True
    used_by: tuple[Use, ...] = ()
    links: tuple[Link, ...] = ()
    parts: tuple[Part, ...] = ()
    rules: tuple[Rule, ...] = ()
    must_exist: bool = False
    noun: str = ""
    scope: tuple[str, int] | None = None

    def within(self, table: Any) -> ColumnElement[bool]:
        """Whether a row of this table, or of an alias of it, is one that the run sees."""
        if self.scope is None:
            return true()
        column, number = self.scope
        is_within: ColumnElement[bool] = table.c[column] == number
        return is_within

    @property
    def extras(self) -> Field | None:
        """Custom fields or attributes, if the run sees to them: the last of the given fields."""
        return self.given[-1] if self.given and self.given[-1].type is EXTRAS else None

    @property
    def table(self) -> Table:
        table: Table = self.model.__table__
        return table

    @cached_property
    def given_json(self) -> tuple[Field, ...]:
        return tuple(field for field in self.given if is_json(self, field))

    @cached_property
    def given_numbers(self) -> tuple[int, ...]:
        """Their places among the given ones."""
        return tuple(place for place, field in enumerate(self.given) if field.type is NUMBER)

    @property
    def is_hidden_when_deleted(self) -> bool:
        return "deleted_at" in self.table.c


def is_json(target: Target, field: Field) -> bool:
    return _is_json(target.table, field)


def is_reference(target: Target, field: Field) -> bool:
    """Whether the column holds the id of a record; lists of external ids are JSON."""
    return _is_reference(target.table, field)


def referred(field: Field) -> Any:
    """A new alias of the table that the field of a record points at."""
    assert field.refers_to is not None  # noqa: S101  (asked by the caller)
    return field.refers_to.model.__table__.alias()


def temporary_tables(target: Target) -> tuple[Table, Table]:
    """What rows are loaded into, and what holds them with what they are found to do."""
    return _tables(target.name, target.table, target.given)


# The same ones for the same columns: what is asked of them is compiled once in a process, not once in a run.
@lru_cache(maxsize=200)
def _tables(name: str, table: Table, given: tuple[Field, ...]) -> tuple[Table, Table]:
    metadata, temporary = MetaData(), ["TEMPORARY"]
    stage = Table(f"stage_{name}", metadata, *_stage_columns(table, given), prefixes=temporary)
    return stage, Table(f"work_{name}", metadata, *_work_columns(table, given), prefixes=temporary)


def _is_json(table: Table, field: Field) -> bool:
    return isinstance(table.c[field.column].type, JSON)


def _is_reference(table: Table, field: Field) -> bool:
    return field.refers_to is not None and not _is_json(table, field)


def _stage_columns(table: Table, given: tuple[Field, ...]) -> list[Column[Any]]:
    columns: list[Column[Any]] = [
        Column("sequence", BigInteger),
        Column("file", Text),
        Column("line", BigInteger),
        Column("record_key", Text),
        Column("key", Text),
        Column("remove", Boolean),
    ]
    for field in given:
        if _is_json(table, field):
            columns += [Column(f"v_{field.column}", Text), Column(f"c_{field.column}", Boolean)]
        elif _is_reference(table, field):
            columns.append(Column(f"v_{field.column}", Text))
        else:
            columns.append(Column(f"v_{field.column}", table.c[field.column].type))
    return columns


def _work_columns(table: Table, given: tuple[Field, ...]) -> list[Column[Any]]:
    columns = _stage_columns(table, given)
    columns += [
        Column("id", BigInteger),
        Column("seen_at", UtcTime),
        Column("hidden", Boolean),
        Column("owner_id", BigInteger),
        Column("is_others", Boolean),
        Column("action", Integer),
    ]
    for field in given:
        columns.append(Column(f"d_{field.column}", Boolean))
        if _is_reference(table, field):
            columns.append(Column(f"r_{field.column}", BigInteger))
    return columns
