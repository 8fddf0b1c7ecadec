"""What the columns of an import file may be mapped to."""

from __future__ import annotations

from collections.abc import Iterator

from datahub.entities.base import EntityType, Field
from datahub.entities.values import NEVER
from datahub.mapping.names import Target


def mapping_targets(entity: EntityType) -> list[Target]:
    """In the order in which people look for them. Without its key a row says of no record what it brings, so that
    alone is required."""
    return [
        Target(field.key, field.label, required=field is entity.key, localisable=field.localisable)
        for field in _fields(entity)
    ]


def _fields(entity: EntityType) -> Iterator[Field]:
    yield from (entity.key, *entity.fields)
    if entity.deleted_by:
        yield entity.deleted_by
    for part in entity.parts:
        yield from (part.key_field, *part.fields)
        if part.removed_by is not NEVER:
            yield part.removed_by
