"""The SQL that runs meanwhile, for tests of what something costs and of how it is planned."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, event


class Statement(NamedTuple):
    text: str
    parameters: Any


@contextmanager
def noted_statements(bind: Engine | Connection, *, about: str = "") -> Iterator[list[Statement]]:
    """In the order in which they ran; those that hold `about` only."""
    noted: list[Statement] = []

    def note(_connection: object, _cursor: object, text: str, parameters: Any, *_rest: object) -> None:
        if about in text:
            noted.append(Statement(text, parameters))

    event.listen(bind, "before_cursor_execute", note)
    try:
        yield noted
    finally:
        event.remove(bind, "before_cursor_execute", note)
