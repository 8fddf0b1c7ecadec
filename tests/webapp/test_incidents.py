"""Incidents on the page of their order."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.models.incident import Incident
from datahub.models.order import Order
from tests.factories import make_order
from tests.webapp.conftest import ParsingClient

SignIn = Callable[[str], ParsingClient]
NEW = "/orders/mine/incidents/new"


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
