"""Export jobs for scripts, under the vendor's word for them: jobout."""

from __future__ import annotations

from typing import Annotated, ClassVar

from flask import Response
from flask_login import current_user
from pydantic import Field

from datahub.jobs import executions, export_jobs, export_preview
from datahub.jobs.export_jobs import Configuration
from datahub.models.export_job import EXPORT_FORMATS, FILE_NAME_FORMATS, ExportJob
from datahub.models.order import ORDER_STATUSES
from webapp.api.answers import CountAnswer, FileNamesAnswer, JobOutAnswer, describe_jobout, page_shape
from webapp.api.blueprint import deprecated, found_first, make_blueprint, refuse_change, shown_names
from webapp.api.paging import PageQuery, Sorts
from webapp.api.reply import cut, no_content, page_of, reply
from webapp.api.shapes import Shape
from webapp.database import db
from webapp.permissions import MAPPER_READ, MAPPER_WRITE, permission

blueprint = make_blueprint("jobouts", "Export jobs")
EXAMPLE = {
    "name": "Orders to ERP",
    "entity": "ORDER",
    "method": "SFTP",
    "clientId": "2f0e4f3c-6c55-4f0c-9d0b-0a5f5a3c1f11",
    "outputFolder": "out/orders",
    "exportFormat": "XML",
    "fileNameFormat": "SHORT",
    "triggerStatuses": ["ACCEPTED_BY_SUPPLIER"],
    "supplierExternalIds": ["SUP-1"],
    "active": True,
}


class JobOutBody(Shape):
    """Values are checked by the domain, which names every fault at once; here only the types count."""

    replaced: ClassVar = {"suppliers": "No longer taken. Use supplierExternalIds, a list of external ids."}

    name: str
    entity: str = Field("ORDER", json_schema_extra={"enum": ["ORDER"]})
    method: str = Field("SFTP", json_schema_extra={"enum": ["SFTP"]})
    client_id: str
    output_folder: str
    export_format: str = Field(json_schema_extra={"enum": list(EXPORT_FORMATS)})
    file_name_format: str = Field(json_schema_extra={"enum": list(FILE_NAME_FORMATS)})
    trigger_statuses: list[str] = Field(
        json_schema_extra={"minItems": 1, "items": {"type": "string", "enum": list(ORDER_STATUSES)}}
    )
    supplier_external_ids: list[str] = Field(default_factory=list, description="None means every supplier.")
    active: bool = True
    reexport_on_hold: bool = False


class JobOutChange(JobOutBody):
    """What is left out of the last five stays as it is."""

    entity: str | None = Field(None, description="Never changes.")
    method: str | None = Field(None, description="Never changes.")
    supplier_external_ids: list[str] | None = None
    active: bool | None = None
    reexport_on_hold: bool | None = None


class SuppliersBody(Shape):
    supplier_external_ids: list[str] = Field(json_schema_extra={"minItems": 1})


class JobOutQuery(PageQuery):
    supplier_external_ids: list[str] = Field(default_factory=list)
    sort: Annotated[str, Sorts("name", "createdAt")] = "name"


def _job(job_id: str) -> ExportJob:
    return export_jobs.get(db.session(), job_id)


@blueprint.get("/v1/mapper/jobout")
@blueprint.input(JobOutQuery, location="query")
@blueprint.output(page_shape(JobOutAnswer))
@permission(MAPPER_READ)
def list_jobouts(query_data: JobOutQuery) -> Response:
    paging = query_data.paging()
    found = export_jobs.list_jobs(
        db.session(),
        supplier_external_ids=query_data.supplier_external_ids,
        sort=paging.sort,
        descending=paging.descending,
        offset=paging.offset,
        limit=paging.size + 1,
    )
    return page_of(cut(found, paging.size), paging, describe_jobout)


@blueprint.post("/v1/mapper/jobout")
@blueprint.input(JobOutBody, example=EXAMPLE)
@blueprint.output(JobOutAnswer, status_code=201)
@permission(MAPPER_WRITE)
def create_jobout(json_data: JobOutBody) -> Response:
    with shown_names(connection_id="clientId"):
        given = _configuration(json_data)
        job = export_jobs.create(db.session(), given, entity=json_data.entity, method=json_data.method)
    return reply(describe_jobout(job), 201)


