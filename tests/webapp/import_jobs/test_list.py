"""The list of import jobs: its health, results, filters, and what it says while it is empty."""

from __future__ import annotations

from datetime import timedelta

import pytest
from apiflask import APIFlask

from datahub.models.connection import Connection
from datahub.models.execution import INTEGRATION_DONE, JOB_FAILED, JOB_PENDING
from datahub.vault import Vault
from tests.factories import add_connection, add_import_execution, add_import_job
from tests.statements import noted_statements
from tests.webapp.conftest import parse
from tests.webapp.import_jobs.conftest import EVERY_MINUTE, Add, Sessions, SignIn
from tests.webapp.import_jobs.pages import page_of, rows
from tests.webapp.test_executions import engine_of
from tests.webapp.test_export_jobs import main_of


def test_without_a_connection_the_list_says_make_one_first(sign_in: SignIn) -> None:
    page = main_of(sign_in("OPERATOR").get("/imports").text)
    assert "Make a connection first" in page and "/connections/new/sftp" in page


def test_an_empty_list_says_what_a_job_is_for(sign_in: SignIn, connection: Connection) -> None:
    assert "No import job yet" in main_of(sign_in("OPERATOR").get("/imports").text)


def test_a_row_shows_health_results_source_schedule_and_usual_duration(sign_in: SignIn, add: Add) -> None:
    job = add(INTEGRATION_DONE, JOB_FAILED, name="Offers of Huber", **EVERY_MINUTE)
    page = main_of(sign_in("VIEWER").get("/imports").text)
    told = ("Offers of Huber", "Needs you", "failed to read", "PIM", "in/<wbr>offers.csv", "Every minute", "next")
    for words in told:
        assert words in page, words
    assert page.count('class="tick tick-') == 2
    assert page.index("tick-good") < page.index("tick-bad"), "the newest on the right"
    assert page_of(job) in page and page_of(job, "/run") not in page


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("/imports?search=HUBER", ["Offers of Huber"]),
        ("/imports?entity=SUPPLIER", ["Suppliers"]),
        ("/imports?state=NEEDS_YOU", ["Suppliers"]),
        ("/imports?state=NEVER_RUN", ["Offers of Huber"]),
        ("/imports?search=Suppliers&state=HEALTHY", []),
        ("/imports?entity=x&state=x", ["Offers of Huber", "Suppliers"]),
        ("/imports?connection=gone", []),
        ("/imports", ["Offers of Huber", "Suppliers"]),
    ],
)
def test_the_list_is_filtered_by_what_the_address_says(
    sign_in: SignIn, add: Add, address: str, found: list[str]
) -> None:
    add(name="Offers of Huber")
    add(JOB_FAILED, name="Suppliers", entity="SUPPLIER")
    client = sign_in("VIEWER")
    page = client.get(address).text
    assert [link.text for link in parse(page).iterfind(".//a[@class='name']")] == found
    assert ("No job fits" in page) is not bool(found)
    fragment = client.get(address, htmx=True)
    assert fragment.text.lstrip().startswith('<div id="jobs">')
    assert fragment.headers["HX-Push-Url"].partition("?")[0] == "/imports"


def test_the_list_needs_no_more_statements_for_more_jobs(app: APIFlask, sign_in: SignIn, add: Add) -> None:
    client = sign_in("VIEWER")
    add(INTEGRATION_DONE, JOB_FAILED, JOB_PENDING, **EVERY_MINUTE)
    for address in ("/imports", "/now"):
        with noted_statements(engine_of(app)) as few:
            client.get(address)
        for _ in range(4):
            add(INTEGRATION_DONE, JOB_FAILED, JOB_PENDING, **EVERY_MINUTE)
        with noted_statements(engine_of(app)) as many:
            client.get(address)
        assert len(many) == len(few) <= 40, address


def test_the_list_says_below_the_last_results_what_a_job_usually_takes(
    sign_in: SignIn, sessions: Sessions, vault: Vault
) -> None:
    with sessions.begin() as session:
        job = add_import_job(session, add_connection(session, vault, host_key="key"))
        done = add_import_execution(session, job)
        done.import_run.started_at = done.ended_at - timedelta(seconds=72)
    (row,) = rows(sign_in("VIEWER").get("/imports").text, "Import jobs")
    assert row[2] == "usually 1 min 12 s"
