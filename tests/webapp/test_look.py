"""Every page in a real browser: nothing for axe to find, nothing wider than the screen, and what app.js does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from apiflask import APIFlask
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.access import accounts, tokens, users
from datahub.jobs import custom_fields
from datahub.jobs.custom_fields import Definition
from datahub.models.catalogue import Variant
from datahub.models.connection import Connection
from datahub.models.execution import ERROR, JOB_PENDING, Execution
from datahub.models.import_job import Tick
from datahub.vault import Vault
from tests import catalogue
from tests.browser import fill_in_sign_in, look_over, open_browser, overhang, watch
from tests.factories import add_connection, add_import_execution, add_import_job, add_rejected_row, make_job
from tests.webapp.conftest import PASSWORD, served
from tests.webapp.dashboard.test_routes import add_execution
from webapp.auth.identity import API_PATHS
from webapp.permissions import required_permission

# What a browser makes of a page does not depend on the database.
pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)]
# Pages with a part in their address, of what the fixture makes.
RECORDS = (
    "/records/SUPPLIER",
    "/records/OFFER",
    "/records/ATTRIBUTE?search=nothing",
    "/records/ACCOUNT",
    "/records/PRODUCT/P-1",
    "/records/OFFER/STOCK-1",
    "/records/ASSORTMENT",
    "/records/ASSORTMENT/AST-HAND",
)
NIGHTLY, REJECTED = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
PEOPLE = ("/settings/users/1", "/settings/users/2", "/settings/audit?text=nothing")
IMPORTS = (f"/imports/{NIGHTLY}", f"/imports/{NIGHTLY}/upload", f"/imports/{NIGHTLY}/delete", f"/executions/{REJECTED}")
# By how many pixels the tables in each card reach beyond it, but for those that can be scrolled.
PAST_THE_CARD = """cards => cards.map(card => {
    const tables = [...card.querySelectorAll("table:not(.table-scroll *)")];
    const edge = card.getBoundingClientRect().right;
    return Math.max(0, ...tables.map(table => Math.ceil(table.getBoundingClientRect().right - edge)));
})"""
Sessions = sessionmaker[Session]
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


@pytest.fixture
def address(app: APIFlask, sessions: Sessions, vault: Vault) -> Iterator[str]:
    """A running hub with a user, a token, a job, a failed and a waiting execution, an offer that changed, imports."""
    with sessions.begin() as session:
        user = users.create(session, name="ada", password=PASSWORD, role="ADMIN")
        tokens.create(session, user=user, name="ERP")
        accounts.invite(session, name="an.operator.with.a.long.name@partner.example", role="OPERATOR")
        job = make_job(session, add_connection(session, vault))
        add_execution(session, job, status=ERROR, error="The folder out/orders does not exist.", attempts=6)
        held = make_job(session, add_connection(session, vault, name="Backup", active=False))
        add_execution(session, held, status=JOB_PENDING)
        add_offer(session)
        add_imports(session, vault)
        parcel = Definition("SUPPLIER", "heaviest_parcel_of_the_carrier", "Heaviest parcel", "METRIC", unit="kg")
        custom_fields.create(session, parcel)
    with served(app) as address:
        yield address


def add_imports(session: Session, vault: Vault) -> None:
    schedule = {"cron": "30 3 * * *", "schedule_enabled": True}
    mapping = [{"field": "price", "source": "Preis netto"}]
    known = add_connection(session, vault, name="PIM", host_key="key")
    job = add_import_job(session, known, public_id=NIGHTLY, mapping=mapping, **schedule)
    status = "INTEGRATION_DONE_WITH_ERRORS"
    files = [{"name": "in/offers-of-a-partner-with-a-long-name.csv", "size": 12_000, "rows": 12}]
    run = {"rows": 12, "rows_done": 12, "rejected": 12, "files": files}
    rejected = add_import_execution(session, job, public_id=REJECTED, status=status, run=run)
    for number in range(1, 13):
        add_rejected_row(session, rejected, number, value="S-1")
    add_import_execution(session, job, status="INTEGRATION_STARTED", run={"rows": 12, "rows_done": 4})
    for days, came_of_it in enumerate((rejected.id, None), start=1):
        session.add(Tick(import_job_id=job.id, at=job.created_at - timedelta(days=days), execution_id=came_of_it))


def add_busy_imports(sessions: Sessions) -> None:
    """One writes a million rows, one is to be tried again, one waits; of the entity with the longest name."""
    with sessions.begin() as session:
        known = session.scalars(select(Connection).where(Connection.name == "PIM")).one()
        job = add_import_job(session, known, entity="CLASSIFICATION_CATEGORY", name="Categories of the whole catalogue")
        run = {"rows": 1_234_567, "rows_done": 999_999}
        add_import_execution(session, job, status="INTEGRATION_STARTED", family="CATALOGUE", run=run)
        add_import_execution(session, job, status=JOB_PENDING)
        other = add_import_job(session, known, name="Offers", cron="* * * * *", schedule_enabled=True)
        later = other.created_at + timedelta(minutes=12)
        waits = {"status": "INTEGRATION_WAITING", "attempts": 2, "next_attempt_at": later}
        add_import_execution(session, other, **waits, run={"rows": 5})


def add_offer(session: Session) -> None:
    product = catalogue.make_product(session, "P-1", variants=2, descriptions={"en-GB": "Long words. " * 40})
    product.attributes = {"COLOR": ["red", "blue"]}
    catalogue.put_into(session, catalogue.make_assortment(session, "AST-HAND", name="Hand tools"), product)
    catalogue.make_offer(session, "STOCK-1", prices=2, custom_fields={"zone": "north"})
    changes = {"price": ["9.5", "9.99"], "priceType": [None, "PUBLIC"]}
    source = {"file": "in/offers.csv", "line": 2}
    catalogue.record_change(session, "OFFER", "STOCK-1", "created", **source)
    catalogue.record_change(
        session, "OFFER", "STOCK-1", part="prices", part_key="STOCK-1-P1", changes=changes, **source
    )


@pytest.fixture
def complaints() -> Iterator[list[list[str]]]:
    """What the browser complained about, page by page; a test that leaves any fails."""
    complaints: list[list[str]] = []
    yield complaints
    assert not any(complaints), complaints


@pytest.fixture
def open_page(browser: Browser, address: str, complaints: list[list[str]]) -> Iterator[Open]:
    """open_page(url, width=…, scheme=…): signed in."""
    contexts = []

    def open_page(url: str = "/", width: int = 1440, scheme: str = "light") -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, base_url=address)
        contexts.append(context)
        page = context.new_page()
        complaints.append(watch(page, address))
        fill_in_sign_in(page, f"/sign-in?next={url}", "ada", PASSWORD)
        page.wait_for_url(address + url)
        return page

    yield open_page
    for context in contexts:
        context.close()


def pages(app: APIFlask) -> list[str]:
    """The addresses of all pages that need no id."""
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint != "static" and not rule.arguments]
    reading = {rule.rule for rule in rules if "GET" in (rule.methods or ()) and required_permission(app, rule.endpoint)}
    return sorted(rule for rule in reading if not API_PATHS.match(rule) and rule not in ("/now", "/hours", "/sign-in"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(
    app: APIFlask, open_page: Open, width: int, scheme: str
) -> None:
    page = open_page("/", width, scheme)
    found = {}
    for url in (*pages(app), *RECORDS, *IMPORTS, *PEOPLE):
        page.goto(url)
        if faults := look_over(page):
            found[url] = faults
    assert found == {}


def test_the_header_fits_screens_between_a_phone_and_a_desk(open_page: Open) -> None:
    page = open_page("/records")
    too_wide = {}
    for width in (320, 640, 992, 1099, 1100, 1200, 1399, 1400):
        page.set_viewport_size({"width": width, "height": 900})
        too_wide[width] = overhang(page)
    assert not any(too_wide.values()), too_wide


@pytest.mark.parametrize("url", ["/", "/imports", "/export-jobs", f"/imports/{NIGHTLY}", "/records/OFFER/STOCK-1"])
def test_tables_stay_inside_their_cards(open_page: Open, sessions: Sessions, url: str) -> None:
    add_busy_imports(sessions)
    page = open_page(url)
    too_wide = {}
    for width in (1440, 1366, 1280, 1100, 1000, 768, 640, 390):
        page.set_viewport_size({"width": width, "height": 900})
        if any(found := [overhang(page), *page.locator(".card").evaluate_all(PAST_THE_CARD)]):
            too_wide[width] = found
    assert too_wide == {}


def test_long_addresses_take_one_line_and_leave_names_their_room(open_page: Open, sessions: Sessions) -> None:
    with sessions.begin() as session:
        for variant in session.scalars(select(Variant)):
            variant.names = {"en-GB": "blue, 200 mm wide"}
            variant.main_image_url = f"https://images.example/{'a-very-long-name-' * 12}.jpg"
            variant.additional_images = [variant.main_image_url] * 2
    page = open_page("/records/PRODUCT/P-1")
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        boxes = [it.bounding_box() or {} for it in page.locator("a[href^='https://images']").all()]
        assert len(boxes) == 6 and max(box["height"] for box in boxes) < 25, width
        names = page.locator("td[data-label='Names']").first.bounding_box() or {}
        assert names["width"] > 150 and names["height"] < 70, width


def test_a_list_of_records_is_short_on_a_phone(open_page: Open) -> None:
    row = open_page("/records/PRODUCT", width=390).locator("#list tbody tr").first.bounding_box() or {}
    assert row["height"] < 120


def test_the_form_of_a_custom_field_shows_what_its_type_has(open_page: Open) -> None:
    page = open_page("/settings/custom-fields/new")
    shown = {}
    for kind in ("Text", "Number", "Number with a unit", "List of texts", "List of numbers with a unit"):
        page.get_by_label("Type").select_option(label=kind)
        shown[kind] = [
            page.get_by_label(name, exact=True).is_visible() for name in ("One text per locale", "Unit", "Options")
        ]
    assert list(shown.values()) == [
        [True, False, False],
        [False, False, False],
        [False, True, False],
        [False, False, True],
        [False, True, True],
    ]


def test_the_theme_follows_the_system_until_somebody_chooses(open_page: Open) -> None:
    page = open_page("/", scheme="dark")
    root = page.locator("html")
    expect(root).to_have_attribute("data-bs-theme", "dark")
    page.get_by_role("button", name="Dark or light").click()
    expect(root).to_have_attribute("data-bs-theme", "light")
    page.reload()
    expect(root).to_have_attribute("data-bs-theme", "light")


def test_the_clock_runs_in_utc(open_page: Open) -> None:
    page = open_page("/")
    shown = page.locator("#clock").inner_text()
    expect(page.locator("#clock")).not_to_have_text(shown)
    expect(page.locator("#clock")).to_contain_text("UTC")


def test_revoking_asks_first_and_cancel_leaves_all_as_it_is(open_page: Open) -> None:
    page = open_page("/settings/tokens")
    dialog = page.get_by_role("dialog")
    page.get_by_role("button", name="Revoke").click()
    expect(dialog).to_contain_text("Revoke the token “ERP”?")
    dialog.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Valid")).to_be_visible()
    page.get_by_role("button", name="Revoke").click()
    dialog.get_by_role("button", name="Revoke").click()
    expect(page.locator("#flash")).to_contain_text("is revoked")


@pytest.mark.parametrize(
    "granted", [("clipboard-read", "clipboard-write"), ("clipboard-read",)], ids=["may", "may not"]
)
def test_a_new_token_can_be_copied_also_where_the_browser_refuses_the_clipboard(
    open_page: Open, granted: tuple[str, ...]
) -> None:
    page = open_page("/settings/tokens")
    page.context.grant_permissions(granted)  # whatever else there is, is refused then
    page.get_by_label("What it is for").fill("Nightly")
    page.get_by_role("button", name="Create token").click()
    page.get_by_role("button", name="Copy the token").click()
    expect(page.locator("#announce")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#new-token code").inner_text()


def test_a_link_for_a_new_user_fits_a_phone(open_page: Open) -> None:
    page = open_page("/settings/users/new", width=390)
    page.get_by_label("Name").fill("somebody@partner.example")
    page.get_by_role("button", name="Invite").click()
    expect(page.locator("#new-link code")).to_be_visible()
    assert overhang(page) == 0


def test_the_menu_of_a_phone_opens_by_keyboard_and_closes_with_escape(open_page: Open) -> None:
    page = open_page("/", width=390)
    menu = page.get_by_label("Menu", exact=True)
    menu.focus()
    page.keyboard.press("Enter")
    link = page.get_by_role("navigation", name="Main, narrow").get_by_role("link", name="Orders")
    expect(link).to_be_visible()
    link.focus()
    page.keyboard.press("Escape")
    expect(link).to_be_hidden()
    expect(menu).to_be_focused()


def test_the_bars_of_home_stay_when_the_rest_refreshes_and_lead_to_their_hour(open_page: Open) -> None:
    page = open_page("/")
    page.evaluate("document.querySelector('.hours').id = 'as-before'")
    page.evaluate(
        "htmx.ajax('GET', '/now', {target: '#now', swap: 'outerHTML'}).then(() => { document.title = 'new' })"
    )
    expect(page).to_have_title("new")
    expect(page.locator("#now #as-before li")).to_have_count(24)
    page.locator("#as-before a").last.click()
    expect(page.get_by_text("Last tried in the hour from")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="Stop")).to_have_count(2)


def test_an_error_of_htmx_lands_in_the_flash_region(open_page: Open, complaints: list[list[str]]) -> None:
    page = open_page("/")
    page.evaluate("htmx.ajax('GET', '/executions/none/row', {target: '#main'})")
    expect(page.locator("#flash")).to_contain_text("Not found")
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    (said,) = complaints
    assert said and all("404" in complaint for complaint in said)
    said.clear()


def test_the_history_of_an_import_job_is_filtered_in_place_and_the_address_says_how(open_page: Open) -> None:
    page = open_page(f"/imports/{NIGHTLY}")
    rows = page.locator("#history tbody tr")
    expect(rows).to_have_count(2)
    page.get_by_text("Done, some rows rejected").click()
    expect(rows).to_have_count(1)
    expect(page).to_have_url(re.compile(r"\?statuses=INTEGRATION_DONE_WITH_ERRORS$"))
    page.reload()
    expect(rows).to_have_count(1)
    expect(page.get_by_label("Done, some rows rejected")).to_be_checked()


def test_stopping_an_import_in_its_history_asks_first_and_changes_its_row_only(open_page: Open) -> None:
    page = open_page(f"/imports/{NIGHTLY}")
    page.get_by_role("button", name="Stop").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("the 4 of 12 rows that are done stay as they are")
    dialog.get_by_role("button", name="Stop").click()
    expect(page.locator("#history tbody tr").first).to_contain_text("Stopped")
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    expect(page).to_have_url(re.compile(f"/imports/{NIGHTLY}$"))


@pytest.mark.parametrize("key", ["", " "])
@pytest.mark.parametrize(("url", "look"), [("", "/progress"), (f"/imports/{NIGHTLY}", "/import-row")])
def test_a_look_between_press_and_release_does_not_take_the_button_away(
    open_page: Open, sessions: Sessions, url: str, look: str, key: str
) -> None:
    with sessions() as session:
        running = select(Execution.public_id).where(Execution.status == "INTEGRATION_STARTED")
        address = f"/executions/{session.scalars(running).one()}"
    page = open_page(url or address)
    stop = page.get_by_role("button", name="Stop", exact=True)
    with page.expect_response(f"**{address}{look}**"):
        pass
    stop.focus() if key else stop.hover()
    with page.expect_response(f"**{address}{look}**"):
        page.keyboard.down(key) if key else page.mouse.down()
    page.keyboard.up(key) if key else page.mouse.up()
    expect(page.locator("#confirm[open]")).to_contain_text("Stop this import?")
    page.get_by_role("button", name="Keep it running").click()
    with page.expect_response(f"**{address}{look}**"), page.expect_event("requestfinished"):
        pass


@pytest.mark.parametrize("press", [{"button": 2}, {"button": 0}])
def test_a_piece_goes_on_refreshing_itself_after_a_press_that_another_window_took_over(
    open_page: Open, sessions: Sessions, press: dict[str, int]
) -> None:
    with sessions() as session:
        running = select(Execution.public_id).where(Execution.status == "INTEGRATION_STARTED")
        address = f"/executions/{session.scalars(running).one()}"
    page = open_page(address)
    stop = page.get_by_role("button", name="Stop", exact=True)
    stop.evaluate("button => { button.dataset.old = 1; }")
    stop.dispatch_event("pointerdown", press)
    if not press["button"]:
        page.evaluate("window.dispatchEvent(new Event('blur'))")
    expect(page.locator("[data-old]")).to_have_count(0, timeout=30_000)


def test_buttons_that_only_a_script_hears_are_hidden_without_one(browser: Browser, address: str) -> None:
    with browser.new_context(java_script_enabled=False, base_url=address) as context:
        page = context.new_page()
        fill_in_sign_in(page, f"/sign-in?next=/imports/{NIGHTLY}/edit", "ada", PASSWORD)
        expect(page.get_by_role("button", name="Save")).to_be_visible()
        for name in ("Browse", "Read again", "More lines", "Dark or light"):
            expect(page.get_by_role("button", name=name)).to_be_hidden()
