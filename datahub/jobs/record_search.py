"""What the search in a list of records looks into."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, String, column, exists, func, literal, or_, select
from sqlalchemy.orm import Session

from datahub.db import holds
from datahub.entities.base import EntityType, Field, Part


def matches(session: Session, kind: EntityType, text: str) -> ColumnElement[bool]:
    """In the external id, a name, an id of a live part, or another value that no two records share. What has no name is
    known by what it refers to."""
    dialect = session.get_bind().dialect.name
    own = [kind.model.external_id, *(getattr(kind.model, item.column) for item in kind.fields if item.unique)]
    of_parts = [_matches_part(kind, part, text, dialect) for part in kind.parts if sought_in(kind, part)]
    return or_(holds(own, text, dialect), *of_parts, *_matches_name(kind, text, dialect))


def sought_in(kind: EntityType, part: Part) -> list[Field]:
    """Fields of a part that find its record. The key is one where it is of no other record: taken once, or all that the
    entity is about."""
    is_own = (part.global_key or kind.must_exist) and not is_reference(part.model, part.key_field)
    return [part.key_field] * is_own + [item for item in part.fields if item.sought]


def has(kind: EntityType, part: Part, *those: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists(select(literal(1)).where(getattr(part.model, part.owner) == kind.model.id, *those))


def is_reference(model: type[Any], item: Field) -> bool:
    """Whether the column holds the id of a record; lists of external ids are JSON."""
    return item.refers_to is not None and bool(model.__table__.c[item.column].foreign_keys)


def _matches_part(kind: EntityType, part: Part, text: str, dialect: str) -> ColumnElement[bool]:
    """The parts are looked through once, not once for each record."""
    columns = [getattr(part.model, item.column) for item in sought_in(kind, part)]
    owners = select(getattr(part.model, part.owner)).where(holds(columns, text, dialect))
    if hasattr(part.model, "deleted_at"):
        owners = owners.where(part.model.deleted_at.is_(None))
    chosen: ColumnElement[bool] = kind.model.id.in_(owners)
    return chosen


def _matches_name(kind: EntityType, text: str, dialect: str) -> Iterator[ColumnElement[bool]]:
    model = kind.model
    if hasattr(model, "name"):
        yield holds([model.name], text, dialect)
    elif hasattr(model, "names"):
        # Never the JSON text itself: it may hold letters as escapes, and holds the locales as well.
        each = func.json_each_text if dialect == "postgresql" else func.json_each
        texts = each(model.names).table_valued(column("value", String))
        yield exists(select(literal(1)).select_from(texts).where(holds([texts.c.value], text, dialect)))
    else:
        for item in kind.fields:
            if item.refers_to is not None and is_reference(model, item):
                other = item.refers_to.model
                yield getattr(model, item.column).in_(select(other.id).where(holds([other.external_id], text, dialect)))
