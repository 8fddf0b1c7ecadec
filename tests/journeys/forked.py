"""Runs a module as a process of its own, forked from one that has imported the product already.

The interpreter's start and the imports are most of what a short-lived process costs, and they are no part of what is
tested; tests/commands starts the product as production does."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import runpy
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

from datahub import crash_points

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    [
        "worker.heartbeat",
        "worker.messages",
        "worker.runtime",
        "worker.tasks",
        "webapp",
        "gunicorn.app.wsgiapp",
        "gunicorn.workers.gthread",
    ]
)


def start(command: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path) -> BaseProcess:
    """`command` is the module and its arguments, as after `python -m`; the log is added to. `exitcode` tells how it
    ended, minus the signal when it was killed."""
    process = _context.Process(target=_become, args=(list(command), dict(environment), folder, log), daemon=True)
    process.start()
    return process


def _become(command: list[str], environment: dict[str, str], folder: Path, log: Path) -> None:
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(written, stream.fileno())
    os.close(written)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    # It reads the environment once, and that of the process which imported it arms nothing.
    importlib.reload(crash_points)
    sys.argv = command
    runpy.run_module(command[0], run_name="__main__", alter_sys=True)
