"""Figures for a monitor count what is there, by indexes alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.jobs import home, metrics, orders
from datahub.models.execution import ERROR, JOB_STARTED, SUCCESS, Execution
from datahub.models.heartbeat import CLOCK, EXPORTER, IMPORTER, Heartbeat
from datahub.vault import Vault
from tests.factories import add_connection, make_job, make_order
from tests.statements import noted_statements

LONG_AGO = timedelta(hours=30)


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
        figures = metrics.read(fresh)
    assert (figures.waiting, figures.retrying, figures.started, figures.lease_expired) == (3, 1, 2, 1)
    assert (figures.failed, figures.due) == (2, 2)
    assert 89 < figures.oldest_due_age < 100
    assert figures.recent == {"SUCCESS": 2, "ERROR": 2, "JOB_PENDING": 3, "JOB_STARTED": 2, "JOB_STOPPED": 0}
    assert (figures.processes, figures.failed_sweeps) == ({EXPORTER: 2, IMPORTER: 0, CLOCK: 1}, 2)
    assert figures.sweep_age is not None and 7 <= figures.sweep_age < 17


def test_an_empty_hub_has_figures_too(sessions: sessionmaker[Session]) -> None:
    with sessions() as session:
        figures = metrics.read(session)
    assert (figures.waiting, figures.due, figures.oldest_due_age, figures.sweep_age) == (0, 0, 0.0, None)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("read", [metrics.read, home.read, home.read_hours])
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
