"""RELATED_PRODUCT: what a product leads to, one way; the other way is a row of the other product."""

from __future__ import annotations

from datahub.entities.base import CATALOGUE, EntityType, Field, Part
from datahub.entities.product import A_PRODUCT, PRODUCT
from datahub.entities.values import BOOLEAN, TEXT_LIST
from datahub.models.catalogue import Product, RelatedProduct

RELATED_PRODUCT = EntityType(
    "RELATED_PRODUCT",
    label="Related products",
    family=CATALOGUE,
    model=Product,
    key=PRODUCT.key,
    fields=(),
    must_exist=True,
    parts=(
        Part(
            "relatedProducts",
            label="Related products",
            shown_as="relatedProducts",
            attribute="related",
            model=RelatedProduct,
            owner="product_id",
            key_field=Field(
                "relatedProductExternalId",
                "Related Product External Id",
                "related_id",
                TEXT_LIST,
                editable=False,
                refers_to=A_PRODUCT,
            ),
            fields=(),
            removed_by=Field("unlink", "Unlink", "", BOOLEAN),
        ),
    ),
    after=("PRODUCT",),
)
