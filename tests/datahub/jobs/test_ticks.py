"""What the clock makes of schedules."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.jobs import import_executions, ticks
from datahub.models.connection import Connection
from datahub.models.execution import JOB_INITIALIZING, JOB_PENDING, JOB_SKIPPED, MANUAL, SCHEDULE, Execution
from datahub.models.import_job import RUN_IMMEDIATELY, WAIT_FOR_NEXT, ImportJob, Tick
from datahub.vault import Vault
from tests.factories import add_connection
from tests.servers import SshServer


def schedule(
    session: Session, vault: Vault, sshd: SshServer, *, ago: timedelta, active: bool = True, name: str = "Nightly"
) -> ImportJob:
    now = database_now(session)
    job = ImportJob(
        public_id=name.lower(),
        name=name,
        entity="SUPPLIER",
        method="SFTP",
        connection=session.scalar(select(Connection)) or add_connection(session, vault, sshd),
        file_path="in/suppliers.csv",
        delimiter=";",
        cron="* * * * *",
        schedule_enabled=True,
        active=active,
        ticked_until=now - ago,
        created_at=now,
        updated_at=now,
    )
    session.add(job)
    session.flush()
    return job


def test_a_tick_that_is_due_runs_the_job_once_however_many_clocks_look(
    sessions: sessionmaker[Session], vault: Vault, sshd: SshServer
) -> None:
    with sessions.begin() as session:
        schedule(session, vault, sshd, ago=timedelta(minutes=1))
    triggered = []
    for _ in range(2):
        with sessions.begin() as session:
            triggered.append(ticks.settle(session))
    assert triggered == [1, 0]
    with sessions() as session:
        (execution,) = session.scalars(select(Execution))
        (tick,) = session.scalars(select(Tick))
        assert (execution.origin, execution.status) == (SCHEDULE, JOB_INITIALIZING)
        assert tick.execution_id == execution.id


@pytest.mark.parametrize(("policy", "status"), [(WAIT_FOR_NEXT, JOB_SKIPPED), (RUN_IMMEDIATELY, JOB_PENDING)])
def test_a_tick_beside_an_execution_under_way_obeys_the_job(
    sessions: sessionmaker[Session], vault: Vault, sshd: SshServer, policy: str, status: str
) -> None:
    with sessions.begin() as session:
        job = schedule(session, vault, sshd, ago=timedelta(minutes=1))
        job.simultaneous_execution = policy
        import_executions.trigger(session, job, origin=MANUAL, actor="ada")
        ticks.settle(session)
        made = session.execute(select(Execution.origin, Execution.status).order_by(Execution.id)).all()
        assert [tuple(row) for row in made] == [(MANUAL, JOB_INITIALIZING), (SCHEDULE, status)]


def test_missed_ticks_are_recorded_and_not_caught_up(
    sessions: sessionmaker[Session], vault: Vault, sshd: SshServer
) -> None:
    with sessions.begin() as session:
        schedule(session, vault, sshd, ago=timedelta(minutes=5))
        ticks.settle(session)
        known = session.scalars(select(Tick).order_by(Tick.at)).all()
        assert len(known) == 5 and [tick.execution_id is None for tick in known] == [True] * 4 + [False]


def test_the_newest_ticks_are_told_with_what_came_of_them(
    sessions: sessionmaker[Session], vault: Vault, sshd: SshServer
) -> None:
    with sessions.begin() as session:
        job = schedule(session, vault, sshd, ago=timedelta(minutes=15))
        schedule(session, vault, sshd, ago=timedelta(minutes=1), name="Other")
        ticks.settle(session)
    with sessions() as session:
        told = ticks.last(session, session.get_one(ImportJob, job.id))
    times, (made, *missed) = [at for at, _ in told], [execution for _, execution in told]
    assert made is not None and made.import_job_id == job.id and missed == [None] * (ticks.LAST - 1)
    assert made.import_run is not None, "read at once, so that a page asks once"
    assert times == sorted(times, reverse=True) and times[0] - times[-1] == timedelta(minutes=ticks.LAST - 1)


def test_an_inactive_job_does_not_tick(sessions: sessionmaker[Session], vault: Vault, sshd: SshServer) -> None:
    with sessions.begin() as session:
        schedule(session, vault, sshd, ago=timedelta(minutes=5), active=False)
        assert ticks.settle(session) == 0


def test_a_schedule_that_cannot_be_settled_holds_up_no_other(
    sessions: sessionmaker[Session], vault: Vault, sshd: SshServer
) -> None:
    with sessions.begin() as session:
        schedule(session, vault, sshd, ago=timedelta(minutes=1), name="Poisoned").cron = "every now and then"
        schedule(session, vault, sshd, ago=timedelta(minutes=1), name="Healthy")
    with sessions() as session, pytest.raises(ExceptionGroup) as raised:
        ticks.settle(session)
    (fault,) = raised.value.exceptions
    assert "poisoned" in fault.__notes__[0]
    with sessions() as session:
        assert [execution.job_name for execution in session.scalars(select(Execution))] == ["Healthy"]


def test_a_fault_in_what_a_tick_triggers_leaves_the_tick_to_the_next_look(
    sessions: sessionmaker[Session], vault: Vault, sshd: SshServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sessions.begin() as session:
        schedule(session, vault, sshd, ago=timedelta(minutes=1))
    with monkeypatch.context() as patch, sessions() as session, pytest.raises(ExceptionGroup):
        patch.delattr(import_executions, "trigger")
        ticks.settle(session)
    with sessions.begin() as session:
        assert session.scalars(select(Tick)).all() == []
        assert ticks.settle(session) == 1