@blueprint.get("/v2/mapper/jobout/<job_id>")
@blueprint.output(JobOutAnswer)
@permission(MAPPER_READ)
def get_jobout(job_id: str) -> Response:
    return reply(describe_jobout(_job(job_id)))


@blueprint.get("/v1/mapper/jobout/<job_id>")
@blueprint.output(JobOutAnswer)
@blueprint.doc(deprecated=True)
@permission(MAPPER_READ)
@deprecated("/v2/mapper/jobout/{job_id}")
def get_jobout_v1(job_id: str) -> Response:
    return reply(describe_jobout(_job(job_id)))


@blueprint.put("/v1/mapper/jobout/<job_id>")
@found_first("job_id", _job, "job")
@blueprint.input(JobOutChange, example=EXAMPLE)
@blueprint.output(JobOutAnswer)
@permission(MAPPER_WRITE)
def update_jobout(job: ExportJob, json_data: JobOutChange) -> Response:
    refuse_change(job, entity=json_data.entity, method=json_data.method)
    with shown_names(connection_id="clientId"):
        export_jobs.update(db.session(), job, _configuration(json_data))
    return reply(describe_jobout(job))


@blueprint.delete("/v1/mapper/jobout/<job_id>")
@blueprint.output({}, status_code=204)
@permission(MAPPER_WRITE)
def delete_jobout(job_id: str) -> Response:
    with shown_names():
        export_jobs.delete(db.session(), _job(job_id), actor=current_user.name)
    return no_content()


@blueprint.post("/v1/mapper/jobout/<job_id>/duplicate")
@blueprint.output(JobOutAnswer, status_code=201)
@permission(MAPPER_WRITE)
def duplicate_jobout(job_id: str) -> Response:
    with shown_names():
        copy = export_jobs.duplicate(db.session(), _job(job_id))
    return reply(describe_jobout(copy), 201)


@blueprint.post("/v1/mapper/jobout/<job_id>/run")
@blueprint.output(CountAnswer, status_code=202)
@permission(MAPPER_WRITE)
def run_jobout(job_id: str) -> Response:
    return reply({"count": executions.run_job(db.session(), _job(job_id), actor=current_user.name)}, 202)


@blueprint.get("/v1/mapper/jobout/<job_id>/file-name-preview")
@blueprint.output(FileNamesAnswer)
@permission(MAPPER_READ)
def preview_file_names(job_id: str) -> Response:
    job = _job(job_id)
    shown = export_preview.preview(
        db.session(),
        trigger_statuses=job.trigger_statuses,
        supplier_external_ids=[supplier.external_id for supplier in job.suppliers],
        export_format=job.export_format,
    )
    return reply(shown.file_names)


@blueprint.patch("/v2/jobouts/<job_id>/suppliers")
@found_first("job_id", _job, "job")
@blueprint.input(SuppliersBody)
@blueprint.output({}, status_code=204)
@permission(MAPPER_WRITE)
def add_suppliers(job: ExportJob, json_data: SuppliersBody) -> Response:
    with shown_names():
        export_jobs.add_suppliers(db.session(), job, supplier_external_ids=json_data.supplier_external_ids)
    return no_content()


@blueprint.delete("/v2/jobouts/<job_id>/suppliers")
@found_first("job_id", _job, "job")
@blueprint.input(SuppliersBody)
@blueprint.output({}, status_code=204)
@permission(MAPPER_WRITE)
def remove_suppliers(job: ExportJob, json_data: SuppliersBody) -> Response:
    with shown_names():
        export_jobs.remove_suppliers(db.session(), job, supplier_external_ids=json_data.supplier_external_ids)
    return no_content()


def _configuration(body: JobOutBody | JobOutChange) -> Configuration:
    return Configuration(connection_id=body.client_id, **body.model_dump(exclude={"client_id", "entity", "method"}))
