"""python -m worker exports | imports | clock: one process of the hub that is not the web."""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import socket
import sys
import threading

import structlog
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import make_engine, make_sessions
from datahub.errors import SettingError
from datahub.jobs import connections, dispatch, health, reconcile
from datahub.jobs.context import Context
from datahub.logs import configure_logging
from datahub.models.heartbeat import CLOCK, EXPORTER, IMPORTER
from datahub.settings import Settings
from datahub.vault import Vault
from worker import runtime
from worker.heartbeat import HeartbeatThread
from worker.messages import make_worker

log = structlog.stdlib.get_logger(__name__)

MESSAGES_BEFORE_RECYCLING = 10_000
ROLES = {dispatch.EXPORTS: EXPORTER, dispatch.IMPORTS: IMPORTER, "clock": CLOCK}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m worker", description=__doc__)
    parser.add_argument("role", choices=list(ROLES))
    role = parser.parse_args().role
    try:
        settings = Settings.from_env(os.environ)
        vault = Vault(settings.encryption_keys)
        configure_logging(settings)
        sessions = make_sessions(make_engine(settings.database_url))
        connections.check_at_start(sessions, vault)
    except SettingError as error:
        print(f"Data Hub cannot start: {error}", file=sys.stderr)  # noqa: T201 - there may be no log yet
        return 2
    name = name_process(role)
    heartbeat = HeartbeatThread(sessions, name=name, role=ROLES[role])
    heartbeat.start()
    log.info("started", process=name)
    warn_about_redis(settings)
    try:
        if role == "clock":
            run_clock(sessions, settings, heartbeat)
        else:
            runtime.collect_rarely()
            run_messages(sessions, settings, vault, name, queue_name=role)
    finally:
        heartbeat.stop()
        log.info("ended", process=name)
    return 0


def name_process(role: str) -> str:
    """Never the same twice: in a container, host name and process id of a killed one come back, and RQ refuses a name
    that it believes alive."""
    return f"{role}-{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


def warn_about_redis(settings: Settings) -> None:
    with dispatch.make_redis(settings.redis_url) as redis:
        for check in health.check_redis(redis):
            if not check.ok:
                log.warning(check.message, advice=check.advice)


def run_messages(
    sessions: sessionmaker[Session], settings: Settings, vault: Vault, name: str, *, queue_name: str
) -> None:
    # RQ waits on this connection for as long as the queue is empty: it needs its own, without the short time-out.
    worker = make_worker(dispatch.make_waiting_redis(settings.redis_url), name, queue_name)
    runtime.configure(Context(sessions, settings, vault, name, is_stopping=worker.is_stopping))
    worker.work(max_jobs=MESSAGES_BEFORE_RECYCLING, with_scheduler=False, logging_level="WARNING")


def run_clock(sessions: sessionmaker[Session], settings: Settings, heartbeat: HeartbeatThread) -> None:
    queue = dispatch.make_queue(settings.redis_url)
    done = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: done.set())
    while not done.is_set():
        sweep(sessions, queue, settings, heartbeat)
        done.wait(settings.sweep_seconds)


def sweep(
    sessions: sessionmaker[Session], queue: dispatch.ExportQueue, settings: Settings, heartbeat: HeartbeatThread
) -> None:
    try:
        reconcile.sweep(sessions, queue, settings)
    except Exception as error:
        # Whatever it was: without a clock nothing would move at all.
        failed = heartbeat.note_failed_sweep()
        # The first of a row tells the whole story; the others would only repeat it every second.
        log.warning("sweep failed, the next one tries again", failed=failed, error=str(error), exc_info=failed == 1)
    else:
        heartbeat.note_good_sweep()


if __name__ == "__main__":
    sys.exit(main())
