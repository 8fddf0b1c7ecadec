"""Where the time of an import goes: its functions wrapped, each second counted once, for the innermost of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy.engine.default import DefaultDialect

from datahub.jobs import import_read, import_source, ledger
from datahub.jobs.merging import conditions, merge
from datahub.jobs.rows import chunk
from datahub.storage import Spool

READ, WRITE = "read, convert", "decode, fold"
SPANS: tuple[tuple[str, Any, tuple[str, ...]], ...] = (
    ("download", import_source, ("fetch",)),
    (READ, import_read, ("read",)),
    ("spool", Spool, ("add", "set_depths", "finish", "chunk")),
    (WRITE, chunk.ChunkWriter, ("write",)),
    ("stage", merge, ("load",)),
    ("compare", merge.Merge, ("_resolve", "actions", "updates")),
    ("compare", conditions, ("problems",)),
    ("locks", chunk, ("lock_deleted", "lock_changed", "require_referred")),
    ("merge", merge.Merge, ("apply", "take_along")),
    ("ledger", ledger, ("write_made", "write_changes")),
    ("commit", DefaultDialect, ("do_commit",)),
)
NAMES = list(dict.fromkeys(name for name, _, _ in SPANS))


class Spans:
    """In this thread alone: another one keeps the lease."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(NAMES, 0.0)
        self._inner = [0.0]

    def attach(self) -> None:
        for name, owner, attributes in SPANS:
            for attribute in attributes:
                setattr(owner, attribute, self._timed(name, getattr(owner, attribute)))

    def _timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            self._inner.append(0.0)
            try:
                return function(*args, **kwargs)
            finally:
                seconds = time.perf_counter() - started
                self.seconds[name] += seconds - self._inner.pop()
                self._inner[-1] += seconds

        return timed
