"""The day of an operator who is limited to one store, and tries everything."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from datahub.access import store_limits, users
from datahub.models.access import OPERATOR
from datahub.models.execution import ERROR
from datahub.vault import Vault
from tests.journeys.browser import look_over, open_browser, sign_in, watch
from tests.journeys.hub import PASSWORD, Hub
from tests.two_stores import TwoStores, fill

pytestmark = [pytest.mark.journey, pytest.mark.browser]


@pytest.fixture
def stores(hub: Hub, vault: Vault) -> TwoStores:
    # Nothing here is to be delivered; the ends of the exports are part of what is looked at.
    for name in [name for name in hub.processes if name != "web"]:
        hub.kill(name)
    with hub.sessions.begin() as session:
        stores = fill(session, vault)
        nora = users.create(session, name="nora", password=PASSWORD, role=OPERATOR)
        store_limits.choose(session, nora, [stores.north.store.external_id])
        return stores


def refused(page: Page, address: str) -> None:
    response = page.goto(address)
    assert response is not None
    assert response.status in (403, 404), address


def look_at_lists(page: Page, hub: Hub) -> None:
    for path in ("/", "/orders", "/executions", "/export-jobs", "/imports", "/records/OFFER", "/records/SUPPLIER"):
        page.goto(hub.url + path)
        expect(page.locator("main")).not_to_contain_text("SOUTH")
        assert look_over(page) == {}
    page.goto(f"{hub.url}/orders")
    page.get_by_role("searchbox").fill("ORDER-1")
    expect(page.locator("main tbody tr")).to_have_count(1)
    expect(page.locator("main tbody tr")).to_contain_text("NORTH-ORDER-1")


def change_only_ones_own(page: Page, hub: Hub, stores: TwoStores) -> None:
    """The supplier of the other store stays on the job, unseen, whatever is saved."""
    page.goto(f"{hub.url}/export-jobs/{stores.both.public_id}/edit")
    expect(page.locator("main")).to_contain_text("1 supplier")
    page.locator("#name").fill("Of the north")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Of the north")).to_be_visible()
    page.goto(f"{hub.url}/orders/NORTH-ORDER-1")
    page.locator("#move select").select_option("SHIPPED")
    page.get_by_role("button", name="Move").click()
    page.locator("dialog[open]").get_by_role("button", name="Move").click()
    expect(page.get_by_text("The order is now Shipped")).to_be_visible()


def test_a_limited_operator_works_with_one_store_and_finds_no_way_to_another(hub: Hub, stores: TwoStores) -> None:
    with open_browser() as browser:
        page = browser.new_context().new_page()
        page.set_default_timeout(15_000)
        faults = watch(page, hub.url)
        sign_in(page, hub, "nora")
        look_at_lists(page, hub)
        change_only_ones_own(page, hub, stores)
        page.goto(f"{hub.url}/imports/{stores.import_job.public_id}")
        expect(page.locator("main")).to_contain_text("You are limited to NORTH-STORE")
        expect(page.get_by_role("button", name="Run now")).to_have_count(0)
        assert faults == []

        south = stores.south
        refused(page, f"{hub.url}/orders/SOUTH-ORDER-1")
        refused(page, f"{hub.url}/orders/SOUTH-ORDER-1/incidents/new")
        refused(page, f"{hub.url}/executions/{south.exports[ERROR].public_id}")
        refused(page, f"{hub.url}/executions/{south.exports[ERROR].public_id}/payload")
        refused(page, f"{hub.url}/records/SUPPLIER/SOUTH-SUP")
        refused(page, f"{hub.url}/imports/new/sftp")
        refused(page, f"{hub.url}/connections/new/sftp")
        refused(page, f"{hub.url}/settings/users")
    with hub.sessions() as session:
        job = session.merge(stores.both)
        session.refresh(job)
        assert {supplier.external_id for supplier in job.suppliers} == {"NORTH-SUP", "SOUTH-SUP"}
