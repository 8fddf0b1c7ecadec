"""The page of an import job: its configuration in words, its schedule, what feeds its fields, its history."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from datahub.models.execution import (
    INTEGRATION_DONE,
    INTEGRATION_DONE_WITH_ERRORS,
    JOB_FAILED,
    JOB_SKIPPED,
    Execution,
)
from datahub.models.import_job import RUN_IMMEDIATELY, Tick
from datahub.vault import Vault
from tests.factories import add_connection, add_import_execution, add_import_job
from tests.webapp.conftest import parse
from tests.webapp.import_jobs.conftest import EVERY_MINUTE, Add, Sessions, SignIn
from tests.webapp.import_jobs.pages import executions_of, page_of, rows, words
from tests.webapp.test_records import definitions

Show = Callable[..., str]
EVERY_DAY, NOTHING = "30 3 * * *", "\N{EN DASH}"


@pytest.fixture
def show(sign_in: SignIn, sessions: Sessions, vault: Vault) -> Show:
    """show(url="/imports", run={…}, name=…): the page of a job with these values and such an execution."""

    client = sign_in("VIEWER")

    def show(*, url: str = "", run: dict[str, Any] | None = None, **fields: Any) -> str:
        with sessions.begin() as session:
            job = add_import_job(session, add_connection(session, vault, host_key="key"), **fields)
            if run is not None:
                add_import_execution(session, job, run=run)
        return str(client.get(url or f"/imports/{job.public_id}").text)

    return show


def test_the_page_shows_the_configuration_in_words(sign_in: SignIn, add: Add) -> None:
    job = add(
        INTEGRATION_DONE,
        cron="30 3 * * *",
        schedule_enabled=True,
        simultaneous_execution=RUN_IMMEDIATELY,
        import_full_mode=True,
        store_external_ids=["north", "south"],
        mapping=[{"field": "price", "source": "Preis <netto>"}],
        transcoding=[{"field": "stockInactive", "from": "J", "to": "TRUE"}],
    )
    page = sign_in("VIEWER").get(page_of(job)).text
    assert definitions(page)["Reads"] == "PIM in/offers.csv"
    assert definitions(page)["Columns"] == "1 mapped 1 value transcoded"
    assert definitions(page)["While one still runs"] == "Queue it RUN_IMMEDIATELY"
    assert definitions(page)["Full mode"].startswith("On")
    assert definitions(page)["Stores"] == "north, south without effect: it imports for every store"
    assert definitions(page)["Next runs (UTC)"].count("03:30:00") == 5
    assert "Every day at 03:30 UTC" in page and "Preis &lt;netto&gt;" in page


def test_the_page_of_a_bulk_job_says_where_its_files_go(sign_in: SignIn, add: Add) -> None:
    job = add(bulk=True, file_path=None, inbound_directory="in/new", outbound_directory="in/done")
    client = sign_in("VIEWER")
    page = client.get(page_of(job)).text
    assert definitions(page)["Reads"] == "PIM every *.csv file in in/new moved to in/done once read"
    assert definitions(page)["Columns"] == "By name"
    assert "<dt>Stores</dt>" not in page
    assert "in/new/*.csv" in client.get("/imports").text.replace("<wbr>", "")


def test_the_last_ticks_lead_to_what_came_of_them(sign_in: SignIn, add: Add, sessions: Sessions) -> None:
    job = add(JOB_SKIPPED, INTEGRATION_DONE, **EVERY_MINUTE)
    made = executions_of(sessions)
    with sessions.begin() as session:
        for minute, execution in enumerate((None, *made)):
            at = datetime(2026, 3, 1, 3, minute, tzinfo=UTC)
            session.add(Tick(import_job_id=job.id, at=at, execution_id=execution and execution.id))
    client = sign_in("VIEWER")
    page = client.get(page_of(job)).text
    assert definitions(page)["Last due (UTC)"] == (
        "2026-03-01 03:02:00 Done 2026-03-01 03:01:00 Skipped 2026-03-01 03:00:00 missed: the hub was not running"
    )
    due = page.partition("Last due (UTC)")[2].partition("</dl>")[0]
    assert re.findall('href="/executions/([^"]+)"', due) == [it.public_id for it in reversed(made)]
    assert "Last due" not in client.get(page_of(add(**EVERY_MINUTE))).text


def test_rejected_rows_are_told_until_a_newer_run_has_read_something(
    sign_in: SignIn, add: Add, sessions: Sessions
) -> None:
    job = add(INTEGRATION_DONE_WITH_ERRORS, INTEGRATION_DONE, JOB_SKIPPED)
    with sessions.begin() as session:
        rejecting, empty, _ = session.scalars(select(Execution).order_by(Execution.id))
        rejecting.import_run.rows, rejecting.import_run.rejected, empty.import_run.rows = 100, 40, 0
    client = sign_in("VIEWER")
    assert "40 rows rejected last time" in definitions(client.get(page_of(job)).text)["Health"]
    with sessions.begin() as session:
        session.get_one(Execution, empty.id).import_run.rows = 100
    assert definitions(client.get(page_of(job)).text)["Health"] == "Healthy"


def test_a_job_that_never_ran_says_how_to_run_it(sign_in: SignIn, add: Add) -> None:
    page = sign_in("OPERATOR").get(page_of(add())).text
    assert "Never run" in page and "Run now reads the file on the server at once" in page
    assert "Its schedule runs it by itself" in sign_in("VIEWER").get(page_of(add(**EVERY_MINUTE))).text


def test_the_history_has_its_search_statuses_and_page_in_the_address(sign_in: SignIn, add: Add) -> None:
    job = add(*[INTEGRATION_DONE] * 21, JOB_FAILED)
    client = sign_in("VIEWER")
    page = client.get(page_of(job)).text
    assert page.count('id="execution-') == 20
    older = page_of(job, "?before=" + page.partition("?before=")[2].partition('"')[0])
    second = client.get(older).text
    assert second.count('id="execution-') == 2 and page_of(job, "?after=") in second
    failed = client.get(page_of(job, "?statuses=JOB_FAILED"), htmx=True)
    assert failed.text.lstrip().startswith('<div id="history">') and failed.text.count('id="execution-') == 1
    assert failed.headers["HX-Push-Url"] == page_of(job, "?statuses=JOB_FAILED")
    nothing = client.get(page_of(job, "?search=zzz")).text
    assert "No execution fits" in nothing and 'value="zzz"' in nothing


def test_an_inactive_job_whose_last_run_went_wrong_is_found_and_says_so(show: Show) -> None:
    run = {"files": [{"name": "a.csv", "error": "It is no CSV."}]}
    (row,) = rows(show(url="/imports?state=LEFT_FAILED", run=run, active=False), "Import jobs")
    assert row[1] == "Inactive, last run went wrong 1 file not read"


def test_rows_read_are_told_of_the_try_that_reads_and_count_in_the_history_once_they_are_written(
    sign_in: SignIn, sessions: Sessions, vault: Vault
) -> None:
    client = sign_in("VIEWER")
    with sessions.begin() as session:
        job = add_import_job(session, add_connection(session, vault, host_key="key"))
        execution = add_import_execution(session, job, status="JOB_INITIALIZING", run={"rows": 1200})
    health = rows(client.get("/imports").text, "Import jobs")[0][1]
    assert health.startswith("Running") and "read," not in health
    with sessions.begin() as session:
        session.get_one(Execution, execution.id).status = "JOB_STARTED"
    assert "reading, 1 200 rows read" in rows(client.get("/imports").text, "Import jobs")[0][1]
    address = f"/executions/{execution.public_id}/import-row"
    assert '<td data-label="Done" class="number pair">\N{EN DASH}</td>' in client.get(address).text
    with sessions.begin() as session:
        session.get_one(Execution, execution.id).status = "INTEGRATION_DONE"
    assert '<td data-label="Read" class="number pair">0</td>' in client.get(address).text


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"import_full_mode": True}, "On custom fields of offers are removed where the file gives no value"),
        ({}, "Off custom fields of offers stay where the file gives no value"),
        ({"entity": "PRODUCT"}, "Off attributes of products and variants stay where the file gives no value"),
        ({"entity": "STORE"}, None),
    ],
)
def test_full_mode_is_told_in_words_of_the_entity(show: Show, fields: dict[str, Any], told: str | None) -> None:
    assert definitions(show(**fields)).get("Full mode") == told


@pytest.mark.parametrize(
    ("fields", "said", "listed"),
    [
        ({"schedule_enabled": False}, "Switched off", "switched off"),
        ({"schedule_enabled": True, "active": False}, "Rests", "rests while the job is inactive"),
    ],
)
def test_a_schedule_that_does_not_run_the_job_is_shown_and_said_to_be_off(
    show: Show, fields: dict[str, Any], said: str, listed: str
) -> None:
    page = show(cron=EVERY_DAY, **fields)
    (card,) = [it for it in parse(page).iter("section") if it.get("aria-labelledby") == "schedule"]
    assert words(card).startswith(f"Schedule Every day at 03:30 UTC {EVERY_DAY} {said}") and "Next runs" not in page
    (row,) = rows(show(url="/imports?search=Resting", name="Resting", cron=EVERY_DAY, **fields), "Import jobs")
    assert f"Every day at 03:30 UTC {listed}" in row


def test_the_mapping_names_fields_by_their_labels_with_their_columns_and_what_values_become(show: Show) -> None:
    page = show(
        entity="PRODUCT",
        mapping=[
            {"field": "productNames[fr-FR]", "source": "Désignation <fr>"},
            {"field": "inactiveProduct", "source": "Status"},
        ],
        transcoding=[
            {"field": "inactiveProduct", "from": "A", "to": "FALSE"},
            {"field": "inactiveProduct", "from": "I", "to": "TRUE"},
            {"field": "inactiveProduct", "from": "X", "to": "TRUE"},
            {"field": "productBrand", "from": "n/a", "to": ""},
        ],
    )
    assert rows(page, "Mapping") == [
        ["Product Names (fr-FR)", "Désignation <fr>", NOTHING],
        ["Inactive Product", "Status", "A → FALSE, 2 more I → TRUE X → TRUE"],
        ["Product Brand", "none chosen", "n/a → empty"],
    ]


def test_a_job_that_finds_its_columns_by_name_shows_what_values_become(show: Show) -> None:
    page = show(transcoding=[{"field": "stockInactive", "from": str(number), "to": "TRUE"} for number in range(60)])
    ((field, column, exchanged),) = rows(page, "Mapping")
    assert (field, column) == ("Stock Inactive", "by its name")
    assert "49 → TRUE" in exchanged and "50 → TRUE" not in exchanged and "The form of the job shows all." in exchanged
    assert "Mapping" not in show()


@pytest.mark.parametrize(
    ("run", "told"),
    [
        ({"files": [{"name": "offers.csv"}]}, "run by ada · offers.csv"),
        ({"files": [{"name": f"{number}.csv"} for number in range(5)]}, "run by ada · 0.csv, 1.csv, 2.csv and 2 more"),
        ({"upload_name": "mended.csv"}, "run by ada · mended.csv"),
        ({}, "run by ada"),
    ],
)
def test_the_history_names_the_files_that_each_execution_read(show: Show, run: dict[str, Any], told: str) -> None:
    ((_, execution, *_rest),) = rows(show(run=run), "Executions")
    assert execution.partition(" ")[2] == told
