"""What the columns of an import file may be mapped to."""

from __future__ import annotations

from datahub.entities.base import EntityType
from datahub.mapping.names import Target


def mapping_targets(entity: EntityType) -> list[Target]:
    """In the order in which people look for them. What each row must give is required: no column of it would reject
    them all. Rows that delete need nothing but the key of the record."""
    in_each_row = {field.key for field in entity.fields if field.required_on_update}
    in_each_row |= {part.key_field.key for part in entity.parts if part.in_each_row}
    waived_by: dict[str, str | None] = dict.fromkeys(in_each_row, entity.deleted_by.key if entity.deleted_by else None)
    waived_by[entity.key.key] = entity.other_key.key if entity.other_key else None
    return [
        Target(
            field.key,
            field.label,
            required=field is entity.key or field.key in in_each_row,
            waived_by=waived_by.get(field.key),
            localisable=field.localisable,
            spellings=field.spellings,
        )
        for field in entity.named().values()
    ]
