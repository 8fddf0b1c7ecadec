"""Whatever is sent, the API answers as its own OpenAPI document says."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from apiflask import APIFlask
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import from_schema
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from datahub.models.export_job import ExportJob
from tests.webapp.api.conftest import Script
from tests.webapp.conftest import parse

DOCUMENT = "/api/openapi.json"
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]
PHASES = ("examples", "coverage", "fuzzing", "stateful")
EXAMPLES = int(os.environ.get("CONTRACT_EXAMPLES", "3"))
# A body of the right shape may still break a rule of the domain; a call without a token is tried on every route by
# tests.webapp.test_permissions, in-process Schemathesis cannot.
LEFT_OUT = ("positive_data_acceptance", "ignored_auth")
OFF = {"enabled": False}
# No worker runs here; and ids may hold slashes, so that a longer path is also an order's or a record's own.
KNOWN = {
    "GET /healthz": {"not_a_server_error": OFF},
    "POST /v1/orders/{reference}/incidents": {"unsupported_method": OFF, "allow_header_conformance": OFF},
    "GET /v1/records/{entity}/{external_id}/changes": {"unsupported_method": OFF, "allow_header_conformance": OFF},
}
FEW = settings(
    max_examples=EXAMPLES,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_the_document_describes_every_path(app: APIFlask, script: Script) -> None:
    document = script.get(DOCUMENT).json
    assert document["openapi"].startswith("3.1")
    described = set(document["paths"])
    paths = {rule.rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("api_")}
    assert len(described) == len(paths - {DOCUMENT, "/api/docs"})
    operation = document["paths"]["/v1/mapper/jobout"]["post"]
    assert operation["security"] == [{"token": []}]
    assert operation["requestBody"]["content"]["application/json"]["example"]["clientId"]


def test_the_document_says_which_body_a_415_wants_and_only_where_a_body_is_read(script: Script) -> None:
    paths = script.get(DOCUMENT).json["paths"]

    def told(path: str, method: str = "post") -> Any:
        return paths[path][method]["responses"].get("415")

    assert told("/v1/mapper/jobout") == {"$ref": "#/components/responses/Error415"}
    run = told("/v1/mapper/jobs/{job_id}/run")
    assert run["description"] == 'The body is neither multipart/form-data with the field "file" nor empty.'
    assert run["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Error"}
    assert told("/v1/mapper/jobout/{job_id}/run") is None
    assert told("/v1/mapper/jobout", "get") is None


def test_the_document_describes_the_file_that_a_run_may_bring(script: Script) -> None:
    body = script.get(DOCUMENT).json["paths"]["/v1/mapper/jobs/{job_id}/run"]["post"]["requestBody"]
    assert body["required"] is False
    (media_type,) = body["content"]
    assert media_type == "multipart/form-data"
    schema = body["content"][media_type]["schema"]
    assert (schema["properties"]["file"]["format"], schema["required"]) == ("binary", ["file"])


def test_the_page_that_shows_it_tells_every_call_and_what_its_bodies_hold(script: Script) -> None:
    page, document = script.get("/api/docs"), script.get(DOCUMENT).json
    assert page.status_code == 200
    shown = {each.get("id"): " ".join(each.itertext()) for each in parse(page.text).iter("details")}
    calls = [(path, method, call) for path, calls in document["paths"].items() for method, call in calls.items()]
    for path, method, call in calls:
        assert f"{method.upper()} {path} {call['summary']}" in " ".join(shown[call["operationId"]].split())
    assert len({call["operationId"] for _, _, call in calls}) == len(calls)
    assert len(document["tags"]) == len({tag["name"] for tag in document["tags"]})
    orders = shown["get_api_orders_list_orders"]
    for told in ("statuses", "query", "at least 1", "default 20", "list of object", "numberOfElements", "401, 403"):
        assert told in orders, told
    assert "suppliers[].externalId" in shown["get_api_jobouts_get_jobout_v1"]
    assert "<script>" not in page.text


@pytest.mark.filterwarnings("ignore")
def test_no_request_breaks_the_contract(app: APIFlask, script_of: Callable[[str], Script], job: ExportJob) -> None:
    headers = {"Authorization": f"Bearer {script_of('ADMIN').token}", "dj-client": "OPERATOR"}
    known = {"job_id": job.public_id, "client_id": job.connection.public_id, "entity": "SUPPLIER"}
    answered = 0
    for found in schemathesis.openapi.from_wsgi(DOCUMENT, app).get_all_operations():
        operation = found.ok()

        @FEW
        @given(case=operation.as_strategy())
        def send(case: schemathesis.Case) -> None:
            nonlocal answered
            if case.method != "DELETE":
                case.path_parameters |= {name: known[name] for name in case.path_parameters if name in known}
            answer = case.call(headers=headers)
            case.validate_response(answer, checks=CHECKS if case.path == "/healthz" else [not_a_server_error, *CHECKS])
            answered += 1

        send()
    assert answered > 50


@pytest.fixture
def explore(app: APIFlask, script_of: Callable[[str], Script]) -> Callable[[str], list[ScenarioFinished]]:
    """explore(phase): what Schemathesis did in it, with every check that makes sense here."""
    headers = {"Authorization": f"Bearer {script_of('ADMIN').token}", "dj-client": "OPERATOR"}

    def explore(phase: str) -> list[ScenarioFinished]:
        config = SchemathesisConfig.from_dict(
            {
                "seed": 1,
                "continue-on-failure": True,
                "headers": headers,
                "checks": {name: {"enabled": False} for name in LEFT_OUT},
                "generation": {"max-examples": 20 * EXAMPLES, "database": "none"},
                "phases": {name: {"enabled": name == phase} for name in PHASES},
                "operations": [{"include-name": name, "checks": KNOWN[name]} for name in KNOWN],
            }
        )
        happened = list(from_schema(schemathesis.openapi.from_wsgi(DOCUMENT, app, config=config)).execute())
        assert [event for event in happened if isinstance(event, NonFatalError | FatalError)] == []
        return [event for event in happened if isinstance(event, ScenarioFinished)]

    return explore


def faults(scenarios: list[ScenarioFinished]) -> set[str]:
    return {
        f"{check.name}: {check.failure_info.failure.message}\n{check.failure_info.code_sample}"
        for scenario in scenarios
        for checks in scenario.recorder.checks.values()
        for check in checks
        if check.failure_info
    }


@pytest.mark.filterwarnings("ignore")
def test_every_kind_of_right_and_wrong_request_is_answered_as_described(
    explore: Callable[[str], list[ScenarioFinished]], job: ExportJob
) -> None:
    scenarios = explore("coverage")
    assert faults(scenarios) == set()
    assert sum(len(scenario.recorder.checks) for scenario in scenarios) > 1000


@pytest.mark.filterwarnings("ignore")
def test_what_an_answer_links_to_is_there_until_it_is_deleted(
    explore: Callable[[str], list[ScenarioFinished]], job: ExportJob
) -> None:
    scenarios = explore("stateful")
    assert faults(scenarios) == set()
