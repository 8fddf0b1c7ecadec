"""The administrator's day: somebody new comes in by a link, an account leaks and is locked out, the log tells all."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import Page, expect

from datahub.access import tokens, users
from tests.browser import look_over, open_browser, watch
from tests.journeys.browser import sign_in
from tests.journeys.hub import Hub

pytestmark = pytest.mark.journey
LEAKED = "a password that leaked"


def test_the_administrator_locks_out_a_leaked_account(hub: Hub) -> None:
    with open_browser() as browser:
        page, theirs = browser.new_context().new_page(), browser.new_context().new_page()
        faults = [watch(page, hub.url), watch(theirs, hub.url)]
        sign_in(page, hub)
        set_password(theirs, invite(page, hub))
        theirs.get_by_label("Name").fill("EVE")
        theirs.get_by_label("Password").fill(LEAKED)
        theirs.get_by_role("button", name="Sign in").click()
        expect(theirs.get_by_role("link", name="Connections")).to_be_visible()
        with hub.sessions.begin() as session:
            _, token = tokens.create(session, user=users.find(session, "eve"), name="ERP")
        headers = {"Authorization": f"Bearer {token}", "dj-client": "OPERATOR"}
        with httpx.Client(base_url=hub.url, headers=headers) as script:
            assert script.get("/v1/mapper/clients").status_code == 200
            lock_out(page, hub)
            assert script.get("/v1/mapper/clients").status_code == 401
        theirs.goto(f"{hub.url}/connections")
        expect(theirs.get_by_role("heading", name="Sign in")).to_be_visible()
        read_the_log(page, hub)
        assert faults == [[], []]


def invite(page: Page, hub: Hub) -> str:
    page.goto(f"{hub.url}/settings/users")
    page.get_by_role("link", name="Invite a user").click()
    page.get_by_label("Name").fill("eve")
    page.get_by_label("Role").select_option(label="Operator")
    page.get_by_role("button", name="Invite").click()
    link = page.locator("#new-link code").inner_text()
    assert look_over(page) == []
    return hub.url + link[link.index("/set-password/") :]


def set_password(page: Page, link: str) -> None:
    page.goto(link)
    assert look_over(page) == []
    page.locator("#password").fill(LEAKED)
    page.get_by_label("New password again").fill(LEAKED)
    page.get_by_role("button", name="Set password").click()
    expect(page.get_by_text("Your password is set.")).to_be_visible()


def lock_out(page: Page, hub: Hub) -> None:
    page.goto(f"{hub.url}/settings/users")
    page.get_by_role("link", name="eve").click()
    page.get_by_role("button", name="Lock out").click()
    page.get_by_role("dialog").get_by_role("button", name="Lock out").click()
    told = "eve is locked out: disabled, the password void, 1 session ended, 1 token revoked."
    expect(page.get_by_text(told)).to_be_visible()


def read_the_log(page: Page, hub: Hub) -> None:
    """It is filtered in place, and the address keeps the filter."""
    page.goto(f"{hub.url}/settings/audit")
    page.get_by_label("Name or id of what was changed").fill("eve")
    page.get_by_label("What was done").select_option(label="Locked out")
    expect(page.locator("#audit tbody tr")).to_have_count(1)
    expect(page.locator("#audit")).to_contain_text("admin")
    page.reload()
    expect(page.locator("#audit tbody tr")).to_have_count(1)
    page.goto(f"{hub.url}/settings/audit?kind=user&text=eve")
    expect(page.get_by_text("Password: changed").first).to_be_visible()
    assert look_over(page) == []
