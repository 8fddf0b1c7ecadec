"""Transactions that others come between: begun again from their start, a bounded number of times; room for others."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError

TRIES = 5
# PostgreSQL's words for a serialization failure, a deadlock, and a lock that was waited for too long.
CAME_BETWEEN = ("40001", "40P01", "55P03")
# SQLite's waiting writers look again each tenth of a second at the latest.
ROOM_EACH_SECONDS, ROOM_SECONDS = 1.0, 0.11

log = logging.getLogger(__name__)


class CameBetweenError(Exception):
    """What a transaction has read is no longer so: it must begin again."""


def commit(connection: Connection, step: Callable[[], None]) -> None:
    """Runs the step in a transaction of its own: again when another one wrote a record of the same key meanwhile, or
    when the database had to choose between the two. The step must be safe to run again once it is rolled back."""
    for tries_left in reversed(range(TRIES)):
        try:
            with connection.begin():
                step()
            return
        except (DBAPIError, CameBetweenError) as error:
            if not (tries_left and _came_between(error)):
                raise
            why = error.orig if isinstance(error, DBAPIError) else error
            log.info("somebody came between, a transaction begins again: %s", type(why).__name__)


class Room:
    """SQLite hands its lock to nobody. A writer of one transaction after the other leaves it free so seldom that a
    person who wants to stop an import, or a lease, could wait for long: now and then it must leave it free on purpose.
    """

    def __init__(self, connection: Connection) -> None:
        self._is_needed = connection.dialect.name == "sqlite"
        self._given_at = time.monotonic()

    def give(self, wait: Callable[[float], object]) -> None:
        """Between two transactions; `wait` takes the seconds."""
        if self._is_needed and time.monotonic() - self._given_at >= ROOM_EACH_SECONDS:
            wait(ROOM_SECONDS)
            self._given_at = time.monotonic()


def _came_between(error: DBAPIError | CameBetweenError) -> bool:
    if isinstance(error, CameBetweenError):
        return True
    is_busy = getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY
    return isinstance(error, IntegrityError) or is_busy or getattr(error.orig, "sqlstate", None) in CAME_BETWEEN
