"""Walks through every page that links lead to, two of each kind, and takes pictures of it."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urldefrag, urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request
from playwright.sync_api import Error as BrowserError
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter

from screenshots.demo import PASSWORD

WIDTHS, SCHEMES = (1440, 390), ("light", "dark")
HEIGHT = 900
OF_EACH_KIND = 2
# Drawn by Swagger UI, whose faults are not ours to mend.
DRAWN_BY_OTHERS = "api_docs.docs"


@dataclass
class Walk:
    """What one person saw: pages by endpoint, and faults as lines."""

    person: str
    routes: MapAdapter
    folder: Path
    seen: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    _here: str = ""
    _url: str = ""

    def run(self, context: BrowserContext, url: str) -> None:
        self._url = url
        page = context.new_page()
        page.on("console", self._note_console)
        page.on("pageerror", lambda error: self._note(str(error)))
        page.on("request", self._note_request)
        page.goto(f"{url}/sign-in")
        page.get_by_label("Name").fill(self.person)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{url}/")
        waiting, known = deque(["/"]), {"/"}
        while waiting:
            self._here = waiting.popleft()
            endpoint = self._endpoint(self._here)
            if endpoint is None or self.seen[endpoint] >= OF_EACH_KIND or not self._open(page):
                continue
            self.seen[endpoint] += 1
            self._take(page, f"{endpoint}-{self.seen[endpoint]}")
            found = [address for address in self._links(page) if address not in known]
            known.update(found)
            waiting.extend(found)

    def _open(self, page: Page) -> bool:
        """Downloads are no pages."""
        try:
            response = page.goto(self._url + self._here, wait_until="networkidle")
        except BrowserError as error:
            if "Download is starting" in str(error):
                return False
            raise
        if response is not None and response.status >= 400:
            self._note(f"answered {response.status}")
        return response is not None and "text/html" in response.headers.get("content-type", "")

    def _endpoint(self, address: str) -> str | None:
        try:
            endpoint = str(self.routes.match(urlsplit(address).path, method="GET")[0])
        except HTTPException:
            return None
        return None if endpoint.startswith("api_") and endpoint != DRAWN_BY_OTHERS else endpoint

    def _links(self, page: Page) -> list[str]:
        every = page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)")
        return [urldefrag(link[len(self._url) :])[0] for link in every if link.startswith(self._url + "/")]

    def _take(self, page: Page, name: str) -> None:
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": HEIGHT})
            for scheme in SCHEMES:
                page.emulate_media(color_scheme=scheme)
                place = self.folder / f"{width}-{scheme}" / self.person / f"{name}.png"
                page.screenshot(path=place, full_page=True)
                if width != WIDTHS[0] or name.startswith(DRAWN_BY_OTHERS):
                    continue
                for found in Axe().run(page).response["violations"]:
                    self._note(f"{width} {scheme}: {found['id']}: {found['nodes'][0]['html'][:200]}")
            wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            if wider:
                self._note(f"{width}: {wider} px wider than the screen")

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._note(message.text)

    def _note_request(self, request: Request) -> None:
        if not request.url.startswith((self._url, "data:")):
            self._note(f"asks {request.url}")

    def _note(self, what: str) -> None:
        self.faults.append(f"{self.person} at {self._here}: {what}")
