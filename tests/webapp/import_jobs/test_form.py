"""The form of import jobs: what it stores and refuses, where it says so, and what it shows of the real file."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from datahub.models.connection import Connection
from datahub.models.import_job import ImportJob
from datahub.models.setting import GeneralSettings
from tests import factories
from tests.webapp.conftest import drawn, parse
from tests.webapp.import_jobs.conftest import FORM, Sessions, SignIn
from tests.webapp.import_jobs.pages import fields_of, linked_faults

NEW = "/imports/new/sftp?entity=OFFER"


@pytest.fixture
def form(connection: Connection) -> dict[str, Any]:
    """Filled in, for a server that is never asked."""
    return FORM | {"connection_id": connection.public_id}


def stored(sessions: Sessions) -> list[ImportJob]:
    with sessions() as session:
        query = select(ImportJob).options(selectinload(ImportJob.connection)).order_by(ImportJob.id)
        return list(session.scalars(query))


def add(sessions: Sessions, connection: Connection, **fields: Any) -> ImportJob:
    with sessions.begin() as session:
        return factories.add_import_job(session, session.get_one(Connection, connection.id), **fields)


def test_the_entity_is_chosen_first_and_keeps_the_connection(sign_in: SignIn, connection: Connection) -> None:
    page = drawn(sign_in("OPERATOR").get(f"/imports/new/sftp?connection={connection.public_id}").text)
    assert 'id="job-form"' not in page
    assert f"/imports/new/sftp?entity=PRODUCT&amp;connection={connection.public_id}" in page
    assert (
        "One row for each of its prices, known by <code>stockId</code>. After products, suppliers, stores, accounts."
        in page
    )


def test_a_new_form_has_no_delimiter_and_the_given_connection(sign_in: SignIn, connection: Connection) -> None:
    sent = fields_of(sign_in("OPERATOR").get(f"{NEW}&connection={connection.public_id}").text)
    assert "delimiter" not in sent
    assert sent["connection_id"] == [connection.public_id]
    assert (sent["by_name"], sent["simultaneous_execution"]) == (["y"], ["WAIT_FOR_NEXT"])


def test_without_a_connection_the_page_says_make_one_first(sign_in: SignIn) -> None:
    page = sign_in("OPERATOR").get(NEW).text
    assert "Make a connection first" in page and 'id="job-form"' not in page


def test_a_new_job_is_stored_as_it_was_filled_in(sign_in: SignIn, form: dict[str, Any], sessions: Sessions) -> None:
    data = form | {
        "frequency": "WEEKLY",
        "weekdays": ["FRI", "MON"],
        "at": "06:30",
        "schedule_enabled": "y",
        "transcoding_field": ["stockNumber", "", ""],
        "transcoding_from": ["many", "", ""],
        "transcoding_to": ["100", "", ""],
    }
    answer = sign_in("OPERATOR").post(NEW, data=data)
    (job,) = stored(sessions)
    assert (answer.status_code, answer.location) == (303, f"/imports/{job.public_id}")
    assert (job.name, job.entity, job.delimiter, job.active) == ("Stocks of ERP", "OFFER", ";", True)
    assert (job.bulk, job.file_path, job.inbound_directory) == (False, "in/offers.csv", None)
    assert (job.cron, job.schedule_enabled) == ("30 6 * * MON,FRI", True)
    assert (job.mapping, job.store_external_ids) == (None, [])
    assert job.transcoding == [{"field": "stockNumber", "from": "many", "to": "100"}]


def test_chosen_columns_become_the_mapping(sign_in: SignIn, form: dict[str, Any], sessions: Sessions) -> None:
    data = form | {
        "source.stockId": "id ",
        "source.stockDeleted": "Gone",
        "source.price": "Prix",
        "source.currency": "",
    }
    del data["by_name"]
    assert sign_in("OPERATOR").post(NEW, data=data).status_code == 303
    (job,) = stored(sessions)
    assert sorted((entry["field"], entry["source"]) for entry in job.mapping or ()) == [
        ("price", "Prix"),
        ("stockDeleted", "Gone"),
        ("stockId", "id"),
    ]


def test_a_folder_is_read_as_one(sign_in: SignIn, form: dict[str, Any], sessions: Sessions) -> None:
    data = form | {"reads": "folder", "inbound_directory": "in", "outbound_directory": "done"}
    assert sign_in("OPERATOR").post(NEW, data=data).status_code == 303
    (job,) = stored(sessions)
    assert (job.bulk, job.file_path, job.inbound_directory, job.outbound_directory) == (True, None, "in", "done")


@pytest.mark.parametrize(
    ("changes", "place", "message"),
    [
        ({"name": " "}, "name-errors", "Give the job a name."),
        ({"name": "taken"}, "name-errors", "Another import job is called taken."),
        ({"connection_id": ""}, "connection_id-errors", "Choose a connection."),
        ({"connection_id": "gone"}, "connection_id-errors", "There is no connection with the id"),
        ({"delimiter": ""}, "delimiter-errors", "Choose the one"),
        ({"delimiter": "|"}, "delimiter-errors", "Not a valid choice."),
        ({"file_path": ""}, "file_path-errors", "Give the folder and the name of the file, such as in/offers.csv."),
        ({"file_path": "in/"}, "file_path-errors", "Give the folder and the name of the file"),
        (
            {"reads": "folder", "inbound_directory": "a", "outbound_directory": "a/"},
            "outbound_directory-errors",
            "Must",
        ),
        ({"frequency": "minutes"}, "frequency-errors", "Not a valid choice."),
        ({"frequency": "WEEKLY"}, "weekdays-errors", "Tick at least one day."),
        ({"frequency": "HOURLY", "at_minute": ""}, "at_minute-errors", "Choose a minute of 0 to 59."),
        ({"frequency": "DAILY", "at": ""}, "at-errors", "Give a time in UTC"),
        ({"frequency": "CUSTOM", "cron": "61 * * * *"}, "cron-errors", "The minute cannot be read: 61."),
        ({"import_full_mode": "y"}, "full_mode_known-errors", "Tick this if you want that, or switch Full mode off."),
        ({"by_name": "", "source.price": "p"}, 'id="mapping"', "Map stockId (Stock Id) too"),
        (
            {"by_name": "", "source.stockId": "i", "source.stockDeleted": "d", "source.nothing": "p"},
            'id="faults"',
            "nothing: There is no such field.",
        ),
        (
            {"transcoding_field": "price", "transcoding_from": "", "transcoding_to": "1"},
            'id="transcoding"',
            "Give the value that is replaced, as the file has it.",
        ),
    ],
)
def test_a_fault_is_shown_at_its_place_and_nothing_is_stored(
    sign_in: SignIn,
    connection: Connection,
    form: dict[str, Any],
    sessions: Sessions,
    changes: dict[str, Any],
    place: str,
    message: str,
) -> None:
    add(sessions, connection, name="Taken")
    data = form | changes
    if not data["by_name"]:
        del data["by_name"]
    answer = sign_in("OPERATOR").post(NEW, data=data)
    assert answer.status_code == 422
    shown = answer.text.replace("&#39;", "'")
    assert message in shown[shown.rindex(place) :].partition("</section>")[0]
    assert [job.name for job in stored(sessions)] == ["Taken"]


@pytest.mark.parametrize(
    ("entity", "file", "folders"),
    [
        ("CLASSIFICATION_CATEGORY", "in/classification-categories.csv", ["in/classification-categories", "done/class"]),
        ("ORDER_STATUS", "in/statuses-of-orders.xml", ["in/statuses-of-orders", "done/statuses"]),
    ],
)
@pytest.mark.usefixtures("connection")
def test_paths_are_shown_by_examples_that_fit_entity_and_format(
    sign_in: SignIn, entity: str, file: str, folders: list[str]
) -> None:
    client = sign_in("OPERATOR")
    page = client.get(f"/imports/new/sftp?entity={entity}").text
    assert [example for example in (file, *folders) if f'placeholder="{example}' not in page] == []
    browse = parse(page).find(".//button[@id='browse-inbound_directory']").get("hx-post")
    piece = client.post(browse, data={}, htmx=True).text
    assert f'placeholder="{folders[0]}"' in piece and f"Every {file[-4:]} file" in piece


def test_each_fault_of_a_refused_job_leads_to_its_control(sign_in: SignIn, form: dict[str, Any]) -> None:
    wrong = form | {
        "name": "",
        "delimiter": "",
        "frequency": "WEEKLY",
        "source.price": "Prix",
        "transcoding_field": "price",
        "transcoding_from": "",
        "transcoding_to": "1",
    }
    client = sign_in("OPERATOR")
    first = linked_faults(client.post(NEW, data=wrong).text)
    assert first == ["Name", "Delimiter", "Transcoding, line 1", "Days"]
    whole = wrong | {"name": "Offers", "delimiter": ";", "frequency": "", "by_name": ""}
    del whole["by_name"]
    assert set(linked_faults(client.post(NEW, data=whole).text)) == {"Mapping", "Transcoding, line 1"}


def test_a_refused_job_names_the_faults_of_the_form_and_those_of_what_is_stored_at_once(
    sign_in: SignIn, form: dict[str, Any], connection: Connection, sessions: Sessions
) -> None:
    add(sessions, connection, name="Stocks of CRM")
    wrong = form | {"name": "stocks of crm", "delimiter": "", "file_path": " "}
    refused = sign_in("OPERATOR").post(NEW, data=wrong)
    assert (refused.status_code, linked_faults(refused.text)) == (422, ["Name", "File", "Delimiter"])
    assert len(stored(sessions)) == 1


def test_full_mode_is_confirmed_once(
    sign_in: SignIn, form: dict[str, Any], connection: Connection, sessions: Sessions
) -> None:
    client = sign_in("OPERATOR")
    known = {"import_full_mode": "y", "full_mode_known": "y"}
    assert client.post(NEW, data=form | known).status_code == 303
    (job,) = stored(sessions)
    assert job.import_full_mode
    again = client.post(f"/imports/{job.public_id}/edit", data=form | {"import_full_mode": "y", "name": "Renamed"})
    assert again.status_code == 303
    assert stored(sessions)[0].name == "Renamed"


def test_full_mode_is_offered_only_where_there_is_something_to_clear(sign_in: SignIn, connection: Connection) -> None:
    client = sign_in("OPERATOR")
    assert "import_full_mode" in client.get(NEW).text
    assert 'id="head-full-mode"' not in client.get("/imports/new/sftp?entity=STORE").text


def test_a_field_that_another_may_stand_for_is_not_called_required(sign_in: SignIn, connection: Connection) -> None:
    page = sign_in("OPERATOR").get("/imports/new/sftp?entity=ORDER").text
    words = " ".join("".join(parse(page).find(".//label[@for='source-1']/..").itertext()).split())
    assert words == "Order Reference orderReference, or Order External Id, in each row"


@pytest.mark.parametrize("entity", ["STORE", "OFFER"])
def test_stores_given_by_a_script_are_kept_and_not_asked_for(
    sign_in: SignIn, connection: Connection, form: dict[str, Any], sessions: Sessions, entity: str
) -> None:
    job = add(sessions, connection, entity=entity, store_external_ids=["default_store"])
    client = sign_in("OPERATOR")
    address = f"/imports/{job.public_id}/edit"
    assert "default_store" not in client.get(address).text
    assert client.post(address, data=form | {"store_external_ids": ["nowhere"]}).status_code == 303
    (after,) = stored(sessions)
    assert (after.name, after.store_external_ids) == (form["name"], ["default_store"])


@pytest.mark.parametrize(
    "changes",
    [
        {"cron": "*/10 * * * *", "schedule_enabled": True},
        {"cron": "15 */2 * * *"},
        {"cron": "5 7 * * MON-FRI", "schedule_enabled": True},
        {"cron": "0 6 * * TUE,SUN"},
        {"cron": "0 6 LW * *", "schedule_enabled": True},
        {"cron": "0 6 * * MON#2"},
        {"bulk": True, "file_path": None, "inbound_directory": "in", "outbound_directory": "done"},
        {
            "mapping": [{"field": "stockId", "source": "Nr"}, {"field": "stockDeleted", "source": "Weg"}],
            "delimiter": ",",
        },
        {"transcoding": [{"field": "currency", "from": "€", "to": "EUR"}], "import_full_mode": True, "active": False},
        {"simultaneous_execution": "RUN_IMMEDIATELY", "store_external_ids": ["default_store"]},
    ],
)
def test_saving_an_unchanged_form_changes_nothing(
    sign_in: SignIn, connection: Connection, sessions: Sessions, changes: dict[str, Any]
) -> None:
    job = add(sessions, connection, **changes)
    client = sign_in("OPERATOR")
    address = f"/imports/{job.public_id}/edit"
    assert client.post(address, data=fields_of(client.get(address).text)).status_code == 303
    (after,) = stored(sessions)
    names = [column.key for column in ImportJob.__table__.columns if column.key != "updated_at"]
    assert {name: getattr(after, name) for name in names} == {name: getattr(job, name) for name in names}


def test_a_translated_field_has_a_line_per_locale(
    sign_in: SignIn, connection: Connection, form: dict[str, Any], sessions: Sessions
) -> None:
    with sessions.begin() as session:
        session.get_one(GeneralSettings, 1).locales = ["en-GB", "fr-FR"]
    client = sign_in("OPERATOR")
    page = client.get("/imports/new/sftp?entity=PRODUCT").text
    assert 'name="source.productNames"' in page and 'name="source.productNames[fr-FR]"' in page
    assert 'name="source.productNames[en-GB]"' not in page, "the main locale is the plain line"
