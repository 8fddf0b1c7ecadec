"""Products of the sample catalogue: a row per variant."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.catalogue.sheet import BOM, CRLF, Cells, Note, Row, Sheet, insert, number_for, pick
from sandbox.catalogue.tree import borne_by
from sandbox.catalogue.words import BRANDS, TREE

PRODUCTS = 800
# Taken in turns, so that the products have 2,000 variants.
VARIANTS = (1, 2, 3, 4)
LEAVES = tuple(leaf for middles in TREE.values() for leaves in middles.values() for leaf in leaves)
MEDIA = "https://media.toolyard.example.com/images"
PRODUCT, CATEGORY, VARIANT = "Product External Id", "Product Classification Category Id", "Variant External Id"
NAME, VARIANT_NAME = "Product Names[en-GB]", "Variant Names[en-GB]"
MODEL, GUARANTEE, MATERIAL, SIZE = (f"attribute-{code}" for code in ("model", "guarantee", "material", "size"))
MATERIALS, SIZES = ("Steel", "Brass", "Ash", "Nylon"), ("S", "M", "L", "XL")
# Rows of products with two rows, counted from 0.
OTHER_BRAND, FRENCH_LATER = 1501, 1511
HEADER = (
    PRODUCT,
    NAME,
    "Product Names[fr-FR]",
    CATEGORY,
    "Product Descriptions[en-GB]",
    "Product Descriptions[fr-FR]",
    "Product Brand",
    "Product Unit",
    "Inactive Product",
    "Store External Ids",
    VARIANT,
    VARIANT_NAME,
    "Variant Names[fr-FR]",
    "Variant Descriptions[en-GB]",
    "Variant External Sku",
    "Variant Ean",
    "Variant Mpn",
    "Variant Main Image Url",
    "Variant Additional Image Links",
    "Inactive Variant",
    MODEL,
    GUARANTEE,
    MATERIAL,
    SIZE,
)
KINDS = (
    ("150 mm", "150 mm"),
    ("blue, 200 mm", "bleu, 200 mm"),
    ('8", cut to 1¼"', '8", coupé à 1¼"'),
    ("box of 50; with lid", "boîte de 50 ; avec couvercle"),
    ("left-handed", "pour gauchers"),
    ("pack of 10", "lot de 10"),
)


def products() -> Sheet:
    good = [Row(cells) for number in range(1, PRODUCTS + 1) for cells in _product_rows(number)]
    _bend(good)
    return Sheet(
        "PRODUCT",
        "products.csv",
        HEADER,
        list(insert(good, _wrong(good))),
        ";",
        line_end=CRLF,
        mark=BOM,
    )


def product_key(number: int) -> str:
    return f"TY-{number:04}"


def variant_keys(number: int) -> list[str]:
    return [f"{product_key(number)}-{letter}" for letter in "ABCD"[: VARIANTS[number % len(VARIANTS)]]]


def _product_rows(number: int) -> Iterator[Cells]:
    """Every third product tells of itself in its first row only."""
    product = _product(number)
    for place, key in enumerate(variant_keys(number)):
        alone = {PRODUCT: product[PRODUCT]}
        yield (alone if place and number % 3 == 0 else product) | _variant(number, place, key)


def _product(number: int) -> Cells:
    key = product_key(number)
    category, _, english, french = LEAVES[number % len(LEAVES)]
    brand = pick(BRANDS, key)
    model = f"{pick('ADEFKLMRSTVX', key, 'letter')}{100 + number_for(key, 'model') % 900}"
    borne = borne_by(category)
    return {
        MODEL: model if "model" in borne else "",
        GUARANTEE: str(2 + number % 4) if "guarantee" in borne and number % 5 else "",
        MATERIAL: pick(MATERIALS, key, "material") if "material" in borne else "",
        PRODUCT: key,
        NAME: f"{english} {brand} {model}",
        "Product Names[fr-FR]": f"{french} {brand} {model}" if number % 10 else "",
        CATEGORY: category,
        "Product Descriptions[en-GB]": _description(number, english, brand),
        "Product Descriptions[fr-FR]": f"{french} ; qualité éprouvée à l'atelier." if number % 2 else "",
        "Product Brand": brand,
        "Product Unit": pick(("piece", "box", ""), key, "unit"),
        "Inactive Product": "TRUE" if number % 90 == 0 else "",
        "Store External Ids": pick(("", "default_store", "default_store||counter||rental", "counter"), key, "stores"),
    }


def _description(number: int, english: str, brand: str) -> str:
    if number % 4 == 0:
        return f'<p>{english} by <b>{brand}</b>&nbsp;&ndash; made to last; "tested" twice.</p>\r\n<ul><li>CE</li></ul>'
    if number % 4 == 1:
        return f"{english}.\r\n\r\nGrip: ash, oiled.\r\nCare: wipe dry after use."
    return f"{english}, for people who use one every day." if number % 4 == 2 else ""


def _variant(number: int, place: int, key: str) -> Cells:
    english, french = KINDS[(number + place) % len(KINDS)]
    category = LEAVES[number % len(LEAVES)][0]
    image = f"{MEDIA}/{key.lower()}"
    return {
        VARIANT: key,
        SIZE: SIZES[place] if "size" in borne_by(category) else "",
        VARIANT_NAME: english,
        "Variant Names[fr-FR]": french,
        "Variant Descriptions[en-GB]": "" if place else "The one that most people take.",
        "Variant External Sku": f"{number_for(key, 'sku') % 1_000_000:06}",
        "Variant Ean": _ean(number * len(VARIANTS) + place),
        "Variant Mpn": f"{key[3:]}/{place + 1}",
        "Variant Main Image Url": f"{image}.jpg",
        "Variant Additional Image Links": "||".join(f"{image}-{view}.jpg" for view in range(2, 2 + number % 3)),
        "Inactive Variant": "TRUE" if number_for(key) % 60 == 0 else "FALSE",
    }


def _ean(number: int) -> str:
    """A number of thirteen digits that begins with 2, as shops may give it themselves, and its check digit."""
    digits = f"2{number:011}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return f"{digits}{-total % 10}"


def _wrong(good: list[Row]) -> dict[int, list[Row]]:
    """By the number of the good row they go before. Those of good products cost no row but themselves."""
    stone = {NAME: "Sharpening stone", CATEGORY: "HAND", VARIANT_NAME: "fine", MODEL: "W1"}
    lone = stone | {PRODUCT: "TY-9001", VARIANT: "TY-9001-A"}
    unknown_category = Note("unknown_reference", "productClassificationCategoryId")
    borrowed = Note("belongs_to_another", "variantExternalId")
    mute = {PRODUCT: "TY-9006", VARIANT: "TY-9006-B", VARIANT_NAME: "coarse"}
    return {
        40: [Row(_extra("TY-0030") | {"Inactive Variant": "yes"}, Note("malformed", "inactiveVariant"))],
        150: [Row(_extra("TY-0200") | {VARIANT_NAME: ""}, Note("required", "variantNames"))],
        300: [Row(lone | {VARIANT: f"TY-9001-{end}", CATEGORY: "HAND-HONE"}, unknown_category) for end in "AB"],
        420: [Row(good[420].cells | {"Variant Mpn": "old"}, warning=Note("superseded"))],
        610: [Row(_extra("TY-0241") | {VARIANT: "TY-0240-A"}, borrowed)],
        800: [Row(_extra("TY-0700") | {VARIANT: "TY-0100-A"}, borrowed)],
        900: [Row(lone | {PRODUCT: "TY-9002", VARIANT: "TY-0003-A"}, borrowed)],
        1000: [Row(lone | {PRODUCT: "TY-9003", VARIANT: "TY-9003-A", NAME: ""}, Note("required", "productNames"))],
        1100: [
            Row(
                lone | {PRODUCT: "TY-9004", VARIANT: "TY-9004-A", CATEGORY: ""},
                Note("required", "productClassificationCategoryId"),
            )
        ],
        1200: [Row(lone | {PRODUCT: ""}, Note("required", "productExternalId"))],
        1300: [
            Row(
                lone | {PRODUCT: "TY-9005", VARIANT: "TY-9005-A", "Store External Ids": "counter||moon"},
                Note("unknown_reference", "storeExternalIds"),
            )
        ],
        # Its first row alone tells the name of this product.
        1600: [
            Row(lone | mute | {"Inactive Product": "oui"}, Note("malformed", "inactiveProduct")),
            Row(mute | {VARIANT: "TY-9006-C"}, Note("other_row_invalid", "")),
        ],
    }


def _extra(product: str) -> Cells:
    """A variant more for a product that says everything else in rows of its own."""
    return {PRODUCT: product, VARIANT: f"{product}-X", VARIANT_NAME: "special make"}


def _bend(good: list[Row]) -> None:
    """The second rows of two products tell something about the product that their first rows do not."""
    brand = good[OTHER_BRAND].cells | {"Product Brand": "House brand"}
    good[OTHER_BRAND] = Row(brand, warning=Note("parent_differs", "productBrand"))
    first, second = good[FRENCH_LATER - 1].cells, good[FRENCH_LATER].cells
    good[FRENCH_LATER - 1] = Row(first | {"Product Names[fr-FR]": ""})
    good[FRENCH_LATER] = Row(second | {NAME: ""})
