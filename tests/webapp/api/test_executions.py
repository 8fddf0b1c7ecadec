"""Executions over JSON: history, what was sent, stop, retry, resend."""

from __future__ import annotations

import hashlib

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.jobs import orders
from datahub.models.execution import ERROR, SUCCESS, Execution, Payload
from datahub.models.export_job import ExportJob
from tests.factories import make_order
from tests.webapp.api.conftest import Script, assert_error

CONTENT = b"<Order/>"
KEYS = [
    "exportIntegrationId",
    "jobOutId",
    "entity",
    "entityReference",
    "triggerStatus",
    "status",
    "attempts",
    "createdAt",
    "executedAt",
    "nextAttemptAt",
    "fileName",
    "size",
    "sha256",
    "error",
    "origin",
    "predecessor",
]


@pytest.fixture
def waiting(sessions: sessionmaker[Session], job: ExportJob) -> Execution:
    """Due and not yet tried, of `job`."""
    with sessions.begin() as session:
        (execution,) = orders.change_status(session, make_order(session), "ACCEPTED_BY_SUPPLIER", actor="ada")
        assert execution.job_public_id == job.public_id
    return execution


def end(sessions: sessionmaker[Session], execution: Execution, status: str) -> None:
    with sessions.begin() as session:
        row = session.get_one(Execution, execution.id)
        row.status, row.ended_at, row.next_attempt_at = status, database_now(session), None
        digest = hashlib.sha256(CONTENT).hexdigest()
        row.payload = Payload(
            file_name="a.xml", content=CONTENT, size=len(CONTENT), sha256=digest, created_at=database_now(session)
        )


def path_of(execution: Execution, action: str = "") -> str:
    return f"/v2/jobouts/{execution.job_public_id}/executions/{execution.public_id}{action}"


def test_an_execution_has_the_keys_of_the_contract(script: Script, waiting: Execution) -> None:
    shown = script.get(path_of(waiting)).json
    assert list(shown) == KEYS
    assert (shown["status"], shown["origin"], shown["attempts"], shown["predecessor"]) == (
        "JOB_PENDING",
        "TRIGGER",
        0,
        None,
    )
    assert shown["executedAt"] == shown["createdAt"]


def test_history_is_found_on_three_paths(script: Script, waiting: Execution) -> None:
    new = script.get(f"/v2/jobouts/{waiting.job_public_id}/executions")
    old = script.get(f"/v1/mapper/jobout/{waiting.job_public_id}/exported-item-statuses")
    every = script.get("/v2/executions")
    assert new.json == old.json
    assert 'rel="successor-version"' in old.headers["Link"]
    assert [list(found) for found in every.json["content"]] == [[*KEYS, "kind", "jobName"]]
    assert_error(script.get("/v2/jobouts/unknown/executions"), 404)


def test_search_and_statuses_narrow_the_history(script: Script, waiting: Execution) -> None:
    path = f"/v2/jobouts/{waiting.job_public_id}/executions"
    for query, found in (
        (f"search={waiting.public_id[4:15].upper()}", 1),
        ("search=%25", 0),
        ("statuses=SUCCESS&statuses=ERROR", 0),
        ("statuses=LOST", 1),
        ("statuses=LOST&statuses=JOB_PENDING&sort=createdAt|asc", 1),
    ):
        assert script.get(f"{path}?{query}").json["numberOfElements"] == found, query


def test_orders_and_files_are_found_among_the_executions_of_all_jobs_only(
    script: Script, sessions: sessionmaker[Session], waiting: Execution
) -> None:
    end(sessions, waiting, SUCCESS)
    of_job = f"/v2/jobouts/{waiting.job_public_id}/executions"
    for typed in (waiting.entity_reference, waiting.entity_reference[:5].lower(), "A.xm"):
        (found,) = script.get("/v2/executions", query_string={"search": typed}).json["content"]
        assert found["exportIntegrationId"] == waiting.public_id
        assert script.get(of_job, query_string={"search": typed}).json["empty"]
    for typed in (waiting.entity_reference[1:], "%", "_", "\\", "a_xml"):
        assert script.get("/v2/executions", query_string={"search": typed}).json["empty"]


def test_a_waiting_execution_is_stopped_once(script: Script, waiting: Execution) -> None:
    as_import = f"/v2/jobs/{waiting.job_public_id}/executions/{waiting.public_id}/stop"
    assert_error(script.post(as_import), 404)
    assert_error(script.get(path_of(waiting, "/payload")), 404)
    assert script.post(path_of(waiting, "/stop")).status_code == 204
    assert_error(script.post(path_of(waiting, "/stop")), 409)
    assert script.get(path_of(waiting)).json["status"] == "JOB_STOPPED"


def test_a_failed_execution_is_retried_as_a_new_one(
    script: Script, sessions: sessionmaker[Session], waiting: Execution
) -> None:
    assert_error(script.post(path_of(waiting, "/retry")), 409)
    end(sessions, waiting, ERROR)
    made = script.post(path_of(waiting, "/retry"))
    assert made.status_code == 202
    path = f"/v2/jobouts/{waiting.job_public_id}/executions/{made.json['exportIntegrationId']}"
    successor = script.get(path).json
    assert (successor["origin"], successor["predecessor"]) == ("RETRY", waiting.public_id)
    assert_error(script.post(path_of(waiting, "/retry")), 409)


def test_delivered_bytes_are_read_and_sent_again(
    script: Script, sessions: sessionmaker[Session], waiting: Execution
) -> None:
    end(sessions, waiting, SUCCESS)
    sent = script.get(path_of(waiting, "/payload"))
    assert (sent.data, sent.mimetype) == (CONTENT, "application/xml")
    assert "a.xml" in sent.headers["Content-Disposition"]
    assert script.get(path_of(waiting)).json["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert script.post(path_of(waiting, "/resend")).status_code == 202


@pytest.mark.parametrize(("status", "action"), [(ERROR, "/retry"), (SUCCESS, "/resend")])
def test_older_news_is_not_sent_after_newer(
    script: Script, sessions: sessionmaker[Session], waiting: Execution, status: str, action: str
) -> None:
    with sessions.begin() as session:
        session.scalars(select(ExportJob)).one().trigger_statuses = ["ACCEPTED_BY_SUPPLIER", "SHIPPED"]
        (newer,) = orders.change_status(session, session.get_one(Execution, waiting.id).order, "SHIPPED", actor="ada")
    end(sessions, waiting, status)
    end(sessions, newer, SUCCESS)
    for address in (path_of(waiting, action), path_of(waiting, f"{action}?over={newer.public_id}")):
        refused = script.post(address)
        assert_error(refused, 409)
        assert "SHIPPED, was delivered at" in refused.json["message"]
        assert newer.public_id in refused.json["message"]
    assert script.post(path_of(newer, "/resend")).status_code == 202


def test_an_execution_of_another_job_is_unknown(script: Script, waiting: Execution) -> None:
    assert_error(script.get(f"/v2/jobouts/other/executions/{waiting.public_id}"), 404)
