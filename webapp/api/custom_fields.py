"""Definitions of custom fields for scripts."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated, Any

from flask import Response
from pydantic import Field
from pydantic.alias_generators import to_camel

from datahub.jobs import custom_fields
from datahub.jobs.custom_fields import Definition
from datahub.models.custom_field import CUSTOM_FIELD_TYPES, LIST_TYPES, METRIC_TYPES, TEXT_TYPES, CustomField
from webapp.api.answers import CustomFieldAnswer, page_shape
from webapp.api.blueprint import found_first, make_blueprint, shown_names
from webapp.api.paging import PageQuery, Sorts
from webapp.api.reply import cut, no_content, page_of, reply
from webapp.api.shapes import Shape
from webapp.database import db
from webapp.permissions import EVERY_STORE_WRITE, MAPPER_READ, permission

blueprint = make_blueprint("custom_fields", "Custom fields")
PATH = "/v1/custom-fields"
EXAMPLE = {
    "entity": "OFFER",
    "externalId": "packaging",
    "name": "Packaging",
    "type": "LIST_TEXT",
    "required": False,
    "multi": True,
    "localisable": False,
    "options": ["Box", "Pallet"],
    "unit": None,
}


class CustomFieldBody(Shape):
    """Values are checked by the domain, which names every fault at once; here only the types count."""

    entity: str = Field(json_schema_extra={"enum": list(custom_fields.OWNERS)})
    external_id: str = Field(description="Imports read the column CF_<externalId>.")
    name: str
    type: str = Field(json_schema_extra={"enum": list(CUSTOM_FIELD_TYPES)})
    required: bool | None = Field(None, description="False if left out.")
    multi: bool | None = Field(None, description=f"Several values; only {' and '.join(LIST_TYPES)}.")
    localisable: bool | None = Field(None, description=f"A text per locale; only {' and '.join(TEXT_TYPES)}.")
    options: list[str] | None = Field(None, description=f"What a list offers; only {' and '.join(LIST_TYPES)}.")
    unit: str | None = Field(None, description=f"Of {' and '.join(METRIC_TYPES)}, which need one.")


class CustomFieldChange(CustomFieldBody):
    """What is left out stays as it is."""

    entity: str | None = Field(None, description="Never changes.")
    external_id: str | None = Field(None, description="Never changes.")
    name: str | None = None
    type: str | None = Field(None, description="Never changes.")
    localisable: bool | None = Field(None, description="Never changes.")
    unit: str | None = Field(None, description="Never changes.")


class CustomFieldQuery(PageQuery):
    entity: list[str] = Field(default_factory=list, description="An unknown one has no custom fields.")
    sort: Annotated[str, Sorts("entity", "externalId", "name", "createdAt")] = "entity"


def _custom_field(custom_field_id: str) -> CustomField:
    return custom_fields.get(db.session(), custom_field_id)


@blueprint.get(PATH)
@blueprint.input(CustomFieldQuery, location="query")
@blueprint.output(page_shape(CustomFieldAnswer))
@permission(MAPPER_READ)
def list_custom_fields(query_data: CustomFieldQuery) -> Response:
    paging = query_data.paging()
    found = custom_fields.list_fields(
        db.session(),
        entities=query_data.entity,
        sort=paging.sort,
        descending=paging.descending,
        offset=paging.offset,
        limit=paging.size + 1,
    )
    return page_of(cut(found, paging.size), paging, _describe)


@blueprint.post(PATH)
@blueprint.input(CustomFieldBody, example=EXAMPLE)
@blueprint.output(CustomFieldAnswer, status_code=201)
@permission(EVERY_STORE_WRITE)
def create_custom_field(json_data: CustomFieldBody) -> Response:
    with shown_names():
        created = custom_fields.create(db.session(), Definition(**_given(json_data)))
    return reply(_describe(created), 201)


@blueprint.get(f"{PATH}/<custom_field_id>")
@blueprint.output(CustomFieldAnswer)
@permission(MAPPER_READ)
def get_custom_field(custom_field_id: str) -> Response:
    return reply(_describe(_custom_field(custom_field_id)))


@blueprint.put(f"{PATH}/<custom_field_id>")
@found_first("custom_field_id", _custom_field, "custom_field")
@blueprint.input(CustomFieldChange, example=EXAMPLE)
@blueprint.output(CustomFieldAnswer)
@permission(EVERY_STORE_WRITE)
def update_custom_field(custom_field: CustomField, json_data: CustomFieldChange) -> Response:
    wanted = replace(custom_fields.definition_of(custom_field), **_given(json_data))
    with shown_names():
        custom_fields.update(db.session(), custom_field, wanted)
    return reply(_describe(custom_field))


@blueprint.delete(f"{PATH}/<custom_field_id>")
@blueprint.output({}, status_code=204)
@permission(EVERY_STORE_WRITE)
def delete_custom_field(custom_field_id: str) -> Response:
    custom_fields.delete(db.session(), _custom_field(custom_field_id))
    return no_content()


def _given(body: CustomFieldBody) -> dict[str, Any]:
    return {name: value for name, value in body.model_dump().items() if value is not None}


def _describe(custom_field: CustomField) -> dict[str, Any]:
    definition = asdict(custom_fields.definition_of(custom_field))
    return {"id": custom_field.public_id} | {to_camel(name): value for name, value in definition.items()}
