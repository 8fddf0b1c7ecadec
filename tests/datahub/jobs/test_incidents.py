"""Incidents: declared on an order or its lines, moved forwards only, found by order and status."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from datahub.errors import IllegalMoveError, InvalidError, NotFoundError
from datahub.jobs import incidents, orders, triggers
from datahub.models.execution import Execution
from datahub.models.order import Order
from datahub.orders.snapshot import build_document
from datahub.vault import Vault
from tests.factories import add_connection, make_job, make_order


@pytest.fixture
def order(session: Session) -> Order:
    return make_order(session, lines=2)


def declare(session: Session, order: Order, *affected: tuple[str, int], reason: str = "DAMAGED") -> incidents.Incident:
    return incidents.declare(session, order, reason=reason, affected=affected, actor="ann")


def test_an_incident_of_lines_marks_them_and_the_order(session: Session, order: Order) -> None:
    first, second = order.lines
    incident = declare(session, order, (first.number, first.quantity))
    assert (incident.status, incident.linked_type, incident.reason) == ("OPEN", "ORDERLINES", "DAMAGED")
    assert (order.incident_declared, first.incident_declared, second.incident_declared) == (True, True, False)
    assert [(line.order_line_id, line.quantity) for line in incident.lines] == [(first.id, first.quantity)]


def test_an_incident_without_lines_is_about_the_whole_order(session: Session, order: Order) -> None:
    incident = declare(session, order)
    assert incident.linked_type == "ORDER"
    assert order.incident_declared
    assert not any(line.incident_declared for line in order.lines)


def test_faults_of_an_incident_are_named_all_at_once_and_nothing_is_kept(session: Session, order: Order) -> None:
    line = order.lines[0]
    affected = (line.number, line.quantity + 1), ("none", 1), (line.number, 1), (order.lines[1].number, 0)
    with pytest.raises(InvalidError) as caught:
        declare(session, order, *affected, reason=" ")
    paths = {"reason", "lines.0.quantity", "lines.1.order_line_id", "lines.2.order_line_id", "lines.3.quantity"}
    assert set(caught.value.fields) == paths
    assert not order.incident_declared
    assert incidents.of_order(session, order) == []


@pytest.mark.parametrize("reason", ["x" * 101, "a\x01b"])
def test_a_reason_that_no_file_could_carry_is_refused(session: Session, order: Order, reason: str) -> None:
    with pytest.raises(InvalidError) as caught:
        declare(session, order, reason=reason)
    assert set(caught.value.fields) == {"reason"}


def test_an_incident_moves_forwards_only_and_tells_who_moved_it(session: Session, order: Order) -> None:
    incident = declare(session, order)
    for status in ("ON_GOING", "ON_GOING", "CLOSED"):
        incidents.change_status(session, incident, status, actor="bob")
    moves = [(move.from_status, move.to_status, move.actor) for move in incident.status_changes]
    assert moves == [(None, "OPEN", "ann"), ("OPEN", "ON_GOING", "bob"), ("ON_GOING", "CLOSED", "bob")]
    for status in ("OPEN", "ON_GOING"):
        with pytest.raises(IllegalMoveError):
            incidents.change_status(session, incident, status, actor="bob")
    with pytest.raises(InvalidError):
        incidents.change_status(session, incident, "LOST", actor="bob")


def test_an_open_incident_may_be_closed_at_once(session: Session, order: Order) -> None:
    incident = declare(session, order)
    incidents.change_status(session, incident, "CLOSED", actor="bob")
    assert incident.status == "CLOSED"


def test_an_incident_fires_no_export_but_is_told_by_the_next_one(session: Session, order: Order, vault: Vault) -> None:
    make_job(session, add_connection(session, vault))
    incident = declare(session, order)
    incidents.change_status(session, incident, "CLOSED", actor="bob")
    assert session.scalar(select(func.count()).select_from(Execution)) == 0
    (export,) = orders.change_status(session, order, "ACCEPTED_BY_SUPPLIER", actor="ann")
    assert export.snapshot is not None
    assert export.snapshot.document["incidentDeclared"] is True


def test_a_draft_on_hold_goes_out_again_with_its_incident(session: Session, vault: Vault) -> None:
    connection = add_connection(session, vault)
    make_job(session, connection, trigger_statuses=[triggers.ON_HOLD], reexport_on_hold=True)
    make_job(session, connection, trigger_statuses=[triggers.ON_HOLD])
    order = make_order(session, status="DRAFT_ORDER")
    assert len(orders.change_status(session, order, triggers.ON_HOLD, actor="ann")) == 2
    incident = declare(session, order, (order.lines[0].number, 1))
    (again,) = session.scalars(select(Execution).where(Execution.repeats))
    assert again.snapshot is not None
    frozen = again.snapshot.document
    assert frozen["incidentDeclared"] is frozen["lines"][0]["incidentDeclared"] is True
    incidents.change_status(session, incident, "CLOSED", actor="bob")
    session.refresh(again)
    assert again.snapshot.document == frozen == build_document(order), "a move changes nothing of the order"
    assert session.scalar(select(func.count()).select_from(Execution)) == 3


def test_incidents_are_found_by_order_and_status(session: Session, order: Order) -> None:
    other = make_order(session, reference="other")
    mine, closed, theirs = declare(session, order), declare(session, order), declare(session, other)
    incidents.change_status(session, closed, "CLOSED", actor="bob")
    assert {found.id for found in incidents.find(session, order_references=[order.reference]).items} == {
        mine.id,
        closed.id,
    }
    assert {found.id for found in incidents.find(session, statuses=["OPEN", "LOST"]).items} == {mine.id, theirs.id}
    assert incidents.get(session, mine.incident_id) is mine


def test_a_page_of_incidents_is_found_by_either_name_by_reason_and_by_order(session: Session) -> None:
    order = make_order(session, external_id="ERP-9")
    desk = incidents.declare(session, order, reason="DAMAGED", affected=(), actor="ann", external_id="DESK_1")
    plain = declare(session, make_order(session, reference="OTHER"), reason="100% late")

    def found(search: str, *statuses: str) -> list[str]:
        page = incidents.incidents_page(session, search=search, statuses=statuses)
        return [incident.incident_id for incident in page.items]

    assert found("") == [plain.incident_id, desk.incident_id]
    assert found(" sk_1 ") == found("aged") == found("erp-") == found(desk.incident_id[:13]) == [desk.incident_id]
    assert found("other") == found("%") == [plain.incident_id]
    assert found("", "CLOSED") == found("nothing") == []
    assert found("desk", "OPEN", "LOST") == [desk.incident_id]


def test_an_unknown_incident_is_not_found(session: Session) -> None:
    with pytest.raises(NotFoundError):
        incidents.get(session, "none")
