"""Every list takes a search literally, and no sort, size or status but those it knows."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, sessionmaker

from datahub.jobs import incidents, orders
from datahub.models.export_job import ExportJob
from datahub.vault import Vault
from tests.factories import add_connection, add_import_job, make_job, make_order, make_supplier
from tests.webapp.api.conftest import Script, assert_error
from tests.webapp.conftest import ParsingClient

SignIn = Callable[[str], ParsingClient]
MARKS = ("%", "_", "\\")
NAMES = [f"AB{mark}YZ" for mark in MARKS]
DECOY = "ABxYZ"
# Lists whose search looks at names: pages for a browser, paths for a script.
PAGES = {
    "/orders": "search",
    "/records/SUPPLIER": "search",
    "/export-jobs": "search",
    "/export-jobs/new/sftp": "supplier_search",
}
PATHS = ("/v1/orders", "/v1/records/SUPPLIER")
HISTORY = "/v2/jobouts/{job}/executions"
SORTS = {
    "/v1/orders": ["createdAt", "updatedAt", "reference"],
    "/v1/records/SUPPLIER": ["externalId", "createdAt", "updatedAt"],
    "/v1/records/STORE/default_store/changes": ["at"],
    "/v1/mapper/clients": ["name", "createdAt"],
    "/v1/mapper/jobout": ["name", "createdAt"],
    "/v2/executions": ["executedAt", "createdAt"],
    HISTORY: ["executedAt", "createdAt"],
}
STRANGE_SORTS = (
    "id",
    "status",
    "password",
    "createdAt,up",
    "created_at",
    "createdAt desc",
    "createdAt;drop table users",
)


@pytest.fixture
def job(sessions: sessionmaker[Session], vault: Vault) -> ExportJob:
    """With orders, suppliers and jobs of every name, and one execution."""
    with sessions.begin() as session:
        connection = add_connection(session, vault)
        for name in (*NAMES, DECOY):
            make_order(session, reference=name)
            make_supplier(session, external_id=name)
            job = make_job(session, connection, name=f"Job {name}", trigger_statuses=["SHIPPED"])
        job = make_job(session, connection)
        orders.change_status(session, make_order(session), "ACCEPTED_BY_SUPPLIER", actor="ada")
    return job


def shown(text: str) -> list[str]:
    """JSON doubles the backslash."""
    return [name for name in (*NAMES, DECOY) if name in text or name.replace("\\", "\\\\") in text]


def found(client: FlaskClient, path: str, parameter: str, text: str) -> list[str]:
    answer = client.get(path, query_string={parameter: text})
    assert answer.status_code == 200, answer.text
    # The field shows what was searched for.
    return shown(answer.text.replace(f'value="{text}"', ""))


@pytest.mark.usefixtures("job")
def test_a_filter_that_is_repeated_takes_either_value(
    script: Script, sessions: sessionmaker[Session], vault: Vault
) -> None:
    with sessions.begin() as session:
        source = add_connection(session, vault, name="Source")
        for entity, reference in (("OFFER", "one"), ("STORE", "two"), ("PRODUCT", "three")):
            add_import_job(session, source, entity=entity)
            order = make_order(session, reference=reference)
            incidents.declare(session, order, reason="LATE", affected=(), actor="ada")
    for entity in ("SUPPLIER", "OFFER", "ACCOUNT"):
        script.post("/v1/custom-fields", json={"entity": entity, "externalId": "z", "name": "Zone", "type": "TEXT"})
    for path, name, values in (
        ("/v1/records/SUPPLIER", "externalId", NAMES[:2]),
        ("/v1/records/ORDER", "externalId", NAMES[:2]),
        ("/v1/custom-fields", "entity", ["SUPPLIER", "OFFER"]),
        ("/v1/mapper/jobs", "entity", ["OFFER", "STORE"]),
        ("/v1/incidents", "orderReference", ["one", "two"]),
    ):
        answer = script.get(path, query_string={name: values})
        assert {row[name] for row in answer.json["content"]} == set(values), path
    assert_error(script.get("/v1/mapper/jobs?search=a&search=b"), 400, "search")


@pytest.mark.usefixtures("job")
@pytest.mark.parametrize("mark", MARKS)
def test_marks_of_patterns_are_letters_like_others(sign_in: SignIn, script: Script, mark: str) -> None:
    browser = sign_in("ADMIN")
    lists = [(browser, path, parameter) for path, parameter in PAGES.items()]
    lists += [(script, path, "search") for path in PATHS]
    for client, path, parameter in lists:
        assert found(client, path, parameter, f"B{mark}y") == [f"AB{mark}YZ"], path
        assert found(client, path, parameter, "bxY") == [DECOY], path
        assert found(client, path, parameter, f"{mark}{mark}") == [], path


@pytest.mark.usefixtures("job")
@pytest.mark.parametrize("text", ["%", "_", "\\", "'", "\x00", "\ud800", "\u2028", "x" * 5000], ids=ascii)
def test_a_search_for_anything_at_all_is_answered(sign_in: SignIn, script: Script, text: str) -> None:
    given = {"search": text.encode("utf-8", "surrogatepass"), "supplier_search": text.encode("utf-8", "surrogatepass")}
    browser = sign_in("ADMIN")
    expected = 400 if text == "\x00" else 200
    for path in (*PAGES, "/executions"):
        assert browser.get(path, query_string=given).status_code == expected, path
    for path in (*PATHS, "/v2/executions"):
        assert script.get(path, query_string=given).status_code == expected, path


@pytest.mark.usefixtures("job")
def test_pages_know_no_sort_and_no_size_and_pass_over_what_they_do_not_know(sign_in: SignIn) -> None:
    strange = "sort=password&size=100000&page=-1&statuses=LOST&state=LOST&connection=%25&hour=%25&before=%25"
    browser = sign_in("ADMIN")
    for path in ("/orders", "/executions"):
        plain, odd = browser.get(path), browser.get(f"{path}?{strange}")
        assert odd.status_code == 200
        assert odd.text.count("<tr") == plain.text.count("<tr") > 1, path


@pytest.mark.usefixtures("sessions")
def test_a_page_holds_twenty_however_many_are_asked_for(sign_in: SignIn, sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        for _ in range(23):
            make_order(session)
    page = sign_in("VIEWER").get("/orders?size=1000").text
    assert page.split("<tbody")[1].count("<tr") == 20


@pytest.mark.parametrize("path", SORTS)
def test_scripts_sort_by_listed_fields_alone_and_get_a_hundred_at_most(
    script: Script, job: ExportJob, path: str
) -> None:
    url = path.format(job=job.public_id)
    for name in SORTS[path]:
        for sort in (name, f"{name},desc", f"{name}|asc"):
            assert script.get(url, query_string={"sort": sort}).status_code == 200, sort
    for sort in STRANGE_SORTS:
        assert_error(script.get(url, query_string={"sort": sort}), 400, "sort")
    assert script.get(f"{url}?size=101").json["size"] == 100
    assert_error(script.get(f"{url}?size=0"), 400, "size")


@pytest.mark.parametrize("path", ["/v1/orders", "/v2/executions", HISTORY])
def test_unknown_statuses_are_passed_over(script: Script, job: ExportJob, path: str) -> None:
    url = path.format(job=job.public_id)
    everything = script.get(url).json["numberOfElements"]
    assert everything > 0
    # One that an order and one that an execution may have, and none here has.
    known = "statuses=COMPLETED&statuses=JOB_STOPPED"
    for query, number in (("statuses=LOST", everything), (f"statuses=%25&{known}", 0)):
        assert script.get(f"{url}?{query}").json["numberOfElements"] == number, query
