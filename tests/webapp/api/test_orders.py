"""Orders over JSON, in the shape of the exported document."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy.orm import Session, sessionmaker

from datahub.models.export_job import ExportJob
from tests.factories import make_account, make_order, make_supplier
from tests.webapp.api.conftest import Script, assert_error

ORDERS = "/v1/orders"
EXAMPLE = Path(__file__).parents[2] / "fixtures" / "orders" / "order.json"


@pytest.fixture
def document(sessions: sessionmaker[Session]) -> dict[str, Any]:
    """The published example; its supplier and its account exist."""
    found: dict[str, Any] = json.loads(EXAMPLE.read_text(), parse_float=Decimal)
    with sessions.begin() as session:
        make_supplier(session, found["supplierSnapshot"]["externalId"])
        make_account(session, found["customerUserSnapshot"]["accountExternalId"])
    return found


def test_an_order_comes_back_as_it_was_sent_to_the_last_digit_and_key(script: Script, document: dict[str, Any]) -> None:
    made = script.post(ORDERS, data=EXAMPLE.read_bytes(), content_type="application/json")
    assert (made.status_code, made.json) == (201, {"reference": document["reference"]})
    shown = script.get(f"{ORDERS}/{document['reference']}")
    read = json.loads(shown.data, parse_float=Decimal)
    assert read == document
    assert list(read) == list(document)
    assert b'"totalShippingFeesWithoutTax": 5.0' in shown.data
    again = script.post(ORDERS, data=EXAMPLE.read_bytes(), content_type="application/json")
    assert_error(again, 409, "reference")


def test_faults_of_an_order_are_named(script: Script) -> None:
    answer = script.post(ORDERS, json={"status": "LOST", "colour": 1})
    assert answer.status_code == 400
    assert {"status", "colour"} <= set(answer.json["fields"])
    assert script.get(ORDERS).json["empty"]


def test_a_status_moves_by_the_life_cycle_and_names_its_exports(
    script: Script, job: ExportJob, sessions: sessionmaker[Session]
) -> None:
    with sessions.begin() as session:
        path = f"{ORDERS}/{make_order(session).reference}"
    moved = script.patch(path, json={"status": "ACCEPTED_BY_SUPPLIER"})
    assert (moved.status_code, moved.json["status"]) == (200, "ACCEPTED_BY_SUPPLIER")
    (export,) = moved.json["exports"]
    assert script.get(f"/v2/jobouts/{job.public_id}/executions/{export}").status_code == 200
    assert script.patch(path, json={"status": "ACCEPTED_BY_SUPPLIER"}).json["exports"] == []
    assert_error(script.patch(path, json={"status": "DRAFT_ORDER"}), 409)
    assert_error(script.patch(path, json={"status": "LOST"}), 400, "status")
    assert_error(script.patch(f"{ORDERS}/unknown", json={"status": "SHIPPED"}), 404)


def test_a_reference_with_slashes_is_reached(script: Script, sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        make_order(session, reference="a//b%c/1")
    assert script.get(f"{ORDERS}/a%2F%2Fb%25c%2F1").json["reference"] == "a//b%c/1"


def test_the_list_shows_sums_exactly_and_newest_first(script: Script, sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        make_order(session, total_price_with_tax=Decimal("123456789012.34"))
        make_order(session, reference="x_1", status="SHIPPED")
    answer = script.get(ORDERS)
    assert b'"totalPriceWithTax": 123456789012.34' in answer.data
    assert script.get(f"{ORDERS}?search=X_").json["content"][0]["reference"] == "x_1"
    assert script.get(f"{ORDERS}?statuses=SHIPPED&sort=reference").json["numberOfElements"] == 1


def addressed(document: dict[str, Any], reference: str) -> dict[str, Any]:
    return document | {"reference": reference, "id": None, "externalId": None, "orderCommercialReference": None}


@pytest.mark.parametrize("reference", ["a/b", "//a", "line\nbreak", "../x", "%2F", "é ß"])
def test_an_order_is_found_under_whatever_reference_it_came_with(
    script: Script, document: dict[str, Any], reference: str
) -> None:
    text = json.dumps(addressed(document, reference), default=float)
    assert script.post(ORDERS, data=text, content_type="application/json").status_code == 201
    path = f"{ORDERS}/{quote(reference, safe='')}"
    assert script.get(path).json["reference"] == reference
    assert script.patch(path, json={"status": "CANCELED"}).status_code == 200


@pytest.mark.parametrize("reference", [".", ".."])
def test_a_reference_that_no_address_can_name_is_refused(
    script: Script, document: dict[str, Any], reference: str
) -> None:
    text = json.dumps(addressed(document, reference), default=float)
    assert_error(script.post(ORDERS, data=text, content_type="application/json"), 400, "reference")


def test_the_list_holds_orders_in_the_shape_of_one(script: Script, document: dict[str, Any]) -> None:
    script.post(ORDERS, data=EXAMPLE.read_bytes(), content_type="application/json")
    one = script.get(f"{ORDERS}/{document['reference']}").json
    assert script.get(ORDERS).json["content"] == [one]
