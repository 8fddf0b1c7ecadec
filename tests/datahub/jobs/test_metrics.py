"""Figures for a monitor count what is there, by indexes alone."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.jobs import home, metrics, orders
from datahub.jobs.metrics import OfKind
from datahub.models.execution import (
    ERROR,
    EXPORT,
    EXPORT_STATUSES,
    IMPORT,
    IMPORT_STATUSES,
    INTEGRATION_DONE,
    INTEGRATION_FAILED,
    INTEGRATION_STARTED,
    INTEGRATION_WAITING,
    JOB_FAILED,
    JOB_INITIALIZING,
    JOB_PENDING,
    JOB_STARTED,
    SUCCESS,
    Execution,
)
from datahub.models.heartbeat import CLOCK, EXPORTER, IMPORTER, Heartbeat
from datahub.models.import_job import ImportJob
from datahub.vault import Vault
from tests.factories import add_connection, add_import_execution, add_import_job, make_job, make_order
from tests.settings import DEFAULTS, make_settings
from tests.statements import noted_statements

LONG_AGO = timedelta(hours=30)
NONE = OfKind(
    waiting=0,
    retrying=0,
    started=0,
    lease_expired=0,
    failed=0,
    due=0,
    oldest_due_seconds=0.0,
    recent=dict.fromkeys(IMPORT_STATUSES, 0),
)


@pytest.fixture
def owed(session: Session, vault: Vault) -> list[Execution]:
    """Ten, due since now."""
    make_job(session, add_connection(session, vault))
    return [
        execution
        for _ in range(10)
        for execution in orders.change_status(session, make_order(session), "ACCEPTED_BY_SUPPLIER", actor="ada")
    ]


def change(executions: list[Execution], **values: Any) -> None:
    for execution in executions:
        for name, value in values.items():
            setattr(execution, name, value)


def test_figures_count_what_is_there(session: Session, owed: list[Execution], sessions: sessionmaker[Session]) -> None:
    now = database_now(session)
    change(owed[:2], status=SUCCESS, ended_at=now)
    change(owed[2:3], status=SUCCESS, ended_at=now - LONG_AGO, executed_at=now - LONG_AGO)
    change(owed[3:5], status=ERROR, ended_at=now)
    change(owed[5:6], attempts=2, next_attempt_at=now + timedelta(minutes=5))
    change(owed[6:7], next_attempt_at=now - timedelta(seconds=90))
    change(owed[7:8], status=JOB_STARTED, lease_until=now - timedelta(seconds=1))
    change(owed[8:9], status=JOB_STARTED, lease_until=now + timedelta(minutes=1))
    seen = {"seen_at": now, "failed_sweeps": 0}
    session.add_all(Heartbeat(name=f"w{number}", role=EXPORTER, **seen) for number in range(2))
    session.add(Heartbeat(name="c", role=CLOCK, swept_at=now - timedelta(seconds=7), seen_at=now, failed_sweeps=2))
    session.add(Heartbeat(name="dead", role=CLOCK, seen_at=now - timedelta(minutes=2), failed_sweeps=9))
    session.commit()
    with sessions() as fresh:
        figures = metrics.read(fresh, DEFAULTS)
    exports = figures.executions[EXPORT]
    assert (exports.waiting, exports.retrying, exports.started, exports.lease_expired) == (3, 1, 2, 1)
    assert (exports.failed, exports.due) == (2, 2)
    assert 89 < exports.oldest_due_seconds < 100
    assert exports.recent == {"SUCCESS": 2, "ERROR": 2, "JOB_PENDING": 3, "JOB_STARTED": 2, "JOB_STOPPED": 0}
    assert figures.executions[IMPORT] == NONE
    assert (figures.processes, figures.failed_sweeps) == ({EXPORTER: 2, IMPORTER: 0, CLOCK: 1}, 2)
    assert figures.sweep_age is not None and 7 <= figures.sweep_age < 17


def test_imports_are_counted_by_their_own_statuses(
    session: Session, vault: Vault, sessions: sessionmaker[Session]
) -> None:
    connection, now = add_connection(session, vault), database_now(session)

    def add(status: str, job: ImportJob | None = None, *, seconds: int = 3600, **values: Any) -> ImportJob:
        """Of a new job unless of `job`; its time came so long ago."""
        job = job or add_import_job(session, connection)
        times = {"next_attempt_at": now - timedelta(seconds=seconds), "lease_until": now + timedelta(minutes=1)}
        add_import_execution(session, job, status=status, **times | values)
        return job

    add(JOB_PENDING, add(JOB_STARTED, attempts=1))
    add(INTEGRATION_STARTED, lease_until=now - timedelta(seconds=1))
    # Behind the one that writes; alone in its family; to read in the last place of the connection; without a place.
    add(INTEGRATION_WAITING, attempts=2)
    add(INTEGRATION_WAITING, family="ORDERS", seconds=90, attempts=3, error="Its worker died.")
    add(JOB_INITIALIZING, seconds=10)
    add(JOB_INITIALIZING)
    add(INTEGRATION_FAILED, executed_at=now - LONG_AGO)
    add(INTEGRATION_DONE, add(JOB_FAILED))
    add(JOB_FAILED).active = False
    session.commit()
    with sessions() as fresh:
        figures = metrics.read(fresh, make_settings(max_runs_per_connection=2))
    imports = figures.executions[IMPORT]
    assert (imports.waiting, imports.retrying, imports.started, imports.lease_expired) == (5, 1, 2, 1)
    assert (imports.failed, imports.due) == (1, 2)
    assert 90 <= imports.oldest_due_seconds < 3600
    told = {status: number for status, number in imports.recent.items() if number}
    assert told == {
        "JOB_PENDING": 1,
        "JOB_STARTED": 1,
        "INTEGRATION_STARTED": 1,
        "INTEGRATION_WAITING": 2,
        "JOB_INITIALIZING": 2,
        "INTEGRATION_DONE": 1,
        "JOB_FAILED": 2,
    }
    assert figures.executions[EXPORT] == dataclasses.replace(NONE, recent=dict.fromkeys(EXPORT_STATUSES, 0))


def test_an_empty_hub_has_figures_too(sessions: sessionmaker[Session]) -> None:
    with sessions() as session:
        figures = metrics.read(session, DEFAULTS)
    assert figures.executions[IMPORT] == NONE
    assert figures.sweep_age is None


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("read", [partial(metrics.read, settings=DEFAULTS), home.read, home.read_hours])
def test_no_figure_walks_through_the_whole_history(session: Session, owed: list[Execution], read: Any) -> None:
    """SQLite chooses by rule, not by size, so that a small table shows it; the newest deliveries stop after ten."""
    change(owed[:9], status=SUCCESS, ended_at=database_now(session))
    session.commit()
    with noted_statements(session.get_bind(), about="executions") as asked:
        read(session)
    walks = []
    for statement, parameters in asked:
        plan = session.connection().exec_driver_sql(f"explain query plan {statement}", parameters).all()
        steps = [row[-1] for row in plan]
        walks += [step for step in steps if step == "SCAN executions" and "status = ?" not in statement]
        walks += [step for step in steps if step.startswith("SCAN") and "ix_executions_history" in step]
    assert asked and walks == []
    assert session.execute(text("select count(*) from executions")).scalar_one() == 10
