"""Support's day: an e-mail quotes a piece of an execution id, and one of a hundred thousand executions is meant."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from sqlalchemy import Engine, select

from bench import history_rows
from datahub.access import users
from datahub.models.access import VIEWER
from datahub.models.execution import ERROR, Execution
from tests.browser import look_over, open_browser, watch
from tests.journeys.browser import sign_in
from tests.journeys.hub import PASSWORD, Hub

pytestmark = [pytest.mark.journey, pytest.mark.browser]
MANY = 100_000


def test_support_finds_an_execution_by_eight_characters_from_the_middle_of_its_id(hub: Hub, engine: Engine) -> None:
    history_rows.fill(engine, MANY)
    with hub.sessions.begin() as session:
        users.create(session, name="sue", password=PASSWORD, role=VIEWER)
        failed = select(Execution.public_id).where(Execution.status == ERROR, Execution.id > MANY // 2)
        wanted = session.scalars(failed.order_by(Execution.id).limit(1)).one()
    with open_browser() as browser:
        page = browser.new_context(permissions=["clipboard-read", "clipboard-write"]).new_page()
        page.set_default_timeout(15_000)
        faults = watch(page, hub.url)
        sign_in(page, hub, "sue")
        page.get_by_role("link", name="Executions", exact=True).click()
        page.get_by_role("searchbox").fill(f"  {wanted[14:22].upper()} ")
        row = page.locator("#list tbody tr")
        expect(row).to_have_count(1)
        expect(row).to_contain_text("Failed")
        expect(page).to_have_url(re.compile(wanted[14:22], re.IGNORECASE))
        assert look_over(page) == []

        row.get_by_role("button", name="Copy").click()
        assert page.evaluate("navigator.clipboard.readText()") == wanted
        page.goto(f"{hub.url}/executions/{wanted}")
        page.get_by_role("button", name="Copy for support").click()
        told = page.evaluate("navigator.clipboard.readText()")
        assert wanted in told
        assert "ERROR" in told
        expect(page.get_by_role("button", name=re.compile("Retry|Resend|Stop"))).to_have_count(0)
        assert faults == []
