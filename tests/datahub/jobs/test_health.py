"""The health page names the part that is away and what to do about it."""

from __future__ import annotations

from datetime import timedelta

from redis import Redis
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now, make_engine, make_sessions
from datahub.jobs import dispatch, health, orders
from datahub.jobs.health import Check
from datahub.models.heartbeat import CLOCK, WORKER, Heartbeat
from datahub.vault import Vault
from tests.factories import add_connection, make_job, make_order
from tests.servers import free_port


def checked(sessions: sessionmaker[Session], redis: Redis) -> dict[str, Check]:
    with sessions() as session:
        return {check.name: check for check in health.check(session, redis=redis)}


def test_a_hub_whose_processes_beat_is_well(sessions: sessionmaker[Session], redis_url: str) -> None:
    with sessions.begin() as session:
        now = database_now(session)
        session.add_all(Heartbeat(name=role, role=role, seen_at=now) for role in (WORKER, CLOCK))
    found = checked(sessions, dispatch.make_redis(redis_url))
    assert list(found) == ["database", "redis", "worker", "clock", "executions"]
    assert all(check.ok and not check.advice for check in found.values())


def test_a_process_not_seen_for_a_while_is_named(sessions: sessionmaker[Session], redis_url: str) -> None:
    with sessions.begin() as session:
        session.add(Heartbeat(name="w", role=WORKER, seen_at=database_now(session) - timedelta(seconds=20)))
    found = checked(sessions, dispatch.make_redis(redis_url))
    assert not found["worker"].ok
    assert not found["clock"].ok
    assert "worker exports" in found["worker"].advice


def test_redis_away_is_told_and_the_rest_still_answers(sessions: sessionmaker[Session]) -> None:
    found = checked(sessions, dispatch.make_redis(f"redis://127.0.0.1:{free_port()}/0"))
    assert not found["redis"].ok
    assert found["database"].ok


def test_a_database_away_is_told_without_an_exception(redis_url: str) -> None:
    engine = make_engine(f"postgresql+psycopg://hub@127.0.0.1:{free_port()}/hub")
    found = checked(make_sessions(engine), dispatch.make_redis(redis_url))
    assert not found["database"].ok
    assert found["redis"].ok
    assert not found["worker"].ok


def test_work_that_waits_too_long_is_told(sessions: sessionmaker[Session], redis_url: str, vault: Vault) -> None:
    with sessions.begin() as session:
        job = make_job(session, add_connection(session, vault))
        (execution,) = orders.change_status(session, make_order(session), "ACCEPTED_BY_SUPPLIER", actor="ada")
        execution.next_attempt_at = database_now(session) - timedelta(minutes=7)
        connection = job.connection
    redis = dispatch.make_redis(redis_url)
    assert "7 min" in checked(sessions, redis)["executions"].message
    assert not checked(sessions, redis)["executions"].ok
    with sessions.begin() as session:
        session.merge(connection).active = False
    assert checked(sessions, redis)["executions"].ok
