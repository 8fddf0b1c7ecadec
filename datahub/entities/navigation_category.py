"""NAVIGATION_CATEGORY: the tree that a store leads its customers through. Each file replaces that of its store."""

from __future__ import annotations

from datahub.entities.base import CATALOGUE, EntityType, Field, Reference, Use
from datahub.entities.classification_category import A_CATEGORY
from datahub.entities.store import A_STORE
from datahub.entities.values import BOOLEAN, INTEGER, LOCALISED, TEXT, TEXT_LIST
from datahub.models.navigation import NavigationCategory

A_NAVIGATION_CATEGORY = Reference("NAVIGATION_CATEGORY", NavigationCategory)
NAVIGATION_CATEGORY = EntityType(
    "NAVIGATION_CATEGORY",
    label="Navigation categories",
    family=CATALOGUE,
    model=NavigationCategory,
    key=Field("navigationCategoryExternalId", "Navigation Category External Id", "external_id", TEXT, editable=False),
    fields=(
        Field(
            "navigationCategoryNames",
            "Navigation Category Names",
            "names",
            LOCALISED,
            required_on_create=True,
            required_on_update=True,
            localisable=True,
        ),
        Field(
            "navigationCategoryParentId",
            "Navigation Category Parent Id",
            "parent_id",
            TEXT,
            required_on_create=True,
            required_on_update=True,
            refers_to=A_NAVIGATION_CATEGORY,
            root=("Root_default", "Root_{store}"),
        ),
        Field(
            "classificationCategoryCode",
            "Classification Category Code",
            "categories",
            TEXT_LIST,
            required_on_create=True,
            required_on_update=True,
            refers_to=A_CATEGORY,
            default=[],
        ),
        Field("navigationCategoryActive", "Navigation Category Active", "active", BOOLEAN, default=True),
        Field("navigationCategoryPosition", "Navigation Category Position", "position", INTEGER, least=1),
        Field("store", "Store", "store_id", TEXT_LIST, refers_to=A_STORE),
    ),
    after=("CLASSIFICATION_CATEGORY",),
    scoped_by="store_id",
    replaced_whole=True,
    has_custom_fields=True,
    has_full_mode=True,
    used_by=(Use("sub-categories", NavigationCategory.parent_id),),
)
