"""What an export job would send: file names and a real order as a document, from form values that may be unfinished."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from datahub.db import database_now
from datahub.errors import InvalidError, RenderError
from datahub.formats import FORMATS
from datahub.formats.file_names import file_name
from datahub.jobs import general_settings
from datahub.models.export_job import FILE_NAME_FORMATS, XML
from datahub.models.order import Order
from datahub.models.order_document import Document, time_text
from datahub.models.party import DEFAULT_STORE, Supplier
from datahub.orders import life
from datahub.orders.snapshot import build_document

MOST_COUNTED = 10_000
SAMPLE_STATUS = "ACCEPTED_BY_SUPPLIER"

Row = TypeVar("Row")


@dataclass(frozen=True)
class Preview:
    """`is_sample`: there is no order yet. `is_changed`: the order is not in a chosen status and is shown as it would
    be on reaching the first one. `documents` are by format; `problem` says why there are none. `orders_in_status_now`
    stops at 10 000."""

    file_names: dict[str, str]
    order_reference: str
    status: str
    is_sample: bool
    is_changed: bool
    documents: dict[str, str]
    orders_in_status_now: int
    every_supplier: bool
    problem: str = ""


def preview(
    session: Session,
    *,
    trigger_statuses: Sequence[str] = (),
    supplier_external_ids: Sequence[str] = (),
    export_format: str = XML,
) -> Preview:
    """Unknown statuses, suppliers and formats count as not chosen: the form says so itself."""
    statuses = _known(trigger_statuses)
    suppliers = [external_id.strip() for external_id in supplier_external_ids if external_id.strip()]
    now = database_now(session)
    order = _example(session, statuses, suppliers)
    is_changed = order is not None and bool(statuses) and order.status != statuses[0]
    document = _sample(now) if order is None else build_document(order)
    if statuses and (order is None or is_changed):
        document = document | {"status": statuses[0], "updatedAt": time_text(now)}
    store = DEFAULT_STORE if order is None else order.store.external_id
    names, documents, problem = {}, {}, ""
    try:
        names = _names(session, document, export_format, now, store)
        documents = {kind.name: kind.render(document).decode() for kind in FORMATS.values()}
    except RenderError as error:
        problem = str(error)
    return Preview(
        file_names=names,
        order_reference=document["reference"],
        status=document["status"],
        is_sample=order is None,
        is_changed=is_changed,
        documents=documents,
        orders_in_status_now=_count(session, statuses, suppliers) if statuses else 0,
        every_supplier=not suppliers,
        problem=problem,
    )


def _known(texts: Sequence[str]) -> list[str]:
    statuses = []
    for text in texts:
        try:
            statuses.append(life.parse_status(text.strip()))
        except InvalidError:
            continue
    return statuses


def _example(session: Session, statuses: list[str], suppliers: list[str]) -> Order | None:
    """The newest order in the first status, else in any of them, else of the suppliers, else the newest of all."""
    newest = select(Order).order_by(Order.id.desc()).limit(1)
    wanted = _of_suppliers(newest, suppliers)
    for choice in (statuses[:1], statuses):
        found: Order | None = session.scalar(wanted.where(Order.status.in_(choice))) if choice else None
        if found is not None:
            return found
    return session.scalar(wanted) or session.scalar(newest)


def _of_suppliers(query: Select[Row], suppliers: list[str]) -> Select[Row]:
    if not suppliers:
        return query
    return query.where(Order.supplier_id.in_(select(Supplier.id).where(Supplier.external_id.in_(suppliers))))


def _count(session: Session, statuses: list[str], suppliers: list[str]) -> int:
    matching = _of_suppliers(select(Order.id).where(Order.status.in_(statuses)), suppliers).limit(MOST_COUNTED)
    return session.scalars(select(func.count()).select_from(matching.subquery())).one()


def _names(session: Session, document: Document, export_format: str, at: datetime, store: str) -> dict[str, str]:
    settings = general_settings.get(session)
    chosen = FORMATS.get(export_format, FORMATS[XML])
    return {
        name: file_name(
            document,
            job_format=name,
            extension=chosen.extension,
            prefix=settings.file_name_prefix,
            multi_store=settings.multi_store,
            at=at,
            store_external_id=store,
        )
        for name in FILE_NAME_FORMATS
    }


def _sample(now: datetime) -> Document:
    """An invented order, for a hub that has none yet."""
    address = {
        "externalId": "ADDRESS-1",
        "country": "France",
        "label": "Headquarters",
        "fullName": "Camille Martin",
        "address": "1 Rue de la Paix",
        "additionalAddress": "",
        "city": "Paris",
        "state": None,
        "zipcode": "75002",
        "phone": None,
    }
    return {
        "createdAt": time_text(now),
        "updatedAt": time_text(now),
        "reference": "100-200-3000000-1",
        "id": "0000000001",
        "externalId": None,
        "orderCommercialReference": "100-200-3000000",
        "incidentDeclared": False,
        "supplierSnapshot": {"name": "Sample supplier", "externalId": "SUPPLIER-1"} | _TOTALS,
        "shippingAddressSnapshot": address,
        "billingAddressSnapshot": address,
        "customerUserSnapshot": {"accountExternalId": "ACCOUNT-1", "accountName": "Sample account"},
        "status": SAMPLE_STATUS,
        "paymentStatus": "PAID",
        "payments": [],
        "paymentOption": "CREDIT_CARD",
        "orderLogisticPrices": dict.fromkeys(_ORDER_PRICES, "0.0") | _ORDER_AMOUNTS | {"currency": "EUR"},
        "initialPrice": None,
        "lines": [_sample_line()],
        "orderOrigin": "CART",
        "shippingType": "STD",
        "partiallyDeclinedBySupplier": False,
        "customFieldValues": [],
    }


def _sample_line() -> Document:
    return {
        "id": "0000000002",
        "quantity": 1,
        "orderLogisticLinePriceDto": _LINE_AMOUNTS
        | {"type": "PUBLIC", "itemPerPack": 1, "externalSource": "EXTERN", "currency": "EUR", "packingType": "UNIT"},
        "orderLogisticLineProductDto": {"name": "Sample product", "externalId": "PRODUCT-1"},
        "orderLogisticLineProductVariantDto": {"externalId": "VARIANT-1", "name": "Sample product"},
        "status": None,
        "incidentDeclared": False,
        "paymentStatus": None,
        "customFieldValues": [],
    }


_TOTALS = {
    "totalOffers": 0,
    "totalOrders": 0,
    "totalSales": 0,
    "paymentDueDate": {"paymentDueDateDelay": 0, "paymentDueDateMode": "SIMPLE"},
}
_ORDER_PRICES = (
    "totalShippingFees",
    "totalShippingTaxAmount",
    "totalShippingFeesWithoutTax",
    "totalShippingFeesWithTax",
)
_ORDER_AMOUNTS = {
    "totalItemPrice": "100.0",
    "totalOrderPrice": "120.0",
    "totalTaxAmount": "20.0",
    "totalPriceWithoutTax": "100.0",
    "totalPriceWithTax": "120.0",
    "totalProductTaxAmount": "20.0",
    "totalProductWithoutTax": "100.0",
    "totalProductWithTax": "120.0",
}
_LINE_AMOUNTS = {
    "price": "100.0",
    "itemPriceWithoutTaxes": "100.0",
    "taxRate": "20.0",
    "taxAmount": "20.0",
    "priceWithTaxes": "120.0",
    "quantityPerItem": "1.0",
    "shippingPriceWithoutTaxes": "0.0",
    "shippingTaxAmount": "0.0",
    "shippingPriceWithTaxes": "0.0",
    "totalItemPrice": "100.0",
    "totalItemPriceWithTaxes": "120.0",
    "totalPriceWithTaxes": "120.0",
    "totalItemTaxAmount": "20.0",
    "totalPriceWithoutTaxes": "100.0",
    "totalTaxes": "20.0",
}
