"""What is published in docs/ describes every file that is written, whatever the order."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.formats import FORMATS
from datahub.models.order import ORDER_STATUSES, PAYMENT_STATUSES
from datahub.models.order_document import PAYMENT_OPTIONS
from datahub.orders.intake import read_order
from datahub.orders.snapshot import build_document
from tests.orders import (
    EXAMPLE_JSON,
    EXAMPLE_XML,
    add_parties,
    body_of_json_example,
    body_of_xml_example,
    make_order,
    small_body,
)

DOCS = Path(__file__).parents[3] / "docs"
XSD = etree.XMLSchema(etree.parse(DOCS / "order-export.xsd"))
JSON_SCHEMA = jsonschema.Draft202012Validator(json.loads((DOCS / "order-export.schema.json").read_text()))

texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"))
short = st.none() | texts.map(lambda text: text[:200])
money = st.decimals(min_value=0, max_value=10**6, places=2)
rates = st.decimals(min_value=0, max_value=100, places=2)
addresses = st.fixed_dictionaries({}, optional=dict.fromkeys(("externalId", "country", "address", "zipcode"), short))
simple = st.fixed_dictionaries({"type": st.just("TEXT"), "simpleValue": texts})
listed = st.fixed_dictionaries(
    {"type": st.just("LIST_TEXT"), "listValue": st.fixed_dictionaries({"value": st.lists(texts, max_size=3)})}
)
custom_fields = st.dictionaries(st.from_regex("[A-Za-z_]{1,20}", fullmatch=True), simple | listed, max_size=3).map(
    lambda fields: {"customField": [{"externalId": name, **field} for name, field in fields.items()]}
)
lines = st.fixed_dictionaries(
    {
        "quantity": st.integers(1, 1000),
        "orderLogisticLinePriceDto": st.fixed_dictionaries(
            {"price": money}, optional={"taxRate": rates, "typeValue": short, "shippingPriceWithoutTaxes": money}
        ),
    },
    optional={
        "orderLogisticLineProductDto": st.fixed_dictionaries({}, optional={"name": short, "brand": short}),
        "status": st.none() | st.sampled_from(ORDER_STATUSES),
        "paymentStatus": st.sampled_from(PAYMENT_STATUSES),
        "incidentDeclared": st.sampled_from([True, False, "true", "false"]),
        "customFieldValues": custom_fields,
    },
)
changes = st.fixed_dictionaries(
    {"lines": st.fixed_dictionaries({"line": st.lists(lines, min_size=1, max_size=3)})},
    optional={
        "status": st.sampled_from(ORDER_STATUSES),
        "paymentStatus": st.sampled_from(PAYMENT_STATUSES),
        "paymentOption": st.sampled_from(PAYMENT_OPTIONS),
        "shippingAddressSnapshot": addresses,
        "initialPrice": money,
        "orderOrigin": short,
        "leadTimeToShip": st.integers(0, 400),
        "customFieldValues": custom_fields,
        "payments": st.fixed_dictionaries(
            {"payment": st.lists(st.fixed_dictionaries({"amount": money, "transactionId": short}), max_size=2)}
        ),
    },
)


def assert_valid(document: dict[str, Any]) -> None:
    XSD.assertValid(etree.fromstring(FORMATS["XML"].render(document)))
    JSON_SCHEMA.validate(json.loads(FORMATS["JSON"].render(document)))


def test_examples_themselves_are_valid() -> None:
    XSD.assertValid(etree.fromstring(EXAMPLE_XML))
    JSON_SCHEMA.validate(json.loads(EXAMPLE_JSON))


@pytest.mark.parametrize(
    "body", [body_of_json_example(), body_of_xml_example(), small_body()], ids=["json", "xml", "small"]
)
def test_every_order_is_valid_in_both_formats(session: Session, body: dict[str, Any]) -> None:
    add_parties(session)
    assert_valid(build_document(make_order(session, body)))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=changes)
def test_any_order_is_valid_in_both_formats(sessions: sessionmaker[Session], changes: dict[str, Any]) -> None:
    with sessions() as session:
        add_parties(session)
        assert_valid(build_document(read_order(session, small_body(**changes), now=database_now(session))))


@pytest.mark.parametrize("field", ["reference", "status", "lines"])
def test_schemas_refuse_an_order_without_its_essentials(field: str) -> None:
    broken = json.loads(EXAMPLE_JSON)
    del broken[field]
    assert not JSON_SCHEMA.is_valid(broken)
    root = etree.fromstring(EXAMPLE_XML)
    root.remove(root.find(f"{{*}}{field}"))
    assert not XSD.validate(root)


def test_amounts_of_any_size_that_the_database_holds_are_valid(session: Session) -> None:
    add_parties(session)
    line = {"quantity": 1, "orderLogisticLinePriceDto": {"price": Decimal("900000000000")}}
    body = small_body(initialPrice=Decimal("0.000001"), lines={"line": [line]})
    assert_valid(build_document(make_order(session, body)))
