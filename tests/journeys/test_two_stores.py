"""The day of an operator who sees one of two stores, and tries everything."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from datahub.access import users
from datahub.models.access import OPERATOR
from datahub.models.execution import JOB_PENDING
from datahub.vault import Vault
from tests.journeys.browser import look_over, open_browser, sign_in, watch
from tests.journeys.hub import PASSWORD, Hub
from tests.two_stores import TwoStores, fill

pytestmark = [pytest.mark.journey, pytest.mark.browser]


def test_an_operator_limited_to_a_store_tries_everything(hub: Hub, vault: Vault) -> None:
    with hub.sessions.begin() as session:
        stores = fill(session, vault)
        nora = users.create(session, name="nora", password=PASSWORD, role=OPERATOR)
    with open_browser() as browser:
        admin, page = browser.new_context().new_page(), browser.new_context().new_page()
        faults = [watch(admin, hub.url), watch(page, hub.url)]
        sign_in(admin, hub)
        admin.goto(f"{hub.url}/settings/users/{nora.id}")
        admin.get_by_label("NORTH store").check()
        assert look_over(admin) == {}
        admin.get_by_role("button", name="Save").click()
        expect(admin.get_by_text("nora was saved.")).to_be_visible()

        sign_in(page, hub, "nora")
        look_around(page, hub)
        # From here on the browser complains of answers that are meant to be refusals.
        assert faults == [[], []]
        knock(page, hub, stores)
        change_the_job(page, hub, stores)


def look_around(page: Page, hub: Hub) -> None:
    for address in ("/", "/orders", "/executions", "/export-jobs", "/imports", "/connections", "/records/SUPPLIER"):
        page.goto(hub.url + address)
        expect(page.locator("body")).not_to_contain_text("SOUTH")
        assert look_over(page) == {}, address
    page.goto(f"{hub.url}/orders")
    expect(page.get_by_role("link", name="NORTH-ORDER-1").first).to_be_visible()
    page.get_by_role("searchbox").fill("SOUTH-ORDER-1")
    expect(page.get_by_role("link", name="NORTH-ORDER-1")).to_have_count(0)
    expect(page.get_by_role("link", name="SOUTH-ORDER-1")).to_have_count(0)


def knock(page: Page, hub: Hub, stores: TwoStores) -> None:
    """At addresses that a colleague of the other store might send."""
    page.goto(f"{hub.url}/orders")
    link = page.get_by_role("link", name="NORTH-ORDER-1").first.get_attribute("href") or ""
    sent = stores.south.exports[JOB_PENDING].public_id
    for address in (link.replace("NORTH", "SOUTH"), f"/executions/{sent}", f"/executions/{sent}/payload"):
        answer = page.goto(hub.url + address)
        assert answer is not None
        assert answer.status == 404, address
    page.goto(f"{hub.url}/imports/{stores.import_job.public_id}")
    expect(page.get_by_text("You are limited to NORTH-STORE")).to_be_visible()
    expect(page.get_by_role("button", name="Run now")).to_have_count(0)
    assert look_over(page) == {}


def change_the_job(page: Page, hub: Hub, stores: TwoStores) -> None:
    page.goto(f"{hub.url}/export-jobs/{stores.both.public_id}/edit")
    expect(page.get_by_text("1 supplier of other stores stays with this job")).to_be_visible()
    page.get_by_role("checkbox", name="NORTH supplier").uncheck()
    assert look_over(page) == {}
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("1 of other stores")).to_be_visible()
    expect(page.locator("body")).not_to_contain_text("Every supplier")
    page.goto(f"{hub.url}/export-jobs/{stores.both.public_id}/delete")
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_text("also sends orders of stores that you do not see")).to_be_visible()
    assert look_over(page) == {}
