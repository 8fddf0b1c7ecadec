from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.errors import IllegalMoveError, InvalidError
from datahub.jobs import executions, export_claims, export_jobs, lifecycle, orders, triggers
from datahub.models.execution import JOB_PENDING, JOB_STARTED, Execution
from datahub.models.export_job import ExportJob
from datahub.models.order import Order, OrderSnapshot, OrderStatusChange
from datahub.models.party import Store
from datahub.settings import Settings
from datahub.vault import Vault
from tests.factories import add_connection, make_job, make_order, make_supplier
from tests.servers import wait_until

ACCEPTED = "ACCEPTED_BY_SUPPLIER"


@pytest.fixture
def connection_id(session: Session, vault: Vault) -> int:
    return add_connection(session, vault).id


def count(session: Session, table: type) -> int:
    return session.scalar(select(func.count()).select_from(table)) or 0


def test_reaching_a_chosen_status_owes_one_export_with_the_order_frozen(session: Session, vault: Vault) -> None:
    job = make_job(session, add_connection(session, vault))
    order = make_order(session)
    (execution,) = orders.change_status(session, order, ACCEPTED, actor="ada")
    assert (execution.status, execution.origin, execution.trigger_status) == (JOB_PENDING, "TRIGGER", ACCEPTED)
    assert (execution.job_name, execution.entity_reference) == (job.name, order.reference)
    assert execution.store_id == order.store_id
    assert execution.snapshot is not None
    assert execution.snapshot.document["status"] == ACCEPTED
    assert [(event.to_status, event.actor) for event in execution.events] == [(JOB_PENDING, "ada")]
    assert order.status_changes[-1].snapshot_id == execution.snapshot_id


def test_an_order_keeps_its_store(session: Session) -> None:
    order = make_order(session)
    now = database_now(session)
    order.store = Store(external_id="NORTH", name="North", created_at=now, updated_at=now)
    with pytest.raises(AssertionError, match="another store"):
        session.flush()


def test_every_matching_job_shares_one_snapshot(session: Session, vault: Vault) -> None:
    connection = add_connection(session, vault)
    for _ in range(3):
        make_job(session, connection)
    fired = orders.change_status(session, make_order(session), ACCEPTED, actor="ada")
    assert len(fired) == 3
    assert count(session, OrderSnapshot) == 1


def test_a_status_that_no_job_chose_owes_nothing_and_freezes_nothing(session: Session, vault: Vault) -> None:
    make_job(session, add_connection(session, vault))
    assert orders.change_status(session, make_order(session), "CANCELED", actor="ada") == []
    assert count(session, OrderSnapshot) == 0


def test_inactive_jobs_and_other_suppliers_do_not_fire(session: Session, vault: Vault) -> None:
    connection = add_connection(session, vault)
    make_job(session, connection, active=False)
    make_job(session, connection).suppliers = [make_supplier(session, "SUP-OTHER")]
    mine = make_job(session, connection)
    mine.suppliers = [make_supplier(session, "SUP-1"), make_supplier(session, "SUP-OTHER")]
    session.flush()
    fired = orders.change_status(session, make_order(session), ACCEPTED, actor="ada")
    assert [execution.export_job_id for execution in fired] == [mine.id]


def test_the_status_it_already_has_changes_nothing(session: Session, vault: Vault) -> None:
    make_job(session, add_connection(session, vault))
    order = make_order(session)
    orders.change_status(session, order, ACCEPTED, actor="ada")
    before = order.updated_at
    assert orders.change_status(session, order, ACCEPTED, actor="ada") == []
    assert (order.updated_at, len(order.status_changes)) == (before, 1)


def test_a_status_reached_again_is_not_exported_again(session: Session, vault: Vault) -> None:
    make_job(session, add_connection(session, vault), trigger_statuses=["DRAFT_ORDER"])
    order = make_order(session, status="CREATING")
    assert len(orders.change_status(session, order, "DRAFT_ORDER", actor="ada")) == 1
    orders.change_status(session, order, "BLOCKED_BY_POLICY", actor="ada")
    assert orders.change_status(session, order, "DRAFT_ORDER", actor="ada") == []
    assert count(session, OrderSnapshot) == 1


def test_a_draft_on_hold_is_exported_again_where_the_job_asks_for_it(session: Session, vault: Vault) -> None:
    connection = add_connection(session, vault)
    make_job(session, connection, trigger_statuses=["DRAFT_ORDER_ON_HOLD"], reexport_on_hold=True)
    make_job(session, connection, trigger_statuses=["DRAFT_ORDER_ON_HOLD"])
    order = make_order(session, status="DRAFT_ORDER")

    def put_on_hold() -> list[Execution]:
        order.status = "DRAFT_ORDER"
        session.flush()
        return orders.change_status(session, order, "DRAFT_ORDER_ON_HOLD", actor="ada")

    assert len(put_on_hold()) == 2
    (repeat,) = put_on_hold()
    assert repeat.repeats
    older = repeat.snapshot_id
    assert put_on_hold() == [], "one waits already"
    session.refresh(repeat)
    assert repeat.snapshot_id != older
    session.execute(update(Execution).where(Execution.id == repeat.id).values(attempts=1))
    assert len(put_on_hold()) == 1


