"""How many imports read over one connection at once, and who waits for a place."""

from __future__ import annotations

import dataclasses
import io
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rq import Queue
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import Base, database_now, make_engine
from datahub.jobs import dispatch, executions, health, import_claims, import_executions, import_job_list, import_waits
from datahub.jobs.lifecycle import Claim
from datahub.models.connection import Connection
from datahub.models.execution import (
    INTEGRATION_STARTED,
    INTEGRATION_WAITING,
    JOB_INITIALIZING,
    JOB_STARTED,
    JOB_STOPPED,
    MANUAL,
    Event,
    Execution,
)
from datahub.settings import Settings
from datahub.vault import Vault
from tests.factories import add_connection, add_import_job
from tests.in_turn import in_turn
from tests.settings import make_settings

Start = Callable[..., int]
WHY = "waits for a place: its connection is at its limit of imports that read at once, 2 (MAX_RUNS_PER_CONNECTION)"
WORKER: tuple[str, list[int]] = ("waits for a free worker", [])


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Two read at once; nothing is handed out again unless a test says so."""
    return dataclasses.replace(settings, max_runs_per_connection=2, hand_out_again_seconds=60)


@pytest.fixture
def queue(settings: Settings) -> Queue:
    return dispatch.make_queue(settings.redis_url)


@pytest.fixture
def connection(sessions: sessionmaker[Session], vault: Vault) -> Connection:
    with sessions.begin() as session:
        return add_connection(session, vault, host_key="known")


@pytest.fixture
def start(sessions: sessionmaker[Session], connection: Connection) -> Start:
    """Triggers a new job over the connection, or over another one; returns the execution's id."""

    def start(over: Connection = connection, *, is_upload: bool = False) -> int:
        upload = ("mine.csv", io.BytesIO(b"given by hand")) if is_upload else None
        with sessions.begin() as session:
            job = add_import_job(session, over)
            return import_executions.trigger(session, job, origin=MANUAL, actor="ada", upload=upload).id

    return start


@pytest.fixture
def claim(sessions: sessionmaker[Session], settings: Settings) -> Callable[[int], Claim | None]:
    """Its next attempt."""

    def claim(execution_id: int) -> Claim | None:
        with sessions.begin() as session:
            return claim_in(session, execution_id, settings)

    return claim


def claim_in(session: Session, execution_id: int, settings: Settings) -> Claim | None:
    attempt = session.get_one(Execution, execution_id).attempts + 1
    return import_claims.claim(session, execution_id, attempt=attempt, worker="one", settings=settings)


def set_to(sessions: sessionmaker[Session], execution_id: int, **values: object) -> None:
    with sessions.begin() as session:
        session.execute(update(Execution).where(Execution.id == execution_id).values(values))


def ago(sessions: sessionmaker[Session], seconds: float) -> datetime:
    with sessions() as session:
        return database_now(session) - timedelta(seconds=seconds)


def handed_out(sessions: sessionmaker[Session], queue: Queue, settings: Settings) -> list[int]:
    """By one sweep."""
    messages = Queue(dispatch.IMPORTS, connection=queue.connection, serializer=queue.serializer)
    messages.empty()
    with sessions() as session:
        dispatch.hand_out(session, queue, settings)
    return [message.args[0] for message in messages.jobs]


def notes(sessions: sessionmaker[Session], execution_id: int) -> list[str]:
    noted = select(Event.reason).where(Event.execution_id == execution_id, Event.from_status == Event.to_status)
    with sessions() as session:
        return list(session.scalars(noted))


def test_the_oldest_read_and_the_others_wait_in_turn_for_a_place(
    sessions: sessionmaker[Session], queue: Queue, settings: Settings, start: Start, claim: Callable[[int], Claim]
) -> None:
    first, second, third, fourth = (start() for _ in range(4))
    assert claim(fourth) is None, "older ones wait"
    assert handed_out(sessions, queue, settings) == [first, second]
    assert claim(first) and claim(second)
    assert claim(third) is None
    assert handed_out(sessions, queue, settings) == []
    set_to(sessions, first, status=INTEGRATION_WAITING, next_attempt_at=ago(sessions, -60))
    assert claim(fourth) is None, "the third is older"
    assert handed_out(sessions, queue, settings) == [third], "the next sweep begins it"
    assert claim(third)
    assert claim(fourth) is None


