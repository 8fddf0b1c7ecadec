"""Transactions that come one after the other leave room for those of others."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from datahub.jobs.merging import again


def test_on_sqlite_the_lock_is_left_free_once_a_second_for_longer_than_a_waiting_writer_sleeps(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, waits = 100.0, list[float]()
    monkeypatch.setattr("datahub.jobs.merging.again.time.monotonic", lambda: now)
    with engine.connect() as connection:
        room = again.Room(connection)
    for _ in range(25):
        now += 0.1
        room.give(waits.append)
    assert waits == ([again.ROOM_SECONDS] * 2 if engine.dialect.name == "sqlite" else [])
    assert again.ROOM_SECONDS > 0.1
