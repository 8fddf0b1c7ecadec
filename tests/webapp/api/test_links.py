"""What an answer links to is there: each link of the OpenAPI document, followed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy.orm import Session, sessionmaker

from datahub.jobs import orders
from datahub.models.export_job import ExportJob
from tests.factories import add_import_job, make_account, make_order, make_supplier
from tests.webapp.api.conftest import Script
from webapp.api.links import IN_PATH, SOURCES

ORDER = json.loads((Path(__file__).parents[2] / "fixtures" / "orders" / "order.json").read_text())
# Where the document's own example does not do.
BODIES: dict[str, Any] = {
    "/v1/orders": ORDER,
    "/v1/orders/{reference}/incidents": {"reason": "DAMAGED"},
    "/v1/records/{entity}/{external_id}": {"fields": {"name": "Acme"}},
}
# There once an export was tried.
LATER = ("/v2/jobouts/{job_id}/executions/{execution_id}/payload",)
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def known(job: ExportJob, sessions: sessionmaker[Session]) -> dict[str, str]:
    """The parameters of paths that lead to something; an order waits to be exported."""
    with sessions.begin() as session:
        make_supplier(session, ORDER["supplierSnapshot"]["externalId"])
        make_account(session, ORDER["customerUserSnapshot"]["accountExternalId"])
        order = make_order(session, reference="a/b-1")
        orders.change_status(session, order, "ACCEPTED_BY_SUPPLIER", actor="ada")
        import_job = add_import_job(session, session.merge(job.connection))
        return {
            "client_id": job.connection.public_id,
            "jobout": job.public_id,
            "jobs": import_job.public_id,
            "reference": order.reference,
            "entity": "SUPPLIER",
            "external_id": "S/1",
        }


def filled(path: str, values: dict[str, str]) -> str:
    return IN_PATH.sub(lambda name: quote(values[name[1]], safe=""), path)


def told(expression: str, body: Any, asked: dict[str, str]) -> str:
    """What a runtime expression of OpenAPI stands for."""
    place, _, name = expression.partition("$request.path.")
    if not place:
        return asked[name]
    for part in expression.removeprefix("$response.body#/").split("/"):
        body = body[int(part)] if isinstance(body, list) else body[part]
    return str(body)


def test_every_link_leads_to_something(script: Script, known: dict[str, str]) -> None:
    paths = script.get("/api/openapi.json").json["paths"]
    calls = {call["operationId"]: (path, method) for path, calls in paths.items() for method, call in calls.items()}
    followed = set()
    for source in SOURCES:
        call = paths[source.path][source.method]
        example = call.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
        body = BODIES.get(source.path, example) if source.method != "get" else None
        if body and "clientId" in body:
            body |= {"clientId": known["client_id"]}
        asked = known | {"job_id": known["jobout" if "jobout" in source.path else "jobs"]}
        answer = script.open(filled(source.path, asked), method=source.method.upper(), json=body)
        assert str(answer.status_code) == source.status, (source, answer.text)
        for link in call["responses"][source.status]["links"].values():
            path, method = calls[link["operationId"]]
            if method == "get" and path not in LATER:
                values = {name: told(value, answer.json, asked) for name, value in link["parameters"].items()}
                assert script.get(filled(path, values)).status_code == 200, (source, path, values)
                followed.add(path)
    assert len(followed) > 10
