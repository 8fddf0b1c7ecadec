"""Orders and incidents as commerce records, for reading alone: they are changed by rules of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute, Session, joinedload, selectinload

from datahub.db import holds
from datahub.errors import NotFoundError
from datahub.jobs.incidents import WITH_LINES
from datahub.models.incident import Incident
from datahub.models.order import Order, OrderAddress, OrderLine

Values = dict[str, Any]
Column = InstrumentedAttribute[Any]


@dataclass(frozen=True)
class _Kind:
    """`names` are the columns that a search looks into, the external id first; `whole` loads what `described` shows."""

    whole: Select[Any]
    names: tuple[Column, ...]
    described: Callable[[Any], Values]


def get(session: Session, entity: str, external_id: str) -> Any:
    kind = KINDS[entity]
    record = session.scalar(kind.whole.where(kind.names[0] == external_id))
    if record is None:
        raise NotFoundError(f"There is no {entity} with the external id {external_id!r}.")
    return record


def find(
    session: Session, entity: str, *, search: str, external_ids: Sequence[str], sort: str
) -> tuple[Select[Any], Column, Column]:
    """The records, the column that they are sorted by, and the one that decides between equals."""
    kind = KINDS[entity]
    query, name = kind.whole, kind.names[0]
    text = search.strip()
    if text:
        query = query.where(holds(kind.names, text, session.get_bind().dialect.name))
    if external_ids:
        query = query.where(name.in_(external_ids))
    return query, name if sort == "external_id" else getattr(name.class_, sort), name.class_.id


def describe(entity: str, records: Sequence[Any]) -> list[Values]:
    kind = KINDS[entity]
    return [
        {"entity": entity, "customFields": {}, "attributes": {}}
        | kind.described(record)
        | {"createdAt": record.created_at, "updatedAt": record.updated_at, "deletedAt": None}
        for record in records
    ]


def _order(order: Order) -> Values:
    shipping = next((address for address in order.addresses if address.kind == "SHIPPING"), OrderAddress())
    fields = {
        "orderReference": order.reference,
        "orderExternalId": order.external_id,
        "storeExternalId": order.store.external_id,
        "supplierExternalId": order.supplier.external_id,
        "accountExternalId": order.account.external_id,
        "customerExternalId": order.customer_snapshot.get("customerExternalId"),
        "orderStatus": order.status,
        "shippingTrackingUrl": order.shipping_tracking_url,
        "shippingAddressFullName": shipping.full_name,
        "shippingAddressCountry": shipping.country,
        "shippingAddressStreetName": shipping.address,
        "shippingAddressAdditional": shipping.additional_address,
        "shippingAddressCity": shipping.city,
        "shippingAddressZipCode": shipping.zipcode,
        "shippingAddressState": shipping.state,
    }
    return {
        "externalId": order.reference,
        "fields": fields,
        "customFields": _custom(order.custom_fields),
        "parts": {"orderLines": [_line(line) for line in order.lines]},
    }


def _line(line: OrderLine) -> Values:
    return {
        "orderLineId": line.number,
        "orderLineExternalId": line.external_id,
        "offerPriceExternalId": line.external_offer_id,
        "variantExternalId": line.variant.get("externalId"),
        "variantName": line.variant.get("name"),
        "variantDescription": line.variant.get("description"),
        "netUnitPrice": line.item_price_without_taxes,
        "grossUnitPrice": line.gross_unit_price,
        "taxAmount": line.tax_amount,
        "orderLineQuantity": line.quantity,
        "orderLineStatus": line.status,
        "customFields": _custom(line.custom_fields),
    }


def _custom(stored: Mapping[str, Any]) -> Values:
    return {external_id: field["value"] for external_id, field in stored.items()}


def _incident(incident: Incident) -> Values:
    fields = {
        "incidentId": incident.incident_id,
        "incidentExternalId": incident.external_id,
        "incidentStatus": incident.status,
        "orderReference": incident.order.reference,
        "reason": incident.reason,
        "linkedType": incident.linked_type,
    }
    lines = [{"orderLineId": line.order_line.number, "quantity": line.quantity} for line in incident.lines]
    custom = {"customFields": dict(incident.custom_fields)}
    return {"externalId": incident.incident_id, "fields": fields, "parts": {"lines": lines}} | custom


KINDS = {
    "ORDER": _Kind(
        whole=select(Order).options(
            *(joinedload(Order.store), joinedload(Order.supplier), joinedload(Order.account)),
            *(selectinload(Order.lines), selectinload(Order.addresses)),
        ),
        names=(Order.reference, Order.external_id),
        described=_order,
    ),
    "INCIDENT": _Kind(
        whole=select(Incident).join(Incident.order).options(joinedload(Incident.order), WITH_LINES),
        names=(Incident.incident_id, Incident.external_id, Order.reference),
        described=_incident,
    ),
}
