"""What scripts rely on: these paths with these methods, and errors in JSON wherever they miss."""

from __future__ import annotations

import pytest
from apiflask import APIFlask

from datahub.models.export_job import ExportJob
from tests.webapp.api.conftest import Script, assert_error

PATHS = {
    "/v1/mapper/clients": "GET POST",
    "/v1/mapper/clients/{}": "DELETE GET PUT",
    "/v1/mapper/clients/{}/test": "POST",
    "/v1/mapper/jobout": "GET POST",
    "/v1/mapper/jobout/{}": "DELETE GET PUT",
    "/v2/mapper/jobout/{}": "GET",
    "/v1/mapper/jobout/{}/duplicate": "POST",
    "/v1/mapper/jobout/{}/run": "POST",
    "/v1/mapper/jobout/{}/file-name-preview": "GET",
    "/v1/mapper/jobout/{}/exported-item-statuses": "GET",
    "/v2/jobouts/{}/suppliers": "DELETE PATCH",
    "/v2/jobouts/{}/executions": "GET",
    "/v2/jobouts/{}/executions/{}": "GET",
    "/v2/jobouts/{}/executions/{}/payload": "GET",
    "/v2/jobouts/{}/executions/{}/stop": "POST",
    "/v2/jobouts/{}/executions/{}/retry": "POST",
    "/v2/jobouts/{}/executions/{}/resend": "POST",
    "/v2/executions": "GET",
    "/v2/mapper/jobs": "POST",
    "/v1/mapper/jobs": "GET",
    "/v1/mapper/jobs/{}": "DELETE GET PUT",
    "/job/{}": "GET",
    "/v1/mapper/jobs/{}/duplicate": "POST",
    "/v1/mapper/jobs/{}/run": "POST",
    "/v1/mapper/status/all/{}": "GET",
    "/v2/jobs/{}/executions": "GET",
    "/v2/jobs/{}/executions/{}": "GET",
    "/v2/jobs/{}/executions/{}/rejections": "GET",
    "/v2/jobs/{}/executions/{}/rejections.csv": "GET",
    "/v2/jobs/{}/executions/{}/warnings": "GET",
    "/v2/jobs/{}/executions/{}/stop": "POST",
    "/v1/records/{}": "GET",
    "/v1/records/{}/{}": "GET PUT",
    "/v1/records/{}/{}/changes": "GET",
    "/v1/custom-fields": "GET POST",
    "/v1/custom-fields/{}": "DELETE GET PUT",
    "/v1/orders": "GET POST",
    "/v1/orders/{}": "GET PATCH",
    "/v1/orders/{}/incidents": "POST",
    "/v1/incidents/{}": "GET PATCH",
    "/v1/settings/general": "GET PATCH PUT",
    "/healthz": "GET",
    "/metrics": "GET",
    "/api/openapi.json": "GET",
    "/api/docs": "GET",
}
DEPRECATED = {
    "/v1/mapper/jobout/{}": "/v2/mapper/jobout/{}",
    "/v1/mapper/jobout/{}/exported-item-statuses": "/v2/jobouts/{}/executions",
    "/v1/mapper/status/all/{}": "/v2/jobs/{}/executions",
}
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_each_path_takes_its_methods(app: APIFlask) -> None:
    found: dict[str, set[str]] = {}
    for rule in app.url_map.iter_rules():
        path = "".join("{}" if is_argument else text for is_argument, text in rule._trace).lstrip("|")
        found.setdefault(path, set()).update((rule.methods or set()) - {"HEAD", "OPTIONS"})
    assert {path: " ".join(sorted(found.get(path, ()))) for path in PATHS} == PATHS


@pytest.mark.parametrize("path", DEPRECATED)
def test_an_old_path_names_its_successor_even_where_there_is_nothing(script: Script, job: ExportJob, path: str) -> None:
    told = {}
    for given in (job.public_id, "no such"):
        answer = script.get(path.format(given))
        assert answer.headers["Deprecation"].startswith("@")
        told[given] = answer.headers["Link"]
    assert told == {
        given: f'<{DEPRECATED[path].format(given.replace(" ", "%20"))}>; rel="successor-version"' for given in told
    }
    assert_error(script.get(path.format("no such")), 404)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1//mapper/clients", 404),
        ("GET", "/v1/mapper/clients/", 404),
        ("GET", "/v2/nothing", 404),
        ("GET", "/v1", 404),
        ("GET", "/api/nothing", 404),
        ("TRACE", "/v1/mapper/clients", 405),
        ("POST", "/job/1", 405),
        ("POST", "/healthz", 405),
        ("GET", "/v1/records/ORDER_UPDATE/1", 404),
        ("GET", "/v1/records/ORDER_STATUS", 404),
    ],
)
def test_a_path_or_method_that_is_not_offered_is_told_in_json(
    script: Script, method: str, path: str, status: int
) -> None:
    assert_error(script.open(path, method=method), status)
