"""Incidents: their list, the page of each, and on the page of their order."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.jobs import custom_fields, incidents, ledger
from datahub.models.change import UPDATED
from datahub.models.incident import Incident
from datahub.models.order import Order
from tests import catalogue
from tests.factories import make_order
from tests.webapp.conftest import ParsingClient, drawn
from tests.webapp.test_records import IMPORT_ID, cells, definitions, links

SignIn = Callable[[str], ParsingClient]
NEW = "/orders/mine/incidents/new"
THEN = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


@pytest.fixture
def order(sessions: sessionmaker[Session]) -> Order:
    with sessions.begin() as session:
        return make_order(session, reference="mine", lines=2)


def statuses(sessions: sessionmaker[Session]) -> list[str]:
    with sessions() as session:
        return list(session.scalars(select(Incident.status).order_by(Incident.id)))


def test_an_operator_declares_an_incident_of_one_line_and_closes_it(
    sign_in: SignIn, order: Order, sessions: sessionmaker[Session]
) -> None:
    client = sign_in("OPERATOR")
    assert "Nothing was found wrong" in client.get("/orders/mine").text
    answer = client.post(NEW, data={"reason": "DAMAGED <b>", "quantity_0": "", "quantity_1": "1"})
    assert answer.status_code == 303
    page = client.get("/orders/mine").text
    assert "DAMAGED &lt;b&gt;" in page
    assert f"line {order.lines[1].number}: 1 of 1" in page
    with sessions() as session:
        address = f"/incidents/{session.scalars(select(Incident.incident_id)).one()}"
    assert client.post(f"{address}/ON_GOING").status_code == 303
    assert client.post(f"{address}/CLOSED").status_code == 303
    assert statuses(sessions) == ["CLOSED"]
    client.post(f"{address}/OPEN")
    assert "cannot become OPEN" in client.get("/orders/mine").text
    assert statuses(sessions) == ["CLOSED"]


def test_an_incident_without_quantities_is_about_the_whole_order(
    sign_in: SignIn, order: Order, sessions: sessionmaker[Session]
) -> None:
    client = sign_in("OPERATOR")
    client.post(NEW, data={"reason": "LATE", "quantity_0": "0", "quantity_1": ""})
    assert statuses(sessions) == ["OPEN"]
    assert "the whole order" in client.get("/orders/mine").text


def test_faults_stand_at_their_lines_and_keep_what_was_typed(
    sign_in: SignIn, order: Order, sessions: sessionmaker[Session]
) -> None:
    client = sign_in("OPERATOR")
    answer = client.post(NEW, data={"reason": "", "quantity_0": "", "quantity_1": "2"})
    assert answer.status_code == 422
    assert "Say what is wrong" in answer.text
    answer = client.post(NEW, data={"reason": "LATE", "quantity_0": "", "quantity_1": "2"})
    assert answer.status_code == 422
    assert "Must be from 1 to 1" in answer.text.partition('id="quantity_1-errors"')[2]
    assert 'value="LATE"' in answer.text
    assert client.post(NEW, data={"reason": "LATE", "quantity_1": "many"}).status_code == 422
    assert client.post(NEW, data={"reason": "LATE", "quantity_1": "-1"}).status_code == 422
    assert statuses(sessions) == []


def test_a_viewer_sees_incidents_and_changes_none(sign_in: SignIn, order: Order) -> None:
    client = sign_in("VIEWER")
    assert "Declare an incident" not in client.get("/orders/mine").text
    assert client.get(NEW).status_code == 403


@pytest.fixture
def desk(sessions: sessionmaker[Session], order: Order) -> Incident:
    """One that others call DESK-1, about a line of the order."""
    with sessions.begin() as session:
        order = session.get_one(Order, order.id)
        affected = [(order.lines[0].number, 1)]
        return incidents.declare(
            session, order, reason="DAMAGED <b>", affected=affected, actor="ann", external_id="DESK-1"
        )


def test_the_list_leads_to_incidents_and_their_orders_and_filters_by_status(
    sign_in: SignIn, order: Order, desk: Incident, sessions: sessionmaker[Session]
) -> None:
    with sessions.begin() as session:
        other = incidents.declare(
            session, make_order(session, reference="theirs"), reason="LATE", affected=(), actor="ann"
        )
        incidents.change_status(session, other, "CLOSED", actor="ann")
    client = sign_in("VIEWER")
    page = client.get("/incidents").text
    assert cells(page, "Incident") == [other.incident_id, f"DESK-1 {desk.incident_id}"]
    assert cells(page, "About") == ["the whole order", f"line {order.lines[0].number}: 1 of 1"]
    assert (links(page)["DESK-1"], links(page)["mine"]) == (f"/incidents/{desk.incident_id}", "/orders/mine")
    answer = client.get("/incidents?search=&statuses=CLOSED&statuses=NO_SUCH", htmx=True)
    assert answer.text.lstrip().startswith('<div id="list">')
    assert cells(answer.text, "Reason") == ["LATE"]
    assert answer.headers["HX-Push-Url"] == "/incidents?statuses=CLOSED"
    assert cells(client.get("/incidents?search=desk").text, "Reason") == ["DAMAGED <b>"]
    assert "No incident fits" in client.get("/incidents?search=nobody").text


def test_the_list_goes_on_page_by_page(sign_in: SignIn, order: Order, sessions: sessionmaker[Session]) -> None:
    client = sign_in("VIEWER")
    assert "No incidents yet" in client.get("/incidents").text
    with sessions.begin() as session:
        order = session.get_one(Order, order.id)
        for number in range(22):
            incidents.declare(session, order, reason=f"R{number}", affected=(), actor="ann")
    first = client.get("/incidents?statuses=OPEN").text
    assert cells(first, "Reason") == [f"R{number}" for number in range(21, 1, -1)]
    assert cells(client.get(links(first)["Older"]).text, "Reason") == ["R1", "R0"]


def test_the_page_of_an_incident_says_what_changed_it_and_moves_it(
    sign_in: SignIn, desk: Incident, sessions: sessionmaker[Session]
) -> None:
    with sessions.begin() as session:
        run = catalogue.make_import(session, IMPORT_ID)
        source = ledger.Source("INCIDENT", run.id, "clock", "desk.csv", 7)
        found = incidents.get(session, desk.incident_id)
        changes = incidents.move(session, found, "ON_GOING", actor="clock")
        ledger.note(session, source, desk.incident_id, UPDATED, changes, found.updated_at)
        found.status_changes[-1].at, found.updated_at = THEN, THEN + timedelta(hours=1)
        custom_fields.create(session, custom_fields.Definition("INCIDENT", "team", "Team at work", "TEXT"))
        found.custom_fields = {"team": "blue", "gone": "x"}
    client, address = sign_in("OPERATOR"), f"/incidents/{desk.incident_id}"
    page = client.get(address).text
    assert "DAMAGED &lt;b&gt;" in page
    assert cells(page, "Affected") == ["1 of 1"]
    assert re.search('since <time datetime="2026-01-02T03:04', page)
    assert definitions(page)["Changed last"].startswith("2026-01-02 04:04")
    assert {"Team at work": "blue", "gone": "x"}.items() <= definitions(page).items()
    assert cells(page, "Fields") == ["Incident Status: OPEN → ON_GOING", "as it came"]
    assert cells(page, "From") == ["desk.csvline 7", "\u2013"]
    assert links(page)[run.job_name] == f"/executions/{IMPORT_ID}"
    changes = client.get(f"/executions/{IMPORT_ID}/changes?action=updated").text
    assert cells(changes, "Record") == [f"{desk.incident_id}DESK-1"]
    assert links(changes)[desk.incident_id] == address
    assert client.post(f"{address}/CLOSED").location == address
    page = client.get(address).text
    assert (
        "The incident is now closed." in page
        and "Close</button>" not in page
        and '<div class="actions"> <div class="actions">' not in drawn(page)
    )
    assert client.get("/incidents/none").status_code == 404


def test_an_incident_moved_on_the_page_of_its_order_leads_back_there(sign_in: SignIn, desk: Incident) -> None:
    client = sign_in("OPERATOR")
    page = client.get("/orders/mine").text
    assert links(page)[desk.incident_id] == f"/incidents/{desk.incident_id}"
    address = f"/incidents/{desk.incident_id}/ON_GOING?from_order=1"
    assert f'action="{address}"' in page
    assert client.post(address).location == "/orders/mine#incidents"
