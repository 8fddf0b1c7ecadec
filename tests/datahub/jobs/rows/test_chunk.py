"""Chunks of converted rows become records, on both databases: created, updated, deleted, revived, rejected, warned."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.entities import ENTITIES
from datahub.jobs.rows.plan import Plan
from datahub.mapping.transcoding import Transcoding
from datahub.models.catalogue import Category, Product, Variant
from datahub.models.change import Change
from datahub.models.offer import Price, Stock
from datahub.models.party import Store, Supplier
from tests.importer import Importer, category, causes, counts, offer, product

Sessions = sessionmaker[Session]


def ledger(sessions: Sessions) -> list[tuple[Any, ...]]:
    with sessions() as session:
        rows = session.scalars(select(Change).order_by(Change.id))
        return [(row.record_key, row.part_key, row.action, row.changes, row.line) for row in rows]


def test_new_keys_create_known_ones_update_and_equal_ones_write_nothing(load: Importer, sessions: Sessions) -> None:
    first = {"storeExternalId": "S-1", "storeName": "One", "storeDescription": "The first"}
    second = {"storeExternalId": "S-2", "storeName": "Two", "storeDescription": "The second"}
    assert counts(load("STORE", first, second)) == {"created": 2}
    assert counts(load("STORE", first, second | {"storeName": "Zwei"})) == {"updated": 1, "unchanged": 1}
    assert counts(load("STORE", first, second | {"storeName": "Zwei"})) == {"unchanged": 2}
    assert ledger(sessions) == [
        ("S-1", "", "created", None, 2),
        ("S-2", "", "created", None, 3),
        ("S-2", "", "updated", {"storeName": ["Two", "Zwei"]}, 3),
    ]
    with sessions() as session:
        store = session.scalars(select(Store).where(Store.external_id == "S-2")).one()
        assert (store.name, store.created_at < store.updated_at) == ("Zwei", True)


def test_an_empty_cell_keeps_what_is_stored_and_a_default_fills_what_is_new(load: Importer, sessions: Sessions) -> None:
    load("SUPPLIER", {"externalId": "SUP-9", "name": "Nine", "supplierRating": "4.5", "description": "Old"})
    load("SUPPLIER", {"externalId": "SUP-9", "name": "", "supplierRating": "4.75", "description": ""})
    with sessions() as session:
        supplier = session.scalars(select(Supplier).where(Supplier.external_id == "SUP-9")).one()
        assert (supplier.name, supplier.rating, supplier.description) == ("Nine", Decimal("4.75"), "Old")
        assert (supplier.status, supplier.stores, supplier.inactive) == ("ACTIVE", ["default_store"], False)
    assert ledger(sessions)[-1] == ("SUP-9", "", "updated", {"supplierRating": ["4.5", "4.75"]}, 2)


def test_a_bad_row_is_rejected_with_its_cause_and_the_rest_is_written(load: Importer, sessions: Sessions) -> None:
    outcome = load(
        "SUPPLIER",
        {"externalId": "A", "name": "Good", "supplierRating": "1"},
        {"externalId": "B", "name": "Bad", "supplierRating": "1,5"},
        {"externalId": "", "name": "No key", "supplierRating": ""},
        {"externalId": "C", "name": "", "supplierRating": "2"},
        {"externalId": "D", "name": "Good too", "supplierRating": ""},
    )
    assert counts(outcome) == {"created": 2, "rejected": 3}
    assert sorted(causes(outcome)) == [
        (3, "malformed", "supplierRating"),
        (4, "required", "externalId"),
        (5, "required", "name"),
    ]


def test_of_two_rows_with_one_key_the_last_counts_and_the_first_is_warned_of(
    load: Importer, sessions: Sessions
) -> None:
    row = {"storeExternalId": "S-1", "storeName": "First", "storeDescription": "x"}
    outcome = load("STORE", row, row | {"storeName": "Last"})
    assert counts(outcome) == {"created": 1, "unchanged": 1}
    assert [(warned.code, warned.row.line) for warned in outcome.warnings] == [("superseded", 2)]
    with sessions() as session:
        assert session.scalars(select(Store.name).where(Store.external_id == "S-1")).one() == "Last"


def test_a_deleted_record_is_hidden_keeps_its_row_and_comes_back_afresh(load: Importer, sessions: Sessions) -> None:
    row = {"externalId": "SUP-9", "name": "Nine", "description": "Old", "deleted": ""}
    load("SUPPLIER", row)
    assert counts(load("SUPPLIER", row | {"deleted": "TRUE"})) == {"deleted": 1}
    outcome = load("SUPPLIER", row | {"deleted": "TRUE"})
    assert (counts(outcome), [warned.code for warned in outcome.warnings]) == ({"unchanged": 1}, ["unknown_key"])
    assert counts(load("SUPPLIER", row | {"description": ""})) == {"created": 1}
    with sessions() as session:
        supplier = session.scalars(select(Supplier).where(Supplier.external_id == "SUP-9")).one()
        assert (supplier.deleted_at, supplier.description) == (None, None)
    assert [entry[2] for entry in ledger(sessions)] == ["created", "deleted", "created"]


@pytest.mark.usefixtures("catalogue")
def test_rows_of_one_product_make_one_product_with_its_variants(load: Importer, sessions: Sessions) -> None:
    with sessions() as session:
        found = session.scalars(select(Product).order_by(Product.external_id)).all()
        assert [(row.external_id, [one.external_id for one in row.variants]) for row in found] == [
            ("P-1", ["V-1", "V-2"]),
            ("P-2", ["V-3"]),
        ]
        assert found[0].names == {"en-GB": "Product P-1"}
    again = load("PRODUCT", product("P-1", "V-1"), product("P-1", "V-2", variantEan="4006381333931"))
    assert counts(again) == {"updated": 1, "unchanged": 1}
    assert ledger(sessions)[-1] == ("P-1", "V-2", "updated", {"variantEan": [None, "4006381333931"]}, 3)


@pytest.mark.usefixtures("catalogue")
def test_a_bad_part_costs_its_row_and_a_bad_parent_all_rows(load: Importer, sessions: Sessions) -> None:
    outcome = load(
        "PRODUCT",
        product("P-7", "V-70"),
        product("P-7", "V-3"),
        product("P-8", "V-80", productClassificationCategoryId="NOWHERE"),
        product("P-8", "V-81", productClassificationCategoryId=""),
    )
    assert counts(outcome) == {"created": 1, "rejected": 3}
    assert sorted(causes(outcome)) == [
        (3, "belongs_to_another", "variantExternalId"),
        (4, "unknown_reference", "productClassificationCategoryId"),
        (5, "other_row_invalid", ""),
    ]


@pytest.mark.usefixtures("catalogue")
def test_a_product_is_not_created_from_rejected_rows_alone(load: Importer, sessions: Sessions) -> None:
    assert counts(load("PRODUCT", product("P-7", "V-3"))) == {"rejected": 1}
    with sessions() as session:
        assert session.scalar(select(Product.id).where(Product.external_id == "P-7")) is None


@pytest.mark.usefixtures("catalogue")
def test_offers_take_stocks_and_prices_and_a_row_without_price_is_stock_only(
    load: Importer, sessions: Sessions
) -> None:
    outcome = load(
        "OFFER", offer("ST-1", "PR-1"), offer("ST-1", "PR-2", price="8"), offer("ST-2", stockVariantId="V-2")
    )
    assert counts(outcome) == {"created": 3}
    assert counts(load("OFFER", offer("ST-1", "PR-1", price="9.49"))) == {"updated": 1}
    assert ledger(sessions)[-1] == ("ST-1", "PR-1", "updated", {"price": ["9.99", "9.49"]}, 2)
    with sessions() as session:
        prices = session.execute(select(Price.external_id, Price.price).order_by(Price.external_id)).all()
        assert [tuple(row) for row in prices] == [("PR-1", Decimal("9.49")), ("PR-2", Decimal(8))]


@pytest.mark.usefixtures("catalogue")
def test_a_field_that_may_not_be_edited_rejects_another_value_and_not_the_same(load: Importer) -> None:
    load("OFFER", offer("ST-1", "PR-1"))
    assert causes(load("OFFER", offer("ST-1", "PR-1", stockVariantId="V-2"))) == [(2, "not_editable", "stockVariantId")]
    assert counts(load("OFFER", offer("ST-1", "PR-1"))) == {"unchanged": 1}


@pytest.mark.usefixtures("catalogue")
def test_deleting_a_stock_takes_its_prices_along_and_a_variant_with_offers_stays(
    load: Importer, sessions: Sessions
) -> None:
    load("OFFER", offer("ST-1", "PR-1"))
    for rows in ([product("P-1", "V-1", deletedProduct="TRUE")], [product("P-1", "V-1", deletedVariant="TRUE")]):
        assert [cause[1] for cause in causes(load("PRODUCT", *rows))] == ["in_use"]
    assert counts(load("OFFER", offer("ST-1", "", stockDeleted="TRUE"))) == {"deleted": 1}
    with sessions() as session:
        assert session.scalars(select(Price.external_id).where(Price.deleted_at.is_(None))).all() == []
        assert session.scalars(select(Stock.external_id).where(Stock.deleted_at.is_(None))).all() == []
    assert counts(load("PRODUCT", product("P-1", "V-1", deletedProduct="TRUE"))) == {"deleted": 1}
    with sessions() as session:
        live = select(Variant.external_id).where(Variant.deleted_at.is_(None))
        assert session.scalars(live).all() == ["V-3"]


def test_categories_link_attributes_and_name_those_that_do_not_exist(load: Importer, sessions: Sessions) -> None:
    load("ATTRIBUTE", {"attributeExternalId": "weight", "attributeNames": "Weight", "attributeType": "NUMBER"})
    outcome = load(
        "CLASSIFICATION_CATEGORY",
        category("TOOLS", attrCode="weight", attrIndexable="TRUE"),
        category("TOOLS", attrCode="colour"),
    )
    assert (counts(outcome), causes(outcome)) == (
        {"created": 1, "rejected": 1},
        [(3, "unknown_reference", "attrCode")],
    )
    outcome = load("CLASSIFICATION_CATEGORY", category("TOOLS", attrCode="weight", attrIndexable="FALSE"))
    assert counts(outcome) == {"updated": 1}
    with sessions() as session:
        (link,) = session.scalars(select(Category)).one().attributes
        assert (link.attribute.external_id, link.enabled, link.indexable) == ("weight", True, False)


def test_a_top_category_is_not_moved_below_one_that_does_not_exist(load: Importer) -> None:
    load("CLASSIFICATION_CATEGORY", category("TOOLS"))
    outcome = load("CLASSIFICATION_CATEGORY", category("TOOLS", "NOWHERE"))
    assert causes(outcome) == [(2, "unknown_reference", "classificationParentExternalId")]


@pytest.mark.usefixtures("catalogue")
def test_of_two_products_that_claim_a_new_or_a_deleted_variant_the_first_gets_it(load: Importer) -> None:
    borrowed = (3, "belongs_to_another", "variantExternalId")
    assert causes(load("PRODUCT", product("P-3", "V-9"), product("P-4", "V-9"))) == [borrowed]
    load("PRODUCT", product("P-3", "V-9", deletedVariant="TRUE"))
    assert causes(load("PRODUCT", product("P-5", "V-9"), product("P-6", "V-9"))) == [borrowed]


def test_a_list_names_the_references_that_do_not_exist(load: Importer) -> None:
    row = {"externalId": "SUP-9", "name": "Nine", "storesExternalId": "default_store||moon||mars"}
    ((_, (fault,)),) = load("SUPPLIER", row).rejected
    assert fault["message"] == "There is no store with the external id moon, mars. Import it, or transcode the value."


@pytest.mark.parametrize(("explicit", "expected"), [("explicit", "explicit"), ("", "plain")])
def test_a_plain_column_counts_where_that_of_the_main_locale_is_empty(explicit: str, expected: str) -> None:
    bound = [(0, "productNames", "en-GB"), (1, "productNames", None)]
    plan = Plan(ENTITIES["PRODUCT"], ["productNames[en-GB]", "productNames"], bound, Transcoding({}), "en-GB")
    assert plan.convert([explicit, "plain"]).values[0] == {"en-GB": expected}


def test_a_plain_column_that_does_not_count_is_not_checked() -> None:
    bound = [(0, "productExternalId", None), (1, "productNames", None), (2, "productNames", "en-GB")]
    bound.append((3, "variantExternalId", None))
    plan = Plan(ENTITIES["PRODUCT"], ["id", "plain", "named", "variant"], bound, Transcoding({}), "en-GB")
    row = plan.convert(["P-1", "x" * 300, "Drill", "V-1"])
    assert (row.faults, row.values[0]) == ([], {"en-GB": "Drill"})
    assert [fault["column"] for fault in plan.convert(["P-1", "x" * 300, "", "V-1"]).faults] == ["plain"]
