"""Import jobs for scripts, under the vendor's word for them: job."""

from __future__ import annotations

from typing import Annotated, Any

from flask import Response
from flask_login import current_user
from pydantic import Field, model_validator

from datahub.entities import ENTITIES
from datahub.errors import InvalidError, NotFoundError
from datahub.jobs import export_jobs, import_jobs
from datahub.jobs.job_rules import METHODS
from datahub.mapping.transcoding import MOST_ENTRIES
from datahub.models.import_job import POLICIES, WAIT_FOR_NEXT, ImportJob
from webapp.api.answers import IdAnswer, JobAnswer, describe_job, page_shape
from webapp.api.blueprint import found_first, make_blueprint, refuse_change, shown_names
from webapp.api.paging import PageQuery, Sorts
from webapp.api.reply import no_content, page_of, reply
from webapp.api.shapes import Shape
from webapp.database import db
from webapp.permissions import EVERY_STORE_WRITE, MAPPER_READ, permission

blueprint = make_blueprint("jobs", "Import jobs")
NAMES = {"connection_id": "clientId", "cron": "schedule.cron"}
EXAMPLE = {
    "name": "Offers from ERP",
    "entity": "OFFER",
    "method": "SFTP",
    "clientId": "2f0e4f3c-6c55-4f0c-9d0b-0a5f5a3c1f11",
    "filePath": "in/offers.csv",
    "bulk": False,
    "inboundDirectory": None,
    "outboundDirectory": None,
    "delimiter": ";",
    "mapping": [
        {"field": "stockId", "source": "Stock Id"},
        {"field": "stockVariantId", "source": "Variant"},
        {"field": "supplierId", "source": "Supplier"},
        {"field": "stockNumber", "source": "Stock"},
    ],
    "transcoding": [{"field": "supplierId", "from": "Acme Ltd", "to": "SUP-1"}],
    "schedule": {"cron": "*/30 * * * *", "enabled": True},
    "simultaneousExecution": "WAIT_FOR_NEXT",
    "importFullMode": False,
    "storeExternalIds": [],
    "active": True,
}


class MappingEntry(Shape):
    field: str = Field(description="The key of a field, with a locale in brackets where it has several.")
    source: str = Field(description="The name of the column.")


class TranscodingEntry(Shape):
    field: str
    from_: str = Field(alias="from")
    to: str


class ScheduleBody(Shape):
    cron: str | None = Field(description="Five fields, in UTC. None means no schedule.")
    enabled: bool = True


class JobBody(Shape):
    """Values are checked by the domain, which names every fault at once; here only the types count."""

    @model_validator(mode="before")
    @classmethod
    def _know_the_method(cls, body: Any) -> Any:
        """First of all: a body for another method would be told that its own fields do not exist."""
        given = body.get("method") if isinstance(body, dict) else None
        if given is not None and given not in METHODS:
            raise InvalidError("This method is not offered.", {"method": [f"Must be {' or '.join(METHODS)}."]})
        return body

    name: str
    entity: str = Field(json_schema_extra={"enum": list(ENTITIES)})
    method: str = Field("SFTP", json_schema_extra={"enum": list(METHODS)})
    client_id: str
    bulk: bool = False
    file_path: str | None = Field(None, description="The folder and the name of the file, unless bulk.")
    inbound_directory: str | None = Field(None, description="Where the files of a bulk job come in.")
    outbound_directory: str | None = Field(None, description="Where a bulk job moves the files that it has read.")
    delimiter: str | None = Field("", description="Of CSV files, which cannot do without: , or ; and of others none.")
    mapping: list[MappingEntry] | None = Field(None, description="None: columns are matched to fields by name.")
    transcoding: list[TranscodingEntry] = Field(
        default_factory=list, json_schema_extra={"maxItems": MOST_ENTRIES}, description="Values exchanged for others."
    )
    schedule: ScheduleBody | None = None
    simultaneous_execution: str = Field(WAIT_FOR_NEXT, json_schema_extra={"enum": list(POLICIES)})
    import_full_mode: bool = False
    store_external_ids: list[str] = Field(
        default_factory=list,
        description="Exactly one for NAVIGATION_CATEGORY. At most one for ORDER: new orders are for it, else for the "
        "default store. Of other jobs they are kept without effect: they import for every store, and rows name theirs.",
    )
    active: bool = True


class JobChange(JobBody):
    """Replaces what the job was: what is left out is as in a new job. Only `active` stays then."""

    entity: str | None = Field(None, description="Never changes.")
    method: str | None = Field(None, description="Never changes.")
    bulk: bool | None = None
    transcoding: list[TranscodingEntry] | None = None
    simultaneous_execution: str | None = None
    import_full_mode: bool | None = None
    store_external_ids: list[str] | None = None
    active: bool | None = Field(None, description="Stays as it is when it is left out.")


