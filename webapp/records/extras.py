"""What custom fields and attributes are called, for pages that show values or faults of them."""

from __future__ import annotations

from collections.abc import Collection

from datahub.entities.base import EntityType
from datahub.jobs import general_settings, record_reads
from datahub.jobs.record_reads import Named
from webapp.database import db


def names_of(kind: EntityType, ids: Collection[str]) -> dict[str, Named]:
    """By external id; without those that are no longer defined. Of an entity with attributes only those of `ids`."""
    if not ids:
        return {}
    session = db.session()
    if kind.has_attributes:
        return record_reads.named_attributes(session, ids, general_settings.get(session).main_locale)
    owners = kind.custom_field_owners or (kind.name,)
    return record_reads.named_custom_fields(session, owners)
