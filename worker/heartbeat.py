"""The side thread that says "alive" for a worker or clock process, and how a clock's sweeps go."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.models.heartbeat import Heartbeat

log = logging.getLogger(__name__)
BEAT_SECONDS = 5.0
FORGET_AFTER = timedelta(hours=1)


class HeartbeatThread(threading.Thread):
    """Writes the row of this process every few seconds until stopped, then removes it."""

    def __init__(self, sessions: sessionmaker[Session], *, name: str, role: str) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self._sessions = sessions
        self._process = name
        self._role = role
        self._done = False
        self._wake = threading.Event()
        self._last_sweep: float | None = None
        self._failed_sweeps = 0

    def run(self) -> None:
        while not self._done:
            try:
                with self._sessions.begin() as session:
                    self._beat(session)
            except SQLAlchemyError as error:
                log.warning("heartbeat could not be written: %s", type(error).__name__)
            self._wake.wait(BEAT_SECONDS)
            self._wake.clear()

    def stop(self) -> None:
        self._done = True
        self._wake.set()
        self.join()
        # A row that stays behind is not seen any more, and soon forgotten.
        with suppress(SQLAlchemyError), self._sessions.begin() as session:
            session.execute(delete(Heartbeat).where(Heartbeat.name == self._process))

    def note_good_sweep(self) -> None:
        """Kept here and written with the next beat; at once where it is news."""
        is_news = self._last_sweep is None or self._failed_sweeps > 0
        self._last_sweep = time.monotonic()
        self._failed_sweeps = 0
        if is_news:
            self._wake.set()

    def note_failed_sweep(self) -> int:
        """How many have failed in a row."""
        self._failed_sweeps += 1
        self._wake.set()
        return self._failed_sweeps

    def _beat(self, session: Session) -> None:
        now = database_now(session)
        row = Heartbeat(name=self._process, role=self._role, seen_at=now)
        row.swept_at, row.failed_sweeps = self._swept_at(now), self._failed_sweeps
        session.merge(row)
        session.execute(delete(Heartbeat).where(Heartbeat.seen_at < now - FORGET_AFTER))

    def _swept_at(self, now: datetime) -> datetime | None:
        last = self._last_sweep
        return None if last is None else now - timedelta(seconds=time.monotonic() - last)
