"""PRODUCT_TAG: words that products are found by; one row per product. No tag needs to be known before."""

from __future__ import annotations

from datahub.entities.base import CATALOGUE, EntityType, Field, Part
from datahub.entities.product import PRODUCT
from datahub.entities.values import BOOLEAN, TEXT
from datahub.models.catalogue import Product, ProductTag

MOST_TAGS = 10
TAGS = tuple(
    Field(f"productTag{number}", f"PRODUCT_TAG_{number}", "name", TEXT, editable=False)
    for number in range(1, MOST_TAGS + 1)
)
PRODUCT_TAG = EntityType(
    "PRODUCT_TAG",
    label="Product tags",
    family=CATALOGUE,
    model=Product,
    key=PRODUCT.key,
    fields=(),
    must_exist=True,
    parts=(
        Part(
            "tags",
            label="Tags",
            shown_as="tags",
            attribute="tags",
            model=ProductTag,
            owner="product_id",
            key_field=TAGS[0],
            more_keys=TAGS[1:],
            fields=(),
            removed_by=Field("deleted", "Deleted", "", BOOLEAN),
            removes_all=True,
            most=MOST_TAGS,
        ),
    ),
    after=("PRODUCT",),
)
