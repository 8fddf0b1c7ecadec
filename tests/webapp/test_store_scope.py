"""Jobs and records of one store: the form asks for it, and lists and addresses name it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.errors import InvalidError
from datahub.jobs import import_jobs
from datahub.models.connection import Connection
from datahub.models.import_job import ImportJob
from datahub.models.party import DEFAULT_STORE, Store
from datahub.vault import Vault
from tests import catalogue
from tests.factories import add_connection
from tests.webapp.conftest import ParsingClient, parse
from tests.webapp.import_jobs.conftest import FORM
from tests.webapp.import_jobs.pages import fields_of, linked_faults
from tests.webapp.test_records import cells, definitions, links

SignIn = Callable[[str], ParsingClient]
Sessions = sessionmaker[Session]
NEW = "/imports/new/sftp?entity=NAVIGATION_CATEGORY"


@pytest.fixture
def connection(sessions: Sessions, vault: Vault) -> Connection:
    with sessions.begin() as session:
        now = database_now(session)
        session.add(Store(external_id="SOUTH", name="Southern shop", created_at=now, updated_at=now))
        return add_connection(session, vault, name="ERP")


@pytest.fixture
def form(connection: Connection) -> dict[str, Any]:
    return FORM | {"connection_id": connection.public_id, "file_path": "in/navigation.csv"}


@pytest.fixture
def trees(sessions: Sessions, connection: Connection) -> None:
    """HOME in both stores, with an entry below it in the south."""
    with sessions.begin() as session:
        south = session.scalars(select(Store).where(Store.external_id == "SOUTH")).one()
        catalogue.make_category(session, "TOOLS")
        catalogue.make_navigation_category(session, "HOME", names={"en-GB": "Default home"})
        top = catalogue.make_navigation_category(session, "HOME", store=south, names={"en-GB": "Southern home"})
        catalogue.make_navigation_category(session, "SAWS", store=south, parent_id=top.id)
        catalogue.record_change(session, "NAVIGATION_CATEGORY", "HOME", action="created", store_id=top.store_id)


def test_the_form_asks_for_the_store_and_offers_no_folder(sign_in: SignIn, connection: Connection) -> None:
    client = sign_in("OPERATOR")
    page = client.get(f"{NEW}&connection={connection.public_id}").text
    sent = fields_of(page)
    assert sent["store_external_ids"] == [""]
    assert "reads" not in sent and "inbound_directory" not in sent
    options = [option.get("value") for option in parse(page).iterfind(".//select[@id='store_external_ids']/option")]
    assert options == ["", "SOUTH", DEFAULT_STORE]
    other = fields_of(client.get(f"/imports/new/sftp?entity=OFFER&connection={connection.public_id}").text)
    assert "store_external_ids" not in other and "reads" in other


def test_a_job_of_orders_may_have_a_store_keeps_it_and_shows_it(
    sign_in: SignIn, form: dict[str, Any], sessions: Sessions
) -> None:
    client, given = sign_in("OPERATOR"), form | {"reads": "file"}
    assert client.post("/imports/new/sftp?entity=ORDER", data=given).status_code == 303
    with sessions() as session:
        job = session.scalars(select(ImportJob)).one()
        assert job.store_external_ids == []
        with pytest.raises(InvalidError) as refused:
            two = replace(import_jobs.configuration_of(job), store_external_ids=["SOUTH", DEFAULT_STORE])
            import_jobs.update(session, job, two)
    assert list(refused.value.fields) == ["store_external_ids"]
    address = f"/imports/{job.public_id}"
    assert client.post(f"{address}/edit", data=given | {"store_external_ids": "SOUTH"}).status_code == 303
    assert fields_of(client.get(f"{address}/edit").text)["store_external_ids"] == ["SOUTH"]
    assert "which new orders are for" in client.get(address).text


def test_a_job_needs_its_store_keeps_it_and_shows_it(sign_in: SignIn, form: dict[str, Any], sessions: Sessions) -> None:
    client = sign_in("OPERATOR")
    refused = client.post(NEW, data=form)
    assert (refused.status_code, linked_faults(refused.text)) == (422, ["Store"])
    assert "Name the one store whose navigation categories the job imports." in refused.text
    saved = client.post(NEW, data=form | {"store_external_ids": "SOUTH"})
    assert saved.status_code == 303
    assert definitions(client.get(saved.location).text)["Stores"] == "SOUTH whose navigation categories it imports"
    again = fields_of(client.get(f"{saved.location}/edit").text)
    assert again["store_external_ids"] == ["SOUTH"]
    assert client.post(f"{saved.location}/edit", data=form | {"store_external_ids": DEFAULT_STORE}).status_code == 303
    with sessions() as session:
        assert session.scalars(select(ImportJob)).one().store_external_ids == [DEFAULT_STORE]
    assert client.post(f"{saved.location}/edit", data=form | {"store_external_ids": ""}).status_code == 422


@pytest.mark.usefixtures("trees")
def test_a_list_is_of_one_store_and_its_addresses_name_it(sign_in: SignIn) -> None:
    client = sign_in("VIEWER")
    page = client.get("/records/NAVIGATION_CATEGORY?store=SOUTH").text
    assert cells(page, "Category External Id") == ["HOMESouthern home", "SAWSSaws"]
    assert links(page)["SAWS"] == "/records/NAVIGATION_CATEGORY/SAWS?store=SOUTH"
    assert cells(client.get("/records/NAVIGATION_CATEGORY").text, "Category External Id") == ["HOMEDefault home"]
    assert cells(client.get(f"/records/NAVIGATION_CATEGORY?store={DEFAULT_STORE}").text, "Category External Id") == [
        "HOMEDefault home"
    ]
    assert client.get("/records/NAVIGATION_CATEGORY?store=NOWHERE").status_code == 404


@pytest.mark.usefixtures("trees")
def test_a_record_is_that_of_the_store_in_its_address_with_its_own_history(sign_in: SignIn) -> None:
    client = sign_in("VIEWER")
    page = client.get("/records/NAVIGATION_CATEGORY/SAWS?store=SOUTH").text
    told = definitions(page)
    assert (told["Store"], told["Navigation Category Parent Id"]) == ("SOUTH", "HOME")
    assert links(page)["HOME"] == "/records/NAVIGATION_CATEGORY/HOME?store=SOUTH"
    assert links(page)["TOOLS"] == "/records/CLASSIFICATION_CATEGORY/TOOLS"
    assert links(page)["SOUTH"] == "/records/STORE/SOUTH"
    assert cells(client.get("/records/NAVIGATION_CATEGORY/HOME?store=SOUTH").text, "What") == ["Created"]
    assert cells(client.get(f"/records/NAVIGATION_CATEGORY/HOME?store={DEFAULT_STORE}").text, "What") == []
    assert client.get("/records/NAVIGATION_CATEGORY/HOME").status_code == 422
