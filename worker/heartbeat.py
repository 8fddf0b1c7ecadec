"""The side thread that says "alive" for a worker or clock process, for the health page."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta

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
        self._done = threading.Event()

    def run(self) -> None:
        while not self._done.is_set():
            try:
                with self._sessions.begin() as session:
                    self._beat(session)
            except SQLAlchemyError as error:
                log.warning("heartbeat could not be written: %s", type(error).__name__)
            self._done.wait(BEAT_SECONDS)

    def stop(self) -> None:
        self._done.set()
        self.join()
        with self._sessions.begin() as session:
            session.execute(delete(Heartbeat).where(Heartbeat.name == self._process))

    def _beat(self, session: Session) -> None:
        now = database_now(session)
        session.merge(Heartbeat(name=self._process, role=self._role, seen_at=now))
        session.execute(delete(Heartbeat).where(Heartbeat.seen_at < now - FORGET_AFTER))
