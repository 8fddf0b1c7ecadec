"""The shapes of answers about import executions, and the functions that fill them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field, RootModel

from datahub.jobs import import_history
from datahub.jobs.import_history import Columns
from datahub.models.execution import IMPORT, IMPORT_STATUSES, ORIGINS, Execution
from datahub.models.import_run import ImportWarning, RejectedRow
from webapp.api.answers import Answer, ExecutionAnswer, describe_execution


class CountsAnswer(Answer):
    """`read` is the sum of the others, at any time: a row counts once it is known what became of it."""

    read: int
    created: int
    updated: int
    deleted: int
    unchanged: int
    rejected: int


class ImportExecutionAnswer(Answer):
    """`removed` counts what went because a full file no longer had it, `progress` is the share of
    the rows that is written, from 0 to 1: 0 while the file is still being read, as all counts are."""

    job_status_id: str
    job_id: str
    status: str = Field(json_schema_extra={"enum": list(IMPORT_STATUSES)})
    trigger: str = Field(json_schema_extra={"enum": list(ORIGINS)})
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    counts: CountsAnswer
    removed: int
    warnings: int
    progress: float
    files: list[str]
    error: str | None


class FaultAnswer(Answer):
    code: str
    field: str
    column: str | None
    value: str | None
    message: str


class RejectionAnswer(Answer):
    """`field`, `code` and `message` are those of the first fault."""

    file: str
    line: int
    identifier: str | None
    field: str
    code: str
    message: str
    faults: list[FaultAnswer]


class WarningAnswer(Answer):
    """Without a line it concerns the whole file."""

    file: str
    line: int | None
    identifier: str | None
    field: str
    code: str
    message: str


class AnyExportAnswer(ExecutionAnswer):
    kind: Literal["EXPORT"]
    job_name: str


class AnyImportAnswer(ImportExecutionAnswer):
    kind: Literal["IMPORT"]
    job_name: str


class AnyExecutionAnswer(RootModel[AnyExportAnswer | AnyImportAnswer]):
    """`kind` tells which of both it is."""


def describe_import_execution(execution: Execution) -> dict[str, Any]:
    run = execution.import_run
    return {
        "jobStatusId": execution.public_id,
        "jobId": execution.job_public_id,
        "status": execution.status,
        "trigger": execution.origin,
        "createdAt": execution.created_at,
        "startedAt": run.started_at if run else None,
        "endedAt": execution.ended_at,
        "counts": import_history.counts_of(execution),
        "removed": run.removed if run else 0,
        "warnings": run.warnings if run else 0,
        "progress": import_history.progress_of(execution),
        "files": [file["name"] for file in run.files] if run else [],
        "error": execution.error,
    }


def describe_any_execution(execution: Execution) -> dict[str, Any]:
    described = describe_import_execution if execution.kind == IMPORT else describe_execution
    return described(execution) | {"kind": execution.kind, "jobName": execution.job_name}


def describe_rejection(row: RejectedRow, columns: Columns) -> dict[str, Any]:
    names = ("code", "field", "column", "value", "message")
    return {
        "file": row.file,
        "line": row.line,
        "identifier": row.record_key,
        "field": row.field,
        "code": row.cause,
        "message": row.faults[0]["message"],
        "faults": [{name: fault.get(name) for name in names} for fault in import_history.faults_of(row, columns)],
    }


def describe_warning(warning: ImportWarning) -> dict[str, Any]:
    return {
        "file": warning.file,
        "line": warning.line,
        "identifier": warning.record_key,
        "field": warning.field,
        "code": warning.code,
        "message": warning.message,
    }
