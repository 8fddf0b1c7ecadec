"""Orders for scripts, in the shape of the exported document."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from flask import Response
from flask_login import current_user
from pydantic import ConfigDict, Field

from datahub.formats import FORMATS
from datahub.jobs import order_reads, orders
from datahub.models.order import ORDER_STATUSES, Order
from datahub.models.order_document import ORDER, CustomFields, Group, Items, Kind, Part
from datahub.orders.snapshot import build_document
from webapp.api.answers import MovedOrderAnswer, OrderAnswer, ReferenceAnswer, page_shape
from webapp.api.blueprint import found_first, make_blueprint, shown_names
from webapp.api.paging import PageQuery, Sorts
from webapp.api.reply import page_of, reply
from webapp.api.shapes import Shape
from webapp.database import db
from webapp.permissions import MAPPER_READ, MAPPER_WRITE, permission

blueprint = make_blueprint("orders", "Orders")
SCHEMAS: dict[Kind, dict[str, Any]] = {
    Kind.TEXT: {"type": ["string", "null"]},
    Kind.DECIMAL: {"type": ["number", "null"]},
    Kind.INTEGER: {"type": ["integer", "null"]},
    Kind.BOOLEAN: {"enum": [True, False, "true", "false", None]},
    Kind.TIME: {"type": ["string", "null"], "format": "date-time"},
}
CUSTOM_FIELD = {
    "type": "object",
    "required": ["externalId", "type"],
    "properties": {
        "externalId": {"type": "string"},
        "type": {"type": "string"},
        "simpleValue": {"type": "string"},
        "listValue": {"type": "object", "properties": {"value": {"type": "array", "items": {"type": "string"}}}},
    },
}


def _object(parts: tuple[Part, ...]) -> dict[str, Any]:
    return {"type": "object", "properties": {part.name: _schema(part) for part in parts}}


def _schema(part: Part) -> dict[str, Any]:
    match part:
        case Group():
            return _object(part.parts)
        case Items():
            return _wrapper(part.item, _object(part.parts))
        case CustomFields():
            return _wrapper(part.item, CUSTOM_FIELD)
        case _:
            chosen = {"enum": [*part.choices, None]} if part.choices else {}
            return SCHEMAS[part.kind] | chosen


def _wrapper(item: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {item: {"type": "array", "items": schema}}, "required": [item]}


class OrderBody(Shape):
    """The domain reads it: every faulty field is named in one answer."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "properties": _object(ORDER)["properties"] | {"storeExternalId": {"type": "string"}},
            "required": ["supplierSnapshot", "customerUserSnapshot", "lines", "status"],
            "additionalProperties": False,
        },
    )


class StatusBody(Shape):
    status: str = Field(json_schema_extra={"enum": list(ORDER_STATUSES)})


class OrderQuery(PageQuery):
    search: str = Field(
        "",
        description="Part of a reference, an external id, an account's id or name, or an incident's id, in any case.",
    )
    statuses: list[str] = Field(default_factory=list, description="Unknown ones are passed over.")
    sort: Annotated[str, Sorts("createdAt", "updatedAt", "reference")] = "createdAt,desc"


def _order(reference: str) -> Order:
    return orders.get(db.session(), reference)


@blueprint.get("/v1/orders")
@blueprint.input(OrderQuery, location="query")
@blueprint.output(page_shape(OrderAnswer))
@permission(MAPPER_READ)
def list_orders(query_data: OrderQuery) -> Response:
    paging = query_data.paging()
    found = order_reads.find_orders(
        db.session(),
        search=query_data.search,
        statuses=query_data.statuses,
        sort=paging.sort,
        descending=paging.descending,
        page=paging.page,
        size=paging.size,
    )
    return page_of(found, paging, _write)


@blueprint.post("/v1/orders")
@blueprint.input(OrderBody)
@blueprint.output(ReferenceAnswer, status_code=201)
@permission(MAPPER_WRITE)
def create_order(json_data: OrderBody) -> Response:
    order = orders.create_order(db.session(), dict(json_data.model_extra or {}), actor=current_user.name)
    return reply({"reference": order.reference}, 201)


@blueprint.get("/v1/orders/<whatever:reference>", merge_slashes=False)
@blueprint.output(OrderAnswer)
@permission(MAPPER_READ)
def get_order(reference: str) -> Response:
    return reply(_write(_order(reference)))


@blueprint.patch("/v1/orders/<whatever:reference>", merge_slashes=False)
@found_first("reference", _order, "order")
@blueprint.input(StatusBody, example={"status": "SHIPPED"})
@blueprint.output(MovedOrderAnswer)
@permission(MAPPER_WRITE)
def change_status(order: Order, json_data: StatusBody) -> Response:
    with shown_names():
        fired = orders.change_status(db.session(), order, json_data.status, actor=current_user.name)
    exports = [execution.public_id for execution in fired]
    return reply({"reference": order.reference, "status": order.status, "exports": exports})


def _write(order: Order) -> orjson.Fragment:
    """Exact to the digit and in the order of the exported document."""
    return orjson.Fragment(FORMATS["JSON"].render(build_document(order)))
