"""PRODUCT: a product with its variants; one row per variant."""

from __future__ import annotations

from datahub.entities.base import CATALOGUE, LONG_TEXT, EntityType, Field, Link, Part, Reference, Use
from datahub.entities.classification_category import A_CATEGORY
from datahub.entities.store import A_STORE
from datahub.entities.values import BOOLEAN, LOCALISED, TEXT, TEXT_LIST
from datahub.models.assortment import Assortment, AssortmentProduct, AssortmentVariant
from datahub.models.catalogue import Product, ProductTag, RelatedProduct, Variant
from datahub.models.offer import Stock
from datahub.models.party import DEFAULT_STORE

A_PRODUCT = Reference("PRODUCT", Product)
A_VARIANT = Reference("variant", Variant)
VARIANT = Part(
    "variants",
    label="Variants",
    shown_as="variants",
    attribute="variants",
    model=Variant,
    owner="product_id",
    global_key=True,
    in_each_row=True,
    has_attributes=True,
    removed_by=Field("deletedVariant", "Deleted Variant", "deleted_at", BOOLEAN),
    used_by=(Use("offers", Stock.variant_id),),
    links=(Link("ASSORTMENT", "variants", AssortmentVariant.variant_id, AssortmentVariant.assortment_id, Assortment),),
    key_field=Field("variantExternalId", "Variant External Id", "external_id", TEXT, editable=False),
    fields=(
        Field(
            "variantNames", "Variant Names", "names", LOCALISED, required_on_create=True, default={}, localisable=True
        ),
        Field(
            "variantDescriptions",
            "Variant Descriptions",
            "descriptions",
            LOCALISED,
            default={},
            localisable=True,
            length=LONG_TEXT,
        ),
        Field("variantExternalSku", "Variant External Sku", "sku", TEXT, sought=True),
        Field("variantEan", "Variant Ean", "ean", TEXT, sought=True),
        Field("variantMpn", "Variant Mpn", "mpn", TEXT),
        Field("variantMainImageUrl", "Variant Main Image Url", "main_image_url", TEXT, length=LONG_TEXT),
        Field(
            "variantAdditionalImageLinks",
            "Variant Additional Image Links",
            "additional_images",
            TEXT_LIST,
            default=[],
            length=LONG_TEXT,
        ),
        Field("inactiveVariant", "Inactive Variant", "inactive", BOOLEAN, default=False),
    ),
)
PRODUCT = EntityType(
    "PRODUCT",
    label="Products",
    family=CATALOGUE,
    model=Product,
    key=Field("productExternalId", "Product External Id", "external_id", TEXT, editable=False),
    fields=(
        Field(
            "productNames", "Product Names", "names", LOCALISED, required_on_create=True, default={}, localisable=True
        ),
        Field(
            "productClassificationCategoryId",
            "Product Classification Category Id",
            "category_id",
            TEXT,
            required_on_create=True,
            refers_to=A_CATEGORY,
        ),
        Field(
            "productDescriptions",
            "Product Descriptions",
            "descriptions",
            LOCALISED,
            default={},
            localisable=True,
            length=LONG_TEXT,
        ),
        Field("productBrand", "Product Brand", "brand", TEXT),
        Field("productUnit", "Product Unit", "unit", TEXT),
        Field("inactiveProduct", "Inactive Product", "inactive", BOOLEAN, default=False),
        Field(
            "storeExternalIds", "Store External Ids", "stores", TEXT_LIST, default=[DEFAULT_STORE], refers_to=A_STORE
        ),
    ),
    parts=(VARIANT,),
    after=("CLASSIFICATION_CATEGORY", "STORE"),
    links=(
        Link("ASSORTMENT", "products", AssortmentProduct.product_id, AssortmentProduct.assortment_id, Assortment),
        Link("PRODUCT_TAG", "tags", ProductTag.product_id, ProductTag.product_id, Product),
        Link("RELATED_PRODUCT", "relatedProducts", RelatedProduct.product_id, RelatedProduct.product_id, Product),
        Link("RELATED_PRODUCT", "relatedProducts", RelatedProduct.related_id, RelatedProduct.product_id, Product),
    ),
    deleted_by=Field("deletedProduct", "Deleted Product", "deleted_at", BOOLEAN),
    has_attributes=True,
    has_full_mode=True,
)
