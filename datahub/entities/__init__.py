"""The registry of entities: what the hub moves. A new entity is one file and one line here."""

from __future__ import annotations

from datahub.entities.account import ACCOUNT
from datahub.entities.assortment import ASSORTMENT
from datahub.entities.attribute import ATTRIBUTE
from datahub.entities.base import EntityType
from datahub.entities.catalog_view import CATALOG_VIEW
from datahub.entities.classification_category import CLASSIFICATION_CATEGORY
from datahub.entities.customer_user import CUSTOMER_USER
from datahub.entities.incident import INCIDENT
from datahub.entities.navigation_category import NAVIGATION_CATEGORY
from datahub.entities.offer import OFFER
from datahub.entities.order import ORDER, ORDER_UPDATE
from datahub.entities.order_status import ORDER_STATUS
from datahub.entities.product import PRODUCT
from datahub.entities.store import STORE
from datahub.entities.supplier import SUPPLIER

# In the order in which they can be imported: each after what it refers to.
ENTITIES: dict[str, EntityType] = {
    entity.name: entity
    for entity in (
        STORE,
        ACCOUNT,
        SUPPLIER,
        ATTRIBUTE,
        CLASSIFICATION_CATEGORY,
        NAVIGATION_CATEGORY,
        PRODUCT,
        OFFER,
        ASSORTMENT,
        CATALOG_VIEW,
        CUSTOMER_USER,
        ORDER,
        ORDER_UPDATE,
        ORDER_STATUS,
        INCIDENT,
    )
}
# Those whose records the rows of a file are.
RECORDS = {name: entity for name, entity in ENTITIES.items() if not entity.acts_on}
