"""Import jobs over JSON: what scripts send and get."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from datahub.jobs import import_jobs
from datahub.models.execution import Execution
from datahub.models.export_job import ExportJob
from tests.factories import add_import_execution
from tests.webapp.api.conftest import Script, assert_error

NEW = "/v2/mapper/jobs"
JOBS = "/v1/mapper/jobs"
DELETES = [{"field": "stockId", "source": "Stock Id"}, {"field": "stockDeleted", "source": "Gone"}]
Body = dict[str, Any]
TREE: Body = {"entity": "NAVIGATION_CATEGORY", "mapping": None, "transcoding": []}
FOLDERS: Body = {"filePath": None, "inboundDirectory": "in", "outboundDirectory": "done"}


@pytest.fixture
def body(job: ExportJob) -> Body:
    return {
        "name": "Offers from ERP",
        "entity": "OFFER",
        "method": "SFTP",
        "clientId": job.connection.public_id,
        "filePath": "in/offers.csv",
        "bulk": False,
        "inboundDirectory": None,
        "outboundDirectory": None,
        "delimiter": ";",
        "mapping": DELETES,
        "transcoding": [{"field": "currency", "from": "Euro", "to": "EUR"}],
        "schedule": {"cron": "*/30 * * * *", "enabled": True},
        "simultaneousExecution": "WAIT_FOR_NEXT",
        "importFullMode": False,
        "storeExternalIds": [],
        "active": True,
    }


@pytest.fixture
def short(body: Body) -> Body:
    """What cannot be left out of a change."""
    return {name: body[name] for name in ("name", "clientId", "delimiter", "filePath")}


def test_a_job_is_created_read_changed_and_deleted(script: Script, body: Body) -> None:
    made = script.post(NEW, json=body)
    assert made.status_code == 201
    shown = made.json
    assert {name: shown[name] for name in body} == body
    assert set(shown) == {*body, "id", "createdAt", "updatedAt"}
    assert shown["createdAt"].endswith("Z")
    for path in (f"{JOBS}/{shown['id']}", f"/job/{shown['id']}"):
        read = script.get(path)
        assert (read.status_code, read.json) == (200, shown)
    wanted = body | {"name": "Renamed", "delimiter": ",", "importFullMode": True, "mapping": None}
    changed = script.put(f"{JOBS}/{shown['id']}", json=wanted)
    assert changed.status_code == 200
    assert {name: changed.json[name] for name in body} == wanted
    assert script.get(f"/job/{shown['id']}").json == changed.json
    gone = script.delete(f"{JOBS}/{shown['id']}")
    assert (gone.status_code, gone.data) == (204, b"")
    for path in (f"{JOBS}/{shown['id']}", f"/job/{shown['id']}"):
        assert_error(script.get(path), 404)


def test_a_job_of_xml_files_has_no_delimiter(script: Script, short: Body) -> None:
    wanted = {"name": "Moves", "clientId": short["clientId"]}
    given = wanted | {"entity": "ORDER_STATUS", "filePath": "in/moves.xml"}
    assert_error(script.post(NEW, json=given | {"delimiter": ";"}), 400, "delimiter")
    shown = script.post(NEW, json=given).json
    assert shown["delimiter"] is None
    changed = script.put(f"{JOBS}/{shown['id']}", json=wanted | FOLDERS | {"bulk": True})
    assert (changed.status_code, changed.json["delimiter"]) == (200, None)
    given_back = {
        name: value for name, value in changed.json.items() if name in (*wanted, *FOLDERS, "bulk", "delimiter")
    }
    assert script.put(f"{JOBS}/{shown['id']}", json=given_back).status_code == 200
    assert_error(script.post(NEW, json=given | {"entity": "STORE", "name": "Stores"}), 400, "delimiter")


def test_a_short_body_gets_the_defaults(script: Script, short: Body) -> None:
    shown = script.post(NEW, json=short | {"entity": "STORE", "filePath": "stores.csv"}).json
    expected = {
        "method": "SFTP",
        "bulk": False,
        "mapping": None,
        "transcoding": [],
        "schedule": {"cron": None, "enabled": False},
        "simultaneousExecution": "WAIT_FOR_NEXT",
        "importFullMode": False,
        "storeExternalIds": [],
        "active": True,
    }
    assert {name: shown[name] for name in expected} == expected


def test_a_bulk_job_has_directories_and_no_file(script: Script, body: Body) -> None:
    bulk = {"bulk": True, "filePath": None, "inboundDirectory": "in", "outboundDirectory": "done"}
    shown = script.post(NEW, json=body | bulk).json
    assert {name: shown[name] for name in bulk} == bulk
    assert shown["filePath"] is None
    answer = script.put(f"{JOBS}/{shown['id']}", json=body | bulk | {"outboundDirectory": "in/"})
    assert_error(answer, 400, "outboundDirectory")


NULLS: Body = dict.fromkeys(["mapping", "transcoding", "schedule", "simultaneousExecution", "importFullMode", "active"])


@pytest.mark.parametrize("nulls", [{}, NULLS])
def test_what_a_change_leaves_out_is_as_in_a_new_job_save_that_active_stays(
    script: Script, body: Body, short: Body, nulls: Body
) -> None:
    body |= {"active": False, "importFullMode": True, "simultaneousExecution": "RUN_IMMEDIATELY"}
    body |= {"storeExternalIds": ["default_store"]}
    made = script.post(NEW, json=body).json
    fresh = script.post(NEW, json=short | {"name": "Fresh", "entity": "OFFER"}).json
    changed = script.put(f"{JOBS}/{made['id']}", json=short | nulls).json
    assert {name: changed[name] for name in body} == {name: fresh[name] for name in body} | {
        "name": body["name"],
        "active": False,
    }


def test_a_change_gives_the_path_again(script: Script, body: Body, short: Body) -> None:
    made = script.post(NEW, json=body).json
    del short["filePath"]
    assert_error(script.put(f"{JOBS}/{made['id']}", json=short), 400, "filePath")


def test_an_answer_can_be_sent_back(script: Script, body: Body) -> None:
    made = script.post(NEW, json=body | {"schedule": None}).json
    again = {name: made[name] for name in body}
    assert script.put(f"{JOBS}/{made['id']}", json=again).status_code == 200


@pytest.mark.parametrize(
    ("wrong", "fields"),
    [
        ({"name": " "}, ["name"]),
        ({"name": "x" * 201}, ["name"]),
        ({"name": 1}, ["name"]),
        ({"entity": "ORDERS"}, ["entity"]),
        ({"entity": None}, ["entity"]),
        ({"method": "API", "listPath": "$.elements"}, ["method"]),
        ({"clientId": "x"}, ["clientId"]),
        ({"clientId": ""}, ["clientId"]),
        ({"delimiter": "|"}, ["delimiter"]),
        ({"delimiter": ""}, ["delimiter"]),
        ({"delimiter": None}, ["delimiter"]),
        ({"bulk": "yes"}, ["bulk"]),
        ({"bulk": True, "filePath": None}, ["inboundDirectory", "outboundDirectory"]),
        (
            {"bulk": True, "filePath": None, "inboundDirectory": "a", "outboundDirectory": "a"},
            ["outboundDirectory"],
        ),
        ({"bulk": True, "inboundDirectory": "a", "outboundDirectory": "b"}, ["filePath"]),
        ({"inboundDirectory": "a", "outboundDirectory": "b"}, ["inboundDirectory", "outboundDirectory"]),
        ({"filePath": None}, ["filePath"]),
        ({"filePath": "in/"}, ["filePath"]),
        ({"filePath": "a\nb.csv"}, ["filePath"]),
        ({"filePath": "x" * 1001}, ["filePath"]),
        ({"mapping": []}, ["mapping"]),
        ({"mapping": {"stockId": "Stock Id"}}, ["mapping"]),
        ({"mapping": [{"field": "stockId"}]}, ["mapping.0.source"]),
        ({"mapping": [{"field": "stockId", "source": "Id", "as": "TEXT"}]}, ["mapping.0.as"]),
        ({"mapping": [*DELETES, {"field": "no", "source": "x"}]}, ["mapping.2.field"]),
        ({"mapping": DELETES[:1]}, ["mapping"]),
        ({"mapping": [{"field": "price", "source": "Price"}]}, ["mapping"]),
        ({"transcoding": [{"field": "currency", "to": "EUR"}]}, ["transcoding.0.from"]),
        ({"transcoding": [{"field": "no", "from": "a", "to": "b"}]}, ["transcoding.0.field"]),
        ({"schedule": {"cron": "* *", "enabled": False}}, ["schedule.cron"]),
        ({"schedule": {"cron": None, "enabled": True}}, ["schedule.cron"]),
        ({"schedule": {"enabled": False}}, ["schedule.cron"]),
        ({"schedule": {"cron": "* * * * *", "zone": "CET"}}, ["schedule.zone"]),
        ({"schedule": "* * * * *"}, ["schedule"]),
        ({"simultaneousExecution": "SOMETIMES"}, ["simultaneousExecution"]),
        ({"entity": "STORE", "mapping": None, "transcoding": [], "importFullMode": True}, ["importFullMode"]),
        ({"importFullMode": 1}, ["importFullMode"]),
        ({"storeExternalIds": ["nowhere"]}, ["storeExternalIds"]),
        ({"storeExternalIds": "default_store"}, ["storeExternalIds"]),
        (TREE | {"storeExternalIds": []}, ["storeExternalIds"]),
        (TREE | {"storeExternalIds": ["default_store"], "bulk": True} | FOLDERS, ["bulk"]),
        ({"active": "true"}, ["active"]),
        ({"colour": 1, "calls": []}, ["colour", "calls"]),
        ({"name": " ", "delimiter": "|", "filePath": ""}, ["name", "delimiter", "filePath"]),
    ],
    ids=str,
)
def test_faults_bear_the_names_that_scripts_use(script: Script, body: Body, wrong: Body, fields: list[str]) -> None:
    assert_error(script.post(NEW, json=body | wrong), 400, *fields)
    assert script.get(JOBS).json["empty"]


@pytest.mark.parametrize("name", ["name", "entity", "clientId", "delimiter", "filePath"])
def test_what_is_required_cannot_be_left_out(script: Script, body: Body, name: str) -> None:
    del body[name]
    assert_error(script.post(NEW, json=body), 400, name)


def test_a_mapping_to_a_locale_that_is_not_set_up_is_told_which_there_are(script: Script, body: Body) -> None:
    script.patch("/v1/settings/general", json={"locales": ["en-GB", "fr-FR"]})
    names = [
        {"field": "productExternalId", "source": "Id"},
        {"field": "variantExternalId", "source": "Variant"},
        {"field": "productNames[fr-FR]", "source": "Nom"},
        {"field": "productNames[de-DE]", "source": "Name"},
    ]
    wanted = body | {"entity": "PRODUCT", "transcoding": [], "mapping": names}
    told = assert_error(script.post(NEW, json=wanted), 400, "mapping.3.field")["fields"]["mapping.3.field"]
    assert told == ["de-DE is not among the locales of the settings: en-GB, fr-FR."]
    assert script.post(NEW, json=wanted | {"mapping": names[:3]}).status_code == 201


def test_a_change_is_checked_as_a_new_job_is(script: Script, body: Body) -> None:
    made = script.post(NEW, json=body).json
    wrong = {"filePath": "", "mapping": [], "schedule": {"cron": "x", "enabled": True}, "importFullMode": True}
    answer = script.put(f"{JOBS}/{made['id']}", json=body | wrong | {"colour": 1})
    assert_error(answer, 400, "colour")
    answer = script.put(f"{JOBS}/{made['id']}", json=body | wrong)
    assert_error(answer, 400, "filePath", "mapping", "schedule.cron")
    assert script.get(f"/job/{made['id']}").json == made


@pytest.mark.parametrize(("field", "value"), [("entity", "STORE"), ("entity", "ORDERS"), ("method", "API")])
def test_entity_and_method_never_change(script: Script, body: Body, field: str, value: str) -> None:
    made = script.post(NEW, json=body).json
    assert_error(script.put(f"{JOBS}/{made['id']}", json=body | {field: value}), 400, field)


def test_a_taken_name_is_a_conflict_at_its_field(script: Script, job: ExportJob, body: Body) -> None:
    script.post(NEW, json=body)
    assert_error(script.post(NEW, json=body | {"name": "OFFERS from erp"}), 409, "name")
    # Export jobs have names of their own.
    other = script.post(NEW, json=body | {"name": job.name})
    assert other.status_code == 201
    assert_error(script.put(f"{JOBS}/{other.json['id']}", json=body), 409, "name")


def test_the_list_is_searched_filtered_and_paged(script: Script, body: Body) -> None:
    plain = {"mapping": None, "transcoding": []}
    for name, entity in (("B offers", "OFFER"), ("a offers", "OFFER"), ("stores", "STORE")):
        script.post(NEW, json=body | plain | {"name": name, "entity": entity})
    for query, names in (
        ("", ["a offers", "B offers", "stores"]),
        ("?sort=name,desc", ["stores", "B offers", "a offers"]),
        ("?sort=createdAt,desc", ["stores", "a offers", "B offers"]),
        ("?search=OFF", ["a offers", "B offers"]),
        ("?search=%25", []),
        ("?entity=STORE", ["stores"]),
        ("?entity=STORE&search=off", []),
        ("?entity=MOON", ["a offers", "B offers", "stores"]),
        ("?size=2&page=1", ["stores"]),
    ):
        assert [job["name"] for job in script.get(f"{JOBS}{query}").json["content"]] == names, query
    first = script.get(f"{JOBS}?size=2").json
    assert (first["numberOfElements"], first["first"], first["last"]) == (2, True, False)
    for query, field in (("size=0", "size"), ("page=-1", "page"), ("sort=delimiter", "sort")):
        assert_error(script.get(f"{JOBS}?{query}"), 400, field)


def test_copies_are_inactive_and_without_a_schedule(script: Script, body: Body) -> None:
    made = script.post(NEW, json=body).json
    copies = [script.post(f"{JOBS}/{made['id']}/duplicate") for _ in range(2)]
    assert [(copy.status_code, set(copy.json)) for copy in copies] == [(200, {"id"})] * 2
    first, second = (script.get(f"/job/{copy.json['id']}").json for copy in copies)
    assert second["name"] == "Offers from ERP - COPY (1)"
    reset = {"name": "Offers from ERP - COPY", "schedule": {"cron": None, "enabled": False}, "active": False}
    assert {name: first[name] for name in body} == body | reset


def test_an_export_job_is_copied_on_the_same_path(script: Script, job: ExportJob) -> None:
    answer = script.post(f"{JOBS}/{job.public_id}/duplicate")
    assert (answer.status_code, set(answer.json)) == (200, {"id"})
    assert script.get(f"/v2/mapper/jobout/{answer.json['id']}").json["name"] == f"{job.name} - COPY"


def test_a_job_that_runs_cannot_be_deleted(script: Script, body: Body, sessions: sessionmaker[Session]) -> None:
    made = script.post(NEW, json=body).json
    with sessions.begin() as session:
        add_import_execution(session, import_jobs.get(session, made["id"]), status="INTEGRATION_STARTED")
    assert_error(script.delete(f"{JOBS}/{made['id']}"), 409)
    assert script.get(f"/job/{made['id']}").status_code == 200


def test_deleting_a_job_stops_what_waits(script: Script, body: Body, sessions: sessionmaker[Session]) -> None:
    made = script.post(NEW, json=body).json
    with sessions.begin() as session:
        waiting = add_import_execution(session, import_jobs.get(session, made["id"]), status="JOB_PENDING")
    assert script.delete(f"{JOBS}/{made['id']}").status_code == 204
    with sessions() as session:
        assert session.get_one(Execution, waiting.id).status == "JOB_STOPPED"


def test_a_connection_that_a_job_reads_from_cannot_be_deleted(script: Script, body: Body, job: ExportJob) -> None:
    script.post(NEW, json=body)
    script.delete(f"/v1/mapper/jobout/{job.public_id}")
    assert_error(script.delete(f"/v1/mapper/clients/{body['clientId']}"), 409)


def test_unknown_jobs_are_not_found(script: Script, job: ExportJob, body: Body) -> None:
    for public_id in ("none", job.public_id):
        path = f"{JOBS}/{public_id}"
        for answer in (script.get(path), script.get(f"/job/{public_id}"), script.put(path, json=body)):
            assert_error(answer, 404)
        assert_error(script.delete(path), 404)
    assert_error(script.post(f"{JOBS}/none/duplicate"), 404)


def test_a_viewer_reads_and_changes_nothing(script: Script, script_of: Callable[[str], Script], body: Body) -> None:
    made = script.post(NEW, json=body).json
    viewer = script_of("VIEWER")
    for path in (JOBS, f"{JOBS}/{made['id']}", f"/job/{made['id']}"):
        assert viewer.get(path).status_code == 200
    path = f"{JOBS}/{made['id']}"
    for answer in (
        viewer.post(NEW, json=body),
        viewer.put(path, json=body),
        viewer.delete(path),
        viewer.post(f"{path}/duplicate"),
    ):
        assert_error(answer, 403)
