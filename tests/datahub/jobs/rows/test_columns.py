"""Rows converted column by column come to what they come to one by one."""

from __future__ import annotations

import pytest

from datahub.entities import ENTITIES
from datahub.entities.base import KEY_LENGTH
from datahub.jobs.rows.columns import convert_all
from datahub.jobs.rows.plan import Plan
from datahub.mapping.transcoding import Transcoding

PRODUCT_COLUMNS = [
    (0, "productExternalId", None),
    (1, "productNames", None),
    (2, "productNames", "en-GB"),
    (3, "productNames", "fr-FR"),
    (4, "variantExternalId", None),
    (5, "productClassificationCategoryId", None),
]
PRODUCT = ["P-1", "Drill", "", " Perceuse ", "V-1", "tools"]
OFFER_COLUMNS = [
    (0, "stockId", None),
    (1, "stockNumber", None),
    (2, "offerPriceExternalId", None),
    (3, "price", None),
    (4, "priceDeleted", None),
    (5, "currency", None),
]
OFFER = ["S-1", "5", "PR-1", "9.90", "", "EUR"]


@pytest.mark.parametrize(
    ("entity", "columns", "rows"),
    [
        ("PRODUCT", PRODUCT_COLUMNS, [PRODUCT, ["P-2", "Saw", "Hand saw", "", " V-2 ", "saws\t"]]),
        ("PRODUCT", PRODUCT_COLUMNS, [PRODUCT, ["P" * (KEY_LENGTH + 1), "", "", "", "V-2", ""]]),
        ("PRODUCT", PRODUCT_COLUMNS, [PRODUCT, ["P-2\x07", "", "", "", "V-2", ""]]),
        ("PRODUCT", PRODUCT_COLUMNS, [PRODUCT, ["  ", "Nameless", "", "", "V-2", ""]]),
        ("OFFER", OFFER_COLUMNS, [OFFER, ["S-1", "", "PR-2", "12", "true", ""], ["S-2", "7", "", "", "", ""]]),
        ("OFFER", OFFER_COLUMNS, [OFFER, ["S-2", "7", "", "9.90", "", ""]]),
        ("OFFER", OFFER_COLUMNS, [OFFER, ["S-2", "many", "PR-2", "9,90", "perhaps", ""]]),
        ("OFFER", [(6, "stockId", None)], [OFFER]),
        ("OFFER", OFFER_COLUMNS, []),
    ],
    ids=["sound", "too long", "control", "no key", "parts", "no part key", "malformed", "no column", "no rows"],
)
def test_columns_come_to_what_rows_come_to(
    entity: str, columns: list[tuple[int, str, str | None]], rows: list[list[str]]
) -> None:
    tables = {"productClassificationCategoryId": {"tools": "TOOLS"}}
    plan = Plan(ENTITIES[entity], list("abcdef"), columns, Transcoding(tables), "en-GB")
    one_by_one = [plan.convert([*cells, ""]) for cells in rows]
    expected = [(row.key, row.packed(), row.faults) for row in one_by_one]
    found = [(key, _listed(packed), faults) for key, packed, faults in convert_all(plan, rows)]
    assert found == [(key, _listed(packed), faults) for key, packed, faults in expected]


def _listed(packed: object) -> object:
    return [_listed(item) for item in packed] if isinstance(packed, list | tuple) else packed
