"""Incidents of orders for scripts: declared, listed, moved."""

from __future__ import annotations

from typing import Annotated, Any

from flask import Response
from flask_login import current_user
from pydantic import Field

from datahub.jobs import incidents, orders
from datahub.models.incident import INCIDENT_STATUSES, Incident
from datahub.models.order import Order
from webapp.api.answers import IncidentAnswer, page_shape
from webapp.api.blueprint import found_first, make_blueprint, shown_names
from webapp.api.paging import PageQuery, Sorts
from webapp.api.reply import page_of, reply
from webapp.api.shapes import Shape
from webapp.database import db
from webapp.permissions import MAPPER_READ, MAPPER_WRITE, permission

blueprint = make_blueprint("incidents", "Orders")
EXAMPLE = {"reason": "DAMAGED", "lines": [{"orderLineId": "1", "quantity": 2}]}


class AffectedLine(Shape):
    order_line_id: str
    quantity: int = Field(json_schema_extra={"minimum": 1})


class IncidentBody(Shape):
    reason: str = Field(json_schema_extra={"minLength": 1, "maxLength": incidents.LONGEST_REASON})
    external_id: str = Field("", description="What others call it; imports may name it so. No two have the same.")
    lines: list[AffectedLine] = Field(default_factory=list, description="None: the incident is about the whole order.")


class IncidentStatusBody(Shape):
    status: str = Field(json_schema_extra={"enum": list(INCIDENT_STATUSES)})


class IncidentQuery(PageQuery):
    order_reference: list[str] = Field(default_factory=list)
    statuses: list[str] = Field(default_factory=list, description="Unknown ones are passed over.")
    sort: Annotated[str, Sorts("createdAt", "updatedAt")] = "createdAt,desc"


def _order(reference: str) -> Order:
    return orders.get(db.session(), reference)


def _incident(incident_id: str) -> Incident:
    return incidents.get(db.session(), incident_id)


@blueprint.post("/v1/orders/<whatever:reference>/incidents", merge_slashes=False)
@found_first("reference", _order, "order")
@blueprint.input(IncidentBody, example=EXAMPLE)
@blueprint.output(IncidentAnswer, status_code=201)
@permission(MAPPER_WRITE)
def declare_incident(order: Order, json_data: IncidentBody) -> Response:
    affected = [(line.order_line_id, line.quantity) for line in json_data.lines]
    with shown_names():
        incident = incidents.declare(
            db.session(),
            order,
            reason=json_data.reason,
            affected=affected,
            actor=current_user.name,
            external_id=json_data.external_id,
        )
    return reply(describe(incident), 201)


@blueprint.get("/v1/incidents")
@blueprint.input(IncidentQuery, location="query")
@blueprint.output(page_shape(IncidentAnswer))
@permission(MAPPER_READ)
def list_incidents(query_data: IncidentQuery) -> Response:
    paging = query_data.paging()
    found = incidents.find(
        db.session(),
        order_references=query_data.order_reference,
        statuses=query_data.statuses,
        sort=paging.sort,
        descending=paging.descending,
        page=paging.page,
        size=paging.size,
    )
    return page_of(found, paging, describe)


@blueprint.get("/v1/incidents/<incident_id>")
@blueprint.output(IncidentAnswer)
@permission(MAPPER_READ)
def get_incident(incident_id: str) -> Response:
    return reply(describe(_incident(incident_id)))


@blueprint.patch("/v1/incidents/<incident_id>")
@found_first("incident_id", _incident, "incident")
@blueprint.input(IncidentStatusBody, example={"status": "ON_GOING"})
@blueprint.output(IncidentAnswer)
@permission(MAPPER_WRITE)
def change_incident(incident: Incident, json_data: IncidentStatusBody) -> Response:
    incidents.change_status(db.session(), incident, json_data.status, actor=current_user.name)
    return reply(describe(incident))


def describe(incident: Incident) -> dict[str, Any]:
    return {
        "incidentId": incident.incident_id,
        "externalId": incident.external_id,
        "orderReference": incident.order.reference,
        "status": incident.status,
        "reason": incident.reason,
        "linkedType": incident.linked_type,
        "customFields": dict(incident.custom_fields),
        "lines": [{"orderLineId": line.order_line.number, "quantity": line.quantity} for line in incident.lines],
        "createdAt": incident.created_at,
        "updatedAt": incident.updated_at,
    }
