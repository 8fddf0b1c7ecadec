"""Commerce records for scripts: all are read, some are written, and each tells what changed it."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlsplit

from flask import Response, request
from flask_login import current_user
from pydantic import Field

from datahub.entities.base import EntityType
from datahub.jobs import record_history, record_reads, records
from datahub.paging import Slice
from webapp.api.answers import ChangeAnswer, RecordAnswer, describe_change, page_shape
from webapp.api.blueprint import found_first, make_blueprint
from webapp.api.paging import PageQuery, Sorts
from webapp.api.reply import JSON_TYPE, page_of, reply
from webapp.api.shapes import Shape
from webapp.database import db
from webapp.permissions import MAPPER_READ, MAPPER_WRITE, permission

blueprint = make_blueprint("records", "Commerce records")
OF_STORE = "External id of a store, needed where keys count within one: NAVIGATION_CATEGORY. Others take no heed."
EXAMPLE = {"fields": {"name": "Acme", "status": "ACTIVE"}, "customFields": {"region": "north"}}


class RecordBody(Shape):
    """Which fields there are is told by the entity; the domain names every fault at once."""

    fields: dict[str, Any] = Field(default_factory=dict)
    custom_fields: dict[str, Any] = Field(default_factory=dict)


class RecordQuery(PageQuery):
    search: str = Field("", description="Part of an external id, a name, or an id of a part, in any case.")
    external_id: list[str] = Field(default_factory=list)
    store: str = Field("", description=OF_STORE)
    sort: Annotated[str, Sorts("externalId", "createdAt", "updatedAt")] = "externalId"


class StoreQuery(Shape):
    store: str = Field("", description=OF_STORE)


class ChangeQuery(PageQuery):
    store: str = Field("", description=OF_STORE)
    sort: Annotated[str, Sorts("at")] = "at,desc"


@blueprint.get("/v1/records/<entity>")
@blueprint.input(RecordQuery, location="query")
@blueprint.output(page_shape(RecordAnswer))
@permission(MAPPER_READ)
def list_records(entity: str, query_data: RecordQuery) -> Response:
    paging = query_data.paging()
    found = record_reads.find(
        db.session(),
        entity,
        search=query_data.search,
        external_ids=query_data.external_id,
        store=query_data.store,
        sort=paging.sort,
        descending=paging.descending,
        page=paging.page,
        size=paging.size,
    )
    described = record_reads.describe(db.session(), entity, found.items)
    return page_of(Slice(described, found.has_more), paging, dict)


@blueprint.get("/v1/records/<entity>/<whatever:external_id>", merge_slashes=False)
@blueprint.input(StoreQuery, location="query")
@blueprint.output(RecordAnswer)
@permission(MAPPER_READ)
def get_record(entity: str, external_id: str, query_data: StoreQuery) -> Response:
    return reply(_describe(entity, record_reads.get(db.session(), entity, external_id, store=query_data.store)))


@blueprint.get("/v1/records/<entity>/<whatever:external_id>/changes", merge_slashes=False)
@blueprint.input(ChangeQuery, location="query")
@blueprint.output(page_shape(ChangeAnswer))
@permission(MAPPER_READ)
def list_changes(entity: str, external_id: str, query_data: ChangeQuery) -> Response:
    if not urlsplit(request.environ["RAW_URI"]).path.endswith("/changes"):
        # The id itself ends so, with its slash percent-encoded: only the address as it was sent tells.
        record = record_reads.get(db.session(), entity, f"{external_id}/changes", store=query_data.store)
        return reply(_describe(entity, record))
    record_reads.get(db.session(), entity, external_id, store=query_data.store)
    paging = query_data.paging()
    found = record_history.find_changes(
        db.session(),
        entity,
        external_id,
        store_id=record_reads.store_id(db.session(), entity, query_data.store),
        descending=paging.descending,
        page=paging.page,
        size=paging.size,
    )
    return page_of(found, paging, describe_change)


@blueprint.put("/v1/records/<entity>/<whatever:external_id>", merge_slashes=False)
@found_first("entity", records.writable, "kind")
@blueprint.input(RecordBody, example=EXAMPLE)
@blueprint.output(RecordAnswer)
@blueprint.doc(
    responses={
        201: {
            "description": "Created",
            "content": {JSON_TYPE: {"schema": {"$ref": "#/components/schemas/RecordAnswer"}}},
        }
    }
)
@permission(MAPPER_WRITE)
def put_record(kind: EntityType, external_id: str, json_data: RecordBody) -> Response:
    record, created = records.put(
        db.session(),
        kind.name,
        external_id,
        fields=json_data.fields,
        custom_fields=json_data.custom_fields,
        actor=current_user.name,
    )
    return reply(_describe(kind.name, record), 201 if created else 200)


def _describe(entity: str, record: Any) -> dict[str, Any]:
    (described,) = record_reads.describe(db.session(), entity, [record])
    return described
