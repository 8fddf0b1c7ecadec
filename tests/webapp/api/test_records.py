"""Stores, suppliers and accounts over JSON."""

from __future__ import annotations

from tests.webapp.api.conftest import Script, assert_error

PATH = "/v1/records"


def test_a_record_is_created_updated_and_read(script: Script) -> None:
    body = {"fields": {"name": "Acme", "supplierRating": 4.25}, "customFields": {"zone": "north"}}
    assert script.put(f"{PATH}/SUPPLIER/S%2F1", json=body).status_code == 201
    assert script.put(f"{PATH}/SUPPLIER/S%2F1", json=body).status_code == 200
    answer = script.get(f"{PATH}/SUPPLIER/S%2F1")
    assert b'"supplierRating":4.25' in answer.data
    assert (answer.json["externalId"], answer.json["customFields"]) == ("S/1", {"zone": "north"})
    assert answer.json["createdAt"].endswith("Z")
    assert script.get(f"{PATH}/SUPPLIER?search=acm").json["numberOfElements"] == 1


def test_faults_are_named_at_their_field(script: Script) -> None:
    answer = script.put(f"{PATH}/SUPPLIER/S-1", json={"fields": {"colour": 1}, "customFields": {"a b": 1}})
    assert_error(answer, 400, "fields.name", "fields.colour", "customFields.a b")
    assert_error(script.put(f"{PATH}/SUPPLIER/S-1", json={"fields": []}), 400, "fields")


def test_unknown_entities_and_records_are_told(script: Script) -> None:
    for name in ("ORDER_UPDATE", "ORDER_STATUS"):
        assert "ORDER" in assert_error(script.get(f"{PATH}/{name}"), 404)["message"]
    assert_error(script.put(f"{PATH}/LOST/1", json={}), 404)
    assert_error(script.get(f"{PATH}/STORE/unknown"), 404)