class JobQuery(PageQuery):
    search: str = Field("", description="Part of the name, in any case.")
    entity: list[str] = Field(default_factory=list, description="Unknown ones are passed over.")
    sort: Annotated[str, Sorts("name", "createdAt")] = "name"


def _job(job_id: str) -> ImportJob:
    return import_jobs.get(db.session(), job_id)


@blueprint.get("/v1/mapper/jobs")
@blueprint.input(JobQuery, location="query")
@blueprint.output(page_shape(JobAnswer))
@permission(MAPPER_READ)
def list_jobs(query_data: JobQuery) -> Response:
    paging = query_data.paging()
    found = import_jobs.find(
        db.session(),
        search=query_data.search,
        entities=query_data.entity,
        sort=paging.sort,
        descending=paging.descending,
        page=paging.page,
        size=paging.size,
    )
    return page_of(found, paging, describe_job)


@blueprint.post("/v2/mapper/jobs")
@blueprint.input(JobBody, example=EXAMPLE)
@blueprint.output(JobAnswer, status_code=201)
@permission(EVERY_STORE_WRITE)
def create_job(json_data: JobBody) -> Response:
    fields = _domain_fields(json_data)
    entity, method = fields.pop("entity"), fields.pop("method", json_data.method)
    with shown_names(**NAMES):
        configuration = import_jobs.Configuration(**fields)
        _refuse_idle_paths(fields, is_bulk=configuration.bulk)
        job = import_jobs.create(db.session(), configuration, entity=entity, method=method)
    return reply(describe_job(job), 201)


@blueprint.get("/v1/mapper/jobs/<job_id>")
@blueprint.output(JobAnswer)
@permission(MAPPER_READ)
def get_job(job_id: str) -> Response:
    return reply(describe_job(_job(job_id)))


@blueprint.get("/job/<job_id>")
@blueprint.output(JobAnswer)
@permission(MAPPER_READ)
def get_job_by_short_path(job_id: str) -> Response:
    return reply(describe_job(_job(job_id)))


@blueprint.put("/v1/mapper/jobs/<job_id>")
@found_first("job_id", _job, "job")
@blueprint.input(JobChange, example=EXAMPLE)
@blueprint.output(JobAnswer)
@permission(EVERY_STORE_WRITE)
def update_job(job: ImportJob, json_data: JobChange) -> Response:
    fields = _domain_fields(json_data)
    refuse_change(job, entity=fields.pop("entity", None), method=fields.pop("method", None))
    with shown_names(**NAMES):
        configuration = import_jobs.Configuration(**{"active": job.active} | fields)
        _refuse_idle_paths(fields, is_bulk=configuration.bulk)
        import_jobs.update(db.session(), job, configuration)
    return reply(describe_job(job))


@blueprint.delete("/v1/mapper/jobs/<job_id>")
@blueprint.output({}, status_code=204)
@permission(EVERY_STORE_WRITE)
def delete_job(job_id: str) -> Response:
    import_jobs.delete(db.session(), _job(job_id), actor=current_user.name)
    return no_content()


@blueprint.post("/v1/mapper/jobs/<job_id>/duplicate")
@blueprint.output(IdAnswer)
@permission(EVERY_STORE_WRITE)
def duplicate_job(job_id: str) -> Response:
    """Also takes the id of an export job."""
    session = db.session()
    try:
        return reply({"id": export_jobs.duplicate(session, export_jobs.get(session, job_id)).public_id})
    except NotFoundError:
        return reply({"id": import_jobs.duplicate(session, _job(job_id)).public_id})


def _refuse_idle_paths(sent: dict[str, Any], *, is_bulk: bool) -> None:
    """Paths that such a job does not read."""
    idle = ("file_path",) if is_bulk else ("inbound_directory", "outbound_directory")
    told = (
        "A job with bulk reads folders, not this path: leave it out." if is_bulk else "Only a job with bulk reads it."
    )
    faults = {name: [told] for name in idle if sent.get(name)}
    if faults:
        raise InvalidError("The job does not read every path that is given.", faults)


def _domain_fields(body: JobBody) -> dict[str, Any]:
    """Only what was sent; null counts as left out."""
    sent = {name: value for name in body.model_fields_set if (value := getattr(body, name)) is not None}
    for name in ("mapping", "transcoding"):
        if name in sent:
            sent[name] = [entry.model_dump(by_alias=True) for entry in sent[name]]
    if "schedule" in sent:
        schedule = sent.pop("schedule")
        sent |= {"cron": schedule.cron, "schedule_enabled": schedule.enabled}
    sent["connection_id"] = sent.pop("client_id")
    sent.setdefault("delimiter", "")
    return sent
