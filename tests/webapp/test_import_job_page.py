"""The page of an import job: what its schedule is, what feeds its fields, and which files its executions read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from datahub.models.execution import Execution
from datahub.vault import Vault
from tests.factories import add_connection, add_import_execution, add_import_job
from tests.webapp.conftest import ParsingClient, parse
from tests.webapp.test_records import definitions

SignIn = Callable[[str], ParsingClient]
Sessions = sessionmaker[Session]
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


def words(element: Any) -> str:
    return " ".join(" ".join(element.itertext()).split())


def rows(page: str, caption: str) -> list[list[str]]:
    """The cells of the table that the caption names."""
    (table,) = [it for it in parse(page).iter("table") if words(it.find("caption")) == caption]
    return [[words(cell) for cell in row.iter("td")] for row in table.find("tbody").iter("tr")]


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


def test_the_list_says_below_the_last_results_what_a_job_usually_takes(
    sign_in: SignIn, sessions: Sessions, vault: Vault
) -> None:
    with sessions.begin() as session:
        job = add_import_job(session, add_connection(session, vault, host_key="key"))
        done = add_import_execution(session, job)
        done.import_run.started_at = done.ended_at - timedelta(seconds=72)
    (row,) = rows(sign_in("VIEWER").get("/imports").text, "Import jobs")
    assert row[2] == "usually 1 min 12 s"


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
