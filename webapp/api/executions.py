"""Executions for scripts: history, the bytes that were sent, stop, retry, resend."""

from __future__ import annotations

from typing import Annotated

from flask import Response
from flask_login import current_user
from pydantic import Field

from datahub.errors import NotFoundError
from datahub.formats import FORMATS, content_type
from datahub.jobs import execution_list, executions, queries
from datahub.jobs.execution_list import Wanted
from datahub.models.execution import EXPORT, Execution
from datahub.paging import Slice
from webapp.api.answers import (
    ExecutionAnswer,
    NewExecutionAnswer,
    describe_execution,
    page_shape,
)
from webapp.api.blueprint import deprecated, make_blueprint
from webapp.api.import_answers import AnyExecutionAnswer, describe_any_execution
from webapp.api.paging import PageQuery, Sorts
from webapp.api.reply import no_content, page_of, reply
from webapp.database import db
from webapp.permissions import MAPPER_READ, MAPPER_WRITE, permission

blueprint = make_blueprint("executions", "Executions")


class ExecutionQuery(PageQuery):
    search: str = Field("", description="Part of an execution id.")
    statuses: list[str] = Field(default_factory=list, description="Unknown ones are passed over.")
    sort: Annotated[str, Sorts("executedAt", "createdAt")] = "executedAt,desc"


class AnyExecutionQuery(ExecutionQuery):
    search: str = Field(
        "", description="Part of an execution id, or the beginning of an order's reference or of a file's name."
    )


@blueprint.get("/v2/jobouts/<job_id>/executions")
@blueprint.input(ExecutionQuery, location="query")
@blueprint.output(page_shape(ExecutionAnswer))
@permission(MAPPER_READ)
def list_of_job(job_id: str, query_data: ExecutionQuery) -> Response:
    return _history(job_id, query_data)


@blueprint.get("/v1/mapper/jobout/<job_id>/exported-item-statuses")
@blueprint.input(ExecutionQuery, location="query")
@blueprint.output(page_shape(ExecutionAnswer))
@blueprint.doc(deprecated=True)
@permission(MAPPER_READ)
@deprecated("/v2/jobouts/{job_id}/executions")
def list_of_job_v1(job_id: str, query_data: ExecutionQuery) -> Response:
    return _history(job_id, query_data)


@blueprint.get("/v2/executions")
@blueprint.input(AnyExecutionQuery, location="query")
@blueprint.output(page_shape(AnyExecutionAnswer))
@permission(MAPPER_READ)
def list_all(query_data: AnyExecutionQuery) -> Response:
    return page_of(_find(query_data, names=True), query_data.paging(), describe_any_execution)


@blueprint.get("/v2/jobouts/<job_id>/executions/<execution_id>")
@blueprint.output(ExecutionAnswer)
@permission(MAPPER_READ)
def get_execution(job_id: str, execution_id: str) -> Response:
    return reply(describe_execution(_execution(job_id, execution_id)))


@blueprint.get("/v2/jobouts/<job_id>/executions/<execution_id>/payload")
@blueprint.doc(
    responses={
        200: {
            "description": "The bytes that were sent",
            "content": {kind.content_type: {"schema": {"type": "string"}} for kind in FORMATS.values()},
        }
    }
)
@permission(MAPPER_READ)
def get_payload(job_id: str, execution_id: str) -> Response:
    sent = _execution(job_id, execution_id).payload
    if sent is None:
        raise NotFoundError("Nothing was rendered yet: this execution waits for its first attempt.")
    response = Response(sent.content, content_type=content_type(sent.file_name))
    response.headers.set("Content-Disposition", "attachment", filename=sent.file_name)
    return response


@blueprint.post("/v2/jobouts/<job_id>/executions/<execution_id>/stop")
@blueprint.output({}, status_code=204)
@permission(MAPPER_WRITE)
def stop_execution(job_id: str, execution_id: str) -> Response:
    executions.stop(db.session(), _execution(job_id, execution_id), actor=current_user.name)
    return no_content()


@blueprint.post("/v2/jobouts/<job_id>/executions/<execution_id>/retry")
@blueprint.output(NewExecutionAnswer, status_code=202)
@permission(MAPPER_WRITE)
def retry_execution(job_id: str, execution_id: str) -> Response:
    successor = executions.retry(db.session(), _execution(job_id, execution_id), actor=current_user.name)
    return reply({"exportIntegrationId": successor.public_id}, 202)


@blueprint.post("/v2/jobouts/<job_id>/executions/<execution_id>/resend")
@blueprint.output(NewExecutionAnswer, status_code=202)
@permission(MAPPER_WRITE)
def resend_execution(job_id: str, execution_id: str) -> Response:
    successor = executions.resend(db.session(), _execution(job_id, execution_id), actor=current_user.name)
    return reply({"exportIntegrationId": successor.public_id}, 202)


def _execution(job_id: str, execution_id: str) -> Execution:
    execution = executions.get(db.session(), execution_id, job_public_id=job_id)
    if execution.kind != EXPORT:
        raise NotFoundError(f"Execution {execution_id} is an import. Ask /v2/jobs/{job_id}/executions/{execution_id}.")
    return execution


def _history(job_id: str, query: ExecutionQuery) -> Response:
    if not queries.is_known_job(db.session(), job_id):
        raise NotFoundError(f"There is no export job with the id {job_id}.")
    return page_of(_find(query, job_id), query.paging(), describe_execution)


def _find(query: ExecutionQuery, job_id: str | None = None, *, names: bool = False) -> Slice[Execution]:
    paging = query.paging()
    wanted = Wanted(search=query.search, names=names, statuses=query.statuses, job_public_id=job_id)
    return execution_list.find(
        db.session(),
        wanted,
        sort=paging.sort,
        descending=paging.descending,
        page=paging.page,
        size=paging.size,
    )
