"""An order made from each example's values is written as that example again."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from lxml import etree
from sqlalchemy.orm import Session, sessionmaker

from datahub.formats import FORMATS
from datahub.models.order import Order
from datahub.orders.snapshot import build_document
from tests.orders import (
    EXAMPLE_JSON,
    EXAMPLE_XML,
    add_parties,
    body_of_json_example,
    body_of_xml_example,
    make_order,
    parse,
    small_body,
)


def stored_document(sessions: sessionmaker[Session], body: dict[str, Any]) -> dict[str, Any]:
    """The document of an order that went through the database and back, and through JSON."""
    with sessions.begin() as session:
        add_parties(session)
        order_id = make_order(session, body).id
    with sessions() as session:
        order = session.get_one(Order, order_id)
        document: dict[str, Any] = json.loads(json.dumps(build_document(order)))
        return document


def canonical(text: bytes) -> str:
    root = etree.fromstring(text, etree.XMLParser(remove_blank_text=True))
    return str(etree.tostring(root, method="c14n").decode())


def pairs(text: bytes) -> Any:
    """Objects as lists of pairs, so that equality sees the order of keys."""
    return json.loads(text, parse_float=Decimal, object_pairs_hook=list)


def test_order_of_the_xml_example_is_written_as_that_example(sessions: sessionmaker[Session]) -> None:
    written = FORMATS["XML"].render(stored_document(sessions, body_of_xml_example()))
    assert canonical(written) == canonical(EXAMPLE_XML)
    assert written == EXAMPLE_XML


def test_order_of_the_json_example_is_written_as_that_example(sessions: sessionmaker[Session]) -> None:
    written = FORMATS["JSON"].render(stored_document(sessions, body_of_json_example()))
    assert pairs(written) == pairs(EXAMPLE_JSON)
    for number in (b'"quantityPerItem": 1.0,', b'"totalTaxes": 1.45', b'"totalSales": 0,', b'"taxRate": 20.0,'):
        assert number in written


def test_json_carries_payments_and_lead_time_only_when_they_are_set(sessions: sessionmaker[Session]) -> None:
    written = parse(FORMATS["JSON"].render(stored_document(sessions, body_of_xml_example() | {"leadTimeToShip": 3})))
    keys = list(written)
    assert "id" not in keys
    assert keys[keys.index("paymentStatus") + 1] == "payments"
    assert keys[-2:] == ["leadTimeToShip", "customFieldValues"]
    assert written["payments"] == {
        "payment": [{"amount": Decimal("140.94"), "transactionId": "payin_m_01JQ4C4CG458102RSA1T6JRY5F"}]
    }
    assert set(keys) - set(parse(EXAMPLE_JSON)) == {"payments", "leadTimeToShip"}
    assert written["customFieldValues"]["customField"][3] == {
        "externalId": "typelivraison",
        "type": "LIST_TEXT",
        "listValue": {"value": ["Classic"]},
    }


def test_xml_carries_what_only_the_json_example_shows(sessions: sessionmaker[Session]) -> None:
    body = body_of_json_example() | {"externalId": "EXT-1", "initialPrice": Decimal("9.9"), "leadTimeToShip": 3}
    root = etree.fromstring(FORMATS["XML"].render(stored_document(sessions, body)))
    names = [etree.QName(child).localname for child in root]
    assert names[3:6] == ["id", "externalId", "orderCommercialReference"]
    assert names[names.index("orderLogisticPrices") :] == [
        "orderLogisticPrices",
        "initialPrice",
        "lines",
        "orderOrigin",
        "shippingType",
        "partiallyDeclinedBySupplier",
        "leadTimeToShip",
        "customFieldValues",
    ]
    assert root.findtext("{*}initialPrice") == "9.9"


@pytest.mark.parametrize("name", FORMATS)
def test_document_survives_the_database_unchanged(sessions: sessionmaker[Session], name: str) -> None:
    with sessions.begin() as session:
        add_parties(session)
        order = make_order(session, small_body())
        before = build_document(order)
        order_id = order.id
    with sessions() as session:
        after = build_document(session.get_one(Order, order_id))
    assert FORMATS[name].render(after) == FORMATS[name].render(before)
    assert after == before


def test_order_without_addresses_keeps_the_keys_in_json_and_leaves_them_out_of_xml(session: Session) -> None:
    add_parties(session)
    account = {"accountExternalId": "39d6f200-4bdb-436b-b12f-f160fa8f9fba"}
    document = build_document(make_order(session, small_body(customerUserSnapshot=account)))
    assert set(parse(FORMATS["JSON"].render(document))["shippingAddressSnapshot"].values()) == {None}
    assert b"AddressSnapshot" not in FORMATS["XML"].render(document)