def test_an_illegal_move_and_an_unknown_word_change_nothing(session: Session, vault: Vault) -> None:
    make_job(session, add_connection(session, vault))
    order = make_order(session, status="SHIPPED")
    with pytest.raises(IllegalMoveError, match="It may become: INCIDENT, COMPLETED, CANCELED"):
        orders.change_status(session, order, ACCEPTED, actor="ada")
    with pytest.raises(InvalidError):
        orders.change_status(session, order, "ACCEPTED", actor="ada")
    assert (order.status, count(session, Execution)) == ("SHIPPED", 0)


def test_two_transactions_that_reach_a_status_together_owe_one_export(
    sessions: sessionmaker[Session], vault: Vault
) -> None:
    with sessions.begin() as session:
        make_job(session, add_connection(session, vault))
        order_id = make_order(session).id
    together = threading.Barrier(2)
    failures: list[BaseException] = []

    def accept() -> None:
        try:
            together.wait()
            with sessions.begin() as session:
                orders.change_status(session, session.get_one(Order, order_id), ACCEPTED, actor="ada")
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=accept) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with sessions() as session:
        assert failures == []
        assert count(session, Execution) == 1
        assert JOB_STARTED not in session.scalars(select(Execution.status)).all()


def test_an_order_that_moves_while_its_job_is_deleted_moves_and_owes_nothing(
    sessions: sessionmaker[Session], vault: Vault
) -> None:
    with sessions.begin() as session:
        job_id = make_job(session, add_connection(session, vault)).id
        order_id = make_order(session).id
    is_deleted, moved = threading.Event(), threading.Event()
    fired: list[Execution] = []

    def accept() -> None:
        is_deleted.wait()
        with sessions.begin() as session:
            fired.extend(orders.change_status(session, session.get_one(Order, order_id), ACCEPTED, actor="ada"))
        moved.set()

    thread = threading.Thread(target=accept)
    thread.start()
    with sessions.begin() as session:
        export_jobs.delete(session, session.get_one(ExportJob, job_id), actor="ada")
        is_deleted.set()
        assert not moved.wait(0.3), "the move waits for the end of the deletion"
    thread.join()
    with sessions() as session:
        assert session.get_one(Order, order_id).status == ACCEPTED
        assert (fired, count(session, Execution)) == ([], 0)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_an_order_that_ships_while_run_looks_at_it_goes_out_once_and_as_it_is(
    sessions: sessionmaker[Session], vault: Vault
) -> None:
    with sessions.begin() as session:
        order_id = make_order(session, status=ACCEPTED).id
        job_id = make_job(session, add_connection(session, vault), trigger_statuses=[ACCEPTED, "SHIPPED"]).id
    with sessions() as mover, ThreadPoolExecutor(1) as thread:
        orders.change_status(mover, mover.get_one(Order, order_id, with_for_update=True), "SHIPPED", actor="bob")

        def run() -> int:
            with sessions() as session:
                return executions.run_job(session, session.get_one(ExportJob, job_id), actor="ada")

        running = thread.submit(run)
        wait_until(lambda: count_waiting_for_locks(sessions) == 1, what="Run at the order's lock")
        mover.commit()
        assert running.result() == 0
    with sessions() as session:
        sent = session.scalars(select(Execution)).all()
        assert [(execution.origin, execution.trigger_status) for execution in sent] == [("TRIGGER", "SHIPPED")]


def count_waiting_for_locks(sessions: sessionmaker[Session]) -> int:
    with sessions() as session:
        return session.scalar(text("select count(*) from pg_stat_activity where wait_event_type = 'Lock'")) or 0


def test_a_draft_that_changes_while_its_repeat_is_taken_goes_out_once_more(
    sessions: sessionmaker[Session], vault: Vault, settings: Settings
) -> None:
    with sessions.begin() as session:
        make_job(session, add_connection(session, vault), trigger_statuses=[triggers.ON_HOLD], reexport_on_hold=True)
        order_id = make_order(session, status="DRAFT_ORDER").id
    first = hold(sessions, order_id, "one")
    settle(sessions, first, settings)
    second = hold(sessions, order_id, "two")
    with sessions.begin() as session:
        assert export_claims.claim(session, second, attempt=1, worker="one", settings=settings)
    third = hold(sessions, order_id, "three")
    with sessions() as session:
        frozen = [session.get_one(Execution, number).snapshot for number in (first, second, third)]
        names = [snapshot.document["customerUserSnapshot"]["lastName"] for snapshot in frozen if snapshot]
        assert names == ["one", "two", "three"]


def hold(sessions: sessionmaker[Session], order_id: int, name: str) -> int:
    """The draft changes on hold; returns the execution that this owes."""
    with sessions.begin() as session:
        order = session.get_one(Order, order_id)
        order.status, order.customer_snapshot = triggers.ON_HOLD, order.customer_snapshot | {"lastName": name}
        now = database_now(session)
        change = OrderStatusChange(order_id=order.id, from_status=None, to_status=triggers.ON_HOLD, at=now, actor="ada")
        session.add(change)
        session.flush()
        (owed,) = triggers.reached(session, order, change)
        return owed.id


def settle(sessions: sessionmaker[Session], execution_id: int, settings: Settings) -> None:
    with sessions.begin() as session:
        claim = export_claims.claim(session, execution_id, attempt=1, worker="one", settings=settings)
        assert claim is not None
        lifecycle.succeed(session, claim, reason="delivered")
