"""python -m worker exports | clock: one process of the hub that is not the web."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import threading

from rq.serializers import JSONSerializer
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import make_engine, make_sessions
from datahub.errors import SettingError
from datahub.jobs import dispatch, reconcile
from datahub.jobs.export_run import Context
from datahub.models.heartbeat import CLOCK, WORKER
from datahub.settings import Settings
from datahub.vault import Vault
from worker import runtime
from worker.heartbeat import HeartbeatThread
from worker.logs import configure_logging
from worker.messages import MessageQueue, MessageWorker

MESSAGES_BEFORE_RECYCLING = 10_000


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m worker", description=__doc__)
    parser.add_argument("role", choices=["exports", "clock"])
    role = parser.parse_args().role
    try:
        settings = Settings.from_env(os.environ)
        vault = Vault(settings.encryption_keys)
    except SettingError as error:
        print(f"Data Hub cannot start: {error}", file=sys.stderr)  # noqa: T201 - there is no log yet
        return 2
    configure_logging(settings.log_format)
    sessions = make_sessions(make_engine(settings.database_url))
    name = f"{role}-{socket.gethostname()}-{os.getpid()}"
    heartbeat = HeartbeatThread(sessions, name=name, role=CLOCK if role == "clock" else WORKER)
    heartbeat.start()
    try:
        if role == "clock":
            run_clock(sessions, settings)
        else:
            run_exports(sessions, settings, vault, name)
    finally:
        heartbeat.stop()
    return 0


def run_exports(sessions: sessionmaker[Session], settings: Settings, vault: Vault, name: str) -> None:
    # RQ waits on this connection for as long as the queue is empty: it needs its own, without the short time-out.
    connection = dispatch.make_waiting_redis(settings.redis_url)
    queue = MessageQueue(dispatch.EXPORTS, connection=connection, serializer=JSONSerializer)
    worker = MessageWorker([queue], connection=connection, name=name, serializer=JSONSerializer)
    runtime.configure(Context(sessions, settings, vault, name, is_stopping=worker.is_stopping))
    worker.work(max_jobs=MESSAGES_BEFORE_RECYCLING, with_scheduler=False)


def run_clock(sessions: sessionmaker[Session], settings: Settings) -> None:
    queue = dispatch.make_queue(settings.redis_url)
    done = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: done.set())
    while not done.wait(settings.sweep_seconds):
        try:
            reconcile.sweep(sessions, queue, settings)
        except SQLAlchemyError:
            reconcile.log.exception("sweep failed; the next one tries again")


if __name__ == "__main__":
    sys.exit(main())
