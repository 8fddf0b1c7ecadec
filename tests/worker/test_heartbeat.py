"""What a process leaves in its row: that it lives, and how its sweeps go."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import delete, text
from sqlalchemy.orm import Session, sessionmaker

from datahub.models.heartbeat import CLOCK, Heartbeat
from tests.servers import wait_until
from worker.heartbeat import HeartbeatThread


@pytest.fixture
def clock(sessions: sessionmaker[Session]) -> Iterator[HeartbeatThread]:
    """Has beaten once."""
    thread = HeartbeatThread(sessions, name="clock-1", role=CLOCK)
    thread.start()
    wait_until(lambda: row(sessions), what="the first beat")
    yield thread
    thread.stop()


def row(sessions: sessionmaker[Session]) -> Heartbeat | None:
    with sessions() as session:
        return session.get(Heartbeat, "clock-1")


def test_how_sweeps_go_is_written_as_soon_as_it_changes(
    clock: HeartbeatThread, sessions: sessionmaker[Session]
) -> None:
    first = row(sessions)
    assert first and (first.swept_at, first.failed_sweeps) == (None, 0)
    clock.note_good_sweep()
    wait_until(lambda: row(sessions).swept_at, 2, what="the first good sweep")
    swept_at = row(sessions).swept_at
    for _ in range(2):
        clock.note_failed_sweep()
    wait_until(lambda: row(sessions).failed_sweeps == 2, 2, what="two failed sweeps")
    assert abs((row(sessions).swept_at - swept_at).total_seconds()) < 0.1, "failed ones leave the last good one alone"
    clock.note_good_sweep()
    wait_until(lambda: row(sessions).failed_sweeps == 0, 2, what="a good sweep after failed ones")
    assert row(sessions).swept_at > swept_at


def test_a_process_that_ends_takes_its_row_along(sessions: sessionmaker[Session]) -> None:
    thread = HeartbeatThread(sessions, name="clock-1", role=CLOCK)
    thread.start()
    wait_until(lambda: row(sessions), what="the first beat")
    thread.stop()
    assert row(sessions) is None


def test_a_database_that_fails_ends_neither_the_thread_nor_its_stop(
    sessions: sessionmaker[Session], caplog: pytest.LogCaptureFixture
) -> None:
    thread = HeartbeatThread(sessions, name="clock-1", role=CLOCK)
    thread.start()
    wait_until(lambda: row(sessions), what="the first beat")
    with sessions.begin() as session:
        session.execute(text("alter table heartbeats rename to away"))
    thread.note_failed_sweep()
    wait_until(lambda: "could not be written" in caplog.text, what="a beat that fails")
    with sessions.begin() as session:
        session.execute(text("alter table away rename to heartbeats"))
        session.execute(delete(Heartbeat))
    thread.note_failed_sweep()
    wait_until(lambda: row(sessions), what="a beat after the failure")
    with sessions.begin() as session:
        session.execute(text("drop table heartbeats"))
    thread.stop()
