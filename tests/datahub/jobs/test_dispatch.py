from __future__ import annotations

import dataclasses
import importlib
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis.exceptions import TimeoutError
from rq import Queue
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import Base, database_now, make_engine
from datahub.jobs import dispatch, export_claims, lifecycle, orders
from datahub.models.connection import Connection
from datahub.models.execution import Execution
from datahub.settings import Settings
from datahub.vault import Vault
from tests.background import in_background
from tests.chaos.proxy import STALL, Habit, chaos_proxy
from tests.factories import add_connection, make_job, make_order
from tests.servers import Server


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """However slow the machine, nothing here is handed out again unless the test says that it is time."""
    return dataclasses.replace(settings, hand_out_again_seconds=60)


@pytest.fixture
def queue(settings: Settings) -> Queue:
    return dispatch.make_queue(settings.redis_url)


@pytest.fixture
def due(sessions: sessionmaker[Session], vault: Vault) -> list[int]:
    """Three orders that reached the status of one job."""
    with sessions.begin() as session:
        make_job(session, add_connection(session, vault))
        return [
            execution.id
            for _ in range(3)
            for execution in orders.change_status(session, make_order(session), "ACCEPTED_BY_SUPPLIER", actor="ada")
        ]


def test_a_silent_redis_is_asked_once(redis_server: Server) -> None:
    """Retries of the client would keep an operator waiting for long; each knocks anew."""
    with in_background(chaos_proxy(redis_server.port, Habit(at_end=STALL))) as proxy:
        with dispatch.make_redis(f"redis://127.0.0.1:{proxy.port}/0") as client, pytest.raises(TimeoutError):
            client.ping()
        assert proxy.opened == 1


def hand_out(sessions: sessionmaker[Session], queue: Queue, settings: Settings) -> int:
    with sessions() as session:
        return dispatch.hand_out(session, queue, settings)


def test_the_name_of_the_task_is_a_function_of_the_worker() -> None:
    module, _, name = dispatch.RUN_EXPORT.rpartition(".")
    assert callable(getattr(importlib.import_module(module), name))


def test_a_message_holds_an_id_and_an_attempt_and_nothing_else(
    sessions: sessionmaker[Session], queue: Queue, settings: Settings, due: list[int]
) -> None:
    assert hand_out(sessions, queue, settings) == 3
    messages = queue.jobs
    assert [tuple(message.args) for message in messages] == [(execution_id, 1) for execution_id in due]
    with sessions() as session:
        ids = session.scalars(select(Execution.public_id).order_by(Execution.id)).all()
    assert [message.id for message in messages] == [f"{public_id}-1" for public_id in ids]
    assert {(message.func_name, tuple(message.kwargs)) for message in messages} == {(dispatch.RUN_EXPORT, ())}


def test_what_was_handed_out_is_not_handed_out_again_at_once(
    sessions: sessionmaker[Session], queue: Queue, settings: Settings, due: list[int]
) -> None:
    hand_out(sessions, queue, settings)
    assert hand_out(sessions, queue, settings) == 0
    assert len(queue) == 3


def test_a_lost_message_is_handed_out_again_and_a_waiting_one_is_not(
    sessions: sessionmaker[Session], queue: Queue, settings: Settings, due: list[int]
) -> None:
    hand_out(sessions, queue, settings)
    lost = queue.jobs[0]
    queue.connection.lrem(queue.key, 1, lost.id)
    with sessions.begin() as session:
        long_ago = database_now(session) - timedelta(minutes=5)
        session.execute(update(Execution).values(handed_out_at=long_ago))
    assert hand_out(sessions, queue, settings) == 1
    assert sorted(queue.job_ids) == sorted({*queue.job_ids, lost.id})
    assert len(queue) == 3


def test_without_redis_everything_stays_due_and_nothing_is_raised(
    sessions: sessionmaker[Session], queue: Queue, settings: Settings, due: list[int]
) -> None:
    nobody = dispatch.make_queue("redis://127.0.0.1:1/0")
    assert hand_out(sessions, nobody, settings) == 0
    assert hand_out(sessions, queue, settings) == 3


def test_a_disabled_connection_hands_out_nothing(
    sessions: sessionmaker[Session], queue: Queue, settings: Settings, due: list[int]
) -> None:
    with sessions.begin() as session:
        session.execute(update(Connection).values(active=False))
    assert hand_out(sessions, queue, settings) == 0


def test_two_dispatchers_hand_each_execution_out_once(
    sessions: sessionmaker[Session], queue: Queue, settings: Settings, due: list[int]
) -> None:
    together = threading.Barrier(2)
    sent: list[int] = []

    def run() -> None:
        together.wait()
        sent.append(hand_out(sessions, dispatch.make_queue(settings.redis_url), settings))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(sent) == 3
    assert len(queue) == 3


