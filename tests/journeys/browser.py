"""Debian's Chromium without a screen, driven by Playwright: signing in, and what is wrong with a page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.journeys.hub import PASSWORD, Hub

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# What htmx calls an error when a newer request of the same place replaces one that is under way.
REPLACED = ("htmx:afterRequest", "htmx:sendAbort")


@contextmanager
def open_browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def watch(page: Page, url: str) -> list[str]:
    """Grows by one line for each console error, script error and request to another host."""
    faults: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(REPLACED):
            faults.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "request", lambda request: faults.append(request.url) if not request.url.startswith((url, "data:")) else None
    )
    return faults


def sign_in(page: Page, hub: Hub, name: str = "admin", password: str = PASSWORD) -> None:
    page.goto(hub.url)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("link", name="Connections")).to_be_visible()


def look_over(page: Page) -> dict[str, object]:
    """What axe finds, and by how much the page is wider than the screen."""
    found = {f"{it['id']}: {it['nodes'][0]['html']}": True for it in Axe().run(page).response["violations"]}
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return found | ({"too wide": wider} if wider else {})
