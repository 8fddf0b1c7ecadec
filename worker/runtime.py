"""The context of this worker process, set once at its start; tasks read it because RQ passes them only ids."""

from __future__ import annotations

import gc

from datahub.jobs.context import Context

_context: list[Context] = []


def configure(context: Context) -> None:
    _context[:] = [context]


def collect_rarely() -> None:
    """Rows come by the million and none is part of a cycle. At Python's own pace a third of the time that an import
    takes to write would be spent on walking through the whole program to find none."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 10, 10)


def current() -> Context:
    """Raises RuntimeError in a process that was not started as a worker."""
    if not _context:
        raise RuntimeError("this process is no worker: start one with python -m worker exports")
    return _context[0]
