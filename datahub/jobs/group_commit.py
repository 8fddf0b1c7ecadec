"""Short database steps from many coroutines, committed together: one disk flush for all that arrive at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

log = logging.getLogger(__name__)
Result = TypeVar("Result")
# PostgreSQL's words for a serialization failure and a deadlock: the same from its start may well succeed.
CHOSEN_AS_VICTIM = ("40001", "40P01")
TRIES = 3
Step = Callable[[Session], Any]


class GroupCommit:
    """Belongs to one event loop. A step must be safe to run twice: it is run again alone when its group fails."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="group-commit")
        self._waiting: list[tuple[Step, asyncio.Future[Any]]] = []
        self._draining: asyncio.Task[None] | None = None

    async def run(self, step: Callable[[Session], Result]) -> Result:
        """Returns what the step returned, once it is committed; raises what the step or the commit raised."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((step, future))
        if self._draining is None or self._draining.done():
            self._draining = asyncio.create_task(self._drain())
        return await future

    def close(self) -> None:
        self._thread.shutdown()

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            group, self._waiting = self._waiting, []
            outcomes = await loop.run_in_executor(self._thread, self._commit, [step for step, _ in group])
            for (_, future), outcome in zip(group, outcomes, strict=True):
                if future.done():
                    continue
                if isinstance(outcome, BaseException):
                    future.set_exception(outcome)
                else:
                    future.set_result(outcome)

    def _commit(self, steps: list[Step]) -> list[Any]:
        if len(steps) > 1:
            try:
                with self._sessions.begin() as session:
                    return [step(session) for step in steps]
            except Exception:
                log.debug("a group of steps failed together, each is run alone", exc_info=True)
        return [self._commit_alone(step) for step in steps]

    def _commit_alone(self, step: Step, tries: int = TRIES) -> Any:
        try:
            with self._sessions.begin() as session:
                return step(session)
        except DBAPIError as error:
            is_victim = getattr(error.orig, "sqlstate", None) in CHOSEN_AS_VICTIM
            return self._commit_alone(step, tries - 1) if is_victim and tries > 1 else error
        except Exception as error:  # noqa: BLE001 - raised again in the coroutine that awaits the step
            return error
