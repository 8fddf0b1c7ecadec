"""CLASSIFICATION_CATEGORY: the tree that products stand in, and the attributes that its products bear."""

from __future__ import annotations

from sqlalchemy import and_, not_

from datahub.entities.attribute import AN_ATTRIBUTE
from datahub.entities.base import CATALOGUE, EntityType, Field, Listed, Part, Reference, Rule, Use
from datahub.entities.values import BOOLEAN, NEVER, TEXT
from datahub.models.catalogue import Category, CategoryAttribute, Product
from datahub.models.navigation import NavigationCategory

A_CATEGORY = Reference("CLASSIFICATION_CATEGORY", Category)
FACETED = Field("attrFaceted", "Attr Faceted", "faceted", BOOLEAN, default=False)
LINK = Part(
    "attributes",
    label="Attributes",
    shown_as="attributes",
    attribute="attributes",
    model=CategoryAttribute,
    owner="category_id",
    # Links that a file does not name stay; one is switched off, never taken away.
    removed_by=NEVER,
    key_field=Field("attrCode", "Attr Code", "attribute_id", TEXT, editable=False, refers_to=AN_ATTRIBUTE),
    fields=(
        Field("attrEnabled", "Attr Enabled", "enabled", BOOLEAN, default=True),
        Field("attrIndexable", "Attr Indexable", "indexable", BOOLEAN, default=False),
        Field("attrRequired", "Attr Required", "required", BOOLEAN, default=False),
        Field("attrForVariant", "Attr For Variant", "for_variant", BOOLEAN, default=False),
        FACETED,
        Field("attrSearchable", "Attr Searchable", "searchable", BOOLEAN, default=False),
        Field("attrSortable", "Attr Sortable", "sortable", BOOLEAN, default=False),
    ),
    rules=(
        Rule(
            "not_indexable",
            FACETED,
            "An attribute that is faceted must be indexable too: set Attr Indexable to TRUE.",
            lambda final: and_(final("faceted"), not_(final("indexable"))),
        ),
    ),
)
KEY = Field("classificationExternalId", "Classification External Id", "external_id", TEXT, editable=False)
CLASSIFICATION_CATEGORY = EntityType(
    "CLASSIFICATION_CATEGORY",
    label="Classification categories",
    family=CATALOGUE,
    model=Category,
    key=KEY,
    fields=(
        Field("classificationName", "Classification Name", "name", TEXT, required_on_create=True),
        Field(
            "classificationParentExternalId",
            "Classification Parent External Id",
            "parent_id",
            TEXT,
            required_on_create=True,
            refers_to=A_CATEGORY,
            root=("Root",),
        ),
    ),
    parts=(LINK,),
    after=("ATTRIBUTE",),
    deleted_by=Field("deleted", "Deleted", "deleted_at", BOOLEAN),
    listed_in=(Listed("NAVIGATION_CATEGORY", "classificationCategoryCode", NavigationCategory.categories),),
    used_by=(Use("sub-categories", Category.parent_id), Use("products", Product.category_id)),
    rules=(
        Rule(
            "malformed",
            KEY,
            "The id of a category must not start with 0.",
            lambda final: final("external_id").like("0%"),
        ),
    ),
    has_custom_fields=True,
    has_full_mode=True,
)
