"""What changed a record, on its page and on that of an import."""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.models.custom_field import CustomField
from tests import catalogue
from tests.factories import make_order, make_supplier
from tests.webapp.conftest import ParsingClient, parse
from tests.webapp.test_records import cells, links, older, words

SignIn = Callable[[str], ParsingClient]
Sessions = sessionmaker[Session]
EMPTY = "\u2013"
IMPORT_ID = "22222222-2222-4222-8222-222222222222"


def test_what_changed_it_is_told_with_import_field_old_new_file_and_line(sign_in: SignIn, sessions: Sessions) -> None:
    with sessions.begin() as session:
        catalogue.make_offer(session, "S-1")
        source = {"execution_id": catalogue.make_import(session, IMPORT_ID).id, "file": "in/o.csv", "line": 7}
        catalogue.record_change(session, "OFFER", "S-1", "created", **source)
        changes = {"price": ["9.5", "9.99"], "priceInactive": [False, True], "unknownKey": [None, ["<b>"]]}
        catalogue.record_change(
            session, "OFFER", "S-1", changes=changes, part="prices", part_key="PRICE-1", actor="<bob>"
        )
        catalogue.record_change(session, "OFFER", "S-2", actor="nobody")
    page = sign_in("VIEWER").get("/records/OFFER/S-1").text
    assert cells(page, "What") == ["UpdatedPrices: PRICE-1", "Created"]
    updated = f"Price: 9.5 → 9.99Price Inactive: No → YesunknownKey: {EMPTY} → <b>"
    assert cells(page, "Fields") == [updated, "as it came"]
    assert cells(page, "By") == ["<bob>", "Suppliers from ERPada"]
    assert cells(page, "From") == [EMPTY, "in/o.csvline 7"]
    assert links(page)["Suppliers from ERP"] == f"/executions/{IMPORT_ID}"


def test_fields_that_other_imports_change_of_an_order_go_by_their_labels_too(
    sign_in: SignIn, sessions: Sessions
) -> None:
    with sessions.begin() as session:
        reference = make_order(session).reference
        changes = {"shippingTrackingUrl": [None, "https://a.example"], "orderLineStatus": [None, "SHIPPED"]}
        catalogue.record_change(session, "ORDER", reference, changes=changes)
    (fields,) = cells(sign_in("VIEWER").get(f"/orders/{reference}").text, "Fields")
    assert fields == f"Shipping Tracking Url: {EMPTY} → https://a.exampleOrder Line Status: {EMPTY} → SHIPPED"


def test_localised_changes_name_the_locales_that_differ_and_long_ones_are_cut(
    sign_in: SignIn, sessions: Sessions
) -> None:
    with sessions.begin() as session:
        catalogue.make_product(session, "P-1")
        names = [{"en-GB": "Drill", "fr-FR": "Perceuse"}, {"en-GB": "Drill", "fr-FR": "Foreuse", "de-DE": "Bohrer"}]
        changes = {"productNames": names, "productDescriptions": [None, {"en-GB": "x" * 501}]}
        catalogue.record_change(session, "PRODUCT", "P-1", changes=changes)
    (fields,) = cells(sign_in("VIEWER").get("/records/PRODUCT/P-1").text, "Fields")
    assert "Product Names fr-FR: Perceuse → Foreuse" in fields
    assert f"Product Names de-DE: {EMPTY} → Bohrer" in fields
    assert "Product Names en-GB" not in fields
    assert fields.endswith("x… (501 characters)")


def test_changed_custom_fields_and_attributes_go_by_their_names(sign_in: SignIn, sessions: Sessions) -> None:
    with sessions.begin() as session:
        now = database_now(session)
        make_supplier(session, "S-1")
        given = {"public_id": "one", "entity": "SUPPLIER", "external_id": "grade", "name": "Grade of quality"}
        session.add(CustomField(**given, type="NUMBER", created_at=now, updated_at=now))
        changes = {"customFields": [{"grade": "A"}, {"gone": "x"}]}
        catalogue.record_change(session, "SUPPLIER", "S-1", changes=changes)
        catalogue.make_product(session, "P-1")
        catalogue.make_attribute(session, "WEIGHT", names={"en-GB": "Net weight"}, type="METRIC", unit="kg")
        catalogue.record_change(session, "PRODUCT", "P-1", changes={"attributes": [{}, {"WEIGHT": "5"}]})
    client = sign_in("VIEWER")
    expected = f"Grade of quality: A → {EMPTY}gone: {EMPTY} → x"
    assert cells(client.get("/records/SUPPLIER/S-1").text, "Fields") == [expected]
    assert cells(client.get("/records/PRODUCT/P-1").text, "Fields") == [f"Net weight: {EMPTY} → 5 kg"]


def test_older_changes_are_a_page_further(sign_in: SignIn, sessions: Sessions) -> None:
    with sessions.begin() as session:
        make_supplier(session, "S-1")
        for number in range(22):
            catalogue.record_change(session, "SUPPLIER", "S-1", actor=f"user {number}")
    client = sign_in("VIEWER")
    first = client.get("/records/SUPPLIER/S-1").text
    assert cells(first, "By") == [f"user {number}" for number in range(21, 1, -1)]
    assert older(first).endswith("#changes")
    second = client.get(links(first)["Older"]).text
    assert cells(second, "By") == ["user 1", "user 0"] and "Older" not in links(second)
    assert cells(client.get(links(second)["Newer"]).text, "By") == cells(first, "By")
    assert client.get("/records/SUPPLIER/S-1?before=%25").status_code == 200


def test_an_import_shows_what_it_changed_by_action_and_page_by_page(sign_in: SignIn, sessions: Sessions) -> None:
    with sessions.begin() as session:
        execution = catalogue.make_import(session, IMPORT_ID)
        of_it = {"execution_id": execution.id, "file": "suppliers.csv"}
        for number in range(1, 31):
            catalogue.record_change(session, "SUPPLIER", f"S-{number}", "created", line=number + 1, **of_it)
        renamed = {"name": ["Acme", "Acme SA"]}
        catalogue.record_change(session, "SUPPLIER", "S-31", changes=renamed, line=32, **of_it)
        catalogue.record_change(session, "SUPPLIER", "S-32", "created")
    client = sign_in("VIEWER")
    address = f"/executions/{IMPORT_ID}/changes"
    page = client.get(f"{address}?action=created").text
    following = client.get(older(page)).text
    assert set(cells(page, "Fields")) == {"as it came"}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", time) for time in cells(page, "Time"))
    assert IMPORT_ID in words(parse(page).find(".//main"))
    assert links(page)["The execution"] == f"/executions/{IMPORT_ID}"
    assert cells(page, "Record") + cells(following, "Record") == [f"S-{number}" for number in range(1, 31)]
    assert cells(following, "From")[-1] == "suppliers.csvline 31"
    assert cells(client.get(links(following)["Previous"]).text, "Record") == cells(page, "Record")
    page = client.get(f"{address}?action=updated").text
    assert (cells(page, "Record"), cells(page, "Fields")) == (["S-31"], ["Supplier Name: Acme → Acme SA"])
    assert "Nothing changed" in client.get(f"{address}?action=deleted").text
    assert client.get("/executions/none/changes").status_code == 404
