"""Executions of import jobs over JSON: history, one, rejected rows, their download, warnings."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session, sessionmaker

from datahub.models.execution import (
    IMPORT_STATUSES,
    INTEGRATION_DONE_WITH_ERRORS,
    INTEGRATION_STARTED,
    INTEGRATION_WAITING,
    JOB_INITIALIZING,
    JOB_PENDING,
    JOB_STARTED,
    JOB_STOPPED,
    Execution,
)
from datahub.models.export_job import ExportJob
from datahub.models.import_run import ImportWarning
from tests.factories import add_import_execution, add_import_job, add_rejected_row
from tests.webapp.api.conftest import Script, assert_error

FILE = {"name": "offers.csv", "size": 12, "sha256": "0" * 64, "rows": 10}
COUNTS = {"created": 7, "updated": 2, "deleted": 0, "unchanged": 0, "rejected": 1}


@pytest.fixture
def execution(sessions: sessionmaker[Session], job: ExportJob) -> Execution:
    """Done with one rejected row and one warning."""
    with sessions.begin() as session:
        recipe = {"headers": {"offers.csv": ["id", "supplier"]}, "delimiter": ";"}
        run = {"rows": 10, "rows_done": 10, "files": [FILE], "warnings": 1, "recipe": recipe, **COUNTS}
        imports = add_import_job(session, job.connection)
        execution = add_import_execution(session, imports, status=INTEGRATION_DONE_WITH_ERRORS, run=run)
        add_rejected_row(session, execution, 1, line=4, record_key="O-1", cells=["O-1", "=S"], value="=S")
        warning = ImportWarning(execution_id=execution.id, file="offers.csv", code="superseded", message="Twice.")
        session.add(warning)
    return execution


def path_of(execution: Execution, action: str = "") -> str:
    return f"/v2/jobs/{execution.job_public_id}/executions/{execution.public_id}{action}"


def test_an_execution_tells_its_counts_and_progress(script: Script, execution: Execution) -> None:
    body = script.get(path_of(execution)).json
    assert list(body) == [
        *("jobStatusId", "jobId", "status", "trigger", "createdAt", "startedAt", "endedAt"),
        *("counts", "removed", "warnings", "progress", "files", "error"),
    ]
    assert body["jobStatusId"] == execution.public_id
    assert (body["status"], body["trigger"]) == (INTEGRATION_DONE_WITH_ERRORS, "MANUAL")
    assert body["counts"] == {"read": 10, **COUNTS}
    assert (body["warnings"], body["progress"], body["files"]) == (1, 1.0, ["offers.csv"])


def test_an_import_is_stopped_at_each_of_its_stages_and_never_after_the_last(
    script: Script, sessions: sessionmaker[Session], job: ExportJob
) -> None:
    under_way = {JOB_PENDING, JOB_INITIALIZING, JOB_STARTED, INTEGRATION_WAITING, INTEGRATION_STARTED}
    for status in IMPORT_STATUSES:
        with sessions.begin() as session:
            execution = add_import_execution(session, add_import_job(session, job.connection), status=status)
        answer = script.post(path_of(execution, "/stop"))
        if status in under_way:
            assert answer.status_code == 204, status
            assert script.get(path_of(execution)).json["status"] == JOB_STOPPED
        else:
            assert_error(answer, 409)
            assert script.get(path_of(execution)).json["status"] == status


def test_the_history_of_a_job_answers_on_both_paths(script: Script, execution: Execution) -> None:
    new = script.get(f"/v2/jobs/{execution.job_public_id}/executions")
    old = script.get(f"/v1/mapper/status/all/{execution.job_public_id}")
    assert new.json == old.json
    assert [row["jobStatusId"] for row in new.json["content"]] == [execution.public_id]
    assert "Deprecation" not in new.headers
    assert old.headers["Deprecation"].startswith("@")
    assert f"/v2/jobs/{execution.job_public_id}/executions" in old.headers["Link"]


def test_the_history_is_narrowed_and_sorted(script: Script, execution: Execution) -> None:
    path = f"/v2/jobs/{execution.job_public_id}/executions"
    assert script.get(path, query_string={"statuses": "JOB_FAILED"}).json["empty"]
    assert script.get(path, query_string={"search": execution.public_id[:9]}).json["numberOfElements"] == 1
    assert script.get(path, query_string={"sort": "startedAt,asc"}).status_code == 200
    assert script.get(path, query_string={"sort": "status"}).status_code == 400


def test_rejected_rows_tell_where_and_why(script: Script, execution: Execution) -> None:
    page = script.get(path_of(execution, "/rejections")).json
    (row,) = page["content"]
    message = "No supplier has this id."
    fault = {"code": "unknown_reference", "field": "supplier", "column": "Supplier", "value": "=S", "message": message}
    assert row == {
        "file": "offers.csv",
        "line": 4,
        "identifier": "O-1",
        "field": "supplier",
        "code": "unknown_reference",
        "message": message,
        "faults": [fault],
    }
    assert page["last"]


def test_rejected_rows_are_downloaded_in_the_form_of_the_source(script: Script, execution: Execution) -> None:
    answer = script.get(path_of(execution, "/rejections.csv"))
    assert answer.content_type == "text/csv; charset=utf-8"
    assert f"rejected-{execution.public_id}.csv" in answer.headers["Content-Disposition"]
    assert answer.text.splitlines() == [
        "id;supplier;hub_file;hub_line;hub_reason",
        "O-1;'=S;offers.csv;4;Supplier: No supplier has this id.",
    ]


def test_warnings_of_a_whole_file_have_no_line(script: Script, execution: Execution) -> None:
    (warning,) = script.get(path_of(execution, "/warnings")).json["content"]
    assert (warning["line"], warning["code"], warning["message"]) == (None, "superseded", "Twice.")


def test_both_kinds_are_listed_together_each_in_its_shape(script: Script, execution: Execution) -> None:
    (row,) = script.get("/v2/executions").json["content"]
    assert (row["kind"], row["jobName"], row["jobStatusId"]) == ("IMPORT", execution.job_name, execution.public_id)
    assert "exportIntegrationId" not in row


def test_an_import_is_not_found_where_exports_are(script: Script, execution: Execution) -> None:
    exports = f"/v2/jobouts/{execution.job_public_id}/executions"
    assert_error(script.get(exports), 404)
    assert_error(script.get(f"{exports}/{execution.public_id}"), 404)
    assert_error(script.post(f"{exports}/{execution.public_id}/stop"), 404)


def test_unknown_jobs_and_executions_are_told(script: Script, execution: Execution, job: ExportJob) -> None:
    assert_error(script.get("/v2/jobs/none/executions"), 404)
    assert_error(script.get(f"/v2/jobs/{job.public_id}/executions"), 404)
    for action in ("", "/rejections", "/rejections.csv", "/warnings"):
        assert_error(script.get(f"/v2/jobs/{job.public_id}/executions/{execution.public_id}{action}"), 404)
