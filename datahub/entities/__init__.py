"""The registry of entities: what the hub moves. A new entity is one file and one line here."""

from __future__ import annotations

from datahub.entities.account import ACCOUNT
from datahub.entities.assortment import ASSORTMENT
from datahub.entities.attribute import ATTRIBUTE
from datahub.entities.base import EntityType, Part
from datahub.entities.catalog_view import CATALOG_VIEW
from datahub.entities.classification_category import CLASSIFICATION_CATEGORY
from datahub.entities.customer_user import CUSTOMER_USER
from datahub.entities.incident import INCIDENT
from datahub.entities.navigation_category import NAVIGATION_CATEGORY
from datahub.entities.offer import OFFER
from datahub.entities.order import ORDER, ORDER_UPDATE
from datahub.entities.order_status import ORDER_STATUS
from datahub.entities.product import PRODUCT
from datahub.entities.product_tag import PRODUCT_TAG
from datahub.entities.related_product import RELATED_PRODUCT
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
        PRODUCT_TAG,
        RELATED_PRODUCT,
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


def noun_of(kind: EntityType) -> str:
    """What a record that its rows are about is called in a sentence."""
    makers = [other.name for other in RECORDS.values() if other.model is kind.model and not other.must_exist]
    name = kind.acts_on or (makers[0] if kind.must_exist else kind.name)
    return name.replace("_", " ").lower()


def adding_to(kind: EntityType) -> list[EntityType]:
    """Those whose imports add parts to the records that this one makes."""
    if kind.must_exist:
        return []
    return [other for other in RECORDS.values() if other.must_exist and other.model is kind.model]


def parts_shown(kind: EntityType) -> list[Part]:
    """What a record has inside, whichever import brought it."""
    return [*kind.parts, *(part for other in adding_to(kind) for part in other.parts)]
