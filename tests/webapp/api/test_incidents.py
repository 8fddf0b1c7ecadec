"""Incidents over JSON."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy.orm import Session, sessionmaker

from datahub.models.order import Order
from tests.factories import make_order
from tests.webapp.api.conftest import Script, assert_error

INCIDENTS = "/v1/incidents"


@pytest.fixture
def order(sessions: sessionmaker[Session]) -> Order:
    with sessions.begin() as session:
        return make_order(session, reference="a/b-1", lines=2)


@pytest.fixture
def path() -> str:
    return "/v1/orders/a%2Fb-1/incidents"


def test_an_incident_is_declared_read_listed_and_moved(script: Script, order: Order, path: str) -> None:
    line = {"orderLineId": order.lines[1].number, "quantity": 1}
    made = script.post(path, json={"reason": "DAMAGED", "lines": [line]})
    assert made.status_code == 201
    told = made.json
    assert uuid.UUID(told["incidentId"]).version == 4
    assert told["customFields"] == {}
    shown = (told["orderReference"], told["status"], told["reason"], told["linkedType"], told["lines"])
    assert shown == ("a/b-1", "OPEN", "DAMAGED", "ORDERLINES", [line])
    address = f"{INCIDENTS}/{told['incidentId']}"
    assert script.get(address).json == told
    assert script.get(f"{INCIDENTS}?orderReference=a/b-1&statuses=OPEN&sort=updatedAt").json["content"] == [told]
    assert script.get(f"{INCIDENTS}?statuses=CLOSED").json["empty"]
    moved = script.patch(address, json={"status": "ON_GOING"})
    assert (moved.status_code, moved.json["status"]) == (200, "ON_GOING")
    assert script.patch(address, json={"status": "ON_GOING"}).status_code == 200
    assert_error(script.patch(address, json={"status": "OPEN"}), 409)
    assert_error(script.patch(address, json={"status": "LOST"}), 400, "status")


def test_what_others_call_an_incident_is_kept_and_given_to_one_only(script: Script, order: Order, path: str) -> None:
    told = script.post(path, json={"reason": "DAMAGED", "externalId": "DESK-1"}).json
    assert told["externalId"] == "DESK-1"
    record = script.get(f"/v1/records/INCIDENT/{told['incidentId']}").json
    assert record["fields"]["incidentExternalId"] == "DESK-1"
    assert script.get("/v1/records/INCIDENT?search=desk").json["content"] == [record]
    assert_error(script.post(path, json={"reason": "DAMAGED", "externalId": "DESK-1"}), 409, "externalId")
    assert_error(script.post(path, json={"reason": "DAMAGED", "externalId": "x" * 256}), 400, "externalId")
    assert script.post(path, json={"reason": "DAMAGED"}).json["externalId"] is None


def test_a_declared_incident_shows_on_the_order_and_on_its_line(script: Script, order: Order, path: str) -> None:
    before = script.get("/v1/orders/a%2Fb-1").json
    assert before["incidentDeclared"] == "false"
    script.post(path, json={"reason": "MISSING", "lines": [{"orderLineId": order.lines[0].number, "quantity": 1}]})
    after = script.get("/v1/orders/a%2Fb-1").json
    assert after["incidentDeclared"] == "true"
    assert [line["incidentDeclared"] for line in after["lines"]["line"]] == ["true", "false"]


def test_faults_of_an_incident_are_named_as_they_were_written(script: Script, order: Order, path: str) -> None:
    number = order.lines[0].number
    lines = [{"orderLineId": number, "quantity": 9}, {"orderLineId": "none", "quantity": 1}]
    answer = script.post(path, json={"reason": "", "lines": lines})
    assert answer.status_code == 400
    assert set(answer.json["fields"]) == {"reason", "lines.0.quantity", "lines.1.orderLineId"}
    assert_error(script.post(path, json={"reason": "LATE", "colour": 1}), 400, "colour")
    assert_error(script.post("/v1/orders/none/incidents", json={"reason": "LATE"}), 404)
    assert_error(script.get(f"{INCIDENTS}/none"), 404)
    assert script.get(INCIDENTS).json["empty"]
