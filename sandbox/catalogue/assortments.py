"""Assortments of the sample catalogue: a row per product or variant that is put into one."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.catalogue.products import LEAVES, PRODUCTS, product_key, variant_keys
from sandbox.catalogue.sheet import CRLF, Cells, Note, Row, Sheet, insert
from sandbox.catalogue.words import TREE

ASSORTMENT, NAME, PRODUCT = "Assortment External Id", "name", "Product External Id"
VARIANT, UNLINK = "Variant External Id", "unlink"
# Every so many products are in that of their top category; of every so many one variant is in the starter set.
IN_RANGE, IN_STARTER = 4, 25
STARTER, EMPTY = "AST-STARTER", "AST-SEASON"


def assortments() -> Sheet:
    good = [Row(cells) for cells in (*_ranges(), *_starter())]
    good.append(Row({ASSORTMENT: EMPTY, NAME: "Winter is over; nothing yet"}))
    header = (ASSORTMENT, NAME, PRODUCT, VARIANT, UNLINK)
    return Sheet("ASSORTMENT", "assortments.csv", header, list(insert(good, _wrong(good))), ";", line_end=CRLF)


def _ranges() -> Iterator[Cells]:
    """One for each top category, whose first row tells its name."""
    for (code, name), middles in TREE.items():
        own = {leaf[0] for leaves in middles.values() for leaf in leaves}
        numbers = range(IN_RANGE, PRODUCTS + 1, IN_RANGE)
        keys = [product_key(number) for number in numbers if LEAVES[number % len(LEAVES)][0] in own]
        for place, key in enumerate(keys):
            yield {ASSORTMENT: f"AST-{code}", NAME: "" if place else name, PRODUCT: key}


def _starter() -> Iterator[Cells]:
    """Single variants, two in a row, and a few products."""
    for number in range(IN_STARTER, PRODUCTS + 1, IN_STARTER):
        first = {ASSORTMENT: STARTER, NAME: "Starter set" if number == IN_STARTER else "", UNLINK: "FALSE"}
        yield first | {VARIANT: "||".join(variant_keys(number)[:2])}
        if number % 4 == 0:
            yield {ASSORTMENT: STARTER, PRODUCT: product_key(number), UNLINK: "false"}


def _wrong(good: list[Row]) -> dict[int, list[Row]]:
    """By the number of the good row they go before."""
    starter = {ASSORTMENT: STARTER}
    return {
        20: [Row(starter | {PRODUCT: "TY-9999"}, Note("unknown_reference", "productExternalIds"))],
        40: [Row({PRODUCT: product_key(1)}, Note("required", "assortmentExternalId"))],
        60: [Row(starter | {VARIANT: "TY-0001-A||TY-0001-Z"}, Note("unknown_reference", "variantExternalIds"))],
        80: [Row(starter | {PRODUCT: product_key(1), UNLINK: "oui"}, Note("malformed", "unlink"))],
        100: [Row(starter | {UNLINK: "TRUE"}, Note("required", "productExternalIds"))],
        120: [Row(good[120].cells, warning=Note("superseded"))],
        140: [Row(starter | {PRODUCT: product_key(2), UNLINK: "TRUE"}, warning=Note("unknown_key"))],
    }
