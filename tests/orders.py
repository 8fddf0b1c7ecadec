"""Bodies of orders for tests: the two examples, a small one, and the parties that they name."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from datahub.db import database_now
from datahub.models.order import Order
from datahub.models.party import Account, AccountAddress, Store, Supplier
from datahub.orders.intake import read_order

FIXTURES = Path(__file__).parent / "fixtures" / "orders"
EXAMPLE_XML = (FIXTURES / "order.xml").read_bytes()
EXAMPLE_JSON = (FIXTURES / "order.json").read_bytes()
PRICES = "lines.line[0].orderLogisticLinePriceDto"


def parse(text: bytes) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(text, parse_float=Decimal)
    return body


def body_of_json_example() -> dict[str, Any]:
    return parse(EXAMPLE_JSON)


def body_of_xml_example() -> dict[str, Any]:
    return parse((FIXTURES / "order-of-xml.json").read_bytes())


def small_body(**changes: Any) -> dict[str, Any]:
    """The least that an order needs."""
    return {
        "supplierSnapshot": {"externalId": "2007"},
        "customerUserSnapshot": {"accountExternalId": "1284"},
        "status": "ORDER_CREATED",
        "lines": {"line": [{"quantity": 1, "orderLogisticLinePriceDto": {"price": Decimal("3.49")}}]},
    } | changes


def small_line(**changes: Any) -> dict[str, Any]:
    return {"line": [{"quantity": 1, "orderLogisticLinePriceDto": {"price": Decimal("3.49")}} | changes]}


def priced(**prices: Any) -> dict[str, Any]:
    return small_line(orderLogisticLinePriceDto={"price": Decimal("3.49")} | prices)


def add_parties(session: Session) -> None:
    """The suppliers and accounts of both examples, a second store, and an address of account 1284."""
    now = database_now(session)
    times = {"created_at": now, "updated_at": now}
    session.add(Store(external_id="north", name="North", **times))
    session.add(Supplier(external_id="1234", name="XYZ stored", **times))
    session.add(
        Supplier(
            external_id="2007",
            name="Supplier stored",
            description="Taps",
            total_offers=7,
            payment_due_date_delay=30,
            payment_due_date_mode="END_OF_MONTH",
            **times,
        )
    )
    session.add(Account(external_id="39d6f200-4bdb-436b-b12f-f160fa8f9fba", name="Alex stored", **times))
    session.add(
        Account(
            external_id="1284",
            name="Y stored",
            vat_number="FR1",
            addresses=[
                AccountAddress(
                    external_id="A-1",
                    full_name="Y",
                    country="France",
                    city="Lyon",
                    zip_code="69001",
                    street_name="1 Quai",
                )
            ],
            **times,
        )
    )
    session.flush()


def make_order(session: Session, body: dict[str, Any]) -> Order:
    return read_order(session, body, now=database_now(session))
