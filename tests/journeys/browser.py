"""Signing in at the hub of a journey."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser import fill_in_sign_in
from tests.journeys.hub import PASSWORD, Hub


def sign_in(page: Page, hub: Hub, name: str = "admin", password: str = PASSWORD) -> None:
    fill_in_sign_in(page, hub.url, name, password)
    expect(page.get_by_role("link", name="Connections")).to_be_visible()
