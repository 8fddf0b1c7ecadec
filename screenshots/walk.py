"""Walks through every page that links lead to, a few of each kind, and takes pictures of it."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urldefrag, urlsplit

from playwright.sync_api import BrowserContext, Page
from playwright.sync_api import Error as BrowserError
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter

from screenshots.demo import PASSWORD
from tests.browser import fill_in_sign_in, look_over, watch

WIDTHS, SCHEMES = (1440, 390), ("light", "dark")
HEIGHT = 900
# Of one kind, and of those that pages of one kind lead to: the list of all executions leads to others than Home does.
OF_EACH_KIND, BY_ONE_WAY = 3, 2
# The only page among what scripts ask for.
API_PAGE = "api_docs.docs"


@dataclass
class Walk:
    """What one person saw: pages by endpoint, and faults as lines."""

    person: str
    routes: MapAdapter
    folder: Path
    seen: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    _ways: Counter[tuple[str, str]] = field(default_factory=Counter)
    _url: str = ""

    def run(self, context: BrowserContext, url: str) -> None:
        self._url = url
        page = context.new_page()
        said = watch(page, url)
        page.goto(f"{url}/sign-in")
        self._note("/sign-in", self._take(page, "auth.sign_in"))
        fill_in_sign_in(page, f"{url}/sign-in", self.person, PASSWORD)
        page.wait_for_url(f"{url}/")
        waiting, known = deque([("/", "")]), {"/"}
        while waiting:
            here, source = waiting.popleft()
            endpoint = self._endpoint(here)
            if endpoint is None or not self._is_wanted(endpoint, source):
                continue
            is_page, faults = self._open(page, here)
            if is_page:
                self.seen[endpoint] += 1
                self._ways[source, endpoint] += 1
                faults += self._take(page, f"{endpoint}-{self.seen[endpoint]}")
                found = [address for address in self._links(page) if address not in known]
                known.update(found)
                waiting.extend((address, endpoint) for address in found)
            self._note(here, faults + said)
            said.clear()

    def _is_wanted(self, endpoint: str, source: str) -> bool:
        return self.seen[endpoint] < OF_EACH_KIND and self._ways[source, endpoint] < BY_ONE_WAY

    def _open(self, page: Page, here: str) -> tuple[bool, list[str]]:
        """Downloads are no pages."""
        page.emulate_media(color_scheme="light")
        try:
            response = page.goto(self._url + here, wait_until="networkidle")
        except BrowserError as error:
            if "Download is starting" in str(error):
                return False, []
            raise
        if response is None:
            return False, []
        faults = [f"answered {response.status}"] if response.status >= 400 else []
        return "text/html" in response.headers.get("content-type", ""), faults

    def _endpoint(self, address: str) -> str | None:
        try:
            endpoint = str(self.routes.match(urlsplit(address).path, method="GET")[0])
        except HTTPException:
            return None
        return None if endpoint.startswith("api_") and endpoint != API_PAGE else endpoint

    def _links(self, page: Page) -> list[str]:
        every = page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)")
        return [urldefrag(link[len(self._url) :])[0] for link in every if link.startswith(self._url + "/")]

    def _take(self, page: Page, name: str) -> list[str]:
        faults = []
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": HEIGHT})
            for scheme in SCHEMES:
                page.emulate_media(color_scheme=scheme)
                place = self.folder / f"{width}-{scheme}" / self.person / f"{name}.png"
                page.screenshot(path=place, full_page=True)
                faults += [f"{width} {scheme}: {fault}" for fault in look_over(page)]
        return faults

    def _note(self, here: str, faults: list[str]) -> None:
        self.faults += [f"{self.person} at {here}: {fault[:300]}" for fault in faults]
