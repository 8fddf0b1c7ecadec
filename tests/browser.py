"""Debian's Chromium without a screen, driven by Playwright, and what is wrong with a page that it shows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

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
# The examples and hints in boxes that are too narrow for them.
CUT = """() => [...document.querySelectorAll("input[placeholder]")].filter(box => {
    const style = getComputedStyle(box), pen = document.createElement("canvas").getContext("2d");
    pen.font = style.font;
    const room = box.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    return box.offsetParent && pen.measureText(box.placeholder).width > room;
}).map(box => box.placeholder)"""
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


def fill_in_sign_in(page: Page, url: str, name: str, password: str) -> None:
    """`url` leads to the form."""
    page.goto(url)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def watch(page: Page, url: str) -> list[str]:
    """Grows by one line for each error or warning of the console, script error and request to another host."""
    faults: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(REPLACED):
            faults.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "request",
        lambda request: (
            faults.append(f"asks {request.url}") if not request.url.startswith((url, "data:", "blob:")) else None
        ),
    )
    return faults


def look_over(page: Page) -> list[str]:
    """What axe finds, that the page is wider than the screen, and hints that are cut."""
    found = [f"{it['id']}: {it['nodes'][0]['html']}" for it in Axe().run(page).response["violations"]]
    found += [f"cut: {hint}" for hint in page.evaluate(CUT)]
    wider = overhang(page)
    return found + ([f"{wider} px wider than the screen"] if wider else [])


def overhang(page: Page) -> int:
    """By how many pixels the page is wider than the screen."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
