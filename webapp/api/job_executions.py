"""Executions of import jobs for scripts: history, progress, what was rejected and why."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from flask import Response
from pydantic import Field

from datahub.jobs import import_history
from datahub.models.execution import Execution
from webapp.api.answers import page_shape
from webapp.api.blueprint import deprecated, make_blueprint
from webapp.api.import_answers import (
    ImportExecutionAnswer,
    RejectionAnswer,
    WarningAnswer,
    describe_import_execution,
    describe_rejection,
    describe_warning,
)
from webapp.api.paging import PageQuery, Sorts
from webapp.api.reply import page_of, reply
from webapp.database import db
from webapp.executions.rejected_file import rejected_file
from webapp.permissions import EVERY_STORE_READ, MAPPER_READ, permission

blueprint = make_blueprint("job_executions", "Import executions")


class ImportExecutionQuery(PageQuery):
    search: str = Field("", description="Part of an execution id.")
    statuses: list[str] = Field(default_factory=list, description="Unknown ones are passed over.")
    sort: Annotated[str, Sorts("createdAt", "startedAt")] = "createdAt,desc"


class RowQuery(PageQuery):
    sort: Annotated[str, Sorts()] = Field("", description="Rejections: the order of the file. Warnings: as found.")


@blueprint.get("/v2/jobs/<job_id>/executions")
@blueprint.input(ImportExecutionQuery, location="query")
@blueprint.output(page_shape(ImportExecutionAnswer))
@permission(MAPPER_READ)
def list_of_job(job_id: str, query_data: ImportExecutionQuery) -> Response:
    return _history(job_id, query_data)


@blueprint.get("/v1/mapper/status/all/<job_id>")
@blueprint.input(ImportExecutionQuery, location="query")
@blueprint.output(page_shape(ImportExecutionAnswer))
@blueprint.doc(deprecated=True)
@permission(MAPPER_READ)
@deprecated("/v2/jobs/{job_id}/executions")
def list_of_job_v1(job_id: str, query_data: ImportExecutionQuery) -> Response:
    return _history(job_id, query_data)


@blueprint.get("/v2/jobs/<job_id>/executions/<execution_id>")
@blueprint.output(ImportExecutionAnswer)
@permission(MAPPER_READ)
def get_execution(job_id: str, execution_id: str) -> Response:
    return reply(describe_import_execution(_execution(job_id, execution_id)))


@blueprint.get("/v2/jobs/<job_id>/executions/<execution_id>/rejections")
@blueprint.input(RowQuery, location="query")
@blueprint.output(page_shape(RejectionAnswer))
@permission(EVERY_STORE_READ)
def list_rejections(job_id: str, execution_id: str, query_data: RowQuery) -> Response:
    paging, execution = query_data.paging(), _execution(job_id, execution_id)
    found = import_history.rejections(db.session(), execution, page=paging.page, size=paging.size)
    return page_of(found, paging, partial(describe_rejection, columns=import_history.columns_of(execution)))


@blueprint.get("/v2/jobs/<job_id>/executions/<execution_id>/rejections.csv")
@blueprint.doc(
    responses={
        200: {
            "description": "The rejected rows; XML where the files of the job are",
            "content": {"text/csv": {"schema": {"type": "string"}}},
        }
    }
)
@permission(EVERY_STORE_READ)
def download_rejections(job_id: str, execution_id: str) -> Response:
    return rejected_file(_execution(job_id, execution_id))


@blueprint.get("/v2/jobs/<job_id>/executions/<execution_id>/warnings")
@blueprint.input(RowQuery, location="query")
@blueprint.output(page_shape(WarningAnswer))
@permission(EVERY_STORE_READ)
def list_warnings(job_id: str, execution_id: str, query_data: RowQuery) -> Response:
    paging, execution = query_data.paging(), _execution(job_id, execution_id)
    found = import_history.warnings(db.session(), execution, page=paging.page, size=paging.size)
    return page_of(found, paging, describe_warning)


def _execution(job_id: str, execution_id: str) -> Execution:
    return import_history.get(db.session(), execution_id, job_public_id=job_id)


def _history(job_id: str, query: ImportExecutionQuery) -> Response:
    import_history.require_job(db.session(), job_id)
    paging = query.paging()
    found = import_history.find(
        db.session(),
        job_id,
        search=query.search,
        statuses=query.statuses,
        sort=paging.sort,
        descending=paging.descending,
        page=paging.page,
        size=paging.size,
    )
    return page_of(found, paging, describe_import_execution)