def wait(session: Session, number: int, settings: Settings) -> tuple[str, list[int]] | None:
    found = import_waits.wait_of(session, session.get_one(Execution, number), settings)
    return found and (found.why, [other.id for other in found.others])


def test_who_waits_is_told_for_whom(
    sessions: sessionmaker[Session], settings: Settings, start: Start, claim: Callable[[int], Claim]
) -> None:
    ids = [start() for _ in range(3)]
    assert claim(ids[0]) and claim(ids[1])
    with sessions() as session:
        assert wait(session, ids[0], settings) is None, "it is at work"
        assert wait(session, ids[2], settings) == (WHY, ids[:2])
    set_to(sessions, ids[0], status=INTEGRATION_WAITING)
    with sessions() as session:
        assert wait(session, ids[0], settings) == wait(session, ids[2], settings) == (WORKER[0], [ids[1]])
    set_to(sessions, ids[1], status=INTEGRATION_WAITING)
    with sessions() as session:
        assert wait(session, ids[1], settings) == ("waits for its turn to write", [ids[0]])
    set_to(sessions, ids[1], status=INTEGRATION_STARTED)
    with sessions() as session:
        assert wait(session, ids[0], settings) == ("waits for its turn to write", [ids[1]])
    set_to(sessions, ids[0], next_attempt_at=ago(sessions, -60))
    with sessions() as session:
        assert wait(session, ids[0], settings) is None, "its next try has its time"


def test_who_waits_is_told_why_once(
    sessions: sessionmaker[Session], queue: Queue, settings: Settings, start: Start, claim: Callable[[int], Claim]
) -> None:
    ids = [start() for _ in range(3)]
    for _ in range(3):
        handed_out(sessions, queue, settings)
    assert [notes(sessions, number) for number in ids] == [[], [], [WHY]]
    with sessions() as session:
        assert [wait(session, number, settings) for number in ids] == [WORKER, WORKER, (WHY, [])]
    set_to(sessions, ids[0], status=INTEGRATION_WAITING)
    with sessions() as session:
        assert wait(session, ids[2], settings) == WORKER
    assert claim(ids[2])
    with sessions() as session:
        moves = [(event.to_status, event.attempt) for event in session.get_one(Execution, ids[2]).events]
    assert moves == [(JOB_INITIALIZING, 0), (JOB_INITIALIZING, 0), (JOB_STARTED, 1)]


def test_several_clocks_tell_it_once(
    sessions: sessionmaker[Session], queue: Queue, settings: Settings, start: Start
) -> None:
    ids = [start() for _ in range(10)]
    together = threading.Barrier(4)

    def sweep(_: int) -> None:
        together.wait(30)
        with sessions() as session:
            dispatch.hand_out_imports(session, queue, settings)

    with ThreadPoolExecutor(4) as clocks:
        list(clocks.map(sweep, range(4)))
    assert [len(notes(sessions, number)) for number in ids] == [0, 0] + [1] * 8


def test_workers_that_claim_at_the_same_moment_take_no_more_places_than_there_are(
    sessions: sessionmaker[Session], settings: Settings, start: Start
) -> None:
    one = dataclasses.replace(settings, max_runs_per_connection=1)
    older, younger = start(), start()
    # It waits for its next try, which comes at the moment at which the younger one is begun.
    set_to(sessions, older, next_attempt_at=ago(sessions, -60))

    def claim_older(session: Session) -> Claim | None:
        due = {"next_attempt_at": database_now(session)}
        session.execute(update(Execution).where(Execution.id == older).values(due))
        return claim_in(session, older, one)

    begun, late = in_turn(sessions, lambda session: claim_in(session, younger, one), claim_older)
    assert begun is not None
    assert late.result() is None


def test_other_connections_and_uploads_are_not_limited_and_uploads_take_no_place(
    sessions: sessionmaker[Session],
    vault: Vault,
    queue: Queue,
    settings: Settings,
    start: Start,
    claim: Callable[[int], Claim],
) -> None:
    uploads = [start(is_upload=True) for _ in range(3)]
    assert all(claim(number) for number in uploads)
    first, second = start(), start()
    assert claim(first) and claim(second), "the uploads take no place"
    waiting, upload = start(), start(is_upload=True)
    with sessions.begin() as session:
        other = add_connection(session, vault)
    elsewhere = start(other)
    assert handed_out(sessions, queue, settings) == [upload, elsewhere]
    assert claim(upload) and claim(elsewhere)
    assert claim(waiting) is None


