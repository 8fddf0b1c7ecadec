"""The pages of records: how many there are, a list per entity, one with its parts and what changed it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from apiflask import APIFlask
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.entities import RECORDS
from datahub.jobs import general_settings, record_reads
from datahub.models.party import Supplier
from tests import catalogue
from tests.factories import make_account, make_supplier
from tests.statements import noted_statements
from tests.webapp.conftest import ParsingClient, parse
from tests.webapp.test_executions import engine_of
from webapp.filters import utc
from webapp.records import routes

SignIn = Callable[[str], ParsingClient]
Sessions = sessionmaker[Session]
EMPTY = "\u2013"
IMPORT_ID = "22222222-2222-4222-8222-222222222222"


def words(element: Any) -> str:
    return " ".join("".join(element.itertext()).split())


def cells(page: str, label: str) -> list[str]:
    return [words(cell) for cell in parse(page).iterfind(f".//td[@data-label='{label}']")]


def definitions(page: str) -> dict[str, str]:
    pairs = parse(page).iterfind(".//dl/div")
    return {words(pair.find("dt")): words(pair.find("dd")) for pair in pairs}


def links(page: str) -> dict[str, str]:
    """Addresses by what the links say."""
    return {words(link): link.get("href") for link in parse(page).iterfind(".//main//a")}


def keys(page: str, part: str) -> list[str]:
    """Of parts that are but a key."""
    return [words(item) for item in parse(page).iterfind(f".//ul[@aria-label='{part}']/li")]


def older(page: str) -> str:
    """The address of the last link below a list."""
    address: str = [link.get("href") for link in parse(page).iterfind(".//nav[@aria-label='Pages']/a")][-1]
    return address


def test_the_overview_counts_the_live_records_and_leads_to_each_list(sign_in: SignIn, sessions: Sessions) -> None:
    with sessions.begin() as session:
        catalogue.make_offer(session)
        make_supplier(session, "GONE", deleted_at=database_now(session))
    client = sign_in("VIEWER")
    page = client.get("/records").text
    cards = {words(card.find("h2")): words(card.find(".//p")) for card in parse(page).iterfind(".//main//li")}
    assert cards == {
        "Stores": "1",
        "Accounts": "0",
        "Suppliers": "1",
        "Attributes": "0",
        "Classification categories": "1",
        "Navigation categories": "0",
        "Products": "1",
        "Offers": "1",
        "Product tags": "0",
        "Related products": "0",
        "Assortments": "0",
        "Catalog views": "0",
        "Customer users": "0",
    }
    for kind in RECORDS.values():
        assert links(page)[kind.label] == f"/records/{kind.name}"
        assert client.get(f"/records/{kind.name}").status_code == 200


@pytest.mark.parametrize(
    ("entity", "told"),
    [
        ("SUPPLIER", "External id or name"),
        ("CUSTOMER_USER", "External id, name or email"),
        ("PRODUCT", "External id, name, variant id, SKU or EAN"),
        ("PRODUCT_TAG", "External id, name or tags"),
        ("OFFER", "External id, offer price id or what it refers to"),
    ],
)
def test_a_list_says_what_its_search_looks_into(sign_in: SignIn, entity: str, told: str) -> None:
    page = sign_in("VIEWER").get(f"/records/{entity}?search=nothing").text
    assert f'placeholder="{told}"' in page
    assert f"looks for the text in: {told}." in page


def test_the_overview_does_not_count_for_ever(
    sign_in: SignIn, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_reads, "MOST_COUNTED", 2)
    with sessions.begin() as session:
        for number in range(4):
            make_supplier(session, f"S-{number}")
    assert "more than 2" in sign_in("VIEWER").get("/records").text


@pytest.mark.parametrize("entity", sorted(set(RECORDS) - {"STORE"}))
def test_a_list_with_nothing_in_it_says_how_records_get_here(sign_in: SignIn, entity: str) -> None:
    page = sign_in("VIEWER").get(f"/records/{entity}").text
    assert "mports" in page
    assert (f"PUT /v1/records/{entity}/" in page) == (entity in ("SUPPLIER", "ACCOUNT"))
    assert "No record fits" in sign_in("ADMIN").get(f"/records/{entity}?search=x").text


def test_a_list_shows_what_people_know_its_records_by(sign_in: SignIn, sessions: Sessions) -> None:
    with sessions.begin() as session:
        general_settings.get(session).main_locale = "fr-FR"
        names = {"en-GB": "Drill", "fr-FR": "Perceuse"}
        product = catalogue.make_product(session, "P-1", variants=2, names=names, inactive=True)
        catalogue.make_variant(session, product, "P-1-V2").deleted_at = database_now(session)
        catalogue.make_offer(session, "STOCK-1", prices=2, quantity=14)
        make_supplier(session, "SUP-2", rating=Decimal("4.500000"))
        catalogue.make_view(session, "V-1")
        catalogue.make_view(session, "V-2", active=False)
    client = sign_in("VIEWER")
    page = client.get("/records/PRODUCT").text
    assert cells(page, "External Id") == ["P-1Perceuse"]
    assert cells(page, "Classification Category Id") == ["TOOLS"]
    assert (cells(page, "Variants"), cells(page, "State")) == (["1"], ["Inactive"])
    page = client.get("/records/OFFER").text
    assert (cells(page, "Stock Variant Id"), cells(page, "Supplier Id")) == (["P-1-V1"], ["SUP-1"])
    assert (cells(page, "Stock Number"), cells(page, "Prices")) == (["14"], ["2"])
    assert cells(client.get("/records/SUPPLIER").text, "Rating") == [EMPTY, "4.5"]
    assert cells(client.get("/records/CATALOG_VIEW").text, "State") == ["Active", "Inactive"]


def test_a_list_of_suppliers_calls_none_active_that_its_status_or_switch_holds_back(
    sign_in: SignIn, sessions: Sessions
) -> None:
    with sessions.begin() as session:
        make_supplier(session, "S-1")
        make_supplier(session, "S-2", inactive=True)
        make_supplier(session, "S-3", status="CLOSED")
        make_supplier(session, "S-4", status="SUSPENDED", inactive=True)
    page = sign_in("VIEWER").get("/records/SUPPLIER").text
    assert cells(page, "State") == ["Active", "Inactive", "Closed", "Suspended, inactive"]
    assert cells(page, "Status") == []


def test_htmx_gets_the_list_alone_and_its_address(sign_in: SignIn, sessions: Sessions) -> None:
    with sessions.begin() as session:
        make_supplier(session, "S-1", name="Acme")
        make_supplier(session, "S-2", name="Bolt")
    answer = sign_in("VIEWER").get("/records/SUPPLIER?search=bol", htmx=True)
    assert answer.text.lstrip().startswith('<div id="list" class="flow">')
    assert "Bolt" in answer.text
    assert "Acme" not in answer.text
    assert answer.headers["HX-Push-Url"] == "/records/SUPPLIER?search=bol"
    assert "HX-Request" in answer.vary


def test_the_list_goes_on_page_by_page_within_the_search(sign_in: SignIn, sessions: Sessions) -> None:
    keys = [f"S/{number:02}&" for number in range(22)]
    with sessions.begin() as session:
        for key in (*keys, "OTHER"):
            make_supplier(session, key)
    client = sign_in("VIEWER")
    first = client.get("/records/SUPPLIER?search=s/").text
    assert cells(first, "External Id") == [key + key for key in keys[:20]]
    second = client.get(older(first)).text
    assert cells(second, "External Id") == [key + key for key in keys[20:]]
    back = client.get(links(second)["Previous"]).text
    assert cells(back, "External Id") == [key + key for key in keys[:20]] and "Previous" not in links(back)


def test_lists_and_pages_cost_the_same_few_statements_however_long(
    sign_in: SignIn, app: APIFlask, sessions: Sessions
) -> None:
    client = sign_in("VIEWER")

    def cost(path: str) -> int:
        with noted_statements(engine_of(app)) as statements:
            assert client.get(path).status_code == 200
        return len(statements)

    with sessions.begin() as session:
        catalogue.make_offer(session, "S-0")
    paths = ("/records/OFFER", "/records/OFFER/S-0", "/records/PRODUCT", "/records")
    few = [cost(path) for path in paths]
    with sessions.begin() as session:
        for number in range(5):
            product = catalogue.make_product(session, f"P-1{number}", variants=2)
            variant = catalogue.make_variant(session, product, f"V-{number}")
            catalogue.make_offer(session, f"S-{number}", variant=variant, prices=4)
            catalogue.record_change(session, "OFFER", "S-0", changes={"stockNumber": [1, number]})
    assert [cost(path) for path in paths] == few


@pytest.mark.parametrize("key", ["a/b", "../../etc/passwd", ".", "é ~?#%2f&", "<b>x</b>", "x/changes", "~41"])
def test_a_record_with_an_odd_id_has_its_page(sign_in: SignIn, sessions: Sessions, key: str) -> None:
    with sessions.begin() as session:
        make_supplier(session, key, name="Acme")
    client = sign_in("VIEWER")
    page = client.get(links(client.get("/records/SUPPLIER").text)[key])
    assert page.status_code == 200
    assert words(parse(page.text).find(".//main//code")) == key


@pytest.mark.parametrize(("entity", "pages"), [("ORDER", "/orders"), ("INCIDENT", "/incidents")])
def test_orders_and_incidents_lead_to_pages_of_their_own(sign_in: SignIn, entity: str, pages: str) -> None:
    client = sign_in("VIEWER")
    for rest in ("", "/A-1"):
        answer = client.get(f"/records/{entity}{rest}")
        assert (answer.status_code, answer.location) == (303, f"{pages}{rest}")


def test_unknown_entities_and_records_are_404s(sign_in: SignIn) -> None:
    client = sign_in("ADMIN")
    for path in ("LOST", "supplier", "ORDER_STATUS", "SUPPLIER/LOST", "SUPPLIER/~ff", "LOST/X"):
        assert client.get(f"/records/{path}").status_code == 404, path
    assert "those of ORDER" in client.get("/records/ORDER_STATUS").text


def test_the_page_shows_every_field_with_its_label(sign_in: SignIn, sessions: Sessions) -> None:
    with sessions.begin() as session:
        make_account(session, "A/1")
        custom = {"zone": "north", "tags": ["<i>", "b"], "motto": {"fr-FR": "Oui"}}
        values = {"rating": Decimal("4.25"), "accounts": ["A/1", "LOST"], "description": "long " * 100}
        make_supplier(session, "S-1", name="Acme", custom_fields=custom, **values)
    page = sign_in("VIEWER").get("/records/SUPPLIER/S-1").text
    shown = definitions(page)
    assert {item.label for item in RECORDS["SUPPLIER"].fields} <= set(shown)
    assert shown["Supplier Rating"] == "4.25"
    assert (shown["Mark Supplier as Inactive"], shown["Logo"], shown["Total Offers"]) == ("No", EMPTY, "0")
    assert shown["Description"] == ("long " * 100).strip()
    assert (shown["zone"], shown["tags"], shown["motto"]) == ("north", "<i>, b", "fr-FR Oui")
    # What does not exist has no page to lead to.
    assert shown["Account External Id"] == "A/1, LOST"
    assert links(page)["A/1"] == "/records/ACCOUNT/A~2f1"
    assert "LOST" not in links(page)


def test_list_and_page_say_when_a_part_was_updated_last(sign_in: SignIn, sessions: Sessions) -> None:
    with sessions.begin() as session:
        catalogue.make_offer(session, "STOCK-1")
        later = database_now(session) + timedelta(days=1)
        catalogue.record_change(session, "OFFER", "STOCK-1", part="prices", part_key="STOCK-1-P1", at=later)
    client = sign_in("VIEWER")
    assert cells(client.get("/records/OFFER").text, "Updated") == [utc(later)]
    assert f"updated {utc(later)} UTC" in words(parse(client.get("/records/OFFER/STOCK-1").text).find(".//main"))


def test_references_lead_to_the_record_that_shows_them(sign_in: SignIn, sessions: Sessions) -> None:
    with sessions.begin() as session:
        catalogue.make_offer(session, "STOCK-1")
        attribute = catalogue.make_attribute(session, "COLOR")
        catalogue.link_attribute(session, catalogue.make_category(session, "TOOLS"), attribute)
    client = sign_in("VIEWER")
    offer = links(client.get("/records/OFFER/STOCK-1").text)
    assert (offer["P-1-V1"], offer["SUP-1"]) == ("/records/PRODUCT/P-1", "/records/SUPPLIER/SUP-1")
    assert links(client.get("/records/PRODUCT/P-1").text)["TOOLS"] == "/records/CLASSIFICATION_CATEGORY/TOOLS"
    category = client.get("/records/CLASSIFICATION_CATEGORY/TOOLS").text
    assert links(category)["COLOR"] == "/records/ATTRIBUTE/COLOR"
    assert definitions(category)["Classification Parent External Id"] == "Root"


def test_a_product_shows_its_tags_and_relations_and_what_changed_them(sign_in: SignIn, sessions: Sessions) -> None:
    with sessions.begin() as session:
        catalogue.make_tags(session, "P-1", "sale", "50 % off").attributes = {"COLOR": ["red"]}
        catalogue.make_relation(session, "P-1", "P/2")
        now = database_now(session)
        catalogue.record_change(session, "PRODUCT_TAG", "P-1", "created", part="tags", part_key="sale", at=now)
    client = sign_in("VIEWER")
    page = client.get("/records/PRODUCT/P-1").text
    assert (keys(page, "Tags"), keys(page, "Related products")) == (["sale", "50 % off"], ["P/2"])
    assert links(page)["P/2"] == "/records/PRODUCT/P~2f2"
    assert cells(client.get(links(page)["50 % off"]).text, "External Id") == ["P-1Product P-1"]
    assert cells(page, "What") == ["CreatedTags: sale"]
    for entity, label in (("PRODUCT_TAG", "Tags"), ("RELATED_PRODUCT", "Related products")):
        found = client.get(f"/records/{entity}").text
        assert cells(found, label) == [str(len(keys(page, label)))]
        own = client.get(links(found)["P-1"]).text
        assert (keys(own, label), links(own)["P-1"]) == (keys(page, label), "/records/PRODUCT/P-1")
        assert ("COLOR" in page, "COLOR" in own) == (True, False)


def test_parts_are_a_table_without_empty_columns(
    sign_in: SignIn, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sessions.begin() as session:
        stock = catalogue.make_offer(session, "STOCK-1", prices=0)
        catalogue.make_price(session, stock, "PRICE-1", price=Decimal("9.9"), ranges=[["10", "9.50"], ["100", "9"]])
        catalogue.make_price(session, stock, "PRICE-2", price=Decimal(100))
        product = catalogue.make_product(session, "P-1")
        catalogue.make_attribute(session, "WEIGHT", names={"en-GB": "Net weight"})
        product.attributes = {"WEIGHT": "1 kg"}
        catalogue.make_variant(session, product, "P-1-V1").attributes = {"COLOR": ["red", "blue"]}
    client = sign_in("VIEWER")
    page = client.get("/records/OFFER/STOCK-1").text
    assert cells(page, "Offer Price External Id") == ["PRICE-1", "PRICE-2"]
    assert cells(page, "Price") == ["9.9", "100"]
    assert cells(page, "Ranges") == ["10:9.50, 100:9", EMPTY]
    assert cells(page, "Type Value") == []
    page = client.get("/records/PRODUCT/P-1").text
    assert definitions(page)["Net weight"] == "1 kg"
    assert cells(page, "Attributes") == ["COLOR red, blue"]
    monkeypatch.setattr(routes, "MOST_PARTS", 1)
    page = client.get("/records/OFFER/STOCK-1").text
    assert cells(page, "Price") == ["9.9"]
    assert "The first 1; the JSON API gives all." in page


def test_a_value_that_is_an_address_elsewhere_is_a_link_to_it(sign_in: SignIn, sessions: Sessions) -> None:
    images = ["https://images.example/a?b=1&c=2", "http://images.example/b"]
    with sessions.begin() as session:
        product = catalogue.make_product(session, "P-1", brand="https://brand.example but no address")
        variant = catalogue.make_variant(session, product, "P-1-V1")
        variant.main_image_url, variant.additional_images = "javascript:alert(1)", images
        changes = {"variantMainImageUrl": [None, images[0]]}
        catalogue.record_change(session, "PRODUCT", "P-1", part="variants", part_key="P-1-V1", changes=changes)
    page = sign_in("VIEWER").get("/records/PRODUCT/P-1").text
    found = [link for link in parse(page).iter("a") if link.get("rel") == "noreferrer"]
    assert [(link.get("href"), link.get("title"), link.text) for link in found] == [(it, it, it) for it in images]


def test_numbers_of_attributes_bear_their_unit_on_products_and_variants(sign_in: SignIn, sessions: Sessions) -> None:
    with sessions.begin() as session:
        product = catalogue.make_product(session, "P-1")
        catalogue.make_attribute(session, "WEIGHT", names={"en-GB": "Net weight"}, type="METRIC", unit="kg")
        catalogue.make_attribute(session, "NOTE", names={"en-GB": "Note"}, type="TEXT", unit="kg")
        product.attributes = {"WEIGHT": "5", "NOTE": {"en-GB": "ok"}}
        variant = catalogue.make_variant(session, product, "P-1-V1")
        variant.attributes = {"WEIGHT": "6", "NOTE": {"en-GB": "fine"}}
    page = sign_in("VIEWER").get("/records/PRODUCT/P-1").text
    assert (definitions(page)["Net weight"], definitions(page)["Note"]) == ("5 kg", "en-GB ok")
    assert cells(page, "Attributes") == ["Net weight 6 kgNote fine (en-GB)"]


def test_a_deleted_record_says_so(sign_in: SignIn, sessions: Sessions) -> None:
    with sessions.begin() as session:
        supplier: Supplier = make_supplier(session, "S-1")
        supplier.deleted_at = database_now(session)
    client = sign_in("VIEWER")
    assert "This record was deleted on" in client.get("/records/SUPPLIER/S-1").text
    assert "S-1" not in client.get("/records/SUPPLIER").text


def test_parts_of_which_only_keys_are_known_are_a_list_of_links(
    sign_in: SignIn, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sessions.begin() as session:
        assortment = catalogue.make_assortment(session, "RANGE")
        for number in (1, 2):
            catalogue.put_into(session, assortment, catalogue.make_product(session, f"P-{number}", variants=1))
    client = sign_in("VIEWER")
    page = client.get("/records/ASSORTMENT/RANGE").text
    assert {links(page)[key] for key in ("P-1", "P-1-V1")} == {"/records/PRODUCT/P-1"}
    lists = {found.get("aria-label"): len(found) for found in parse(page).iterfind(".//main//ul[@class='keys']")}
    assert lists == {"Products": 2, "Variants": 2}
    monkeypatch.setattr(routes, "MOST_PARTS", 1)
    page = client.get("/records/ASSORTMENT/RANGE").text
    assert "The first 1; the JSON API gives all." in page and "P-2" not in links(page)
