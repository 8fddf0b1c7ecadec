"""An operator's morning: three things failed in the night, and Home leads to each and says when all is well again."""

from __future__ import annotations

import dataclasses

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from datahub.access import users
from datahub.jobs import orders
from datahub.models.access import OPERATOR
from datahub.models.connection import Connection
from datahub.models.execution import Execution
from datahub.settings import Settings
from tests.browser import look_over, open_browser, watch
from tests.factories import add_import_job, make_job, make_order
from tests.journeys.browser import sign_in
from tests.journeys.hub import PASSWORD, Hub, connection_body
from tests.servers import SshServer, wait_until

pytestmark = [pytest.mark.journey, pytest.mark.browser]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A night passes in a second."""
    return dataclasses.replace(settings, max_attempts=2, retry_seconds=0.5)


def spend_the_night(hub: Hub, sshd: SshServer) -> None:
    """The folder of an export is gone, a file did not come, another came with the wrong delimiter."""
    (sshd.files / "in").mkdir()
    (sshd.files / "in/suppliers.csv").write_text("Supplier External Id,Supplier Name\nSUP-7,Seven\n")
    with hub.api as api:
        made = api.post("/v1/mapper/clients", json=connection_body(sshd) | {"hostKey": sshd.host_key})
        assert made.status_code == 201, made.text
    with hub.sessions.begin() as session:
        users.create(session, name="olga", password=PASSWORD, role=OPERATOR)
        connection = session.scalars(select(Connection)).one()
        make_job(session, connection, name="Orders to ERP", output_folder="out/erp")
        for entity, path in (("STORE", "in/stores.csv"), ("SUPPLIER", "in/suppliers.csv")):
            add_import_job(session, connection, name=f"{entity.title()} import", entity=entity, file_path=path)
        order = make_order(session, reference="night-1")
        orders.change_status(session, order, "ACCEPTED_BY_SUPPLIER", actor="tests")
    hub.start_importer()
    with hub.api as api:
        for job in api.get("/v1/mapper/jobs").json()["content"]:
            assert api.post(f"/v1/mapper/jobs/{job['id']}/run").status_code == 202
    wait_until(lambda: count_failed(hub) == 3, 60, what="three failures")


def count_failed(hub: Hub) -> int:
    with hub.sessions() as session:
        failed = Execution.status.in_(("ERROR", "JOB_FAILED"))
        return session.scalar(select(func.count()).select_from(Execution).where(failed)) or 0


def go_home(page: Page) -> None:
    page.get_by_role("link", name="Home").click()


def mend_the_export(page: Page, sshd: SshServer) -> None:
    page.locator("tr", has_text="Orders to ERP").get_by_role("link").first.click()
    expect(page.locator("main")).to_contain_text("out/erp")
    (sshd.files / "out/erp").mkdir(parents=True)
    page.get_by_role("button", name="Retry").click()
    page.locator("dialog[open]").get_by_role("button", name="Retry").click()
    expect(page.locator("#progress")).to_contain_text("Delivered")


def mend_the_missing_file(page: Page, sshd: SshServer) -> None:
    go_home(page)
    row = page.locator("tr", has_text="Store import")
    expect(row).to_contain_text("in/stores.csv")
    (sshd.files / "in/stores.csv").write_text("Store External Id;Store Name;Store Description\nNORTH;North;Up there\n")
    row.get_by_role("link").last.click()
    run_to_the_end(page)


def mend_the_delimiter(page: Page) -> None:
    go_home(page)
    row = page.locator("tr", has_text="Supplier import")
    expect(row).to_contain_text("delimiter")
    row.get_by_role("link").last.click()
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_label("Comma").check()
    expect(page.locator("#preview")).to_contain_text("SUP-7")
    page.get_by_role("button", name="Save").click()
    run_to_the_end(page)


def run_to_the_end(page: Page) -> None:
    page.get_by_role("button", name="Run now").click()
    expect(page.locator("#progress")).to_contain_text("INTEGRATION_DONE")


def test_an_operator_mends_three_failures_of_the_night_from_home(hub: Hub, sshd: SshServer) -> None:
    spend_the_night(hub, sshd)
    with open_browser() as browser:
        page = browser.new_context().new_page()
        page.set_default_timeout(30_000)
        expect.set_options(timeout=30_000)
        faults = watch(page, hub.url)
        sign_in(page, hub, "olga")
        expect(page.locator("section", has=page.locator("#needs-you")).locator("tbody tr")).to_have_count(3)
        assert look_over(page) == []
        mend_the_export(page, sshd)
        mend_the_missing_file(page, sshd)
        mend_the_delimiter(page)
        go_home(page)
        expect(page.locator("#now")).to_contain_text("Nothing needs you")
        assert faults == []
    assert [file.name for file in (sshd.files / "out/erp").iterdir()] == ["night-1.xml"]