def test_a_claim_is_given_once_and_counts_the_attempt(
    sessions: sessionmaker[Session], settings: Settings, due: list[int]
) -> None:
    with sessions.begin() as session:
        claim = export_claims.claim(session, due[0], attempt=1, worker="one", settings=settings)
        assert claim is not None
        assert export_claims.claim(session, due[0], attempt=1, worker="two", settings=settings) is None
        assert export_claims.claim(session, due[0], attempt=2, worker="two", settings=settings) is None
        assert export_claims.claim(session, due[1], attempt=2, worker="two", settings=settings) is None
        execution = session.get_one(Execution, due[0])
        assert (execution.attempts, execution.token, execution.worker) == (1, claim.token, "one")
        assert execution.lease_until is not None
        assert execution.lease_until - execution.executed_at == timedelta(seconds=settings.lease_seconds)


def test_two_workers_never_claim_the_same_execution(
    sessions: sessionmaker[Session], settings: Settings, due: list[int]
) -> None:
    with sessions() as session:
        job_id = session.get_one(Execution, due[0]).export_job_id
    together = threading.Barrier(4)
    taken: list[int] = []

    def run(name: str) -> None:
        together.wait()
        with sessions.begin() as session:
            due = export_claims.claim_due(session, job_id or 0, count=2, is_idle=True, worker=name, settings=settings)
        taken.extend(claim.execution_id for claim in due)

    threads = [threading.Thread(target=run, args=(f"worker-{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(set(taken))


def test_a_lease_that_ran_out_writes_nothing(
    sessions: sessionmaker[Session], settings: Settings, due: list[int]
) -> None:
    brief = dataclasses.replace(settings, lease_seconds=0.000001)
    with sessions.begin() as session:
        claim = export_claims.claim(session, due[0], attempt=1, worker="one", settings=brief)
    assert claim is not None
    with sessions() as session, pytest.raises(lifecycle.LostClaimError):
        lifecycle.save(session, claim, rename_attempt=1)


def test_looking_for_due_executions_reads_no_ended_one(tmp_path: Path) -> None:
    """On SQLite, whose planner takes a partial index only for words that equal the index's own."""
    engine = make_engine(f"sqlite:///{tmp_path}/plan.db")
    Base.metadata.create_all(engine)
    due = select(Execution.id).where(*export_claims.is_due(datetime.now(UTC))).order_by(Execution.next_attempt_at)
    statement = due.compile(engine, compile_kwargs={"render_postcompile": True})
    values = tuple(str(statement.params[name]) for name in statement.positiontup or ())
    with engine.connect() as connection:
        plan = str(connection.exec_driver_sql(f"explain query plan {statement}", values).all())
    assert "SEARCH executions USING INDEX ix_executions_due" in plan
    assert "SEARCH executions_1 USING INDEX ix_executions_turn" in plan


def test_the_places_of_a_connection_hold_for_all_workers_and_jobs(
    sessions: sessionmaker[Session], settings: Settings, vault: Vault
) -> None:
    narrow = dataclasses.replace(settings, in_flight=3)
    with sessions.begin() as session:
        connection = add_connection(session, vault)
        jobs = [make_job(session, connection).id for _ in range(2)]
        for _ in range(4):
            orders.change_status(session, make_order(session), "ACCEPTED_BY_SUPPLIER", actor="ada")
    together = threading.Barrier(4)
    taken: list[lifecycle.Claim] = []

    def run(number: int) -> None:
        together.wait()
        with sessions.begin() as session:
            taken.extend(
                export_claims.claim_due(
                    session, jobs[number % 2], count=2, is_idle=True, worker=f"worker-{number}", settings=narrow
                )
            )

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 3
    with sessions.begin() as session:
        waiting = session.scalars(select(Execution).where(Execution.status == "JOB_PENDING")).first()
        assert waiting is not None
        assert export_claims.claim(session, waiting.id, attempt=1, worker="late", settings=narrow) is None
        lifecycle.succeed(session, taken[0], reason="delivered")
        assert export_claims.claim(session, waiting.id, attempt=1, worker="late", settings=narrow) is not None


def test_a_job_gets_a_handful_of_messages_and_no_more_while_a_worker_is_on_it(
    sessions: sessionmaker[Session], queue: Queue, settings: Settings, vault: Vault
) -> None:
    with sessions.begin() as session:
        connection = add_connection(session, vault)
        jobs = [make_job(session, connection).id for _ in range(2)]
        for _ in range(12):
            orders.change_status(session, make_order(session), "ACCEPTED_BY_SUPPLIER", actor="ada")
    assert hand_out(sessions, queue, settings) == 2 * dispatch.MESSAGES_PER_JOB
    assert hand_out(sessions, queue, settings) == 0
    with sessions.begin() as session:
        (claim,) = export_claims.claim_due(session, jobs[0], count=1, is_idle=True, worker="one", settings=settings)
    assert hand_out(sessions, queue, settings) == 0, "its worker goes on by itself"
    with sessions.begin() as session:
        lifecycle.succeed(session, claim, reason="delivered")
    assert hand_out(sessions, queue, settings) == 1
    with sessions.begin() as session:
        export_claims.claim_due(session, jobs[0], count=1, is_idle=True, worker="one", settings=settings)
        session.execute(update(Execution).values(next_attempt_at=database_now(session) - timedelta(minutes=5)))
    assert hand_out(sessions, queue, settings) > 0, "a second worker is called when it takes long"
