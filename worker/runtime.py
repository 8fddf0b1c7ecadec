"""The context of this worker process, set once at its start; tasks read it because RQ passes them only ids."""

from __future__ import annotations

from datahub.jobs.export_run import Context

_context: list[Context] = []


def configure(context: Context) -> None:
    _context[:] = [context]


def current() -> Context:
    """Raises RuntimeError in a process that was not started as a worker."""
    if not _context:
        raise RuntimeError("this process is no worker: start one with python -m worker exports")
    return _context[0]
