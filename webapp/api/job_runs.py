"""Running import jobs by script: start one, with or without a file, look how it goes, stop it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Response, request
from flask_login import current_user

from datahub.jobs import executions, import_executions, import_jobs
from datahub.models.execution import API, UPLOAD, Execution
from datahub.models.import_run import COUNTS
from datahub.transports.base import clean
from webapp.api.blueprint import make_blueprint
from webapp.api.reply import no_content, reply
from webapp.api.shapes import Shape
from webapp.database import db
from webapp.permissions import MAPPER_READ, MAPPER_WRITE, permission

blueprint = make_blueprint("job_runs", "Executions of import jobs")


class RunAnswer(Shape):
    job_status_id: str
    status: str


class CountsAnswer(Shape):
    read: int
    created: int
    updated: int
    deleted: int
    unchanged: int
    rejected: int


class ImportExecutionAnswer(Shape):
    job_status_id: str
    job_id: str
    status: str
    trigger: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    counts: CountsAnswer
    removed: int
    warnings: int
    progress: float
    files: list[str]
    error: str | None


@blueprint.post("/v1/mapper/jobs/<job_id>/run")
@blueprint.output(RunAnswer, status_code=202)
@permission(MAPPER_WRITE)
def run_import_job(job_id: str) -> Response:
    """Also takes a file, as multipart field `file`: it is imported with the job's settings."""
    given = request.files.get("file")
    upload = (clean(given.filename or "") or "upload.csv", given.read()) if given else None
    job = import_jobs.get(db.session(), job_id)
    origin = UPLOAD if upload else API
    execution = import_executions.trigger(db.session(), job, origin=origin, actor=current_user.name, upload=upload)
    return reply({"jobStatusId": execution.public_id, "status": execution.status}, 202)


@blueprint.get("/v2/jobs/<job_id>/executions/<execution_id>")
@blueprint.output(ImportExecutionAnswer)
@permission(MAPPER_READ)
def get_import_execution(job_id: str, execution_id: str) -> Response:
    return reply(_describe(executions.get(db.session(), execution_id, job_public_id=job_id)))


@blueprint.post("/v2/jobs/<job_id>/executions/<execution_id>/stop")
@blueprint.output({}, status_code=204)
@permission(MAPPER_WRITE)
def stop_import_execution(job_id: str, execution_id: str) -> Response:
    session = db.session()
    execution = executions.get(session, execution_id, job_public_id=job_id)
    executions.stop(session, execution, actor=current_user.name)
    return no_content()


def _describe(execution: Execution) -> dict[str, Any]:
    run = execution.import_run
    counts = {name: getattr(run, name) if run else 0 for name in COUNTS}
    return {
        "jobStatusId": execution.public_id,
        "jobId": execution.job_public_id,
        "status": execution.status,
        "trigger": execution.origin,
        "createdAt": execution.created_at,
        "startedAt": run.started_at if run else None,
        "endedAt": execution.ended_at,
        "counts": {"read": sum(counts.values()), **counts},
        "removed": run.removed if run else 0,
        "warnings": run.warnings if run else 0,
        "progress": run.rows_done / run.rows if run and run.rows else float(execution.is_terminal),
        "files": [file["name"] for file in run.files] if run else [],
        "error": execution.error,
    }
