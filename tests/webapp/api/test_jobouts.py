"""Export jobs over JSON: what scripts send and get."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.models.execution import Execution
from datahub.models.export_job import ExportJob
from tests.factories import make_order, make_supplier
from tests.webapp.api.conftest import Script, assert_error

JOBS = "/v1/mapper/jobout"


@pytest.fixture
def body(job: ExportJob) -> dict[str, Any]:
    return {
        "name": "Orders to ERP",
        "entity": "ORDER",
        "method": "SFTP",
        "clientId": job.connection.public_id,
        "outputFolder": "out/orders",
        "exportFormat": "XML",
        "fileNameFormat": "SHORT",
        "triggerStatuses": ["ACCEPTED_BY_SUPPLIER"],
        "supplierExternalIds": [],
        "active": True,
    }


@pytest.fixture
def suppliers(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        for external_id in ("A", "B"):
            make_supplier(session, external_id, name=f"Supplier {external_id}")


@pytest.mark.usefixtures("suppliers")
def test_a_job_is_created_read_changed_and_deleted(script: Script, body: dict[str, Any]) -> None:
    made = script.post(JOBS, json=body | {"supplierExternalIds": ["B", "A"]})
    assert made.status_code == 201
    shown = made.json
    assert {name: shown[name] for name in body if name != "supplierExternalIds"} == {
        name: value for name, value in body.items() if name != "supplierExternalIds"
    }
    assert sorted(supplier["externalId"] for supplier in shown["suppliers"]) == ["A", "B"]
    assert shown["createdAt"].endswith("Z")
    read = script.get(f"/v2/mapper/jobout/{shown['id']}")
    assert (read.status_code, read.json["suppliers"][0]) == (200, {"externalId": "A", "name": "Supplier A"})
    changed = script.put(f"{JOBS}/{shown['id']}", json=body | {"name": "Renamed", "exportFormat": "JSON"})
    assert (changed.status_code, changed.json["name"], changed.json["exportFormat"]) == (200, "Renamed", "JSON")
    assert changed.json["suppliers"] == []
    gone = script.delete(f"{JOBS}/{shown['id']}")
    assert (gone.status_code, gone.data) == (204, b"")
    assert_error(script.get(f"/v2/mapper/jobout/{shown['id']}"), 404)


@pytest.mark.usefixtures("suppliers")
def test_what_a_change_leaves_out_stays(script: Script, body: dict[str, Any]) -> None:
    made = script.post(JOBS, json=body | {"supplierExternalIds": ["A"], "active": False}).json
    short = {name: body[name] for name in body if name not in ("supplierExternalIds", "active", "entity", "method")}
    changed = script.put(f"{JOBS}/{made['id']}", json=short).json
    assert ([supplier["externalId"] for supplier in changed["suppliers"]], changed["active"]) == (["A"], False)


def test_faults_of_the_domain_bear_the_names_that_scripts_use(script: Script, body: dict[str, Any]) -> None:
    wrong = {"clientId": "x", "outputFolder": " ", "triggerStatuses": ["LOST"], "supplierExternalIds": ["NOBODY"]}
    answer = script.post(JOBS, json=body | wrong | {"exportFormat": "CSV"})
    assert_error(answer, 400, *wrong, "exportFormat")
    assert script.get(JOBS).json["numberOfElements"] == 1


def test_types_missing_and_unknown_fields_are_named(script: Script, body: dict[str, Any]) -> None:
    del body["name"]
    body |= {"active": "yes", "triggerStatuses": "ALL", "colour": 1}
    assert_error(script.post(JOBS, json=body), 400, "name", "active", "triggerStatuses", "colour")


def test_suppliers_in_a_body_are_refused_with_their_successor(
    script: Script, job: ExportJob, body: dict[str, Any]
) -> None:
    body["suppliers"] = ["1"]
    for answer in (script.post(JOBS, json=body), script.put(f"{JOBS}/{job.public_id}", json=body)):
        assert "supplierExternalIds" in assert_error(answer, 400, "suppliers")["fields"]["suppliers"][0]


def test_entity_and_method_never_change(script: Script, job: ExportJob, body: dict[str, Any]) -> None:
    answer = script.put(f"{JOBS}/{job.public_id}", json=body | {"entity": "INCIDENT", "method": "API"})
    assert_error(answer, 400, "entity", "method")


def test_a_taken_name_is_a_conflict_at_its_field(script: Script, job: ExportJob, body: dict[str, Any]) -> None:
    assert_error(script.post(JOBS, json=body | {"name": job.name.upper()}), 409, "name")


@pytest.mark.usefixtures("suppliers")
def test_suppliers_are_merged_and_removed(script: Script, job: ExportJob) -> None:
    path = f"/v2/jobouts/{job.public_id}/suppliers"
    for _ in range(2):
        assert script.patch(path, json={"supplierExternalIds": ["A", "B"]}).status_code == 204
    assert script.delete(path, json={"supplierExternalIds": ["A", "X"]}).status_code == 204
    shown = script.get(f"/v2/mapper/jobout/{job.public_id}").json["suppliers"]
    assert [supplier["externalId"] for supplier in shown] == ["B"]
    assert_error(script.patch(path, json={"supplierExternalIds": []}), 400, "supplierExternalIds")
    assert_error(script.delete(path, json={"supplierExternalIds": []}), 400, "supplierExternalIds")
    assert_error(script.delete(path), 415)


@pytest.mark.usefixtures("suppliers")
def test_the_list_filters_by_any_of_the_suppliers(script: Script, body: dict[str, Any]) -> None:
    for name, external_ids in (("one", ["A"]), ("two", ["B"]), ("three", [])):
        script.post(JOBS, json=body | {"name": name, "supplierExternalIds": external_ids})
    found = script.get(f"{JOBS}?supplierExternalIds=A&supplierExternalIds=B&sort=name,desc").json
    assert [job["name"] for job in found["content"]] == ["two", "one"]


def test_copies_are_made_on_both_paths(script: Script, job: ExportJob) -> None:
    made = script.post(f"{JOBS}/{job.public_id}/duplicate")
    assert (made.status_code, made.json["name"], made.json["active"]) == (201, f"{job.name} - COPY", False)
    second = script.post(f"/v1/mapper/jobs/{job.public_id}/duplicate")
    assert (second.status_code, set(second.json)) == (200, {"id"})
    shown = script.get(f"/v2/mapper/jobout/{second.json['id']}").json
    assert shown["name"] == f"{job.name} - COPY (1)"


def test_a_run_owes_an_export_to_what_was_never_exported(
    script: Script, job: ExportJob, sessions: sessionmaker[Session]
) -> None:
    with sessions.begin() as session:
        make_order(session, status="ACCEPTED_BY_SUPPLIER")
    first, second = (script.post(f"{JOBS}/{job.public_id}/run") for _ in range(2))
    assert (first.status_code, first.json) == (202, {"count": 1})
    assert second.json == {"count": 0}
    with sessions() as session:
        assert [execution.origin for execution in session.scalars(select(Execution))] == ["RUN"]


def test_the_preview_shows_both_names(script: Script, job: ExportJob, sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        make_order(session, reference="174-1")
    names = script.get(f"{JOBS}/{job.public_id}/file-name-preview").json
    assert set(names) == {"SHORT", "STANDARD"}
    assert names["SHORT"] == "174-1.xml"
    assert names["STANDARD"].startswith("DJUST_174-1_SUP-1_")


def test_the_old_path_answers_as_before_and_names_its_successor(script: Script, job: ExportJob) -> None:
    old, new = script.get(f"{JOBS}/{job.public_id}"), script.get(f"/v2/mapper/jobout/{job.public_id}")
    assert old.json == new.json
    assert old.headers["Deprecation"].startswith("@")
    assert old.headers["Link"] == f'</v2/mapper/jobout/{job.public_id}>; rel="successor-version"'
    assert "Deprecation" not in new.headers
