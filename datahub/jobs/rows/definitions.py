"""Which custom fields or attributes a run knows, and which columns of a file feed them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from datahub.entities import ENTITIES
from datahub.entities.base import EntityType
from datahub.entities.extras import ATTRIBUTE, CUSTOM_FIELD, Definition
from datahub.errors import SourceError
from datahub.jobs.rows.plan import ExtraColumn, Extras
from datahub.mapping.columns import Extra, Matched
from datahub.models.catalogue import LONG_TEXT_TYPE, TEXT_TYPE, Attribute
from datahub.models.custom_field import CustomField
from datahub.transports.base import clean

LOCALISED_ATTRIBUTES = (TEXT_TYPE, LONG_TEXT_TYPE)


def definitions_of(session: Session, entity: EntityType, main_locale: str) -> list[dict[str, Any]]:
    """As JSON: every one that records of the entity may bear."""
    if entity.has_attributes:
        return [asdict(item) for item in _attributes(session)]
    if entity.custom_field_owners:
        return [asdict(item) for item in _of_owners(session, entity.custom_field_owners, main_locale)]
    if entity.has_custom_fields:
        return [asdict(item) for item in custom_fields_of(session, entity.name, main_locale)]
    return []


def renewed(session: Session, recipe: dict[str, Any]) -> dict[str, Any] | None:
    """What to read again with, or None while all that the run uses is defined as it was when it was read."""
    entity = ENTITIES[recipe["entity"]]
    present = recipe | {"extras": definitions_of(session, entity, recipe["main_locale"])}
    defined, used = (
        {item["external_id"]: item for item in items} for items in (named(present, entity), recipe["extras"])
    )
    return present if defined != used else None


def bind(matched: Matched, recipe: dict[str, Any], entity: EntityType) -> list[ExtraColumn]:
    """The columns of a header that feed custom fields or attributes. Raises SourceError for columns that nothing
    defines, or that nothing can take."""
    found: Sequence[Extra] = matched.attributes if entity.has_attributes else matched.custom_fields
    strange = matched.custom_fields if entity.has_attributes else matched.attributes
    prefix, other = (ATTRIBUTE, CUSTOM_FIELD) if entity.has_attributes else (CUSTOM_FIELD, ATTRIBUTE)
    defined = {item["external_id"]: item for item in recipe["extras"]}
    unknown = [f"{other}{item.code}" for item in strange]
    unknown += [f"{prefix}{item.code}" for item in found if item.code not in defined]
    if unknown:
        raise SourceError(
            f"The file has columns that no custom field or attribute of {entity.name} is defined for: "
            f"{clean(', '.join(unknown))}. Define them first, or take the columns out.",
            code="unknown_column",
        )
    for item in found:
        if item.locale and not defined[item.code]["localised"] and not defined[item.code]["options"]:
            raise SourceError(
                f"{prefix}{clean(item.code)} has no locales: call the column {prefix}{clean(item.code)}.",
                code="unknown_column",
            )
    return [(item.column, item.code, item.locale) for item in found]


def named(recipe: dict[str, Any], entity: EntityType) -> list[dict[str, Any]]:
    """Without the attributes that no file of the run names: there may be thousands."""
    if not entity.has_attributes:
        return list(recipe["extras"])
    codes = {code for columns in recipe["extra_columns"].values() for _, code, _ in columns}
    return [item for item in recipe["extras"] if item["external_id"] in codes]


def extras_of(recipe: dict[str, Any], file: str) -> Extras:
    """As a plan for this file needs them, of a recipe that reading has completed."""
    definitions = tuple(Definition(**item) for item in recipe["extras"])
    files = {
        name: tuple((column, code, locale) for column, code, locale in columns)
        for name, columns in recipe["extra_columns"].items()
    }
    return Extras(definitions, files[file], files, frozenset(recipe["clearing"]))


def _attributes(session: Session) -> Iterator[Definition]:
    for item in session.scalars(select(Attribute).where(Attribute.deleted_at.is_(None))):
        yield Definition(
            ATTRIBUTE,
            item.external_id,
            item.type,
            multi=item.multi,
            localised=item.type in LOCALISED_ATTRIBUTES,
            options=item.options,
            unit=item.unit,
        )


def _of_owners(session: Session, owners: Sequence[str], main_locale: str) -> Iterable[Definition]:
    """One for each external id: where two owners define the same, rows give it to both, as the first defines it."""
    found: dict[str, Definition] = {}
    for owner in owners:
        for item in custom_fields_of(session, owner, main_locale):
            known = found.get(item.external_id, item)
            is_required, all_owners = known.required or item.required, [*known.owners, owner]
            found[item.external_id] = replace(known, required=is_required, owners=all_owners)
    return found.values()


def custom_fields_of(session: Session, entity: str, main_locale: str) -> Iterator[Definition]:
    query = select(CustomField).where(CustomField.entity == entity).order_by(CustomField.id)
    for item in session.scalars(query):
        yield Definition(
            CUSTOM_FIELD,
            item.external_id,
            item.type,
            required=item.required,
            multi=item.multi,
            localised=item.localisable,
            options={main_locale: item.options} if item.options else {},
            unit=item.unit,
        )
