"""What a person sends again, against later states of the same order."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from datahub.errors import ConflictError
from datahub.jobs import executions, orders
from datahub.models.execution import ERROR, JOB_PENDING, JOB_STOPPED, SUCCESS, Execution, Payload
from datahub.models.order import Order
from datahub.vault import Vault
from tests.factories import add_connection, make_job, make_order
from tests.in_turn import in_turn

STATUSES = ["ACCEPTED_BY_SUPPLIER", "CANCELED"]
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def exported(session: Session, vault: Vault) -> tuple[Execution, Execution]:
    """The order was accepted, which was an error, then canceled, which was delivered."""
    make_job(session, add_connection(session, vault), trigger_statuses=STATUSES)
    order = make_order(session)
    older, newer = (orders.change_status(session, order, status, actor="ada")[0] for status in STATUSES)
    end(session, older, ERROR)
    end(session, newer, SUCCESS)
    return older, newer


def end(session: Session, execution: Execution, status: str, **values: Any) -> None:
    execution.status, execution.ended_at = status, AT
    execution.payload = execution.payload or Payload(file_name="a", content=b"a", size=1, sha256="", created_at=AT)
    for name, value in values.items():
        setattr(execution, name, value)
    session.flush()


def test_older_news_is_sent_after_newer_by_who_knows_of_it_alone(
    session: Session, exported: tuple[Execution, Execution]
) -> None:
    older, newer = exported
    told = f"CANCELED, was delivered at 2026-01-02 03:04:05 UTC .execution {newer.public_id}"
    for over in (None, older.public_id):
        with pytest.raises(ConflictError, match=told):
            executions.retry(session, older, actor="ada", over=over)
    retried = executions.retry(session, older, actor="ada", over=newer.public_id)
    assert retried.events[0].reason == f"retry of {older.public_id}, after the newer CANCELED of {newer.public_id}"
    end(session, retried, SUCCESS)
    assert executions.resend(session, newer, actor="ada"), "which mends it, and puts nothing older over newer"


@pytest.mark.parametrize(
    ("status", "values", "stands"),
    [
        (JOB_PENDING, {}, "is under way"),
        (ERROR, {"rename_attempt": 1}, "may have arrived"),
        (JOB_STOPPED, {"may_have_arrived_twice": True}, "may have arrived"),
        (ERROR, {}, None),
        (JOB_STOPPED, {}, None),
    ],
)
def test_newer_news_counts_unless_it_surely_never_arrives(
    session: Session, exported: tuple[Execution, Execution], status: str, values: dict[str, Any], stands: str | None
) -> None:
    older, newer = exported
    end(session, newer, status, **values)
    end(session, older, SUCCESS)
    if stands is None:
        assert executions.resend(session, older, actor="ada")
        return
    with pytest.raises(ConflictError, match=f"CANCELED, {stands}"):
        executions.resend(session, older, actor="ada")


def test_other_orders_and_other_jobs_say_nothing_of_it(session: Session, vault: Vault) -> None:
    for status in STATUSES:
        make_job(session, add_connection(session, vault), trigger_statuses=[status])
    order = make_order(session)
    older, newer = (orders.change_status(session, order, status, actor="ada")[0] for status in STATUSES)
    orders.change_status(session, make_order(session), STATUSES[0], actor="ada")
    end(session, newer, SUCCESS)
    end(session, older, ERROR)
    assert executions.retry(session, older, actor="ada")


def test_a_retry_waits_for_an_order_that_moves_and_sees_what_this_fired(
    sessions: sessionmaker[Session], vault: Vault
) -> None:
    with sessions.begin() as session:
        make_job(session, add_connection(session, vault), trigger_statuses=STATUSES)
        order_id = make_order(session).id
        (older,) = orders.change_status(session, session.get_one(Order, order_id), STATUSES[0], actor="ada")
        end(session, older, ERROR)
        number = older.id

    def cancel(session: Session) -> None:
        orders.change_status(session, session.get_one(Order, order_id), "CANCELED", actor="ada")

    def retry(session: Session) -> None:
        executions.retry(session, session.get_one(Execution, number), actor="bob")

    _, retried = in_turn(sessions, cancel, retry)
    with pytest.raises(ConflictError, match="CANCELED, is under way"):
        retried.result()
