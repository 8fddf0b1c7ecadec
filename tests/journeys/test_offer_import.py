"""What an operator does in the browser with a partner's offers: make the job, run, stop, mend what was rejected."""

from __future__ import annotations

import csv
import dataclasses
import re
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Download, Locator, Page, expect
from sqlalchemy import func, select

from datahub.db import database_now
from datahub.models.offer import Stock
from datahub.settings import Settings
from tests import catalogue
from tests.browser import look_over, open_browser, watch
from tests.factories import make_supplier
from tests.journeys.browser import sign_in
from tests.journeys.hub import Hub, connection_body
from tests.servers import SshServer
from webapp.filters import grouped

pytestmark = [pytest.mark.journey, pytest.mark.browser]
HEADER = "Stock Id;Stock Variant Id;Supplier External Id;Stock qty;Offer Price External Id;Price Type;Price;Currency"
GOOD, BAD = ("S-1", "S-2", "S-3"), ("S-4", "S-5", "S-6", "S-7")
ROWS = (
    "S-1;P-1-V1;SUP-1;5;PRC-1;PUBLIC;9.99;EUR",
    "S-2;P-1-V2;SUP-1;0;PRC-2;PUBLIC;19.5;EUR",
    "S-3;P-1-V3;SUP-1;7;PRC-3;PUBLIC;4;EUR",
    "S-4;GONE;SUP-1;1;PRC-4;PUBLIC;1;EUR",
    "S-5;GONE;SUP-1;1;PRC-5;PUBLIC;2;EUR",
    "S-6;P-1-V6;SUP-1;1;PRC-6;PUBLIC;12.50 EUR;EUR",
    "S-7;P-1-V7;;1;PRC-7;PUBLIC;3;EUR",
)
MANY = 20_000


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Chunks so small that a large file is stopped on its way. On SQLite the beats of a lease wait between them."""
    return dataclasses.replace(settings, chunk_rows=4, beat_seconds=1)


def put_file(sshd: SshServer, *rows: str) -> None:
    (sshd.files / "in/offers.csv").write_text("\n".join((HEADER, *rows, "")))


def prepare(hub: Hub, sshd: SshServer) -> int:
    """What offers refer to, and the connection. Returns a minute that is half an hour away, for the schedule."""
    (sshd.files / "in").mkdir()
    put_file(sshd, *ROWS)
    with hub.sessions.begin() as session:
        catalogue.make_product(session, variants=7)
        make_supplier(session)
        minute = (database_now(session) + timedelta(minutes=30)).minute
    with hub.api as api:
        made = api.post("/v1/mapper/clients", json=connection_body(sshd) | {"hostKey": sshd.host_key})
        assert made.status_code == 201, made.text
    return minute


def describe_source(page: Page) -> None:
    page.get_by_role("link", name="Imports").click()
    page.get_by_role("link", name="New import job").click()
    page.get_by_role("link", name="Offers").click()
    page.locator("#name").fill("Offers of a partner")
    page.locator("#connection_id").select_option(label="ERP")
    page.locator("#browse-file_path").click()
    page.get_by_role("button", name="in", exact=True).click()
    page.get_by_role("button", name="offers.csv").click()
    expect(page.locator("#file_path")).to_have_value("in/offers.csv")
    page.get_by_text("Take the semicolon").click()
    expect(page.get_by_label("Semicolon")).to_be_checked()


def take_proposals(page: Page) -> None:
    """Names that fit are proposed, near ones to be checked; what no name tells is chosen by hand."""
    preview = page.locator("#preview")
    expect(preview).to_contain_text("Supplier External Id → Supplier Id")
    expect(preview).to_contain_text("Columns that nothing uses: Supplier External Id, Stock qty")
    page.get_by_label("Match columns by their names").uncheck()
    supplier, quantity = page.locator("[name='source.supplierId']"), page.locator("[name='source.stockNumber']")
    expect(supplier).to_have_value("Supplier External Id")
    expect(page.locator("[name='source.stockVariantId']")).to_have_value("Stock Variant Id")
    expect(page.locator("[name='source.price']")).to_have_value("Price")
    expect(page.locator("tr", has=supplier)).to_contain_text("Proposal, please check: the name is close to")
    expect(quantity).to_have_value("")
    quantity.select_option("Stock qty")
    expect(page.locator("tr", has=quantity)).to_contain_text("5")
    expect(preview).to_contain_text("If it ran now, 4 of the 7 rows looked at would be rejected")
    expect(preview).to_contain_text("Every column is used")


def set_schedule(page: Page, minute: int) -> None:
    page.locator("#frequency").select_option("HOURLY")
    page.locator("#at_minute").fill(str(minute))
    preview = page.locator("#preview")
    expect(preview).to_contain_text(f"at minute {minute}")
    expect(preview.locator(".fires li")).to_have_count(5)
    for fire in preview.locator(".fires li").all():
        expect(fire).to_contain_text(f":{minute:02}:00")


def counts(page: Page) -> dict[str, int]:
    """Of the execution that the page shows."""
    pairs = page.locator("dl.counts > div").all_inner_texts()
    return {name: int(re.sub(r"\D", "", number)) for name, number in (pair.split("\n") for pair in pairs)}


def stop_on_the_way(page: Page, sshd: SshServer) -> None:
    """The file has a new price for the first offer, then new offers without end."""
    fresh = (f"T-{n:05};P-1-V1;SUP-1;1;PRC-T-{n};PUBLIC;1;EUR" for n in range(MANY))
    put_file(sshd, ROWS[0].replace("9.99", "10.5"), *fresh)
    page.get_by_role("button", name="Run now").click()
    stop = page.locator("#stop")
    question = page.locator("form", has=stop).locator("[name=question]")
    expect(question).to_have_value(re.compile("that are done stay as they are"))
    stop.click()
    dialog = page.locator("dialog[open]")
    expect(dialog).to_contain_text("Stop this import? It ends for good")
    dialog.get_by_role("button", name="Stop").click()
    expect(page.locator("#progress")).to_contain_text("JOB_STOPPED")
    expect(stop).to_have_count(0)
    expect(page.locator("#progress .headline")).not_to_contain_text("winding down", timeout=15_000)


def in_history(page: Page, status: str) -> Locator:
    """The only execution that ended so."""
    found = page.locator("tr[id^='execution-']", has_text=status)
    expect(found).to_have_count(1)
    return found


def mend(download: Download, path: Path) -> None:
    """As a person would in a table: a known variant, a number, a supplier."""
    with download.path().open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    assert [row["Stock Id"] for row in rows] == list(BAD)
    assert [row["hub_reason"].partition(":")[0] for row in rows] == [
        "Stock Variant Id",
        "Stock Variant Id",
        "Price",
        "Supplier External Id",
    ]
    for row in rows:
        row["Stock Variant Id"] = row["Stock Variant Id"].replace("GONE", "P-1-V4")
        row["Price"] = row["Price"].removesuffix(" EUR")
        row["Supplier External Id"] = "SUP-1"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(rows)


def change_of(page: Page, external_id: str, words: str) -> Locator:
    """From the menu to the record, and there to what changed its price."""
    page.get_by_role("link", name="Records").click()
    page.get_by_role("link", name="Offers", exact=True).click()
    page.get_by_role("searchbox").fill(external_id)
    page.get_by_role("link", name=external_id, exact=True).click()
    found = page.locator("#changes tr", has_text=words)
    expect(found).to_have_count(1)
    return found


def check_rejections(page: Page) -> None:
    rejected = page.locator("section", has=page.locator("#rejected"))
    causes = rejected.locator(".tasks li")
    expect(causes).to_have_count(3)
    expect(causes.first).to_contain_text("Unknown variant")
    expect(causes.first).to_contain_text("2 rows, 1 value")
    expect(rejected.locator("tbody tr")).to_have_count(4)
    causes.first.get_by_role("link").click()
    expect(rejected.locator("tbody tr")).to_have_count(2)
    expect(rejected.locator("tbody tr").first).to_contain_text("GONE")
    expect(rejected.locator("tbody tr").first).to_contain_text("Stock Variant Id")


def create_job(page: Page, minute: int) -> None:
    describe_source(page)
    take_proposals(page)
    set_schedule(page, minute)
    assert look_over(page) == []
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name="Offers of a partner")).to_be_visible()
    expect(page.locator("section", has=page.locator("#schedule"))).to_contain_text(f"at minute {minute}")


def came_from(change: Locator, *told: str) -> None:
    for words in told:
        expect(change).to_contain_text(words)


def upload(page: Page, mended: Path) -> None:
    page.get_by_role("link", name="Import a file…").click()
    page.get_by_label("File").set_input_files(mended)
    page.get_by_role("button", name="Import it").click()
    expect(page.locator(".stages")).to_contain_text("100%, 4 of 4 rows", timeout=30_000)
    expect(page.locator("#progress .headline")).to_contain_text("Done INTEGRATION_DONE")


def test_an_operator_brings_the_offers_of_a_partner_in(hub: Hub, sshd: SshServer, tmp_path: Path) -> None:
    minute = prepare(hub, sshd)
    hub.start_importer()
    with open_browser() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(15_000)
        faults = watch(page, hub.url)
        sign_in(page, hub)
        create_job(page, minute)
        job_url = page.url

        page.get_by_role("button", name="Run now").click()
        expect(page.locator(".stages")).to_contain_text("100%, 7 of 7 rows", timeout=30_000)
        expect(page.locator("#progress .headline")).to_contain_text("Done with 4 rejected")
        first_url, first = page.url, counts(page)
        assert first == dict.fromkeys(first, 0) | {"Read": 7, "Created": 3, "Rejected": 4}
        check_rejections(page)
        assert look_over(page) == []

        page.goto(job_url)
        stop_on_the_way(page, sshd)
        stopped = counts(page)
        page.goto(job_url)
        row = in_history(page, "Stopped")
        for name in ("Created", "Updated"):
            expect(row.locator(f"td[data-label='{name}']")).to_have_text(grouped(stopped[name]))
        assert look_over(page) == []
        with hub.sessions() as session:
            written = session.scalar(select(func.count()).where(Stock.external_id.startswith("T-")))
        assert 0 < stopped["Created"] == written < MANY
        stopped_url = row.get_by_role("link").first.get_attribute("href")

        page.goto(first_url)
        with page.expect_download() as download:
            page.get_by_role("link", name="Download").click()
        mend(download.value, tmp_path / "mended.csv")
        page.goto(job_url)
        upload(page, tmp_path / "mended.csv")
        assert counts(page) == first | {"Read": 4, "Created": 4, "Rejected": 0}

        came_from(change_of(page, "S-6", "PRC-6"), "Created", "mended.csv", "line 4")
        change = change_of(page, "S-1", "9.99 → 10.5")
        came_from(change, "offers.csv", "line 2")
        assert look_over(page) == []
        change.get_by_role("link", name="Offers of a partner").click()
        expect(page.locator("#progress")).to_contain_text("JOB_STOPPED")
        assert page.url.endswith(str(stopped_url))
        assert faults == []
