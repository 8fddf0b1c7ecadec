"""The registry of entities: what the hub moves. A new entity is one file and one line here."""

from __future__ import annotations

from datahub.entities.account import ACCOUNT
from datahub.entities.base import EntityType
from datahub.entities.store import STORE
from datahub.entities.supplier import SUPPLIER

ENTITIES: dict[str, EntityType] = {entity.name: entity for entity in (STORE, SUPPLIER, ACCOUNT)}
