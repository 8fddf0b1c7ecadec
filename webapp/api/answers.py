"""The shapes of answers, for the OpenAPI document, and the functions that fill them."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, RootModel, create_model
from pydantic.alias_generators import to_camel

from datahub.access import store_limits
from datahub.entities import ENTITIES
from datahub.jobs import export_jobs
from datahub.jobs.record_history import Recorded
from datahub.models.change import ACTIONS
from datahub.models.connection import Connection
from datahub.models.execution import EXPORT_STATUSES, ORIGINS, Execution
from datahub.models.export_job import ExportJob
from datahub.models.import_job import DELIMITERS, POLICIES, ImportJob
from datahub.models.incident import INCIDENT_STATUSES, OF_LINES, OF_ORDER
from webapp.database import db

ConnectionType = Literal["SFTP"]
Row = TypeVar("Row", bound=BaseModel)


class Answer(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)


class Page(Answer, Generic[Row]):
    content: list[Row]
    number_of_elements: int
    number: int
    size: int
    first: bool
    last: bool
    empty: bool


class ErrorAnswer(Answer):
    """Every error has this body."""

    error: str
    code: str
    message: str
    fields: dict[str, list[str]] = Field(default_factory=dict)


class ClientAnswer(Answer):
    id: str
    name: str
    type: ConnectionType
    host: str
    port: int
    username: str
    host_key: str | None
    active: bool
    created_at: datetime
    updated_at: datetime
    last_success_at: datetime | None


class StepAnswer(Answer):
    name: str
    ok: bool
    ms: int
    message: str
    host_key: str | None = None
    fingerprint: str | None = None


class TestAnswer(Answer):
    ok: bool
    steps: list[StepAnswer]


class SupplierAnswer(Answer):
    external_id: str
    name: str


class JobOutAnswer(Answer):
    """`suppliers` are those that the caller's stores list, `hiddenSuppliers` counts the others; none of both means
    every supplier."""

    id: str
    name: str
    entity: Literal["ORDER"]
    method: Literal["SFTP"]
    client_id: str
    output_folder: str
    export_format: Literal["XML", "JSON"]
    file_name_format: Literal["SHORT", "STANDARD"]
    trigger_statuses: list[str]
    suppliers: list[SupplierAnswer]
    hidden_suppliers: int
    reexport_on_hold: bool
    active: bool
    created_at: datetime
    updated_at: datetime


class MappingAnswer(Answer):
    field: str
    source: str


class TranscodingAnswer(Answer):
    field: str
    from_: str = Field(alias="from")
    to: str


class ScheduleAnswer(Answer):
    """Without a cron expression the job has no schedule."""

    cron: str | None
    enabled: bool


class JobAnswer(Answer):
    id: str
    name: str
    entity: str = Field(json_schema_extra={"enum": list(ENTITIES)})
    method: Literal["SFTP"]
    client_id: str
    file_path: str | None
    bulk: bool
    inbound_directory: str | None
    outbound_directory: str | None
    delimiter: str | None = Field(json_schema_extra={"enum": [*DELIMITERS, None]})
    mapping: list[MappingAnswer] | None
    transcoding: list[TranscodingAnswer]
    schedule: ScheduleAnswer
    simultaneous_execution: str = Field(json_schema_extra={"enum": list(POLICIES)})
    import_full_mode: bool
    store_external_ids: list[str]
    active: bool
    created_at: datetime
    updated_at: datetime


class FileNamesAnswer(BaseModel):
    SHORT: str
    STANDARD: str


class IdAnswer(Answer):
    id: str


class CountAnswer(Answer):
    count: int


class ExecutionAnswer(Answer):
    export_integration_id: str
    job_out_id: str
    entity: str
    entity_reference: str
    trigger_status: str
    status: str = Field(json_schema_extra={"enum": list(EXPORT_STATUSES)})
    attempts: int
    created_at: datetime
    executed_at: datetime
    next_attempt_at: datetime | None
    file_name: str | None
    size: int | None
    sha256: str | None
    error: str | None
    origin: str = Field(json_schema_extra={"enum": list(ORIGINS)})
    predecessor: str | None


class NewExecutionAnswer(Answer):
    export_integration_id: str


class OrderAnswer(RootModel[dict[str, Any]]):
    """The order as the JSON export writes it."""


class ReferenceAnswer(Answer):
    reference: str


class MovedOrderAnswer(Answer):
    reference: str
    status: str
    exports: list[str]


class AffectedLineAnswer(Answer):
    order_line_id: str
    quantity: int


class IncidentAnswer(Answer):
    """Without lines it is about the whole order, and `linkedType` is ORDER."""

    incident_id: str
    external_id: str | None
    order_reference: str
    status: str = Field(json_schema_extra={"enum": list(INCIDENT_STATUSES)})
    reason: str
    linked_type: str = Field(json_schema_extra={"enum": [OF_ORDER, OF_LINES]})
    custom_fields: dict[str, Any]
    lines: list[AffectedLineAnswer]
    created_at: datetime
    updated_at: datetime


class RecordAnswer(Answer):
    entity: str
    external_id: str
    fields: dict[str, Any]
    custom_fields: dict[str, Any]
    attributes: dict[str, Any]
    parts: dict[str, list[dict[str, Any]]]
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


class ChangeAnswer(Answer):
    """`changes` maps a field to its old and new value, as records have them, and is null for what was created or
    deleted. `part` and `partKey` are null where the record itself changed, `executionId` for a change by page or
    script."""

    at: datetime
    action: str = Field(json_schema_extra={"enum": list(ACTIONS)})
    part: str | None
    part_key: str | None
    changes: dict[str, list[Any]] | None
    actor: str
    execution_id: str | None
    file: str | None
    line: int | None


class SettingsAnswer(Answer):
    export_order_enabled: bool
    export_incident_enabled: bool
    file_name_prefix: str
    multi_store: bool
    main_locale: str
    locales: list[str]
    currency: str


class CustomFieldAnswer(Answer):
    id: str
    entity: str
    external_id: str
    name: str
    type: str
    required: bool
    multi: bool
    localisable: bool
    options: list[str]
    unit: str | None


class CheckAnswer(Answer):
    ok: bool
    message: str
    advice: str


class HealthAnswer(Answer):
    ok: bool
    database: CheckAnswer
    redis: CheckAnswer
    worker: CheckAnswer
    importer: CheckAnswer
    clock: CheckAnswer
    sweeps: CheckAnswer
    exports: CheckAnswer
    imports: CheckAnswer


@cache
def page_shape(row: type[BaseModel]) -> type[BaseModel]:
    """A page of such rows, under a name that OpenAPI can refer to."""
    return create_model(row.__name__.replace("Answer", "Page"), __base__=Page[row])


def describe_client(connection: Connection) -> dict[str, Any]:
    """Without any secret."""
    return {
        "id": connection.public_id,
        "name": connection.name,
        "type": connection.type,
        "host": connection.host,
        "port": connection.port,
        "username": connection.username,
        "hostKey": connection.host_key,
        "active": connection.active,
        "createdAt": connection.created_at,
        "updatedAt": connection.updated_at,
        "lastSuccessAt": connection.last_success_at,
    }


def describe_jobout(job: ExportJob) -> dict[str, Any]:
    seen = export_jobs.seen_suppliers(db.session(), job)
    return {
        "id": job.public_id,
        "name": job.name,
        "entity": job.entity,
        "method": job.method,
        "clientId": job.connection.public_id,
        "outputFolder": job.output_folder,
        "exportFormat": job.export_format,
        "fileNameFormat": job.file_name_format,
        "triggerStatuses": job.trigger_statuses,
        "suppliers": [{"externalId": supplier.external_id, "name": supplier.name} for supplier in seen],
        "hiddenSuppliers": len(job.suppliers) - len(seen),
        "reexportOnHold": job.reexport_on_hold,
        "active": job.active,
        "createdAt": job.created_at,
        "updatedAt": job.updated_at,
    }


def describe_job(job: ImportJob) -> dict[str, Any]:
    return {
        "id": job.public_id,
        "name": job.name,
        "entity": job.entity,
        "method": job.method,
        "clientId": job.connection.public_id,
        "filePath": job.file_path,
        "bulk": job.bulk,
        "inboundDirectory": job.inbound_directory,
        "outboundDirectory": job.outbound_directory,
        "delimiter": job.delimiter,
        "mapping": job.mapping,
        "transcoding": job.transcoding,
        "schedule": {"cron": job.cron, "enabled": job.schedule_enabled},
        "simultaneousExecution": job.simultaneous_execution,
        "importFullMode": job.import_full_mode,
        "storeExternalIds": store_limits.visible(db.session(), job.store_external_ids),
        "active": job.active,
        "createdAt": job.created_at,
        "updatedAt": job.updated_at,
    }


def describe_execution(execution: Execution) -> dict[str, Any]:
    sent = execution.payload
    return {
        "exportIntegrationId": execution.public_id,
        "jobOutId": execution.job_public_id,
        "entity": execution.entity,
        "entityReference": execution.entity_reference,
        "triggerStatus": execution.trigger_status,
        "status": execution.status,
        "attempts": execution.attempts,
        "createdAt": execution.created_at,
        "executedAt": execution.executed_at,
        "nextAttemptAt": execution.next_attempt_at,
        "fileName": sent.file_name if sent else None,
        "size": sent.size if sent else None,
        "sha256": sent.sha256 if sent else None,
        "error": execution.error,
        "origin": execution.origin,
        "predecessor": execution.predecessor.public_id if execution.predecessor else None,
    }


def describe_change(recorded: Recorded) -> dict[str, Any]:
    change = recorded.change
    return {
        "at": change.at,
        "action": change.action,
        "part": change.part or None,
        "partKey": change.part_key or None,
        "changes": recorded.differences,
        "actor": change.actor,
        "executionId": recorded.execution_id,
        "file": change.file,
        "line": change.line,
    }
