"""The ledger says what deleted records, parts and links held, also after their keys came back with other values."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.models.change import Change
from tests.datahub.jobs.rows.test_extras import define
from tests.importer import Importer, category, counts, offer, product

__all__ = ["define"]

pytestmark = pytest.mark.usefixtures("catalogue")
Sessions = sessionmaker[Session]


def deleted(sessions: Sessions) -> dict[tuple[str, str, str], dict[str, Any]]:
    """By record, kind of part and part, what its fields held."""
    with sessions() as session:
        lines = session.scalars(select(Change).where(Change.action == "deleted")).all()
        assert all(new in (None, {}) for line in lines for _, new in (line.changes or {}).values())
        return {
            (line.record_key, line.part, line.part_key): {key: old for key, (old, _) in (line.changes or {}).items()}
            for line in lines
        }


def test_a_price_that_went_with_its_stock_is_told_after_another_took_its_key(
    load: Importer, sessions: Sessions
) -> None:
    load("OFFER", offer("ST-1", "PR-1", price="77.770", minQuantity="3", stockNumber="0"))
    load("OFFER", offer("ST-1", "", stockDeleted="TRUE"))
    assert counts(load("OFFER", offer("ST-1", "PR-1", price="11"))) == {"created": 1}
    assert deleted(sessions) == {
        ("ST-1", "", ""): {"stockVariantId": "V-1", "supplierId": "SUP-1", "stockNumber": 0},
        ("ST-1", "prices", "PR-1"): {"priceType": "PUBLIC", "price": "77.77", "currency": "EUR", "minQuantity": 3},
    }


def test_a_part_that_a_row_takes_away_is_told_as_it_was(load: Importer, sessions: Sessions) -> None:
    load("PRODUCT", product("P-1", "V-1", deletedVariant="TRUE", variantNames="", productNames=""))
    assert deleted(sessions) == {("P-1", "variants", "V-1"): {"variantNames": {"en-GB": "Variant V-1"}}}


def test_custom_fields_of_a_deleted_record_are_told(load: Importer, sessions: Sessions, define: Any) -> None:
    define("grade")
    load("SUPPLIER", {"externalId": "S-9", "name": "Nine", "CF_grade": "A"})
    load("SUPPLIER", {"externalId": "S-9", "deleted": "TRUE"})
    load("SUPPLIER", {"externalId": "S-9", "name": "Ten"})
    (held,) = deleted(sessions).values()
    assert (held["name"], held["customFields"]) == ("Nine", {"grade": "A"})


def test_the_links_of_categories_that_go_with_an_attribute_are_told(load: Importer, sessions: Sessions) -> None:
    load("ATTRIBUTE", {"attributeExternalId": "weight", "attributeNames": "Weight", "attributeType": "NUMBER"})
    load("CLASSIFICATION_CATEGORY", category("TOOLS", attrCode="weight", attrRequired="FALSE", attrIndexable="TRUE"))
    load("ATTRIBUTE", {"attributeExternalId": "weight", "attributeDeleted": "TRUE"})
    found = deleted(sessions)
    assert found["TOOLS", "attributes", "weight"] == {"attrIndexable": True}
    assert found["weight", "", ""] == {"attributeNames": {"en-GB": "Weight"}, "attributeType": "NUMBER"}
