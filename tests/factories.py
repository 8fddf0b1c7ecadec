"""Records with sensible defaults. Each is added and flushed, never committed."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any, TypeVar
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from datahub.db import database_now
from datahub.models.connection import Connection
from datahub.models.execution import IMPORT, INTEGRATION_DONE, MANUAL, UNENDED, Event, Execution
from datahub.models.export_job import ExportJob
from datahub.models.import_job import ImportJob
from datahub.models.import_run import ImportFile, ImportRun, RejectedRow
from datahub.models.order import Order, OrderAddress, OrderLine
from datahub.models.party import DEFAULT_STORE, Account, CustomerUser, Store, Supplier
from datahub.vault import Vault
from tests.connections import connection_to, make_connection
from tests.servers import SshServer

_numbers = itertools.count(1)
Thing = TypeVar("Thing")


def make_supplier(session: Session, external_id: str = "SUP-1", **changes: Any) -> Supplier:
    """The one that exists with this external id, or a new one."""
    known = session.scalar(select(Supplier).where(Supplier.external_id == external_id))
    if known is not None:
        return known
    now = database_now(session)
    return _added(
        session,
        Supplier(external_id=external_id, **{"name": external_id, "created_at": now, "updated_at": now} | changes),
    )


def make_account(session: Session, external_id: str = "ACC-1", **changes: Any) -> Account:
    """The one that exists with this external id, or a new one."""
    known = session.scalar(select(Account).where(Account.external_id == external_id))
    if known is not None:
        return known
    now = database_now(session)
    return _added(
        session,
        Account(external_id=external_id, **{"name": external_id, "created_at": now, "updated_at": now} | changes),
    )


def make_customer_user(session: Session, external_id: str = "U-1", **changes: Any) -> CustomerUser:
    """Of the account ACC-1 unless others are given."""
    make_account(session)
    now = database_now(session)
    values = {
        "civility": "MRS",
        "first_name": "Ada",
        "last_name": "Byron",
        "email": f"{external_id.lower()}@example.com",
    }
    values |= {"phone": "555", "groups": ["FOC_User"], "accounts": ["ACC-1"], "stores": [DEFAULT_STORE]}
    values |= {"created_at": now, "updated_at": now}
    return _added(session, CustomerUser(external_id=external_id, **values | changes))


def add_connection(session: Session, vault: Vault, sshd: SshServer | None = None, **changes: Any) -> Connection:
    """To the given server with its key accepted; without one, to a port where nobody listens."""
    fields = {"name": f"Connection {next(_numbers)}"} | changes
    if sshd is None:
        return _added(session, make_connection(vault, **{"port": 1, "password": "secret"} | fields))
    return _added(session, connection_to(sshd, vault, **fields))


def make_job(session: Session, connection: Connection, **changes: Any) -> ExportJob:
    now = database_now(session)
    values: dict[str, Any] = {
        "public_id": str(uuid4()),
        "name": f"Job {next(_numbers)}",
        "entity": "ORDER",
        "method": "SFTP",
        "connection_id": connection.id,
        "output_folder": "out",
        "export_format": "XML",
        "file_name_format": "SHORT",
        "trigger_statuses": ["ACCEPTED_BY_SUPPLIER"],
        "active": True,
        "created_at": now,
        "updated_at": now,
    }
    return _added(session, ExportJob(**values | changes))


def add_import_job(session: Session, connection: Connection, **changes: Any) -> ImportJob:
    now = database_now(session)
    values: dict[str, Any] = {
        "public_id": str(uuid4()),
        "name": f"Import {next(_numbers)}",
        "entity": "OFFER",
        "method": "SFTP",
        "connection_id": connection.id,
        "file_path": "in/offers.csv",
        "delimiter": ";",
        "ticked_until": now,
        "created_at": now,
        "updated_at": now,
    }
    return _added(session, ImportJob(**values | changes))


def add_import_execution(
    session: Session, job: ImportJob, *, run: dict[str, Any] | None = None, **changes: Any
) -> Execution:
    """With a run that has the values of `run`, and one event."""
    now = database_now(session)
    values: dict[str, Any] = {
        "public_id": str(uuid4()),
        "kind": IMPORT,
        "import_job_id": job.id,
        "family": "CATALOG",
        "job_public_id": job.public_id,
        "job_name": job.name,
        "entity": job.entity,
        "entity_reference": "",
        "trigger_status": "",
        "origin": MANUAL,
        "actor": "ada",
        "status": INTEGRATION_DONE,
        "created_at": now,
        "executed_at": now,
        "lease_until": now,
    } | changes
    values.setdefault("ended_at", None if values["status"] in UNENDED else now)
    execution = Execution(**values)
    execution.import_run = ImportRun(family=values["family"], **{"started_at": now} | (run or {}))
    execution.events = [Event(at=now, to_status=execution.status, actor=execution.actor, attempt=1)]
    _added(session, execution)
    for file in (run or {}).get("files", ()):
        session.add(ImportFile(execution_id=execution.id, name=file["name"]))
    return execution


def add_rejected_row(
    session: Session, execution: Execution, sequence: int, *, value: str = "S-1", **changes: Any
) -> RejectedRow:
    """Its supplier is not known."""
    cause, field = changes.get("cause", "unknown_reference"), changes.get("field", "supplier")
    fault = {"code": cause, "field": field, "column": "Supplier", "value": value, "message": "No supplier has this id."}
    values: dict[str, Any] = {
        "execution_id": execution.id,
        "sequence": sequence,
        "file": "offers.csv",
        "line": sequence + 1,
        "cause": cause,
        "field": field,
        "faults": [fault],
        "cells": [],
    }
    return _added(session, RejectedRow(**values | changes))


def make_order(session: Session, *, status: str = "WAITING_SUPPLIER_APPROVAL", lines: int = 1, **changes: Any) -> Order:
    """Lines of 100.00 with 20 % tax, sums of one of them, no status history."""
    number = next(_numbers)
    now = database_now(session)
    supplier = changes.pop("supplier", None) or make_supplier(session)
    account = changes.pop("account", None) or make_account(session)
    store = changes.pop("store", None)
    store = store or session.scalars(select(Store).where(Store.external_id == DEFAULT_STORE)).one()
    commercial = f"100-{number:03d}-1234567"
    values: dict[str, Any] = {
        "reference": f"{commercial}-1",
        "number": f"{number:010d}",
        "commercial_reference": commercial,
        "status": status,
        "payment_status": "PAID",
        "payment_option": "CREDIT_CARD",
        "incident_declared": False,
        "partially_declined_by_supplier": False,
        "shipping_type": "STD",
        "supplier_snapshot": _supplier_snapshot(supplier),
        "customer_snapshot": _customer_snapshot(account),
        "custom_fields": {},
        "created_at": now,
        "updated_at": now,
        "currency": "EUR",
    }
    order = Order(store=store, supplier=supplier, account=account, **values | _order_amounts() | changes)
    order.lines = [_line(number), *(_line(next(_numbers), place) for place in range(2, lines + 1))]
    order.addresses = [_address("SHIPPING"), _address("BILLING")]
    return _added(session, order)


def _supplier_snapshot(supplier: Supplier) -> dict[str, Any]:
    due = {"paymentDueDateDelay": 0, "paymentDueDateMode": "SIMPLE"}
    totals = {"totalOffers": 0, "totalOrders": 0, "totalSales": 0, "returnPolicy": None}
    return {
        "name": supplier.name,
        "description": None,
        **totals,
        "externalId": supplier.external_id,
        "paymentDueDate": due,
    }


def _customer_snapshot(account: Account) -> dict[str, Any]:
    return {
        "accountExternalId": account.external_id,
        "accountName": account.name,
        "accountTvaNumber": "FR1",
        "civility": "MR",
        "firstName": "Ada",
        "lastName": "L",
        "email": "ada@example.com",
    }


def _order_amounts() -> dict[str, Decimal]:
    zero, net, tax, gross = Decimal(0), Decimal(100), Decimal(20), Decimal(120)
    return {
        "total_shipping_fees": zero,
        "total_item_price": net,
        "total_order_price": gross,
        "total_tax_amount": tax,
        "total_price_without_tax": net,
        "total_price_with_tax": gross,
        "total_shipping_tax_amount": zero,
        "total_shipping_fees_without_tax": zero,
        "total_shipping_fees_with_tax": zero,
        "total_product_tax_amount": tax,
        "total_product_without_tax": net,
        "total_product_with_tax": gross,
    }


def _line(number: int, position: int = 1) -> OrderLine:
    zero, net, tax, gross = Decimal(0), Decimal(100), Decimal(20), Decimal(120)
    product = {"name": "Drill", "externalId": "P-1", "classificationCategory": "Tools", "brand": "Own"}
    variant = {"externalId": "V-1", "name": "Drill", "externalReference": "V-1", "gtin": None, "mpn": None}
    return OrderLine(
        position=position,
        number=f"{number:010d}",
        quantity=1,
        price=net,
        item_price_without_taxes=net,
        tax_rate=tax,
        tax_amount=tax,
        price_with_taxes=gross,
        quantity_per_item=Decimal(1),
        currency="EUR",
        external_offer_id="OFF-1",
        shipping_price_without_taxes=zero,
        shipping_tax_amount=zero,
        shipping_price_with_taxes=zero,
        total_item_price=net,
        total_item_price_with_taxes=gross,
        total_price_with_taxes=gross,
        total_item_tax_amount=tax,
        total_price_without_taxes=net,
        total_taxes=tax,
        product=product,
        variant={**variant, "mainImageUrl": None},
        custom_fields={},
    )


def _address(kind: str) -> OrderAddress:
    return OrderAddress(
        kind=kind,
        external_id="ADR-1",
        country="France",
        label="",
        full_name="Ada L",
        address="1 Rue X",
        additional_address="",
        city="Paris",
        state="IDF",
        zipcode="75001",
        phone="",
    )


def _added(session: Session, thing: Thing) -> Thing:
    session.add(thing)
    session.flush()
    return thing
