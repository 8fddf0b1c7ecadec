"""What an operator does in the browser, from an empty hub to a delivered file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from datahub.jobs import orders
from tests.browser import open_browser, watch
from tests.journeys.browser import sign_in
from tests.journeys.hub import Hub
from tests.orders import add_parties, body_of_xml_example
from tests.servers import SshServer

pytestmark = [pytest.mark.journey, pytest.mark.browser]
FIXTURE = Path(__file__).parents[1] / "fixtures" / "orders" / "order.xml"


def make_connection(page: Page, hub: Hub, sshd: SshServer) -> None:
    page.goto(f"{hub.url}/connections/new/sftp")
    page.locator("#name").fill("ERP")
    page.locator("#host").fill("127.0.0.1")
    page.locator("#port").fill(str(sshd.port))
    page.locator("#username").fill(sshd.username)
    page.get_by_text("Or a private key").click()
    page.locator("#private_key").fill(sshd.private_key)
    page.locator("form button.btn-primary").click()
    page.get_by_role("button", name="Test", exact=True).click()
    expect(page.locator("#test")).to_contain_text("SHA256:")
    page.get_by_role("button", name="Accept this key").click()
    page.locator("#test-folder").fill("out")
    page.get_by_role("button", name="Test", exact=True).click()
    expect(page.locator("#test")).to_contain_text("Everything works")


def make_job(page: Page, hub: Hub) -> str:
    """Returns the XML of the preview."""
    page.goto(f"{hub.url}/export-jobs/new/sftp")
    preview = page.locator("#preview")
    expect(preview).to_contain_text("every supplier")
    page.locator("#name").fill("Orders to ERP")
    page.locator("#connection_id").select_option(label="ERP")
    page.locator("#output_folder").fill("out")
    expect(preview.locator(".file-name.is-chosen")).to_contain_text("174-282-6749427-1.xml")
    page.get_by_role("radio", name="JSON").check()
    expect(preview.locator(".file-name.is-chosen")).to_contain_text("174-282-6749427-1.json")
    page.get_by_role("radio", name="Standard (long)").check()
    expect(preview.locator(".file-name.is-chosen")).to_contain_text("DJUST_174-282-6749427-1_1234_")
    page.get_by_role("radio", name="XML").check()
    page.get_by_role("radio", name="Short").check()
    page.locator("input[value=SHIPPED]").check()
    expect(preview).to_contain_text("0 orders are in these statuses now")
    expect(preview.locator(".excerpt.is-chosen pre")).to_contain_text("<status>SHIPPED</status>")
    expect(preview.locator(".file-name.is-chosen")).to_contain_text("174-282-6749427-1.xml")
    text = preview.locator(".excerpt.is-chosen pre").inner_text()
    page.locator("form button.btn-primary").click()
    expect(page.get_by_role("heading", name="Orders to ERP")).to_be_visible()
    return text


def without_update_time(text: str) -> str:
    return re.sub(r"<updatedAt>[^<]*</updatedAt>", "", text).strip()


def test_an_operator_gets_the_first_order_out(hub: Hub, sshd: SshServer) -> None:
    (sshd.files / "out").mkdir()
    with hub.sessions.begin() as session:
        add_parties(session)
        orders.create_order(session, body_of_xml_example(), actor="tests")
    with open_browser() as browser:
        context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
        page = context.new_page()
        page.set_default_timeout(15_000)
        faults = watch(page, hub.url)
        sign_in(page, hub)
        make_connection(page, hub, sshd)
        previewed = make_job(page, hub)

        page.goto(f"{hub.url}/orders/174-282-6749427-1")
        page.locator("#move select").select_option("SHIPPED")
        expect(page.locator("#move")).to_contain_text("Orders to ERP")
        page.get_by_role("button", name="Move").click()
        page.locator("dialog[open]").get_by_role("button", name="Move").click()
        row = page.locator("tr[id^='execution-']").first
        expect(row).to_contain_text("Delivered", timeout=30_000)

        row.get_by_role("button", name="Copy").click()
        execution_id = page.evaluate("navigator.clipboard.readText()")
        page.goto(f"{hub.url}/executions/{execution_id}")
        shown = page.locator("#outcome pre").first.inner_text()
        with page.expect_download() as download:
            page.get_by_role("link", name="Download").click()
        downloaded = download.value.path().read_bytes()
        assert faults == []

    (delivered,) = (sshd.files / "out").iterdir()
    content = delivered.read_text()
    assert delivered.name == "174-282-6749427-1.xml"
    assert downloaded == delivered.read_bytes()
    assert shown.strip() == content.strip()
    assert without_update_time(previewed) == without_update_time(content)
    expected = without_update_time(FIXTURE.read_text()).replace("ACCEPTED_BY_SUPPLIER", "SHIPPED")
    assert without_update_time(content) == expected
