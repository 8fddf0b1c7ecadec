"""Addresses of records. Where keys count within a store, its external id belongs to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import url_for

from datahub.entities import ENTITIES
from datahub.entities.base import EntityType
from datahub.entities.store import A_STORE


def address_of(entity: str, external_id: str, store: str | None = None, **more: Any) -> str:
    """`store` is left out where the entity does not need it."""
    if ENTITIES[entity].acts_on == "ORDER":
        return url_for("orders.detail", reference=external_id)
    if ENTITIES[entity].acts_on == "INCIDENT":
        return url_for("orders.incident", incident_id=external_id)
    needed = store if ENTITIES[entity].scoped_by else None
    return url_for("records.detail", entity=entity, external_id=external_id, store=needed, **more)


def store_of(kind: EntityType, fields: Mapping[str, Any]) -> str | None:
    """Of a record by what is described of it, where its key counts within a store."""
    named = (item.key for item in kind.fields if item.column == kind.scoped_by and item.refers_to is A_STORE)
    return next((str(fields[key]) for key in named), None)
