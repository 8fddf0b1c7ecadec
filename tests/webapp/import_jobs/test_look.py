"""The form of import jobs in a real browser: filled in by keyboard and pointer, with the real file beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from apiflask import APIFlask
from playwright.sync_api import Page, expect
from sqlalchemy import select

from datahub.access import users
from datahub.models.connection import Connection
from datahub.models.import_job import ImportJob
from datahub.settings import Settings
from datahub.vault import Vault
from tests.browser import fill_in_sign_in, look_over, open_browser, watch
from tests.factories import add_connection, add_import_job
from tests.servers import SshServer
from tests.webapp.conftest import PASSWORD, served
from tests.webapp.import_jobs.conftest import Sessions

# What a browser makes of a page does not depend on the database.
pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)]


@pytest.fixture
def address(app: APIFlask, sessions: Sessions, vault: Vault, sshd: SshServer, inbound: Path) -> Iterator[str]:
    """A running hub with a user and a connection to a server that has one file."""
    rows = (
        "Stock Id;Prix;Supplier External ID;Stock Variant Id;Stock Number",
        "S-1;2.5;SUP-1;V;1",
        "S-2;bad;SUP-2;V;2",
    )
    (inbound / "offers.csv").write_text("\n".join([*rows, ""]))
    with sessions.begin() as session:
        users.create(session, name="ada", password=PASSWORD, role="OPERATOR")
        add_connection(session, vault, sshd, name="ERP")
    with served(app) as address:
        yield address


def sign_in(page: Page, address: str, url: str) -> None:
    fill_in_sign_in(page, f"{address}/sign-in?next={url}", "ada", PASSWORD)
    page.wait_for_url(address + url)


def test_a_file_that_is_too_large_is_told_before_it_is_sent(
    address: str, sessions: Sessions, settings: Settings, tmp_path: Path
) -> None:
    with sessions.begin() as session:
        job = add_import_job(session, session.scalars(select(Connection)).one())
    large, small = tmp_path / "large.csv", tmp_path / "small.csv"
    with large.open("w") as file:
        file.truncate(settings.max_upload_bytes + 1)
    small.write_text("Stock Id\nS-1\n")
    with open_browser() as browser:
        page = browser.new_page()
        sign_in(page, address, f"/imports/{job.public_id}/upload")
        box, press = page.get_by_label("File"), page.get_by_role("button", name="Import it")
        box.set_input_files(large)
        press.click()
        said = box.evaluate("box => box.validationMessage")
        assert (
            said == "It is larger than 50.0 MB. Let the job read it from its server, or have MAX_UPLOAD_BYTES raised."
        )
        expect(page).to_have_url(f"{address}/imports/{job.public_id}/upload")
        box.set_input_files(small)
        press.click()
        page.wait_for_url("**/executions/*")


def test_a_job_is_made_from_the_real_file(address: str, sessions: Sessions) -> None:
    with open_browser() as browser:
        page = browser.new_page()
        complaints = watch(page, address)
        sign_in(page, address, "/imports/new/sftp?entity=OFFER")
        page.locator("#name").fill("Offers")
        page.locator("#connection_id").select_option(label="ERP")
        page.locator("#browse-file_path").click()
        page.get_by_role("button", name="in", exact=True).click()
        page.get_by_role("button", name="offers.csv").click()
        expect(page.locator("#preview")).to_contain_text("Take the semicolon")
        page.get_by_label("Semicolon").check()
        expect(page.locator("#name-1")).to_have_text("Stock Id")
        page.get_by_label("Match columns by their names").press("Space")
        price = page.locator("[name='source.price']")
        price.select_option("Prix")
        row = page.locator("tr", has=price)
        expect(row).to_contain_text("2.5")
        expect(page.locator("[name='source.supplierId']")).to_have_value("Supplier External ID")
        page.get_by_role("button", name="Next record").press("Enter")
        expect(row).to_contain_text("Must be a number")
        expect(price).to_have_value("Prix")
        assert look_over(page) == []
        page.set_viewport_size({"width": 390, "height": 900})
        assert look_over(page) == []
        label = "cell => [getComputedStyle(cell, '::before')].map(it => it.display !== 'none' && it.content)[0]"
        assert [cell.evaluate(label) for cell in row.locator("td").all()] == [False, '"Column"', '"Becomes"']
        page.get_by_role("button", name="Create").click()
        page.wait_for_url(f"{address}/imports/*-*")
        assert complaints == []
    with sessions() as session:
        (job,) = session.scalars(select(ImportJob))
        assert {it["field"]: it["source"] for it in job.mapping or ()} == {
            "stockId": "Stock Id",
            "price": "Prix",
            "supplierId": "Supplier External ID",
            "stockVariantId": "Stock Variant Id",
            "stockNumber": "Stock Number",
        }


def test_a_refused_job_says_on_top_what_is_wrong_and_leads_there(address: str) -> None:
    with open_browser() as browser:
        page = browser.new_page(viewport={"width": 390, "height": 844})
        sign_in(page, address, "/imports/new/sftp?entity=OFFER")
        page.get_by_role("button", name="Create").click()
        expect(page.locator("#faults")).to_be_focused()
        expect(page.locator("#faults")).to_be_in_viewport()
        assert look_over(page) == []
        page.locator("#faults").get_by_role("link", name="Delimiter").click()
        expect(page.get_by_label("Comma")).to_be_focused()
        page.locator("#faults").get_by_role("link", name="Name:").press("Enter")
        expect(page.locator("#name")).to_be_focused()


def test_on_a_phone_fields_without_a_column_take_a_line_each(address: str) -> None:
    with open_browser() as browser:
        page = browser.new_page(viewport={"width": 390, "height": 844})
        sign_in(page, address, "/imports/new/sftp?entity=PRODUCT")
        rows = page.locator(".mapping-table tbody tr")
        heights = "them => them.map(it => it.offsetHeight)"
        assert max(rows.evaluate_all(heights)) < 55
        page.locator("#by_name").press("Space")
        expect(page.locator("#result-1")).to_have_text("Required, but no column is chosen")
        optional = rows.filter(has=page.locator(".unfed")).evaluate_all(heights)
        assert len(optional) == rows.count() - 2 and max(optional) < 75
        assert look_over(page) == []


def test_long_names_of_columns_can_be_read_in_full(address: str, sshd: SshServer) -> None:
    column = "productClassificationCategoryDescriptions[fr-FR]"
    (sshd.files / "in/long.csv").write_text(f"Stock Id;{column}\nS-1;2.5\n")
    with open_browser() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        sign_in(page, address, "/imports/new/sftp?entity=OFFER")
        page.locator("#connection_id").select_option(label="ERP")
        page.locator("#file_path").fill("in/long.csv")
        page.get_by_label("Semicolon").check()
        expect(page.locator("#name-1")).to_have_text("Stock Id")
        page.locator("#by_name").press("Space")
        price = page.locator("[name='source.price']")
        price.select_option(column)
        note = page.locator("tr", has=price).locator("[id^=note-]")
        expect(note).to_have_text(column)
        assert note.evaluate("it => it.scrollWidth <= it.parentElement.clientWidth")
        assert look_over(page) == []


def test_what_does_not_apply_is_out_of_sight(address: str) -> None:
    with open_browser() as browser:
        page = browser.new_page(color_scheme="dark")
        sign_in(page, address, "/imports/new/sftp?entity=OFFER")
        assert look_over(page) == []
        for hidden in ("#inbound_directory", "#cron", "#at", "#full_mode_known", "[name='source.price']"):
            expect(page.locator(hidden)).to_be_hidden()
        page.get_by_label("Every CSV file of a folder").check()
        expect(page.locator("#inbound_directory")).to_be_visible()
        expect(page.locator("#file_path")).to_be_hidden()
        page.locator("#frequency").select_option("CUSTOM")
        expect(page.locator("#cron")).to_be_visible()
        page.locator("#frequency").select_option("WEEKLY")
        expect(page.locator("#at")).to_be_visible()
        expect(page.locator("#cron")).to_be_hidden()
        page.locator("#import_full_mode").check()
        expect(page.locator("#full_mode_known")).to_be_visible()
        expect(page.locator("#preview")).to_contain_text("Nothing is removed from")
