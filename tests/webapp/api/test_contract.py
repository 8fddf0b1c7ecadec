"""Whatever is sent, the API answers as its own OpenAPI document says."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from apiflask import APIFlask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from datahub.models.export_job import ExportJob
from tests.webapp.api.conftest import Script

DOCUMENT = "/api/openapi.json"
STATIC = Path(__file__).parents[3] / "static"
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]
FEW = settings(
    max_examples=6,
    deadline=None,
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


def test_the_page_that_shows_it_runs_no_inline_script(script: Script) -> None:
    page = script.get("/api/docs")
    assert page.status_code == 200
    assert DOCUMENT in page.text
    assert "vendor/swagger-ui-bundle.js?v=" in page.text or not (STATIC / "vendor").exists()
    assert "<script>" not in page.text


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.name.lower())
def test_no_request_breaks_the_contract(
    app: APIFlask, script_of: Callable[[str], Script], job: ExportJob, mode: GenerationMode
) -> None:
    headers = {"Authorization": f"Bearer {script_of('ADMIN').token}", "dj-client": "OPERATOR"}
    known = {"job_id": job.public_id, "client_id": job.connection.public_id, "entity": "SUPPLIER"}
    answered = 0
    for found in schemathesis.openapi.from_wsgi(DOCUMENT, app).get_all_operations():
        operation = found.ok()

        @FEW
        @given(case=operation.as_strategy(generation_mode=mode))
        def send(case: schemathesis.Case) -> None:
            nonlocal answered
            if case.method != "DELETE":
                case.path_parameters |= {name: known[name] for name in case.path_parameters if name in known}
            answer = case.call(headers=headers)
            case.validate_response(answer, checks=CHECKS if case.path == "/healthz" else [not_a_server_error, *CHECKS])
            answered += 1

        # A path that takes no input cannot be called wrongly.
        with suppress(Unsatisfiable):
            send()
    assert answered > 50
