"""Two transactions at once, of which one waits for the other."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import pytest
from sqlalchemy.orm import Session, sessionmaker

First, Second = TypeVar("First"), TypeVar("Second")


def in_turn(
    sessions: sessionmaker[Session], first: Callable[[Session], First], second: Callable[[Session], Second]
) -> tuple[First, Future[Second]]:
    """What the first made, and the second, which began beside it and has ended after it."""

    def do_second() -> Second:
        with sessions.begin() as session:
            return second(session)

    with ThreadPoolExecutor(1) as thread:
        with sessions.begin() as session:
            made = first(session)
            late = thread.submit(do_second)
            with pytest.raises(TimeoutError):
                late.result(timeout=0.3)
        late.exception()
    return made, late
