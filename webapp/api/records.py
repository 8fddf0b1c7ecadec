"""Commerce records for scripts: stores, suppliers, accounts."""

from __future__ import annotations

from typing import Any

from flask import Response
from pydantic import Field

from datahub.jobs import records
from webapp.api.answers import RecordAnswer, page_shape
from webapp.api.blueprint import make_blueprint
from webapp.api.paging import PageQuery, sort_pattern
from webapp.api.reply import page_of, reply
from webapp.api.shapes import Shape
from webapp.database import db
from webapp.permissions import MAPPER_READ, MAPPER_WRITE, permission

blueprint = make_blueprint("records", "Commerce records")
EXAMPLE = {"fields": {"name": "Acme", "status": "ACTIVE"}, "customFields": {"region": "north"}}


class RecordBody(Shape):
    """Which fields there are is told by the entity; the domain names every fault at once."""

    fields: dict[str, Any] = Field(default_factory=dict)
    custom_fields: dict[str, Any] = Field(default_factory=dict)


class RecordQuery(PageQuery):
    search: str = Field("", description="Part of an external id or a name, in any case.")
    external_id: str = ""
    sort: str = Field("externalId", pattern=sort_pattern("externalId", "createdAt", "updatedAt"))


@blueprint.get("/v1/records/<entity>")
@blueprint.input(RecordQuery, location="query")
@blueprint.output(page_shape(RecordAnswer))
@permission(MAPPER_READ)
def list_records(entity: str, query_data: RecordQuery) -> Response:
    paging = query_data.paging()
    found = records.find(
        db.session(),
        entity,
        search=query_data.search,
        external_id=query_data.external_id,
        sort=paging.sort,
        descending=paging.descending,
        page=paging.page,
        size=paging.size,
    )
    return page_of(found, paging, records.describe)


@blueprint.get("/v1/records/<entity>/<whatever:external_id>", merge_slashes=False)
@blueprint.output(RecordAnswer)
@permission(MAPPER_READ)
def get_record(entity: str, external_id: str) -> Response:
    return reply(records.describe(records.get(db.session(), entity, external_id)))


@blueprint.put("/v1/records/<entity>/<whatever:external_id>", merge_slashes=False)
@blueprint.input(RecordBody, example=EXAMPLE)
@blueprint.output(RecordAnswer)
@blueprint.doc(responses={201: {"description": "Created", "content": {}}})
@permission(MAPPER_WRITE)
def put_record(entity: str, external_id: str, json_data: RecordBody) -> Response:
    record, created = records.put(
        db.session(), entity, external_id, fields=json_data.fields, custom_fields=json_data.custom_fields
    )
    return reply(records.describe(record), 201 if created else 200)
