"""Commerce records over JSON: read, written one by one where that is allowed, with what changed them."""

from __future__ import annotations

from decimal import Decimal
from urllib.parse import quote

import pytest
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.entities import RECORDS
from datahub.jobs import incidents, orders
from datahub.models.party import Store
from tests import catalogue
from tests.factories import make_order, make_supplier
from tests.webapp.api.conftest import Script, assert_error

PATH = "/v1/records"
Sessions = sessionmaker[Session]


def test_a_record_is_created_updated_and_read(script: Script) -> None:
    zone = {"entity": "SUPPLIER", "externalId": "zone", "name": "Delivery zone", "type": "TEXT"}
    assert script.post("/v1/custom-fields", json=zone).status_code == 201
    body = {"fields": {"name": "Acme", "supplierRating": 4.25}, "customFields": {"zone": "north"}}
    assert script.put(f"{PATH}/SUPPLIER/S%2F1", json=body).status_code == 201
    assert script.put(f"{PATH}/SUPPLIER/S%2F1", json=body).status_code == 200
    answer = script.get(f"{PATH}/SUPPLIER/S%2F1")
    assert b'"supplierRating":4.25' in answer.data
    assert (answer.json["externalId"], answer.json["customFields"]) == ("S/1", {"zone": "north"})
    assert answer.json["createdAt"].endswith("Z")
    assert script.get(f"{PATH}/SUPPLIER?search=acm").json["numberOfElements"] == 1


def test_faults_are_named_at_their_field(script: Script) -> None:
    answer = script.put(f"{PATH}/SUPPLIER/S-1", json={"fields": {"colour": 1}, "customFields": {"zone": 1}})
    assert_error(answer, 400, "fields.name", "fields.colour", "customFields.zone")
    assert_error(script.put(f"{PATH}/SUPPLIER/S-1", json={"fields": []}), 400, "fields")


def test_unknown_entities_and_records_are_told(script: Script) -> None:
    for name in ("ORDER_UPDATE", "ORDER_STATUS"):
        assert "ORDER" in assert_error(script.get(f"{PATH}/{name}"), 404)["message"]
    assert_error(script.put(f"{PATH}/LOST/1", json={}), 404)
    assert_error(script.get(f"{PATH}/STORE/unknown"), 404)
    assert_error(script.get(f"{PATH}/STORE/unknown/changes"), 404)


def test_a_record_whose_key_counts_within_a_store_is_asked_for_with_it(script: Script, sessions: Sessions) -> None:
    with sessions.begin() as session:
        now = database_now(session)
        south = Store(external_id="SOUTH", name="South", created_at=now, updated_at=now)
        session.add(south)
        catalogue.make_navigation_category(session, "HOME", names={"en-GB": "Ours"})
        theirs = catalogue.make_navigation_category(session, "HOME", store=south, names={"en-GB": "Theirs"})
        catalogue.record_change(session, "NAVIGATION_CATEGORY", "HOME", action="created", store_id=theirs.store_id)
    path = f"{PATH}/NAVIGATION_CATEGORY"
    stores = [it["fields"]["store"] for it in script.get(path).json["content"]]
    assert stores == ["default_store", "SOUTH"]
    assert [it["fields"]["store"] for it in script.get(f"{path}?store=SOUTH").json["content"]] == ["SOUTH"]
    told = script.get(f"{path}/HOME?store=SOUTH").json
    assert told["fields"] == {
        "navigationCategoryExternalId": "HOME",
        "navigationCategoryNames": {"en-GB": "Theirs"},
        "navigationCategoryParentId": "Root_default",
        "classificationCategoryCode": ["TOOLS"],
        "navigationCategoryActive": True,
        "navigationCategoryPosition": None,
        "store": "SOUTH",
    }
    changes = script.get(f"{path}/HOME/changes?store=SOUTH").json["content"]
    assert [it["action"] for it in changes] == ["created"]
    assert script.get(f"{path}/HOME/changes?store=default_store").json["content"] == []
    assert "?store=" in assert_error(script.get(f"{path}/HOME"), 400, "store")["message"]
    assert_error(script.get(f"{path}/HOME?store=EAST"), 404)


def test_orders_and_incidents_are_records_too(script: Script, sessions: Sessions) -> None:
    with sessions.begin() as session:
        order = make_order(session, reference="R/1", external_id="ERP-1", custom_fields={"po": {"value": ["7"]}})
        orders.change_status(session, order, "ACCEPTED_BY_SUPPLIER", actor="ada")
        line = order.lines[0].number
        incident = incidents.declare(session, order, reason="DAMAGED", affected=[(line, 1)], actor="ada").incident_id
        make_order(session, reference="R-2")
    answer = script.get(f"{PATH}/ORDER/R%2F1")
    assert (answer.json["externalId"], answer.json["customFields"]) == ("R/1", {"po": ["7"]})
    fields = {"orderExternalId": "ERP-1", "orderStatus": "ACCEPTED_BY_SUPPLIER", "storeExternalId": "default_store"}
    assert fields.items() <= answer.json["fields"].items()
    assert b'"netUnitPrice":100.0' in answer.data
    assert [row["orderLineId"] for row in answer.json["parts"]["orderLines"]] == [line]
    for query in ("search=erp", "externalId=R/1", "search=%2F&sort=updatedAt,desc"):
        assert [row["externalId"] for row in script.get(f"{PATH}/ORDER?{query}").json["content"]] == ["R/1"], query
    moves = script.get(f"{PATH}/ORDER/R%2F1/changes").json["content"]
    moved = {"orderStatus": ["WAITING_SUPPLIER_APPROVAL", "ACCEPTED_BY_SUPPLIER"]}
    assert [(row["action"], row["changes"], row["actor"]) for row in moves] == [("updated", moved, "ada")]
    told = script.get(f"{PATH}/INCIDENT/{incident}").json
    assert (told["fields"]["incidentStatus"], told["fields"]["orderReference"]) == ("OPEN", "R/1")
    assert told["parts"] == {"lines": [{"orderLineId": line, "quantity": 1}]}
    assert script.get(f"{PATH}/INCIDENT?search=R%2F1").json["content"] == [told]
    assert script.get(f"{PATH}/INCIDENT/{incident}/changes").json["content"][0]["action"] == "created"
    assert_error(script.get(f"{PATH}/ORDER/R-3/changes"), 404)
    assert "calls of their own" in assert_error(script.put(f"{PATH}/ORDER/R-2", json={}), 400, "entity")["message"]


