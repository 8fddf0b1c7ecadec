"""The health page names the part that is away and what to do about it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now, make_engine, make_sessions
from datahub.jobs import dispatch, export_claims, health, lifecycle, orders
from datahub.jobs.health import Check
from datahub.jobs.lifecycle import Claim
from datahub.models.execution import (
    INTEGRATION_DONE,
    INTEGRATION_STARTED,
    INTEGRATION_WAITING,
    JOB_INITIALIZING,
    JOB_PENDING,
    JOB_STARTED,
    SUCCESS,
    Execution,
)
from datahub.models.heartbeat import CLOCK, EXPORTER, IMPORTER, Heartbeat
from datahub.models.import_job import ImportJob
from datahub.settings import Settings
from datahub.vault import Vault
from tests.factories import add_connection, add_import_execution, add_import_job, make_job, make_order
from tests.servers import REDIS_PASSWORD, Server, free_port
from tests.settings import DEFAULTS, make_settings


def checked(sessions: sessionmaker[Session], redis: Redis, settings: Settings = DEFAULTS) -> dict[str, Check]:
    with sessions() as session:
        return {check.name: check for check in health.check(session, redis=redis, settings=settings)}


def beat(sessions: sessionmaker[Session], role: str, **changes: Any) -> None:
    """A process that was seen just now; of a clock the last sweep was good."""
    with sessions.begin() as session:
        now = database_now(session)
        swept = {"swept_at": now} if role == CLOCK else {}
        session.merge(Heartbeat(**{"name": role, "role": role, "seen_at": now} | swept | changes))


def ago(sessions: sessionmaker[Session], seconds: float) -> datetime:
    with sessions() as session:
        return database_now(session) - timedelta(seconds=seconds)


def test_a_hub_whose_processes_beat_and_sweep_is_well(sessions: sessionmaker[Session], redis_url: str) -> None:
    beat(sessions, EXPORTER)
    beat(sessions, CLOCK)
    found = checked(sessions, dispatch.make_redis(redis_url))
    parts = [
        "database",
        "worker",
        "importer",
        "clock",
        "sweeps",
        "exports",
        "imports",
        "redis",
        "redis password",
        "redis memory",
    ]
    assert list(found) == parts
    assert [check for check in found.values() if not check.ok or check.advice] == []


def test_a_process_not_seen_for_a_while_is_named(sessions: sessionmaker[Session], redis_url: str) -> None:
    beat(sessions, EXPORTER, seen_at=ago(sessions, 20))
    found = checked(sessions, dispatch.make_redis(redis_url))
    assert not found["worker"].ok
    assert not found["clock"].ok
    assert "worker exports" in found["worker"].advice


def test_workers_of_imports_count_apart_and_are_missed_once_there_is_an_import_job(
    sessions: sessionmaker[Session], redis_url: str, vault: Vault
) -> None:
    redis = dispatch.make_redis(redis_url)
    beat(sessions, EXPORTER)
    assert checked(sessions, redis)["importer"].ok, "nothing to import"
    with sessions.begin() as session:
        job = add_import_job(session, add_connection(session, vault))
        add_import_execution(session, job, status=JOB_PENDING)
    missing = checked(sessions, redis)["importer"]
    assert not missing.ok and "worker imports" in missing.advice and "imports wait" in missing.advice
    with sessions.begin() as session:
        session.delete(session.get_one(ImportJob, job.id))
    assert not checked(sessions, redis)["importer"].ok, "an import waits whose job is gone"
    beat(sessions, IMPORTER)
    found = checked(sessions, redis)
    assert found["importer"].ok and found["worker"].message == "1 seen in the last 15 seconds."


def test_a_clock_that_beats_but_does_not_sweep_is_told(sessions: sessionmaker[Session], redis_url: str) -> None:
    redis = dispatch.make_redis(redis_url)
    beat(sessions, CLOCK, swept_at=None)
    assert not checked(sessions, redis)["sweeps"].ok
    beat(sessions, CLOCK, swept_at=ago(sessions, 200))
    found = checked(sessions, redis)
    assert found["clock"].ok and not found["sweeps"].ok
    assert "3 min ago" in found["sweeps"].message
    beat(sessions, CLOCK, name="another")
    assert checked(sessions, redis)["sweeps"].ok, "one that sweeps is enough"


def test_sweeps_that_keep_failing_are_told_before_the_last_good_one_is_old(
    sessions: sessionmaker[Session], redis_url: str
) -> None:
    redis = dispatch.make_redis(redis_url)
    beat(sessions, CLOCK, failed_sweeps=1)
    assert checked(sessions, redis)["sweeps"].ok
    beat(sessions, CLOCK, failed_sweeps=3)
    told = checked(sessions, redis)["sweeps"]
    assert not told.ok and "3 in a row" in told.message and "log" in told.advice


def test_a_clock_that_fails_beside_a_good_one_is_told_and_harms_nothing(
    sessions: sessionmaker[Session], redis_url: str
) -> None:
    redis = dispatch.make_redis(redis_url)
    beat(sessions, CLOCK, failed_sweeps=40, swept_at=None)
    beat(sessions, CLOCK, name="another")
    told = checked(sessions, redis)["sweeps"]
    assert told.ok and "Of 2 clocks, 1 fail, 40 times in a row" in told.message
    beat(sessions, CLOCK, name="another", failed_sweeps=3)
    told = checked(sessions, redis)["sweeps"]
    assert not told.ok and "Of 2 clocks, 2 fail" in told.message


@pytest.mark.usefixtures("redis_url")
def test_redis_without_a_password_or_with_eviction_is_told(
    sessions: sessionmaker[Session], redis_server: Server
) -> None:
    redis = dispatch.make_redis(redis_server.url)
    try:
        redis.config_set("maxmemory-policy", "allkeys-lru")
        told = checked(sessions, redis)["redis memory"]
        assert not told.ok and "allkeys-lru" in told.message and "noeviction" in told.advice
        redis.config_set("requirepass", "")
        told = checked(sessions, dispatch.make_redis(f"redis://127.0.0.1:{redis_server.port}/0"))["redis password"]
        assert not told.ok and "requirepass" in told.advice
    finally:
        redis.config_set("requirepass", REDIS_PASSWORD)
        redis.config_set("maxmemory-policy", "noeviction")


def test_a_wrong_password_of_ours_is_told_as_such(sessions: sessionmaker[Session], redis_url: str) -> None:
    wrong = dispatch.make_redis(redis_url.replace(REDIS_PASSWORD, "another"))
    found = checked(sessions, wrong)
    assert "does not accept our password" in found["redis"].message
    assert "another" not in str(found)


def test_redis_away_is_told_and_the_rest_still_answers(sessions: sessionmaker[Session]) -> None:
    found = checked(sessions, dispatch.make_redis(f"redis://127.0.0.1:{free_port()}/0"))
    assert not found["redis"].ok
    assert found["database"].ok


@pytest.mark.parametrize("kind", ["a server", "a file"])
def test_a_database_away_is_told_without_an_exception(redis_url: str, tmp_path: Path, kind: str) -> None:
    nowhere = f"postgresql+psycopg://hub@127.0.0.1:{free_port()}/hub"
    engine = make_engine(nowhere if kind == "a server" else f"sqlite:///{tmp_path}/gone/hub.db")
    found = checked(make_sessions(engine), dispatch.make_redis(redis_url))
    assert [name for name, check in found.items() if check.ok] == ["redis", "redis password", "redis memory"]
    assert all(check.advice for check in found.values() if not check.ok)


def test_work_that_nobody_took_after_two_hand_outs_is_told(
    sessions: sessionmaker[Session], redis_url: str, vault: Vault
) -> None:
    settings = make_settings(hand_out_again_seconds=15)
    with sessions.begin() as session:
        job = make_job(session, add_connection(session, vault))
        (execution,) = orders.change_status(session, make_order(session), "ACCEPTED_BY_SUPPLIER", actor="ada")
        connection = job.connection
    redis = dispatch.make_redis(redis_url)
    for seconds, is_ok, words in ((20, True, "20 s"), (31, False, "31 s"), (430, False, "7 min")):
        with sessions.begin() as session:
            session.merge(execution).next_attempt_at = database_now(session) - timedelta(seconds=seconds)
        told = checked(sessions, redis, settings)["exports"]
        assert (told.ok, words in told.message) == (is_ok, True), told
    with sessions.begin() as session:
        session.merge(connection).active = False
    assert checked(sessions, redis, settings)["exports"].ok, "a disabled connection lets exports wait"


def test_imports_that_nobody_takes_are_told_apart_from_exports(
    sessions: sessionmaker[Session], redis_url: str, vault: Vault
) -> None:
    settings, redis = make_settings(hand_out_again_seconds=15), dispatch.make_redis(redis_url)
    beat(sessions, IMPORTER)
    with sessions.begin() as session:
        waiting = add_import(session, vault, status=JOB_INITIALIZING)
    for seconds, is_ok, words in ((20, True, "20 s"), (31, False, "31 s"), (430, False, "7 min")):
        set_to(sessions, waiting, next_attempt_at=ago(sessions, seconds))
        found = checked(sessions, redis, settings)
        told = found["imports"]
        assert (told.ok, words in told.message) == (is_ok, True), told
        assert found["exports"].ok
    assert "missing or stuck" in told.advice


def test_an_import_waits_for_its_turn_as_long_as_that_takes(
    sessions: sessionmaker[Session], redis_url: str, vault: Vault
) -> None:
    redis = dispatch.make_redis(redis_url)
    with sessions.begin() as session:
        before_it = add_import(session, vault, status=INTEGRATION_STARTED)
        add_import(
            session, vault, status=INTEGRATION_WAITING, next_attempt_at=before_it.created_at - timedelta(hours=9)
        )
    assert checked(sessions, redis)["imports"].message == "No import is due."
    set_to(sessions, before_it, status=INTEGRATION_DONE)
    assert not checked(sessions, redis)["imports"].ok


def test_an_import_may_wait_an_hour_while_each_import_worker_is_at_work(
    sessions: sessionmaker[Session], redis_url: str, vault: Vault
) -> None:
    redis = dispatch.make_redis(redis_url)
    with sessions.begin() as session:
        running = [add_import(session, vault, status=status) for status in (JOB_STARTED, INTEGRATION_STARTED)]
        waiting = add_import(session, vault, status=JOB_INITIALIZING)
    for execution in running:
        set_to(sessions, execution, lease_until=ago(sessions, -600))
    set_to(sessions, waiting, next_attempt_at=ago(sessions, 3500))
    assert not checked(sessions, redis)["imports"].ok, "no worker is seen"
    beat(sessions, IMPORTER)
    beat(sessions, IMPORTER, name="another")
    told = checked(sessions, redis)["imports"]
    assert told.ok and "Each import worker is at work; more of them" in told.message
    set_to(sessions, waiting, next_attempt_at=ago(sessions, 3601))
    told = checked(sessions, redis)["imports"]
    assert not told.ok and "start more" in told.advice
    set_to(sessions, waiting, next_attempt_at=ago(sessions, 3500))
    beat(sessions, IMPORTER, name="a third")
    assert not checked(sessions, redis)["imports"].ok, "one is idle"
    beat(sessions, IMPORTER, name="a third", seen_at=ago(sessions, 60))
    assert checked(sessions, redis)["imports"].ok
    set_to(sessions, running[0], lease_until=ago(sessions, 1))
    assert not checked(sessions, redis)["imports"].ok, "one has fallen silent"


def add_import(session: Session, vault: Vault, **values: Any) -> Execution:
    """Of a job of its own."""
    return add_import_execution(session, add_import_job(session, add_connection(session, vault)), **values)


def set_to(sessions: sessionmaker[Session], execution: Execution, **values: Any) -> None:
    with sessions.begin() as session:
        session.execute(update(Execution).where(Execution.id == execution.id).values(values))


CROWDED = make_settings(in_flight=4, hand_out_again_seconds=15, attempt_seconds=300, lease_seconds=60)


@pytest.fixture
def under_way(sessions: sessionmaker[Session], vault: Vault) -> list[Claim]:
    """Four files over one connection that takes four at once; two more are due for two minutes."""
    with sessions.begin() as session:
        job_id = owe(session, vault, orders_due=6)
        taken = export_claims.claim_due(session, job_id, count=6, is_idle=True, worker="one", settings=CROWDED)
    assert len(taken) == 4
    wait_for(sessions, seconds=130)
    return taken


def owe(session: Session, vault: Vault, *, orders_due: int) -> int:
    """To a job with a connection of its own."""
    job = make_job(session, add_connection(session, vault), trigger_statuses=["SHIPPED"])
    for _ in range(orders_due):
        orders.change_status(session, make_order(session), "SHIPPED", actor="ada")
    job.active = False
    return job.id


def wait_for(sessions: sessionmaker[Session], *, seconds: float) -> None:
    """Whatever is pending has been due for so long."""
    since = ago(sessions, seconds)
    with sessions.begin() as session:
        session.execute(update(Execution).where(Execution.status == JOB_PENDING).values(next_attempt_at=since))


def due_work(sessions: sessionmaker[Session], redis_url: str) -> Check:
    return checked(sessions, dispatch.make_redis(redis_url), CROWDED)["exports"]


def test_work_behind_a_connection_at_its_limit_calls_for_no_more_workers(
    sessions: sessionmaker[Session], redis_url: str, under_way: list[Claim]
) -> None:
    told = due_work(sessions, redis_url)
    assert told.ok and "2 min" in told.message and "limit of 4 files at once (IN_FLIGHT)" in told.message
    with sessions.begin() as session:
        lifecycle.succeed(session, under_way[0], reason="delivered")
    assert "IN_FLIGHT" in due_work(sessions, redis_url).message, "a worker goes for more when two places are free"
    with sessions.begin() as session:
        lifecycle.succeed(session, under_way[1], reason="delivered")
    told = due_work(sessions, redis_url)
    assert not told.ok and "IN_FLIGHT" not in told.message and "start more" in told.advice


def test_places_that_dead_workers_hold_are_no_limit(
    sessions: sessionmaker[Session], redis_url: str, under_way: list[Claim]
) -> None:
    past = ago(sessions, 1)
    with sessions.begin() as session:
        held = Execution.id.in_([claim.execution_id for claim in under_way])
        session.execute(update(Execution).where(held).values(lease_until=past))
    told = due_work(sessions, redis_url)
    assert not told.ok and "start more" in told.advice


@pytest.mark.usefixtures("under_way")
def test_work_of_others_that_nobody_takes_does_not_hide_behind_a_connection_at_its_limit(
    sessions: sessionmaker[Session], redis_url: str, vault: Vault
) -> None:
    with sessions.begin() as session:
        owe(session, vault, orders_due=1)
    assert due_work(sessions, redis_url).ok
    wait_for(sessions, seconds=190)
    told = due_work(sessions, redis_url)
    assert not told.ok and "3 min" in told.message and "start more" in told.advice


def test_a_connection_at_its_limit_over_which_nothing_arrives_is_red(
    sessions: sessionmaker[Session], redis_url: str, under_way: list[Claim]
) -> None:
    wait_for(sessions, seconds=310)
    told = due_work(sessions, redis_url)
    assert not told.ok and "no file has arrived there for 5 min" in told.message and "stuck" in told.advice
    with sessions.begin() as session:
        lifecycle.succeed(session, under_way[0], reason="delivered")
    assert due_work(sessions, redis_url).ok, "one has arrived"
    long_past = ago(sessions, 301)
    with sessions.begin() as session:
        session.execute(update(Execution).where(Execution.status == SUCCESS).values(ended_at=long_past))
    assert not due_work(sessions, redis_url).ok
