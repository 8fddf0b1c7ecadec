"""Records are found literally, page by page, and described by the keys of their fields in few statements."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.entities import RECORDS
from datahub.entities.offer import PRICE
from datahub.entities.product import A_VARIANT, VARIANT
from datahub.entities.store import A_STORE
from datahub.errors import NotFoundError
from datahub.jobs import order_reads, record_reads
from datahub.models.custom_field import CustomField
from datahub.models.party import DEFAULT_STORE, AccountAddress
from tests import catalogue
from tests.factories import make_account, make_customer_user, make_order, make_supplier
from tests.importer import Importer, offer
from tests.statements import noted_statements

make_of: dict[str, Any] = {
    "ACCOUNT": make_account,
    "SUPPLIER": make_supplier,
    "ATTRIBUTE": catalogue.make_attribute,
    "CLASSIFICATION_CATEGORY": catalogue.make_category,
    "NAVIGATION_CATEGORY": catalogue.make_navigation_category,
    "PRODUCT": catalogue.make_product,
    "OFFER": catalogue.make_offer,
    "PRODUCT_TAG": catalogue.make_tags,
    "RELATED_PRODUCT": catalogue.make_relation,
    "ASSORTMENT": catalogue.make_assortment,
    "CATALOG_VIEW": catalogue.make_view,
    "CUSTOMER_USER": make_customer_user,
}


def found(session: Session, entity: str, search: str) -> list[str]:
    by_page = [row.external_id for row in record_reads.find(session, entity, search=search).items]
    by_key = record_reads.records_page(session, entity, search=search, store=DEFAULT_STORE).items
    by_key = [row.external_id for row in by_key]
    assert by_page == by_key
    return by_page


def described(session: Session, entity: str, external_id: str) -> dict[str, Any]:
    record = record_reads.get(session, entity, external_id, store=DEFAULT_STORE)
    (shown,) = record_reads.describe(session, entity, [record])
    return shown


def test_records_are_found_by_a_literal_part_of_key_or_name(session: Session) -> None:
    make_supplier(session, "A%1", name="Acme")
    make_supplier(session, "AB1", name="Bolt_x")
    assert found(session, "SUPPLIER", "a%") == ["A%1"]
    assert found(session, "SUPPLIER", " BOLT ") == ["AB1"]
    assert found(session, "SUPPLIER", "t_") == ["AB1"]
    assert found(session, "SUPPLIER", "o_t") == []
    assert found(session, "SUPPLIER", "") == ["A%1", "AB1"]
    assert [row.external_id for row in record_reads.find(session, "SUPPLIER", external_ids=["AB1"]).items] == ["AB1"]
    page = record_reads.find(session, "SUPPLIER", descending=True, size=1)
    assert ([row.external_id for row in page.items], page.has_more) == (["AB1"], True)


def test_names_per_locale_are_searched_whatever_their_letters_but_not_the_locales(session: Session) -> None:
    catalogue.make_product(session, "P-1", names={"en-GB": "Drill 50%", "fr-FR": 'Perceuse à "percussion"'})
    catalogue.make_product(session, "P-2", names={"en-GB": "Saw", "ja-JP": "鋸"})
    catalogue.make_product(session, "P-3", names={})
    for text, keys in (
        ("dRILL", ["P-1"]),
        ("se à", ["P-1"]),
        ('"perc', ["P-1"]),
        ("50%", ["P-1"]),
        ("5%%", []),
        ("鋸", ["P-2"]),
        ("fr-FR", []),
        ("p-", ["P-1", "P-2", "P-3"]),
    ):
        assert found(session, "PRODUCT", text) == keys, text
    catalogue.make_attribute(session, "SIZE", names={"fr-FR": "Taille"})
    assert found(session, "ATTRIBUTE", "taill") == ["SIZE"]


def test_offers_have_no_name_and_are_found_by_their_variant_and_supplier(session: Session) -> None:
    product = catalogue.make_product(session, "P-7", variants=2)
    other = catalogue.make_variant(session, product, "P-7-V2")
    catalogue.make_offer(session, "S-1", variant=other)
    catalogue.make_offer(session, "S-2", supplier=make_supplier(session, "BOLT"))
    assert found(session, "OFFER", "p-7-v2") == ["S-1"]
    assert found(session, "OFFER", "bolt") == ["S-2"]
    assert found(session, "OFFER", "s-") == ["S-1", "S-2"]


def test_products_are_found_by_the_ids_of_their_live_variants(session: Session) -> None:
    product = catalogue.make_product(session, "P-1")
    catalogue.make_product(session, "P-2")
    drill = catalogue.make_variant(session, product, "DRILL/18", sku="SKU_77", ean="4006381333931")
    for text in ("ill/1", "sku_7", "006381"):
        assert found(session, "PRODUCT", text) == ["P-1"], text
    assert found(session, "PRODUCT", "skuu7") == []
    drill.deleted_at = database_now(session)
    session.flush()
    for text in ("ill/1", "sku_7", "006381"):
        assert found(session, "PRODUCT", text) == [], text


def test_offers_are_found_by_the_ids_of_their_live_prices(session: Session) -> None:
    catalogue.make_offer(session, "S-1")
    price = catalogue.make_price(session, catalogue.make_offer(session, "S-2"), "LIST-7")
    assert found(session, "OFFER", "list") == ["S-2"]
    price.deleted_at = database_now(session)
    session.flush()
    assert found(session, "OFFER", "list") == []


def test_letters_with_accents_are_found_in_any_case(session: Session) -> None:
    catalogue.make_product(session, "P-1", names={"fr-FR": "Étau à main"})
    catalogue.make_offer(session, "S-1", supplier=make_supplier(session, "ÉPI", name="Ölschläger"))
    make_supplier(session, "OTHER", name="Olschlager")
    make_order(session, reference="R-1", external_id="été-1")
    make_order(session, reference="R-2")
    assert found(session, "PRODUCT", "éTAU À") == ["P-1"]
    assert found(session, "SUPPLIER", "ölschLÄG") == ["ÉPI"]
    assert found(session, "OFFER", "épi") == ["S-1"]
    assert [order.reference for order in record_reads.find(session, "ORDER", search="ÉTÉ").items] == ["R-1"]
    assert [order.reference for order in order_reads.find_orders(session, search="ÉTÉ").items] == ["R-1"]


@pytest.mark.parametrize("entity", sorted(name for name, kind in RECORDS.items() if kind.deleted_by))
def test_deleted_records_are_in_no_list_and_no_count_but_can_be_had(session: Session, entity: str) -> None:
    record = make_of[entity](session, "KEY")
    assert found(session, entity, "key") == ["KEY"]
    assert record_reads.count_live(session)[entity] == 1
    record.deleted_at = database_now(session)
    session.flush()
    assert found(session, entity, "key") == []
    assert record_reads.count_live(session)[entity] == 0
    assert described(session, entity, "KEY")["deletedAt"] is not None


def test_counting_stops_above_its_limit(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_reads, "MOST_COUNTED", 2)
    for number in range(4):
        make_supplier(session, f"S-{number}")
    counted = record_reads.count_live(session)
    assert (counted["SUPPLIER"], counted["STORE"], counted["PRODUCT"]) == (3, 1, 0)
    assert list(counted) == list(RECORDS)


def test_pages_by_key_meet_every_record_once(session: Session) -> None:
    keys = ["a", "B", "b/c", "é", "10", "9", "~", "Z z", "'", "%"]
    for key in keys:
        make_supplier(session, key)
    page = record_reads.records_page(session, "SUPPLIER", size=3)
    seen = [row.external_id for row in page.items]
    while page.following:
        page = record_reads.records_page(session, "SUPPLIER", size=3, **page.following)
        seen += [row.external_id for row in page.items]
    assert sorted(seen) == sorted(keys)


def test_references_are_shown_as_external_ids_and_the_top_by_its_word(session: Session) -> None:
    top = catalogue.make_category(session, "TOOLS")
    catalogue.make_category(session, "DRILLS", parent_id=top.id)
    attribute = catalogue.make_attribute(session, "COLOR")
    catalogue.link_attribute(session, top, attribute, required=True)
    catalogue.make_offer(session, "S-1")
    assert described(session, "CLASSIFICATION_CATEGORY", "DRILLS")["fields"] == {
        "classificationExternalId": "DRILLS",
        "classificationName": "Drills",
        "classificationParentExternalId": "TOOLS",
    }
    shown = described(session, "CLASSIFICATION_CATEGORY", "TOOLS")
    assert shown["fields"]["classificationParentExternalId"] == "Root"
    (link,) = shown["parts"]["attributes"]
    assert (link["attrCode"], link["attrRequired"], link["attrEnabled"]) == ("COLOR", True, True)
    assert next(iter(link)) == "attrCode"
    offer = described(session, "OFFER", "S-1")["fields"]
    assert (offer["stockVariantId"], offer["supplierId"], offer["stockNumber"]) == ("P-1-V1", "SUP-1", 5)
    # A deleted one keeps its name where it is still referred to.
    top.deleted_at = database_now(session)
    session.flush()
    assert described(session, "PRODUCT", "P-1")["fields"]["productClassificationCategoryId"] == "TOOLS"


def test_values_are_exact_localised_and_whole(session: Session) -> None:
    make_supplier(session, "S-1", rating=Decimal("4.123456"), custom_fields={"zone": "north"})
    product = catalogue.make_product(session, "P-1", names={"en-GB": "Drill", "fr-FR": "Perceuse"})
    product.attributes = {"COLOR": ["red", "blue"]}
    catalogue.make_variant(session, product, "P-1-V1").attributes = {"SIZE": "XL"}
    catalogue.make_price(session, catalogue.make_offer(session), "EXACT", price=Decimal("999999999999.000001"))
    session.expire_all()
    supplier = described(session, "SUPPLIER", "S-1")
    assert supplier["fields"]["supplierRating"] == Decimal("4.123456")
    assert (supplier["customFields"], supplier["attributes"]) == ({"zone": "north"}, {})
    shown = described(session, "PRODUCT", "P-1")
    assert shown["fields"]["productNames"] == {"en-GB": "Drill", "fr-FR": "Perceuse"}
    assert (shown["customFields"], shown["attributes"]) == ({}, {"COLOR": ["red", "blue"]})
    assert shown["parts"]["variants"][0]["attributes"] == {"SIZE": "XL"}
    prices = described(session, "OFFER", "STOCK-1")["parts"]["prices"]
    assert [price["price"] for price in prices] == [Decimal("9.99"), Decimal("999999999999.000001")]


def test_deleted_parts_are_left_out_and_the_rest_keeps_its_order(session: Session) -> None:
    product = catalogue.make_product(session, "P-1", variants=3)
    catalogue.make_variant(session, product, "P-1-V2").deleted_at = database_now(session)
    account = make_account(session, "A-1")
    place = {"full_name": "Ada L", "country": "FR", "city": "Paris", "zip_code": "75001", "street_name": "1 Rue X"}
    session.add_all(AccountAddress(account_id=account.id, external_id=key, **place) for key in ("Z", "A"))
    session.flush()
    variants = described(session, "PRODUCT", "P-1")["parts"]["variants"]
    assert [variant["variantExternalId"] for variant in variants] == ["P-1-V1", "P-1-V3"]
    assert record_reads.count_parts(session, VARIANT, [product]) == {product.id: 2}
    addresses = described(session, "ACCOUNT", "A-1")["parts"]["addresses"]
    assert [(address["addressExternalId"], address["addressCity"]) for address in addresses] == [
        ("Z", "Paris"),
        ("A", "Paris"),
    ]


@pytest.mark.parametrize("entity", ["OFFER", "PRODUCT", "CLASSIFICATION_CATEGORY"])
def test_a_page_costs_the_same_statements_however_many_records(session: Session, entity: str) -> None:
    def cost() -> int:
        session.expire_all()
        with noted_statements(session.get_bind()) as statements:
            found = record_reads.find(session, entity, size=100).items
            assert len(record_reads.describe(session, entity, found)) == len(found)
        return len(statements)

    attribute = catalogue.make_attribute(session)
    for number in range(2):
        product = catalogue.make_product(session, f"P-{number}", category=catalogue.make_category(session, "ONE"))
        catalogue.make_offer(session, f"S-{number}", variant=catalogue.make_variant(session, product, f"V-{number}"))
        catalogue.make_tags(session, f"P-{number}", "a", "b")
        catalogue.make_relation(session, f"P-{number}", f"P-{1 - number}")
    one = catalogue.make_category(session, "ONE")
    catalogue.link_attribute(session, one, attribute)
    catalogue.make_category(session, "C-1", parent_id=one.id)
    few = cost()
    for number in range(2, 9):
        category = catalogue.make_category(session, f"C-{number}", parent_id=one.id)
        catalogue.link_attribute(session, category, attribute)
        product = catalogue.make_product(session, f"P-{number}", category=category, variants=3)
        supplier = make_supplier(session, f"SUP-{number}")
        variant = catalogue.make_variant(session, product, f"V-{number}")
        catalogue.make_offer(session, f"S-{number}", variant=variant, supplier=supplier, prices=3)
    assert cost() == few
    # Of products also their tags, and what they lead to.
    assert few <= (7 if entity == "PRODUCT" else 5)


def test_a_record_is_as_new_as_the_newest_of_its_parts(sessions: sessionmaker[Session], load: Importer) -> None:
    with sessions.begin() as session:
        catalogue.make_variant(session, catalogue.make_product(session), "V-1")
        make_supplier(session)

    def imported(*rows: dict[str, str]) -> tuple[datetime, datetime]:
        """When the first of two offers is said to have changed, and when its own fields did."""
        load("OFFER", *rows)
        with sessions() as session:
            own = record_reads.get(session, "OFFER", "S-1").updated_at
            other = described(session, "OFFER", "S-2")["updatedAt"] if len(rows) == 1 else None
            shown: datetime = described(session, "OFFER", "S-1")["updatedAt"]
            assert other is None or shown > other
            return shown, own

    shown, own = imported(offer("S-1", "P-1"), offer("S-2", "P-2"))
    assert shown == own
    for change in ({"price": "8.50"}, {"priceDeleted": "TRUE"}):
        before = shown
        shown, unchanged = imported(offer("S-1", "P-1", **change))
        assert shown > before and unchanged == own
    shown, own = imported(offer("S-1", stockNumber="6"))
    assert shown == own


def test_nothing_is_described_as_nothing(session: Session) -> None:
    for entity in RECORDS:
        assert record_reads.describe(session, entity, []) == []
    assert record_reads.count_parts(session, PRICE, []) == {}


def test_what_is_referred_to_is_found_where_it_is_shown(session: Session) -> None:
    catalogue.make_product(session, "P-1", variants=2)
    assert record_reads.holders(session, A_VARIANT, ["P-1-V2", "LOST"]) == {"P-1-V2": ("PRODUCT", "P-1")}
    assert record_reads.holders(session, A_STORE, ["default_store", "LOST"]) == {
        "default_store": ("STORE", "default_store")
    }


def test_custom_fields_are_called_by_their_names(session: Session) -> None:
    now = database_now(session)
    for entity, public_id in (("SUPPLIER", "1"), ("OFFER", "2")):
        stamps = {"public_id": public_id, "type": "TEXT", "created_at": now, "updated_at": now}
        session.add(CustomField(entity=entity, external_id="zone", name=f"Zone of {entity}", **stamps))
    session.flush()
    assert record_reads.named_custom_fields(session, ["SUPPLIER"]) == {"zone": ("Zone of SUPPLIER", "")}


@pytest.mark.parametrize("name", ["ORDER_UPDATE", "ORDER_STATUS", "store", "LOST"])
def test_unknown_entities_are_told_with_the_right_one(session: Session, name: str) -> None:
    with pytest.raises(NotFoundError) as error:
        record_reads.find(session, name)
    assert ("ORDER." in str(error.value)) == name.startswith("ORDER_")
    with pytest.raises(NotFoundError):
        record_reads.get(session, "SUPPLIER", "LOST")
