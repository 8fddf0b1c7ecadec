"""One import at a time for each job, and one that writes for each family, whoever triggers: people, scripts, clocks."""

from __future__ import annotations

import dataclasses
import io
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import accumulate
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.jobs import dispatch, import_claims, import_executions, import_run, reconcile
from datahub.jobs.context import Context
from datahub.models.execution import (
    INTEGRATION_DONE,
    INTEGRATION_STARTED,
    JOB_INITIALIZING,
    JOB_PENDING,
    JOB_SKIPPED,
    MANUAL,
    UNENDED,
    Event,
    Execution,
)
from datahub.models.import_job import RUN_IMMEDIATELY, ImportJob
from datahub.settings import Settings
from datahub.vault import Vault
from tests.factories import add_connection, add_import_job
from tests.servers import SshServer
from tests.webapp.api.conftest import Script
from tests.webapp.conftest import ParsingClient

Sessions = sessionmaker[Session]
ROWS = b"Supplier External Id;Supplier Name\nS-1;Acme\nS-2;Brown\n"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return dataclasses.replace(settings, chunk_rows=1)


@pytest.fixture
def jobs(
    sessions: Sessions, vault: Vault, sshd: SshServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> list[ImportJob]:
    """One whose tick is due however long the test takes, and one of the same family."""
    monkeypatch.setattr("datahub.jobs.schedule.GRACE", timedelta(hours=1))
    (folder / "suppliers.csv").write_bytes(ROWS)
    source = {"entity": "SUPPLIER", "file_path": "out/suppliers.csv", "simultaneous_execution": RUN_IMMEDIATELY}
    with sessions.begin() as session:
        to, now = add_connection(session, vault, sshd), database_now(session)
        # Its next tick is tomorrow.
        daily = {"cron": f"{now.minute} {now.hour} * * *", "ticked_until": now - timedelta(hours=1)}
        due = add_import_job(session, to, **source, **daily, schedule_enabled=True)
        return [due, add_import_job(session, to, **source)]


def orphan(sessions: Sessions, job: ImportJob, settings: Settings) -> None:
    """An execution whose worker has died."""
    with sessions.begin() as session:
        execution = import_executions.trigger(session, session.get_one(ImportJob, job.id), origin=MANUAL, actor="ada")
        assert import_claims.claim(session, execution.id, attempt=1, worker="dead", settings=settings)
        past = database_now(session) - timedelta(seconds=1)
        session.execute(update(Execution).where(Execution.id == execution.id).values(lease_until=past))


def at_once(*acts: Callable[[], object]) -> list[object]:
    together = threading.Barrier(len(acts))

    def act(number: int) -> object:
        together.wait(30)
        return acts[number]()

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(act, range(len(acts))))


def statuses(sessions: Sessions, job: ImportJob) -> Counter[str]:
    with sessions() as session:
        return Counter(session.scalars(select(Execution.status).where(Execution.import_job_id == job.id)))


def work_off(context: Context) -> None:
    """As a worker to which every unended execution is handed out."""
    while True:
        with context.sessions.begin() as session:
            unended = select(Execution.id, Execution.attempts).where(Execution.status.in_(UNENDED))
            due = session.execute(unended).all()
        if not due:
            return
        for execution_id, attempts in due:
            import_run.run(context, execution_id, attempts + 1)


def turns(sessions: Sessions) -> list[int]:
    """How many wrote at once, after each begin and each end. The log's own order, since clocks differ by moments."""
    with sessions() as session:
        moves = session.execute(select(Event.from_status, Event.to_status).order_by(Event.id)).all()
    changes = ((to == INTEGRATION_STARTED) - (came_from == INTEGRATION_STARTED) for came_from, to in moves)
    return list(accumulate(change for change in changes if change))


def test_pages_scripts_and_clocks_that_trigger_at_once_start_one_of_each_job_and_write_one_of_each_family(
    sessions: Sessions,
    settings: Settings,
    vault: Vault,
    jobs: list[ImportJob],
    sign_in: Callable[[str], ParsingClient],
    script_of: Callable[[str], Script],
) -> None:
    due, orphaned = jobs
    orphan(sessions, orphaned, settings)
    pages, script, queue = sign_in("OPERATOR"), script_of("ADMIN"), dispatch.make_queue(settings.redis_url)

    def press() -> object:
        return [pages.post(f"/imports/{job.public_id}/run").status_code for job in jobs]

    def call() -> object:
        return [script.post(f"/v1/mapper/jobs/{job.public_id}/run").status_code for job in reversed(jobs)]

    def send() -> object:
        file = {"file": (io.BytesIO(ROWS), "mine.csv")}
        return script.post(f"/v1/mapper/jobs/{due.public_id}/run", data=file).status_code

    def sweep() -> object:
        return reconcile.sweep(sessions, queue, settings)["reap imports"]

    pressed, called, sent, *reaped = at_once(press, call, send, sweep, sweep)
    # A clock leaves a job that another just triggers to its next sweep.
    reaped.append(sweep())
    assert (pressed, called, sent, sorted(map(str, reaped))) == ([303, 303], [202, 202], 202, ["0", "0", "1"])
    assert statuses(sessions, due) == {JOB_INITIALIZING: 1, JOB_PENDING: 1, JOB_SKIPPED: 2}
    assert statuses(sessions, orphaned) == {JOB_INITIALIZING: 1, JOB_PENDING: 1, JOB_SKIPPED: 1}
    workers = [Context(sessions, settings, vault, f"worker-{number}") for number in range(3)]
    at_once(*(lambda worker=worker: work_off(worker) for worker in workers))  # type: ignore[misc]
    assert statuses(sessions, due) == {INTEGRATION_DONE: 2, JOB_SKIPPED: 2}
    assert statuses(sessions, orphaned) == {INTEGRATION_DONE: 2, JOB_SKIPPED: 1}
    assert turns(sessions) == [1, 0] * 4