def test_one_that_waits_for_its_next_try_keeps_nobody_waiting(
    sessions: sessionmaker[Session], start: Start, claim: Callable[[int], Claim]
) -> None:
    ids = [start() for _ in range(4)]
    for number in ids[:2]:
        set_to(sessions, number, next_attempt_at=ago(sessions, -60))
    assert claim(ids[2]) and claim(ids[3])


def test_what_lost_its_place_to_an_older_one_is_handed_out_as_soon_as_one_is_free(
    sessions: sessionmaker[Session], queue: Queue, settings: Settings, start: Start, claim: Callable[[int], Claim]
) -> None:
    ids = [start() for _ in range(3)]
    set_to(sessions, ids[0], next_attempt_at=ago(sessions, -60))
    assert handed_out(sessions, queue, settings) == ids[1:]
    set_to(sessions, ids[0], next_attempt_at=ago(sessions, 0))
    assert claim(ids[1])
    assert claim(ids[2]) is None, "the older one goes first"
    set_to(sessions, ids[1], status=INTEGRATION_WAITING, next_attempt_at=ago(sessions, -60))
    assert set(handed_out(sessions, queue, settings)) == {ids[0], ids[2]}


def test_the_place_of_a_dead_worker_is_free_once_its_lease_has_run_out(
    sessions: sessionmaker[Session], start: Start, claim: Callable[[int], Claim]
) -> None:
    ids = [start() for _ in range(3)]
    assert claim(ids[0]) and claim(ids[1])
    set_to(sessions, ids[1], lease_until=ago(sessions, 1))
    assert claim(ids[2]) is None
    with sessions.begin() as session:
        assert import_executions.reap(session) == 1
    set_to(sessions, ids[1], next_attempt_at=ago(sessions, -60))
    assert claim(ids[2])


def test_one_that_waits_can_be_stopped_and_is_neither_overdue_nor_stuck(
    sessions: sessionmaker[Session], settings: Settings, start: Start, claim: Callable[[int], Claim]
) -> None:
    ids = [start() for _ in range(4)]
    assert claim(ids[0]) and claim(ids[1])
    set_to(sessions, ids[2], next_attempt_at=ago(sessions, 3600))
    with sessions() as session:
        waiting = session.get_one(Execution, ids[2])
        assert waiting.import_job
        (row,) = import_job_list.rows_of(session, [waiting.import_job])
        assert row.health == import_job_list.RUNNING
    with sessions() as session:
        checks = health.check(session, redis=dispatch.make_redis(settings.redis_url), settings=settings)
        assert next(check for check in checks if check.name == "imports").ok
    with sessions.begin() as session:
        executions.stop(session, session.get_one(Execution, ids[2]), actor="ada")
    with sessions() as session:
        assert session.get_one(Execution, ids[2]).status == JOB_STOPPED
    set_to(sessions, ids[0], status=INTEGRATION_WAITING)
    assert claim(ids[3]), "whoever was stopped is not waited for"


def test_looking_for_imports_to_hand_out_reads_no_ended_one(tmp_path: Path) -> None:
    """On SQLite, whose planner takes a partial index only for words that equal the index's own."""
    engine = make_engine(f"sqlite:///{tmp_path}/plan.db")
    Base.metadata.create_all(engine)
    due = select(Execution.id).where(*import_claims.is_due(datetime.now(UTC), make_settings()))
    statement = due.compile(engine, compile_kwargs={"render_postcompile": True})
    values = tuple(str(statement.params[name]) for name in statement.positiontup or ())
    with engine.connect() as connection:
        plan = str(connection.exec_driver_sql(f"explain query plan {statement}", values).all())
    assert "SEARCH executions USING INDEX ix_executions_unended_import" in plan
    assert "SEARCH executions_1 USING INDEX uq_executions_running_import" in plan
    assert "rowid<" not in plan and "SCAN" not in plan
