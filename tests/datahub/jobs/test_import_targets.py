"""Which fields of an entity a column may be mapped to."""

from __future__ import annotations

import pytest

from datahub.entities import ENTITIES
from datahub.entities.values import LOCALISED, LOCALISED_LIST
from datahub.jobs.import_targets import mapping_targets
from datahub.mapping.names import Target


def by_key(entity: str) -> dict[str, Target]:
    return {target.key: target for target in mapping_targets(ENTITIES[entity])}


def test_a_record_and_its_parts_are_mapped_with_their_keys_and_flags() -> None:
    keys = [target.key for target in mapping_targets(ENTITIES["OFFER"])]
    assert keys[0] == "stockId"
    for key in ("supplierId", "stockDeleted", "offerPriceExternalId", "price", "priceDeleted"):
        assert keys.count(key) == 1


def test_what_nothing_takes_away_has_no_flag() -> None:
    assert "storeExternalId" in by_key("STORE")
    for entity in ("STORE", "CLASSIFICATION_CATEGORY"):
        assert all(target.key and target.label for target in by_key(entity).values())


@pytest.mark.parametrize("entity", ENTITIES)
def test_what_each_row_must_give_is_required(entity: str) -> None:
    each = {
        "NAVIGATION_CATEGORY": [
            "navigationCategoryNames",
            "navigationCategoryParentId",
            "classificationCategoryCode",
        ],
        "INCIDENT": ["incidentStatus"],
        "ORDER_STATUS": ["orderStatus"],
        "OFFER": ["stockVariantId", "supplierId", "stockNumber"],
        "PRODUCT": ["variantExternalId"],
        "STORE": ["storeName", "storeDescription"],
        "CUSTOMER_USER": [
            f"customerUser{name}"
            for name in ("Civility", "FirstName", "LastName", "Email", "Phone", "Groups", "AccountIds")
        ],
    }
    required = [target.key for target in by_key(entity).values() if target.required]
    assert required == [ENTITIES[entity].key.key, *each.get(entity, [])]


def test_rows_that_delete_need_the_key_alone() -> None:
    offer = by_key("OFFER")
    assert offer["stockNumber"].is_lacking({"stockId"})
    assert not offer["stockNumber"].is_lacking({"stockId", "stockDeleted"})
    assert offer["stockId"].is_lacking({"stockDeleted"})
    assert by_key("STORE")["storeName"].is_lacking({"storeExternalId"})


@pytest.mark.parametrize("entity", ENTITIES)
def test_locales_are_offered_for_localised_values_only(entity: str) -> None:
    kind = ENTITIES[entity]
    fields = [*kind.fields, *(item for part in kind.parts for item in part.fields)]
    localised = {item.key for item in fields if item.type in (LOCALISED, LOCALISED_LIST)}
    assert {target.key for target in by_key(entity).values() if target.localisable} == localised
