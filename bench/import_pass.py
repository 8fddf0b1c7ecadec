"""One import by this product, in a process of its own that is set up as a worker is."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path

import structlog

from bench.spans import Spans
from datahub.db import make_engine, make_sessions
from datahub.jobs import import_executions, import_run
from datahub.jobs.context import Context
from datahub.models.execution import MANUAL, Execution
from datahub.models.import_job import ImportJob
from datahub.models.import_run import COUNTS, ImportRun
from datahub.settings import Settings
from datahub.vault import Vault
from worker import runtime


@dataclass
class Pass:
    """`peak` is in bytes, with what the interpreter and its libraries take; `spans` are seconds by part."""

    status: str
    error: str | None
    counts: dict[str, int]
    seconds: float
    peak: int
    spans: dict[str, float]


def run_pass(settings: Settings, job_id: int, profile: bool) -> Pass:
    """From the trigger to the end of the execution."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    runtime.collect_rarely()
    spans = Spans()
    if profile:
        spans.attach()
    sessions = make_sessions(make_engine(settings.database_url))
    context = Context(sessions, settings, Vault(settings.encryption_keys), "bench")
    started = time.perf_counter()
    with sessions.begin() as session:
        number = import_executions.trigger(session, session.get_one(ImportJob, job_id), origin=MANUAL, actor="bench").id
    import_run.run(context, number, 1)
    seconds = time.perf_counter() - started
    with sessions() as session:
        execution, run = session.get_one(Execution, number), session.get_one(ImportRun, number)
        counts = {name: getattr(run, name) for name in COUNTS if getattr(run, name)}
        return Pass(execution.status, execution.error, counts, seconds, _peak(), spans.seconds)


def _peak() -> int:
    """Of this program alone: what getrusage says begins with the size of the process that started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024
