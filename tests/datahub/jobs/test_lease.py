from __future__ import annotations

import json
import subprocess
import sys
import threading
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.jobs import executions, export_claims, lease, lifecycle, orders
from datahub.jobs.lease import LEASE_LOST, LeaseKeeper
from datahub.jobs.lifecycle import Claim
from datahub.models.execution import Execution
from datahub.settings import Settings
from datahub.vault import Vault
from tests.factories import add_connection, make_job, make_order
from tests.servers import wait_until

CUT_OFF = """
import time
from datetime import UTC, datetime
from datahub.db import make_engine, make_sessions
from datahub.jobs.lease import LeaseKeeper
from datahub.jobs.lifecycle import Claim
from datahub.logs import configure_logging
from tests.settings import make_settings

configure_logging(make_settings(log_format="json"))
sessions = make_sessions(make_engine("postgresql+psycopg://nobody@127.0.0.1:1/none"))
with LeaseKeeper(sessions, make_settings(lease_seconds=1.5), lambda claim: None) as keeper:
    for number in (1, 2):
        keeper.hold(Claim(number, f"held-{number}", 1, "token", 1, datetime.now(UTC), "me"))
    time.sleep(60)
"""

STUCK = """
import dataclasses, datetime, time
from datahub.db import make_engine, make_sessions
from datahub.jobs.lease import LeaseKeeper
from datahub.jobs.lifecycle import Claim
from datahub.logs import configure_logging
from tests.settings import make_settings

configure_logging(make_settings(log_format="json"))
with LeaseKeeper(make_sessions(make_engine({url!r})), make_settings(lease_seconds=1.5), lambda claim: None) as keeper:
    keeper.hold(dataclasses.replace({claim!r}, leased_at=time.monotonic()))
    time.sleep(60)
"""


@pytest.fixture
def claim(sessions: sessionmaker[Session], settings: Settings, vault: Vault) -> Claim:
    with sessions.begin() as session:
        make_job(session, add_connection(session, vault))
        (execution,) = orders.change_status(session, make_order(session), "ACCEPTED_BY_SUPPLIER", actor="ada")
        claim = export_claims.claim(session, execution.id, attempt=1, worker="one", settings=settings)
    assert claim is not None
    return claim


def test_a_held_claim_outlives_its_first_lease(
    sessions: sessionmaker[Session], settings: Settings, claim: Claim
) -> None:
    def is_prolonged() -> bool:
        with sessions() as session:
            lease_until = session.get_one(Execution, claim.execution_id).lease_until
            assert lease_until is not None
            return (lease_until - claim.started_at).total_seconds() > settings.lease_seconds

    with LeaseKeeper(sessions, settings, lambda lost: None) as keeper:
        keeper.hold(claim)
        wait_until(is_prolonged, what="the renewal")


def test_a_stop_and_a_taken_over_claim_are_told_to_the_holder(
    sessions: sessionmaker[Session], settings: Settings, claim: Claim
) -> None:
    told = threading.Event()
    with LeaseKeeper(sessions, settings, lambda lost: told.set()) as keeper:
        keeper.hold(claim)
        with sessions.begin() as session:
            executions.stop(session, session.get_one(Execution, claim.execution_id), actor="ada")
        assert told.wait(10)
        told.clear()
        keeper.hold(claim)
        with sessions.begin() as session:
            values = {"status": "JOB_STARTED", "token": "another", "lease_until": database_now(session)}
            session.execute(update(Execution).values(**values))
        assert told.wait(10)


def run(script: str) -> list[dict[str, object]]:
    """What the worker said before it ended itself."""
    ended = subprocess.run([sys.executable, "-c", script], timeout=30, capture_output=True, check=False)
    assert ended.returncode == LEASE_LOST, ended.stderr.decode()
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_a_worker_that_cannot_renew_ends_itself_and_says_whose_leases_these_are() -> None:
    lines = run(CUT_OFF)
    for said in ("leases could not be renewed", "this worker ends itself"):
        named = {line.get("execution") for line in lines if said in str(line["event"])}
        assert named == {"held-1", "held-2"}


def test_what_a_renewal_waited_for_a_lock_shortens_the_lease(
    sessions: sessionmaker[Session], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database reckons the end of the lease before it waits."""
    clock, ended, is_over = SimpleNamespace(now=0.0), threading.Event(), threading.Event()
    waits = iter([False, True])

    def renew(*_: object) -> bool:
        clock.now += settings.lease_seconds * 0.6
        if next(waits, True):
            is_over.wait()
        return True

    monkeypatch.setattr(lease, "time", SimpleNamespace(monotonic=lambda: clock.now))
    monkeypatch.setattr(lease, "os", SimpleNamespace(_exit=lambda status: ended.set()))
    monkeypatch.setattr(lifecycle, "renew", renew)
    with LeaseKeeper(sessions, settings, lambda lost: None) as keeper:
        keeper.hold(Claim(1, "held-1", 1, "token", 1, datetime.now(UTC), "me", leased_at=clock.now))
        has_ended = ended.wait(10)
        is_over.set()
    assert has_ended, "the second wait outlasts the lease that the first renewal got"


def test_a_worker_that_does_not_let_go_of_a_stopped_execution_ends_itself(
    sessions: sessionmaker[Session], settings: Settings, claim: Claim
) -> None:
    with sessions.begin() as session:
        executions.stop(session, session.get_one(Execution, claim.execution_id), actor="ada")
    script = STUCK.format(url=settings.database_url, claim=claim)
    (line,) = run(script)
    assert "not let go" in str(line["event"])
    assert line["execution"] == claim.public_id
