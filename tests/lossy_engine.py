"""An engine whose database goes away at one commit: before it came there, or before its answer came back."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine

NEVER = 0


class LossyEngine:
    """Its connection is gone at the commit numbered `place`: just after it, or just before where not `is_done`.
    `commits` tells how many there were."""

    def __init__(self, engine: Engine, place: int = NEVER) -> None:
        self.engine = engine
        self._commit = self.engine.dialect.do_commit
        self.engine.dialect.do_commit = self._commit_and_lose  # type: ignore[method-assign]
        self.lose(place)

    def lose(self, place: int, *, is_done: bool = True) -> None:
        """Counts from here on."""
        self.commits, self._place, self._is_done = 0, place, is_done

    def _commit_and_lose(self, connection: Any) -> None:
        self.commits += 1
        is_lost = self.commits == self._place
        if self._is_done or not is_lost:
            self._commit(connection)
        if is_lost:
            dbapi: Any = self.engine.dialect.loaded_dbapi
            raise dbapi.OperationalError("server closed the connection unexpectedly")
