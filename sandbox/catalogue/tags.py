"""Tags and related products of the sample catalogue, a row per product that has some."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.catalogue.products import PRODUCTS, product_key
from sandbox.catalogue.sheet import BOM, Cells, Note, Row, Sheet, insert, pick

PRODUCT, DELETED, RELATED, UNLINK = "Product External Id", "Deleted", "Related Product External Id", "unlink"
TAGS = [f"PRODUCT_TAG_{number}" for number in range(1, 11)]
WORDS = ("new", "sale", "last pieces", "made in Europe", "for workshops", "gift", "été 2026", "100 % recycled")
# Of so many products one has tags, and one leads to others; the first of them has as many tags as it may.
TAGGED, LEADING, FULL = 5, 8, 5
LEAST_TAGS, MOST_TAGS = 1, 3


def tags() -> Sheet:
    good = [Row(_tagged(number)) for number in range(TAGGED, PRODUCTS + 1, TAGGED)]
    full = product_key(FULL)
    wrong = {
        20: [Row({PRODUCT: full, TAGS[0]: "one too many"}, Note("too_many_parts", "productTag1"))],
        40: [Row({PRODUCT: "TY-9999", TAGS[0]: "new"}, Note("unknown_key", "productExternalId"))],
        60: [Row({TAGS[0]: "new"}, Note("required", "productExternalId"))],
        80: [Row({PRODUCT: product_key(1), TAGS[0]: "new", DELETED: "yes please"}, Note("malformed", "deleted"))],
        120: [Row(good[120].cells, warning=Note("superseded"))],
    }
    return Sheet("PRODUCT_TAG", "product_tags.csv", (PRODUCT, DELETED, *TAGS), list(insert(good, wrong)), ",", mark=BOM)


def _tagged(number: int) -> Cells:
    first = {PRODUCT: product_key(number), DELETED: "FALSE"}
    if number == FULL:
        return first | {tag: f"shelf {place}" for place, tag in enumerate(TAGS, 1)}
    start = pick(range(len(WORDS)), number, "tags")
    chosen = [WORDS[(start + step) % len(WORDS)] for step in range(pick(range(LEAST_TAGS, MOST_TAGS + 1), number))]
    return first | dict(zip(TAGS, chosen, strict=False))


def related() -> Sheet:
    good = [Row(cells) for cells in _leading()]
    wrong = {
        20: [Row({PRODUCT: product_key(1), RELATED: "TY-9999"}, Note("unknown_reference", "relatedProductExternalId"))],
        40: [Row({PRODUCT: "TY-9999", RELATED: product_key(1)}, Note("unknown_key", "productExternalId"))],
        60: [Row({PRODUCT: product_key(1), UNLINK: "TRUE"}, Note("required", "relatedProductExternalId"))],
        80: [Row({PRODUCT: product_key(1), RELATED: product_key(2), UNLINK: "TRUE"}, warning=Note("unknown_key"))],
    }
    header = (PRODUCT, RELATED, UNLINK)
    return Sheet("RELATED_PRODUCT", "related_products.csv", header, list(insert(good, wrong)), ";")


def _leading() -> Iterator[Cells]:
    """To the next two, and from the second of them back: the other way is a row of its own."""
    for number in range(LEADING, PRODUCTS - 1, LEADING):
        first, second, third = (product_key(number + step) for step in range(3))
        yield {PRODUCT: first, RELATED: f"{second}||{third}", UNLINK: "FALSE"}
        yield {PRODUCT: third, RELATED: first}
