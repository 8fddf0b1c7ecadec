"""The pages of orders: list, one with its amounts, life and exports, and the move to another status."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from apiflask import APIFlask
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.jobs import incidents, ledger, orders
from datahub.models.custom_field import CustomField
from datahub.models.execution import Execution
from datahub.models.order import Order, OrderStatusChange
from datahub.vault import Vault
from tests import catalogue, factories
from tests.statements import noted_statements
from tests.webapp.conftest import ParsingClient, parse
from tests.webapp.test_executions import engine_of
from tests.webapp.test_records import IMPORT_ID, definitions, words
from webapp.filters import money, utc

SignIn = Callable[[str], ParsingClient]
Add = Callable[..., Order]


@pytest.fixture
def add(sessions: sessionmaker[Session]) -> Add:
    """add(status=…): one more order, committed."""

    def add(**changes: Any) -> Order:
        with sessions.begin() as session:
            return factories.make_order(session, **changes)

    return add


@pytest.fixture
def add_job(sessions: sessionmaker[Session], vault: Vault) -> Callable[..., None]:
    def add_job(**changes: Any) -> None:
        with sessions.begin() as session:
            factories.make_job(session, factories.add_connection(session, vault), **changes)

    return add_job


def status_of(sessions: sessionmaker[Session], order: Order) -> str:
    with sessions() as session:
        return session.get_one(Order, order.id).status


def count_executions(sessions: sessionmaker[Session]) -> int:
    with sessions() as session:
        return session.scalar(select(func.count()).select_from(Execution)) or 0


def options(page: str) -> dict[str, str]:
    """The statuses on offer with their words."""
    found = parse(page).iterfind(".//select[@id='status']/option")
    return {option.get("value"): "".join(option.itertext()) for option in found if option.get("value")}


def test_money_is_exact_and_has_two_decimals_at_least() -> None:
    amounts = (Decimal(5), Decimal("1234567.5"), Decimal("0.123456"), Decimal("-1000"), Decimal("117.4500"))
    assert [money(amount).replace("\u202f", "_") for amount in amounts] == [
        "5.00",
        "1_234_567.50",
        "0.123456",
        "-1_000.00",
        "117.45",
    ]


def test_a_list_with_nothing_in_it_says_how_orders_get_in(sign_in: SignIn) -> None:
    assert "POST /v1/orders" in sign_in("VIEWER").get("/orders").text


def test_the_list_finds_by_reference_external_id_account_and_incident(
    sign_in: SignIn, add: Add, sessions: sessionmaker[Session]
) -> None:
    add(reference="ALPHA-1", external_id="100%")
    with_account = add(reference="BETA-1", external_id="EXT_9")
    with sessions.begin() as session:
        order = session.get_one(Order, with_account.id)
        desk = incidents.declare(session, order, reason="LATE", affected=(), actor="ann", external_id="DESK-7")
    client = sign_in("VIEWER")

    def found(text: str) -> list[str]:
        page = client.get("/orders", query_string={"search": text}).text
        return [name for name in ("ALPHA-1", "BETA-1") if f'href="/orders/{name}"' in page]

    assert found("alpha") == ["ALPHA-1"]
    assert found("T_9") == ["BETA-1"]
    assert found("%") == ["ALPHA-1"]
    assert found(with_account.account.external_id) == ["ALPHA-1", "BETA-1"]
    assert found("desk") == found(desk.incident_id[:20]) == ["BETA-1"]
    assert found("nobody") == []


def test_the_list_filters_by_status_and_htmx_gets_it_alone(sign_in: SignIn, add: Add) -> None:
    add(reference="NEW-1", status="ORDER_CREATED")
    add(reference="SENT-1", status="SHIPPED")
    answer = sign_in("VIEWER").get("/orders?search=&statuses=SHIPPED&statuses=NO_SUCH", htmx=True)
    assert answer.text.lstrip().startswith('<div id="list">')
    assert "SENT-1" in answer.text
    assert "NEW-1" not in answer.text
    assert answer.headers["HX-Push-Url"] == "/orders?statuses=SHIPPED"


def test_the_list_goes_on_page_by_page(sign_in: SignIn, add: Add) -> None:
    names = [add(reference=f"N{number}-1").reference for number in range(22)]
    client = sign_in("VIEWER")
    first = client.get("/orders?statuses=WAITING_SUPPLIER_APPROVAL").text
    assert [name for name in names if f'href="/orders/{name}"' in first] == names[2:]
    older = next(link.get("href") for link in parse(first).iterfind(".//nav[@aria-label='Pages']/a"))
    assert [name for name in names if f'href="/orders/{name}"' in client.get(older).text] == names[:2]


def test_the_list_costs_the_same_few_statements_however_long(sign_in: SignIn, app: APIFlask, add: Add) -> None:
    client = sign_in("OPERATOR")
    add()
    with noted_statements(engine_of(app)) as few:
        client.get("/orders")
    for _ in range(5):
        add()
    with noted_statements(engine_of(app)) as many:
        client.get("/orders")
    assert len(many) == len(few)
    assert sum("FROM orders" in statement for statement, _ in many) == 1


@pytest.mark.parametrize("reference", ["a/b", "../../etc/passwd", ".", "é ~?#%2f&", "<b>x</b>", "x/status", "~41"])
def test_an_order_with_an_odd_reference_has_its_page(sign_in: SignIn, add: Add, reference: str) -> None:
    add(reference=reference)
    client = sign_in("OPERATOR")
    link = parse(client.get("/orders").text).find(".//table//a").get("href")
    page = client.get(link)
    assert page.status_code == 200
    heading = parse(page.text).find(".//h1")
    assert "".join(heading.itertext()) == f"Order {reference}"
    assert client.post(f"{link}/status", data={"status": "CANCELED"}).location == link


def test_a_missing_order_is_a_404(sign_in: SignIn) -> None:
    client = sign_in("OPERATOR")
    for path in ("/orders/nope", "/orders/~ff", "/orders/a~2fb", "/orders/nope/move"):
        assert client.get(path).status_code == 404
    assert client.post("/orders/nope/status", data={"status": "SHIPPED"}).status_code == 404


def test_the_page_shows_what_the_order_holds(sign_in: SignIn, add: Add, sessions: sessionmaker[Session]) -> None:
    order = add(custom_fields={"tags": {"type": "LIST_TEXT", "value": ["<i>", "b"]}}, initial_price=Decimal("99.5"))
    page = sign_in("VIEWER").get(f"/orders/{order.reference}").text
    for text in (
        "Drill",
        "OFF-1",
        "20.00 %",
        "120.00",
        "99.50",
        "EUR",
        "Ada L",
        "1 Rue X",
        "ada@example.com",
        "SUP-1",
    ):
        assert text in page
    assert "&lt;i&gt;, b" in page
    assert "No export was fired for this order yet." in page


def test_custom_fields_of_an_order_and_of_its_lines_go_by_their_names(
    sign_in: SignIn, add: Add, sessions: sessionmaker[Session]
) -> None:
    with sessions.begin() as session:
        given = {"created_at": database_now(session), "updated_at": database_now(session)}
        for entity, name, unit in (("ORDER", "Gate of the yard", None), ("ORDER_LINE", "Length cut to", "mm")):
            named = {"public_id": entity, "entity": entity, "external_id": "gate", "name": name, "unit": unit}
            session.add(CustomField(type="TEXT", **named, **given))
    fields = {"gate": {"type": "TEXT", "value": "B4"}, "gone": {"type": "TEXT", "value": "x"}}
    order = add(custom_fields=fields, lines=2)
    with sessions.begin() as session:
        session.get_one(Order, order.id).lines[1].custom_fields = fields
    page = sign_in("VIEWER").get(f"/orders/{order.reference}").text
    shown = definitions(page)
    assert (shown["Gate of the yard"], shown["gone"]) == ("B4", "x")
    first, second = (
        [words(line) for line in cell.iterfind(".//span[@class='sub breaks']")]
        for cell in parse(page).iterfind(".//td[@data-label='Product']")
    )
    assert second == [*first, "Length cut to: B4 mm", "gone: x"]


def test_the_time_of_the_status_is_when_it_was_reached(
    sign_in: SignIn, add: Add, sessions: sessionmaker[Session]
) -> None:
    order = add(status="WAITING_SHIPMENT")
    with sessions.begin() as session:
        orders.change_status(session, session.get_one(Order, order.id), "SHIPPED", actor="ada")
        reached_at = session.scalars(select(OrderStatusChange.at)).one()
        later = session.get_one(Order, order.id).updated_at = reached_at + timedelta(days=1)
    page = sign_in("VIEWER").get(f"/orders/{order.reference}").text
    assert words(parse(page).find(".//p[@class='note under-headline']")) == f"since {utc(reached_at)} UTC"
    assert definitions(page)["Changed last"] == utc(later)


def test_a_move_by_import_leads_to_the_run_that_made_it(
    sign_in: SignIn, add: Add, sessions: sessionmaker[Session]
) -> None:
    order = add(status="WAITING_SHIPMENT")
    with sessions.begin() as session:
        run = catalogue.make_import(session, IMPORT_ID)
        stored, source = session.get_one(Order, order.id), ledger.Source("ORDER", run.id, "clock")
        orders.change_status(session, stored, "SHIPPED", actor="clock", source=source)
        orders.change_status(session, stored, "COMPLETED", actor="ada")
    page = sign_in("VIEWER").get(f"/orders/{order.reference}").text
    by_page, by_import = parse(page).iterfind(".//section[@aria-labelledby='history-title']//td[@data-label='By']")
    assert (words(by_page), words(by_import)) == ("ada", "Suppliers from ERPclock")
    assert (by_page.find(".//a"), by_import.find(".//a").get("href")) == (None, f"/executions/{IMPORT_ID}")


def test_only_moves_that_the_life_allows_are_offered_with_what_they_fire(
    sign_in: SignIn, add: Add, add_job: Callable[..., None]
) -> None:
    add_job(name="To ERP", trigger_statuses=["SHIPPED", "COMPLETED"])
    add_job(name="To archive", trigger_statuses=["COMPLETED"])
    add_job(name="Off", trigger_statuses=["COMPLETED"], active=False)
    order = add(status="PARTIALLY_SHIPPED")
    client = sign_in("OPERATOR")
    assert options(client.get(f"/orders/{order.reference}").text) == {
        "SHIPPED": "Shipped (SHIPPED) · 1 export",
        "INCIDENT": "Incident (INCIDENT)",
        "COMPLETED": "Completed (COMPLETED) · 2 exports",
        "CANCELED": "Canceled (CANCELED)",
    }
    fires = client.get(f"/orders/{order.reference}/move?status=COMPLETED", htmx=True).text
    assert fires.lstrip().startswith('<section id="move"')
    assert (
        f'name="question" value="Move order {order.reference} from PARTIALLY_SHIPPED to COMPLETED? 2 active jobs'
        in fires
    )
    assert "To ERP, To archive" in fires


def test_a_status_exported_before_is_not_promised_again(
    sign_in: SignIn, add: Add, add_job: Callable[..., None], sessions: sessionmaker[Session]
) -> None:
    add_job(trigger_statuses=["DRAFT_ORDER"])
    order = add(status="CREATING")
    client = sign_in("OPERATOR")
    for status in ("DRAFT_ORDER", "BLOCKED_BY_PAYMENT"):
        client.post(f"/orders/{order.reference}/status", data={"status": status})
    assert options(client.get(f"/orders/{order.reference}").text)["DRAFT_ORDER"] == "Draft order (DRAFT_ORDER)"
    client.post(f"/orders/{order.reference}/status", data={"status": "DRAFT_ORDER"})
    assert count_executions(sessions) == 1


def test_a_move_says_what_it_fired_and_the_page_shows_it(
    sign_in: SignIn, add: Add, add_job: Callable[..., None], sessions: sessionmaker[Session]
) -> None:
    add_job(name="To ERP", trigger_statuses=["SHIPPED"])
    order = add(status="WAITING_SHIPMENT")
    client = sign_in("OPERATOR")
    address = f"/orders/{order.reference}"
    assert client.post(f"{address}/status", data={"status": "SHIPPED", "seen": "WAITING_SHIPMENT"}).location == address
    page = client.get(address).text
    assert "The order is now Shipped (SHIPPED). 1 export was fired: To ERP." in page
    assert "from Waiting shipment" in page
    history = parse(page).find(".//section[@aria-labelledby='history-title']")
    assert [cell.text for cell in history.iterfind(".//td[@data-label='Exports']")] == ["1"]
    with sessions() as session:
        execution = session.scalars(select(Execution)).one()
    assert f'id="execution-{execution.public_id}"' in page
    assert status_of(sessions, order) == "SHIPPED"


def test_a_move_from_a_stale_page_changes_nothing(sign_in: SignIn, add: Add, sessions: sessionmaker[Session]) -> None:
    order = add(status="SHIPPED")
    data = {"status": "COMPLETED", "seen": "WAITING_SHIPMENT"}
    answer = sign_in("OPERATOR").post(f"/orders/{order.reference}/status", data=data)
    assert answer.status_code == 409
    assert "became SHIPPED; it was WAITING_SHIPMENT before. Nothing was changed." in answer.text
    assert 'name="seen" type="hidden" value="SHIPPED"' in answer.text
    assert status_of(sessions, order) == "SHIPPED"


def test_a_move_that_the_life_forbids_is_refused_in_words(
    sign_in: SignIn, add: Add, sessions: sessionmaker[Session]
) -> None:
    order = add(status="SHIPPED")
    client = sign_in("OPERATOR")
    back = client.post(f"/orders/{order.reference}/status", data={"status": "ORDER_CREATED", "seen": "SHIPPED"})
    assert back.status_code == 409
    assert "cannot become ORDER_CREATED. It may become:" in back.text
    for status, message in (("", "Choose the status to move to."), ("NO_SUCH", "must be one of CREATING")):
        answer = client.post(f"/orders/{order.reference}/status", data={"status": status})
        assert answer.status_code == 422
        assert message in answer.text
    assert status_of(sessions, order) == "SHIPPED"


def test_the_end_of_life_offers_no_move(sign_in: SignIn, add: Add) -> None:
    order = add(status="COMPLETED")
    page = sign_in("OPERATOR").get(f"/orders/{order.reference}").text
    assert "is the end of an order" in page
    assert not options(page)


def test_a_viewer_looks_and_moves_nothing(sign_in: SignIn, add: Add, sessions: sessionmaker[Session]) -> None:
    order = add(status="SHIPPED")
    client = sign_in("VIEWER")
    page = client.get(f"/orders/{order.reference}")
    assert page.status_code == 200
    assert 'id="move"' not in page.text
    assert client.get(f"/orders/{order.reference}/move").status_code == 403
    assert client.post(f"/orders/{order.reference}/status", data={"status": "COMPLETED"}).status_code == 403
    assert status_of(sessions, order) == "SHIPPED"
