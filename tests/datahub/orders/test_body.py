"""The shape of a body: every fault at its field, before anything is looked up."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from datahub.faults import Faults
from datahub.orders.body import read_body
from tests.orders import PRICES, body_of_json_example, body_of_xml_example, priced, small_body, small_line

D = Decimal


def custom(*fields: Any) -> dict[str, Any]:
    return {"customField": list(fields)}


def faults_of(body: dict[str, Any]) -> dict[str, list[str]]:
    faults = Faults()
    read_body(body, faults)
    return faults.fields


@pytest.mark.parametrize("body", [small_body(), body_of_json_example(), body_of_xml_example()])
def test_sound_body_has_no_fault(body: dict[str, Any]) -> None:
    assert faults_of(body) == {}


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"lines": []}, "lines"),
        ({"lines": {"line": [], "more": 1}}, "lines"),
        ({"lines": {"line": [5]}}, "lines.line[0]"),
        ({"lines": {"line": [{}] * 10_001}}, "lines.line"),
        ({"lines": small_line(quantity=True)}, "lines.line[0].quantity"),
        ({"lines": small_line(quantity=D("1.5"))}, "lines.line[0].quantity"),
        ({"lines": small_line(quantity=2**53)}, "lines.line[0].quantity"),
        ({"lines": priced(price="3.49")}, f"{PRICES}.price"),
        ({"lines": priced(price=True)}, f"{PRICES}.price"),
        ({"lines": priced(price=3.49)}, f"{PRICES}.price"),
        ({"lines": priced(price=D("NaN"))}, f"{PRICES}.price"),
        ({"lines": priced(price=D("Infinity"))}, f"{PRICES}.price"),
        ({"lines": priced(price=D("1e999999"))}, f"{PRICES}.price"),
        ({"lines": priced(price=D("1e-999999"))}, f"{PRICES}.price"),
        ({"lines": priced(price=D(10) ** 12)}, f"{PRICES}.price"),
        ({"lines": priced(price=10**5000)}, f"{PRICES}.price"),
        ({"lines": priced(price=D("0.0000001"))}, f"{PRICES}.price"),
        ({"lines": priced(taxInformation="x")}, f"{PRICES}.taxInformation"),
        ({"orderLogisticPrices": {"currency": "euro"}}, "orderLogisticPrices.currency"),
        ({"orderLogisticPrices": []}, "orderLogisticPrices"),
        ({"reference": "x" * 256}, "reference"),
        ({"reference": "a\0b"}, "reference"),
        ({"reference": "\ud800"}, "reference"),
        ({"reference": 5}, "reference"),
        ({"id": "x" * 51}, "id"),
        ({"status": 3}, "status"),
        ({"paymentStatus": "PAYED"}, "paymentStatus"),
        ({"paymentOption": "CASH"}, "paymentOption"),
        ({"incidentDeclared": 1}, "incidentDeclared"),
        ({"incidentDeclared": "TRUE"}, "incidentDeclared"),
        ({"incidentDeclared": []}, "incidentDeclared"),
        ({"createdAt": "2024-05-28"}, "createdAt"),
        ({"createdAt": "2024-05-28T15:01:29"}, "createdAt"),
        ({"createdAt": "0001-01-01T00:00:00+05:00"}, "createdAt"),
        ({"createdAt": 1}, "createdAt"),
        ({"leadTimeToShip": -1}, "leadTimeToShip"),
        ({"supplierSnapshot": "2007"}, "supplierSnapshot"),
        ({"supplierSnapshot": {"externalId": 2007}}, "supplierSnapshot.externalId"),
        ({"customFieldValues": custom({"externalId": "a", "type": "TEXT"})}, "customFieldValues.customField[0]"),
        (
            {"customFieldValues": custom({"type": "T", "simpleValue": "x"})},
            "customFieldValues.customField[0].externalId",
        ),
        (
            {"customFieldValues": custom({"externalId": "a", "type": "T", "simpleValue": "\0"})},
            "customFieldValues.customField[0].simpleValue",
        ),
        (
            {"customFieldValues": custom({"externalId": "a", "type": "T", "listValue": {"value": ["x", 5]}})},
            "customFieldValues.customField[0].listValue.value[1]",
        ),
        (
            {"customFieldValues": custom({"externalId": "a", "type": "T", "simpleValue": "x", "unit": "m"})},
            "customFieldValues.customField[0].unit",
        ),
        (
            {"customFieldValues": custom(*[{"externalId": "a", "type": "T", "simpleValue": "x"}] * 2)},
            "customFieldValues.customField[1].externalId",
        ),
    ],
)
def test_fault_is_told_at_its_field(changes: dict[str, Any], path: str) -> None:
    assert list(faults_of(small_body(**changes))) == [path]
