"""Fills an empty database: parties, orders in many statuses, a connection to the sandbox, export and import jobs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from datahub.access import users
from datahub.db import database_now
from datahub.jobs import connections, custom_fields, export_jobs, incidents, orders, records
from datahub.models.access import ADMIN, User
from datahub.models.connection import Connection
from datahub.models.order import Order
from datahub.vault import Vault
from sandbox import imports
from sandbox.catalogue.cases import INCIDENTS
from sandbox.place import HOST, USER, Place

SAMPLES = Path(__file__).parent / "samples"
DEMO_USER = "demo"
ACTOR = "demo"
ORDERS = 30
STATUSES = (
    "WAITING_SUPPLIER_APPROVAL",
    "ORDER_CREATED",
    "ACCEPTED_BY_SUPPLIER",
    "WAITING_SUPPLIER_APPROVAL",
    "DRAFT_ORDER",
    "WAITING_SHIPMENT",
    "WAITING_SUPPLIER_APPROVAL",
    "SHIPPED",
    "WAITING_CUSTOMER_APPROVAL",
    "COMPLETED",
    "DECLINED_BY_SUPPLIER",
    "CANCELED",
)
STORES = ("default_store", "atelier", "chantier")
CUSTOMERS = (
    ("ACC-100", "MR", "Yann", "Leroux", "yann@menuiserie-leroux.example"),
    ("ACC-200", "MRS", "Ada", "Montagne", "ada@garage-montagne.example"),
    ("ACC-300", "MR", "Omar", "Bâtir", "omar@batir-et-fils.example"),
)
MOVES = {"WAITING_SUPPLIER_APPROVAL": "ACCEPTED_BY_SUPPLIER", "ORDER_CREATED": "WAITING_SUPPLIER_APPROVAL"}
MOVED_OF_EACH = 3

Body = dict[str, Any]


def fill(session: Session, vault: Vault, place: Place, *, password: str) -> bool:
    """True if the database was empty, and is filled now; else nothing is changed."""
    if any(session.scalar(select(table.id).limit(1)) for table in (User, Connection, Order)):
        return False
    users.create(session, name=DEMO_USER, password=password, role=ADMIN)
    _put_parties(session)
    earlier = [orders.create_order(session, body, actor=ACTOR) for body in _bodies(database_now(session))]
    connection = _create_connection(session, vault, place)
    _create_export_jobs(session, connection)
    imports.create_jobs(session, connection, place)
    for path in sorted((SAMPLES / "orders").glob("*.json")):
        orders.create_order(session, json.loads(path.read_text(), parse_float=Decimal), actor=ACTOR)
    for status, next_status in MOVES.items():
        for order in [order for order in earlier if order.status == status][:MOVED_OF_EACH]:
            orders.change_status(session, order, next_status, actor=ACTOR)
    declare_incidents(session, [order for order in earlier if order.status == "SHIPPED"])
    return True


def declare_incidents(session: Session, shipped: Sequence[Order]) -> None:
    """Which an import moves on."""
    for number, (name, (reason, status)) in enumerate(INCIDENTS.items()):
        order = shipped[number % len(shipped)]
        declared = incidents.declare(session, order, reason=reason, affected=(), actor=ACTOR, external_id=name)
        incidents.change_status(session, declared, status, actor=ACTOR)


def _put_parties(session: Session) -> None:
    custom_fields.create(session, custom_fields.Definition("SUPPLIER", "region", "Region", "TEXT"))
    for entity, rows in json.loads((SAMPLES / "parties.json").read_text()).items():
        for row in rows:
            custom = row.get("customFields", {})
            records.put(session, entity, row["externalId"], fields=row["fields"], custom_fields=custom, actor=ACTOR)


def _bodies(now: datetime) -> list[Body]:
    by_supplier: dict[str, list[Body]] = {}
    for article in json.loads((SAMPLES / "catalogue.json").read_text()):
        by_supplier.setdefault(article["supplier"], []).append(article)
    suppliers = list(by_supplier.items())
    bodies = []
    for number in range(ORDERS):
        # Every supplier gets orders in every status.
        supplier, articles = suppliers[(number + number // len(STATUSES)) % len(suppliers)]
        # Each order takes one to three articles, the next one starting further on.
        chosen = [articles[(number + step) % len(articles)] for step in range(1 + number % 3)]
        bodies.append(_body(number, supplier, chosen, now - timedelta(hours=5 * (ORDERS - number))))
    return bodies


def _body(number: int, supplier: str, articles: list[Body], created_at: datetime) -> Body:
    account, civility, first_name, last_name, email = CUSTOMERS[number // 2 % len(CUSTOMERS)]
    return {
        "createdAt": created_at.isoformat(timespec="milliseconds"),
        "storeExternalId": STORES[number // 3 % len(STORES)],
        "supplierSnapshot": {"externalId": supplier},
        "customerUserSnapshot": {
            "accountExternalId": account,
            "civility": civility,
            "firstName": first_name,
            "lastName": last_name,
            "email": email,
        },
        "status": STATUSES[number % len(STATUSES)],
        "paymentStatus": "PAID" if number % 2 else "AUTHORIZED",
        "paymentOption": "CREDIT_CARD" if number % 2 else "BANK_WIRE",
        "orderOrigin": "CART",
        "shippingType": "STD",
        "lines": {"line": [_line(article, 1 + (number * 7 + step) % 12) for step, article in enumerate(articles)]},
    }


def _line(article: Body, quantity: int) -> Body:
    sku, name = article["sku"], article["name"]
    return {
        "quantity": quantity,
        "orderLogisticLinePriceDto": {
            "price": Decimal(article["price"]),
            "taxRate": Decimal(20),
            "externalOfferId": f"{sku}-OFFER",
            "shippingPriceWithoutTaxes": Decimal("4.90"),
            "shippingTaxAmount": Decimal("0.98"),
        },
        "orderLogisticLineProductDto": {
            "name": name,
            "externalId": sku,
            "classificationCategory": article["category"],
            "brand": article["brand"],
        },
        "orderLogisticLineProductVariantDto": {"externalId": sku, "name": name, "externalReference": sku},
    }


def _create_connection(session: Session, vault: Vault, place: Place) -> Connection:
    return connections.create(
        session,
        vault,
        name="Sandbox SFTP",
        host=HOST,
        port=place.port,
        username=USER,
        password=place.password,
        host_key=place.public_host_key(),
    )


def _create_export_jobs(session: Session, connection: Connection) -> None:
    export_jobs.create(
        session,
        export_jobs.Configuration(
            name="Orders to sandbox",
            connection_id=connection.public_id,
            output_folder="exports/orders",
            export_format="XML",
            file_name_format="SHORT",
            trigger_statuses=["ACCEPTED_BY_SUPPLIER"],
        ),
    )
    export_jobs.create(
        session,
        export_jobs.Configuration(
            name="Announcements to sandbox",
            connection_id=connection.public_id,
            output_folder="exports/announcements",
            export_format="JSON",
            file_name_format="STANDARD",
            trigger_statuses=["WAITING_SUPPLIER_APPROVAL"],
        ),
    )