@pytest.mark.parametrize("entity", RECORDS)
def test_each_entity_has_its_list_and_says_how_its_records_come(script: Script, entity: str) -> None:
    assert script.get(f"{PATH}/{entity}").json["empty"] == (entity != "STORE")
    answer = script.put(f"{PATH}/{entity}/X", json={})
    if entity in ("STORE", "SUPPLIER", "ACCOUNT"):
        assert answer.status_code == 400
        assert "entity" not in answer.json["fields"]
    else:
        assert "come by imports" in assert_error(answer, 400, "entity")["message"]


def test_an_offer_is_read_with_its_references_and_its_exact_prices(script: Script, sessions: Sessions) -> None:
    with sessions.begin() as session:
        stock = catalogue.make_offer(session, "S/1", prices=0, quantity=7)
        catalogue.make_price(session, stock, "PRICE-1", price=Decimal("123456789012.000001"))
    answer = script.get(f"{PATH}/OFFER/S%2F1")
    assert b'"price":123456789012.000001' in answer.data
    assert answer.json["fields"] == {
        "stockId": "S/1",
        "stockVariantId": "P-1-V1",
        "supplierId": "SUP-1",
        "stockNumber": 7,
        "quantityPerPack": None,
        "leadTimeToShip": None,
        "stockInactive": False,
        "storeExternalIds": ["default_store"],
    }
    (price,) = answer.json["parts"]["prices"]
    assert (price["offerPriceExternalId"], price["currency"]) == ("PRICE-1", "EUR")
    listed = script.get(f"{PATH}/OFFER?search=p-1-v").json
    assert listed["content"] == [answer.json]
    assert script.get(f"{PATH}/OFFER?externalId=S").json["empty"]
    product = script.get(f"{PATH}/PRODUCT/P-1").json
    assert product["fields"]["productNames"] == {"en-GB": "Product P-1"}
    assert product["parts"]["variants"][0]["variantExternalId"] == "P-1-V1"


def test_changes_come_newest_first_page_by_page(script: Script, sessions: Sessions) -> None:
    public_id = "22222222-2222-4222-8222-222222222222"
    with sessions.begin() as session:
        make_supplier(session, "S-1")
        execution = catalogue.make_import(session, public_id)
        source = {"execution_id": execution.id, "file": "a.csv", "line": 2}
        catalogue.record_change(session, "SUPPLIER", "S-1", "created", **source)
        changes = {"supplierRating": ["4.500001", None], "name": ["4.5", "Acme"]}
        catalogue.record_change(session, "SUPPLIER", "S-1", changes=changes, part="prices", part_key="PRICE-1")
    path = f"{PATH}/SUPPLIER/S-1/changes"
    answer = script.get(path)
    assert b'"changes":{"supplierRating":[4.500001,null],"name":["4.5","Acme"]}' in answer.data
    newest, oldest = answer.json["content"]
    assert newest.pop("at") >= oldest.pop("at")
    assert newest == {
        "action": "updated",
        "part": "prices",
        "partKey": "PRICE-1",
        "changes": {"supplierRating": [4.500001, None], "name": ["4.5", "Acme"]},
        "actor": "ada",
        "executionId": None,
        "file": None,
        "line": None,
    }
    assert (oldest["executionId"], oldest["file"], oldest["line"]) == (public_id, "a.csv", 2)
    assert (oldest["part"], oldest["partKey"], oldest["changes"]) == (None, None, None)
    second = script.get(f"{path}?page=1&size=1").json
    assert (second["content"][0]["action"], second["last"]) == ("created", True)


@pytest.mark.parametrize("key", ["a/b", "x/changes", "changes", "/", "..", "a?b#c", "é%2F", "new\nline", "x/changes/y"])
def test_any_id_can_be_asked_for_and_so_can_its_changes(script: Script, sessions: Sessions, key: str) -> None:
    with sessions.begin() as session:
        for known in {key, "x"}:
            make_supplier(session, known)
            catalogue.record_change(session, "SUPPLIER", known, actor=f"wrote {known}")
    path = f"{PATH}/SUPPLIER/{quote(key, safe='')}"
    assert script.get(path).json["externalId"] == key
    (change,) = script.get(f"{path}/changes?page=0").json["content"]
    assert change["actor"] == f"wrote {key}"
    assert script.put(path, json={"fields": {"name": "Named"}}).status_code == 200
    assert script.get(path).json["fields"]["name"] == "Named"


def test_a_filter_without_a_value_counts_as_none_given(script: Script) -> None:
    everything = script.get(f"{PATH}/STORE").json["content"]
    assert len(everything) == 1
    assert script.get(f"{PATH}/STORE?externalId=").json["content"] == everything
