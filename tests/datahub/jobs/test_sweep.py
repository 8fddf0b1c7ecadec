"""One round of the clock: what goes wrong in one part is told, and costs the others nothing."""

from __future__ import annotations

import pytest
from rq import Queue
from sqlalchemy.orm import Session, sessionmaker

from datahub.jobs import dispatch, import_executions, orders, reconcile, ticks
from datahub.models.execution import Execution
from datahub.models.heartbeat import CLOCK
from datahub.settings import Settings
from datahub.vault import Vault
from tests.factories import add_connection, make_job, make_order
from worker.__main__ import sweep
from worker.heartbeat import HeartbeatThread

Sessions = sessionmaker[Session]


@pytest.fixture
def queue(settings: Settings) -> Queue:
    return dispatch.make_queue(settings.redis_url)


@pytest.fixture
def execution_id(sessions: Sessions, vault: Vault) -> int:
    with sessions.begin() as session:
        make_job(session, add_connection(session, vault))
        (execution,) = orders.change_status(session, make_order(session), "ACCEPTED_BY_SUPPLIER", actor="ada")
        return execution.id


def fail(*_: object) -> int:
    raise ValueError("a fault of ours")


@pytest.mark.parametrize(
    ("owner", "name", "part"),
    [
        (reconcile, "reap", "reap exports"),
        (reconcile, "stop_orphans", "stop orphans"),
        (import_executions, "reap", "reap imports"),
        (ticks, "settle", "settle schedules"),
        (import_executions, "promote", "promote imports"),
        (dispatch, "hand_out_imports", "hand out imports"),
    ],
)
def test_exports_are_handed_out_whatever_else_fails(
    sessions: Sessions,
    settings: Settings,
    queue: Queue,
    execution_id: int,
    monkeypatch: pytest.MonkeyPatch,
    owner: object,
    name: str,
    part: str,
) -> None:
    monkeypatch.setattr(owner, name, fail)
    with pytest.raises(ExceptionGroup, match=f"{part}: ValueError"):
        reconcile.sweep(sessions, queue, settings)
    with sessions() as session:
        assert session.get_one(Execution, execution_id).handed_out_at is not None
    assert len(queue) == 1


def test_a_clock_outlives_any_fault_and_counts_it(
    sessions: Sessions, settings: Settings, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    heartbeat = HeartbeatThread(sessions, name="clock-1", role=CLOCK)
    with monkeypatch.context() as patch:
        patch.setattr(ticks, "settle", fail)
        for _ in range(2):
            sweep(sessions, queue, settings, heartbeat)
    assert heartbeat.note_failed_sweep() == 3, "two had failed"
    sweep(sessions, queue, settings, heartbeat)
    assert heartbeat.note_failed_sweep() == 1, "a good one forgets them"
