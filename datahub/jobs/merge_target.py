"""Tables that imported rows are merged into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, Table

from datahub.entities.base import Field, Part, Rule, Use
from datahub.entities.extras import EXTRAS


@dataclass(frozen=True, eq=False)
class Target:
    """A table that rows are merged into. `given` are the fields that the source has columns for, `fields` all.

    For a part, `owner` is the target of the records that it belongs to and `owner_column` what points at them. `parts`
    are those that go along when a record is deleted."""

    name: str
    model: type[Any]
    key: Field
    fields: tuple[Field, ...]
    given: tuple[Field, ...]
    owner: Target | None = None
    owner_column: str = ""
    global_key: bool = True
    used_by: tuple[Use, ...] = ()
    parts: tuple[Part, ...] = ()
    rules: tuple[Rule, ...] = ()

    @property
    def extras(self) -> Field | None:
        """Custom fields or attributes, if the run sees to them: the last of the given fields."""
        return self.given[-1] if self.given and self.given[-1].type is EXTRAS else None

    @property
    def table(self) -> Table:
        table: Table = self.model.__table__
        return table

    @property
    def is_hidden_when_deleted(self) -> bool:
        return "deleted_at" in self.table.c


def is_json(target: Target, field: Field) -> bool:
    return isinstance(target.table.c[field.column].type, JSON)


def is_reference(target: Target, field: Field) -> bool:
    """Whether the column holds the id of a record; lists of external ids are JSON."""
    return field.refers_to is not None and not is_json(target, field)
