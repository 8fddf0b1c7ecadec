"""Commerce records as people and scripts read them: found, counted, and described by the keys of their fields."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, func, literal, or_, select
from sqlalchemy.orm import Session

from datahub.access import store_limits
from datahub.db import in_batches
from datahub.entities import ENTITIES, RECORDS, adding_to, parts_shown
from datahub.entities.attribute import METRIC_TYPES
from datahub.entities.base import EntityType, Field, Part, Reference
from datahub.entities.store import A_STORE
from datahub.errors import InvalidError, NotFoundError
from datahub.jobs import order_records, record_search
from datahub.jobs.record_search import has, is_reference
from datahub.models.catalogue import Attribute
from datahub.models.change import Change
from datahub.models.custom_field import CustomField
from datahub.models.party import Store
from datahub.paging import PAGE_SIZE, Page, Slice, by_offset, read_page

SORTS = ("external_id", "created_at", "updated_at")
MOST_COUNTED = 10_000


class Named(NamedTuple):
    """What people call a custom field or an attribute. `unit` is that of its numbers, else empty."""

    name: str
    unit: str


def entity_type(name: str) -> EntityType:
    """Of what imports write. Raises NotFoundError, which points at the right entity where another one holds the
    records."""
    if name in RECORDS:
        return RECORDS[name]
    acts_on = (
        ENTITIES[name].acts_on if name in ENTITIES else "ORDER" if name in ("ORDER_UPDATE", "ORDER_STATUS") else ""
    )
    hint = f" Its records are those of {acts_on}." if acts_on else ""
    known = ", ".join([*RECORDS, *order_records.KINDS])
    raise NotFoundError(f"There are no records of the entity {name!r}.{hint} Known: {known}.")


def get(session: Session, entity: str, external_id: str, *, store: str = "") -> Any:
    """Deleted records are found too, and say so. `store` is the external id of the one whose record is meant, where
    keys count within a store; without it InvalidError is raised."""
    if entity in order_records.KINDS:
        return order_records.get(session, entity, external_id)
    kind = entity_type(entity)
    model = kind.model
    query = select(model).where(model.external_id == external_id)
    if kind.scoped_by:
        query = query.where(_of_store(session, kind, store))
    record = session.scalar(query)
    if record is None:
        raise NotFoundError(f"There is no {entity} with the external id {external_id!r}.")
    return record


def find(
    session: Session,
    entity: str,
    *,
    search: str = "",
    external_ids: Sequence[str] = (),
    store: str = "",
    sort: str = "external_id",
    descending: bool = False,
    page: int = 0,
    size: int = PAGE_SIZE,
) -> Slice[Any]:
    """Without deleted ones, and of an entity that only adds parts to records without those that have none. `search`
    is part of the external id, a name, or an id of a part, in any case. `store` narrows down entities whose keys
    count within a store."""
    if sort not in SORTS:
        raise ValueError(f"no records are sorted by {sort}")
    if entity in order_records.KINDS:
        query, column, key = order_records.find(session, entity, search=search, external_ids=external_ids, sort=sort)
        return by_offset(session, query, column, key, descending, page, size)
    kind = entity_type(entity)
    query = _live(session, kind, search)
    if external_ids:
        query = query.where(kind.model.external_id.in_(external_ids))
    if store and kind.scoped_by:
        query = query.where(_of_store(session, kind, store))
    return by_offset(session, query, getattr(kind.model, sort), kind.model.id, descending, page, size)


def records_page(
    session: Session,
    entity: str,
    *,
    search: str = "",
    store: str = "",
    before: str = "",
    after: str = "",
    size: int = PAGE_SIZE,
) -> Page[Any]:
    """As `find`, by external id. An entity whose keys count within a store needs it."""
    kind = entity_type(entity)
    query, key = _live(session, kind, search), kind.model.external_id
    if kind.scoped_by:
        query = query.where(_of_store(session, kind, store))
    return read_page(session, query, key, lambda record: record, size=size, before=before, after=after)


def count_live(session: Session) -> dict[str, int]:
    """Number of records by entity, not deleted; counting stops one above MOST_COUNTED."""
    counted = []
    for kind in RECORDS.values():
        some = select(literal(1)).select_from(kind.model).where(*_is_live(kind)).limit(MOST_COUNTED + 1)
        counted.append(select(func.count()).select_from(some.subquery()).scalar_subquery())
    return dict(zip(RECORDS, session.execute(select(*counted)).one(), strict=True))


def count_parts(session: Session, part: Part, records: Sequence[Any]) -> dict[int, int]:
    """Number of parts by the id of their record; records without any are absent."""
    owner = getattr(part.model, part.owner)
    query = select(owner, func.count()).where(_belong_to(part, records)).group_by(owner)
    return dict(session.execute(query).all())


def describe(
    session: Session, entity: str, records: Sequence[Any], *, most_parts: int | None = None
) -> list[dict[str, Any]]:
    """Values as stored: decimals stay Decimal, times datetime; references are external ids, parts come in their order,
    of each kind at most so many.

    However many the records are, the statements are as few."""
    if entity in order_records.KINDS:
        return order_records.describe(entity, records)
    kind = entity_type(entity)
    fields = describe_fields(session, entity, records)
    updated = updated_at(session, kind, records)
    parts = {part.shown_as: _describe_parts(session, part, records, most_parts) for part in parts_shown(kind)}
    return [
        {
            "entity": kind.name,
            "externalId": record.external_id,
            "fields": own,
            "customFields": dict(record.custom_fields) if kind.has_custom_fields else {},
            "attributes": _attributes(record) or {} if kind.has_attributes else {},
            "parts": {name: by_owner.get(record.id, []) for name, by_owner in parts.items()},
            "createdAt": record.created_at,
            "updatedAt": updated[record.id],
            "deletedAt": record.deleted_at if kind.hides_deleted else None,
        }
        for record, own in zip(records, fields, strict=True)
    ]


def describe_fields(session: Session, entity: str, records: Sequence[Any]) -> list[dict[str, Any]]:
    """What `describe` says of the fields alone, for lists."""
    kind = entity_type(entity)
    items = (kind.key, *kind.fields)
    names = _referred_names(session, kind.model, items, records)
    return [_values(session, record, items, names) for record in records]


def updated_at(session: Session, kind: EntityType, records: Sequence[Any]) -> dict[int, datetime]:
    """By id: when the record or one of its parts changed last. What happened to parts is known from the ledger, which
    also tells of those that are gone and of those without a time of their own."""
    newest = {record.id: record.updated_at for record in records}
    if parts_shown(kind):
        ids = {record.external_id: record.id for record in records}
        entities = [kind.name, *(other.name for other in adding_to(kind))]
        of_parts = Change.entity.in_(entities), Change.record_key.in_(ids), Change.part != ""
        query = select(Change.record_key, func.max(Change.at)).where(*of_parts).group_by(Change.record_key)
        for key, at in session.execute(query):
            newest[ids[key]] = max(newest[ids[key]], at)
    return newest


def holders(session: Session, reference: Reference, keys: Collection[str]) -> dict[str, tuple[str, str]]:
    """By key of what is referred to: entity and external id of the record that shows it, which for a part is the one it
    belongs to. What does not exist is absent."""
    target = reference.model
    for kind in RECORDS.values():
        if kind.model is target:
            query = select(target.external_id)
            in_keys = (query.where(target.external_id.in_(batch)) for batch in in_batches(keys))
            return {key: (kind.name, key) for found in in_keys for key in session.scalars(found)}
        for part in kind.parts:
            if part.model is target:
                query = select(target.external_id, kind.model.external_id)
                query = query.join(kind.model, kind.model.id == getattr(target, part.owner))
                rows = session.execute(query.where(target.external_id.in_(keys)))
                return {key: (kind.name, owner) for key, owner in rows}
    return {}


def other_names(session: Session, kind: EntityType, keys: Collection[str]) -> dict[str, str]:
    """What others call the records, by key, of an entity that files may name so."""
    if kind.other_key is None:
        return {}
    key, name = getattr(kind.model, kind.key.column), getattr(kind.model, kind.other_key.column)
    return {row[0]: row[1] for row in session.execute(select(key, name).where(key.in_(keys), name.is_not(None)))}


def named_custom_fields(session: Session, owners: Collection[str]) -> dict[str, Named]:
    """By external id, of the custom fields that are defined for one of these entities."""
    query = select(CustomField.external_id, CustomField.name, CustomField.unit).where(CustomField.entity.in_(owners))
    return {key: Named(name, unit or "") for key, name, unit in session.execute(query)}


def named_attributes(session: Session, external_ids: Iterable[str], main_locale: str) -> dict[str, Named]:
    """By external id, in the main locale where there is one."""
    query = select(Attribute).where(Attribute.external_id.in_(external_ids))
    return {
        item.external_id: Named(
            item.names.get(main_locale) or item.external_id, (item.unit or "") if item.type in METRIC_TYPES else ""
        )
        for item in session.scalars(query)
    }


def _live(session: Session, kind: EntityType, search: str) -> Select[Any]:
    query = select(kind.model).where(*_is_live(kind))
    text = search.strip()
    return query.where(record_search.matches(session, kind, text)) if text else query


def _is_live(kind: EntityType) -> Iterator[ColumnElement[bool]]:
    if kind.hides_deleted:
        yield kind.model.deleted_at.is_(None)
    if kind.must_exist and kind.parts:
        yield or_(*(has(kind, part) for part in kind.parts))


def store_id(session: Session, entity: str, store: str) -> int | None:
    """None for an entity whose keys count everywhere. Raises InvalidError for one that is not named, NotFoundError for
    one that is not there."""
    if entity not in ENTITIES or not ENTITIES[entity].scoped_by:
        return None
    if not store:
        message = f"Each store has its own {ENTITIES[entity].label.lower()}: add ?store= with its external id."
        raise InvalidError(message, {"store": ["This field is required."]})
    found = session.scalar(select(Store.id).where(Store.external_id == store))
    if found is None:
        raise NotFoundError(f"There is no store with the external id {store!r}.")
    return found


def _of_store(session: Session, kind: EntityType, store: str) -> ColumnElement[bool]:
    chosen: ColumnElement[bool] = getattr(kind.model, kind.scoped_by) == store_id(session, kind.name, store)
    return chosen


def _describe_parts(
    session: Session, part: Part, records: Sequence[Any], most: int | None
) -> dict[int, list[dict[str, Any]]]:
    """By the id of their record."""
    items = (part.key_field, *part.fields)
    query = select(part.model).where(_belong_to(part, records)).order_by(part.model.id)
    rows = session.scalars(query.limit(most)).all()
    names = _referred_names(session, part.model, items, rows)
    described: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        values = _values(session, row, items, names)
        attributes = _attributes(row)
        if attributes is not None:
            values["attributes"] = attributes
        described.setdefault(getattr(row, part.owner), []).append(values)
    return described


def _belong_to(part: Part, records: Sequence[Any]) -> ColumnElement[bool]:
    chosen: ColumnElement[bool] = getattr(part.model, part.owner).in_([record.id for record in records])
    return chosen & part.model.deleted_at.is_(None) if hasattr(part.model, "deleted_at") else chosen


def _referred_names(
    session: Session, model: type[Any], items: Sequence[Field], rows: Sequence[Any]
) -> dict[str, dict[int, str]]:
    """By column: external ids by id of what the rows refer to. Deleted records keep theirs."""
    names: dict[str, dict[int, str]] = {}
    for item in items:
        if item.refers_to is not None and is_reference(model, item):
            other = item.refers_to.model
            ids = {getattr(row, item.column) for row in rows} - {None}
            query = select(other.id, other.external_id)
            found = (session.execute(query.where(other.id.in_(batch))) for batch in in_batches(ids))
            names[item.column] = {row[0]: row[1] for rows_found in found for row in rows_found}
    return names


def _values(
    session: Session, row: Any, items: Sequence[Field], names: Mapping[str, Mapping[int, str]]
) -> dict[str, Any]:
    """What the session does not see because of its stores is left out of lists, and is None as a reference. Of a secret
    it is said whether there is one."""
    values = {}
    for item in items:
        stored = getattr(row, item.column)
        if item.column in names:
            no_reference = item.root[0] if item.root else None
            stored = no_reference if stored is None else names[item.column].get(stored)
        elif item.refers_to is A_STORE:
            stored = store_limits.visible(session, stored)
        elif item.type.secret:
            stored = bool(stored)
        values[item.key] = stored
    return values


def _attributes(row: Any) -> dict[str, Any] | None:
    """None for what bears no attributes; the attributes of a category are links, and so parts."""
    return dict(row.attributes) if "attributes" in row.__table__.c else None
