"""ASSORTMENT: products and single variants that belong together; one row per link that is made or taken away."""

from __future__ import annotations

from datahub.entities.base import CATALOGUE, EntityType, Field, Part, Reference
from datahub.entities.product import A_PRODUCT, A_VARIANT
from datahub.entities.values import BOOLEAN, TEXT, TEXT_LIST
from datahub.models.assortment import Assortment, AssortmentProduct, AssortmentVariant

AN_ASSORTMENT = Reference("ASSORTMENT", Assortment)
UNLINK = Field("unlink", "Unlink", "", BOOLEAN)
PRODUCTS = Part(
    "products",
    label="Products",
    shown_as="products",
    attribute="products",
    model=AssortmentProduct,
    owner="assortment_id",
    removed_by=UNLINK,
    key_field=Field(
        "productExternalIds",
        "Product External Id",
        "product_id",
        TEXT_LIST,
        editable=False,
        refers_to=A_PRODUCT,
        spellings=("productListExternalIds",),
    ),
    fields=(),
)
VARIANTS = Part(
    "variants",
    label="Variants",
    shown_as="variants",
    attribute="variants",
    model=AssortmentVariant,
    owner="assortment_id",
    removed_by=UNLINK,
    key_field=Field(
        "variantExternalIds",
        "Variant External Id",
        "variant_id",
        TEXT_LIST,
        editable=False,
        refers_to=A_VARIANT,
        spellings=("variantListExternalIds",),
    ),
    fields=(),
)
ASSORTMENT = EntityType(
    "ASSORTMENT",
    label="Assortments",
    family=CATALOGUE,
    model=Assortment,
    key=Field("assortmentExternalId", "Assortment External Id", "external_id", TEXT, editable=False),
    fields=(Field("assortmentName", "Name", "name", TEXT, default="", erased_when_absent=True),),
    parts=(PRODUCTS, VARIANTS),
    after=("PRODUCT",),
)
