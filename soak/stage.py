"""The stage: PostgreSQL, Redis, sshd, the partner, and a supervised hub of web, two workers and two clocks."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from datahub.db import make_engine, make_sessions
from datahub.vault import Vault
from soak.observer import WATCHING
from soak.plan import CLOCKS, JOBS, LEASE_SECONDS, STANDING_STATUS, START_STATUS, WORKERS, Plan
from tests.conftest import create_tables
from tests.factories import add_connection, make_job, make_order, make_supplier
from tests.journeys.hub import ROOT, Hub
from tests.servers import postgres_admin, start_postgres, start_redis, start_sshd, wait_until
from tests.settings import ENCRYPTION_KEY, make_settings

DATABASE = "soak"
TAKEN_SHARE = 0.3
# Short, so that minutes hold hundreds of leases, retries and time-outs. The attempts outlast every trouble of the plan:
# an ERROR at the end is news.
LIMITS = {
    "lease_seconds": LEASE_SECONDS,
    "beat_seconds": 0.4,
    "sweep_seconds": 0.4,
    "hand_out_again_seconds": 2.0,
    "retry_seconds": 2.0,
    "attempt_seconds": 10.0,
    "connect_seconds": 3.0,
    "step_seconds": 3.0,
    "max_attempts": 40,
}


@contextmanager
def open_stage(plan: Plan) -> Iterator[Stage]:
    """Everything runs, orders and jobs are there. At the end every process is gone, and the files unless kept."""
    with ExitStack() as stack:
        stage = Stage(plan, stack)
        yield stage
    if not stage.is_kept:
        shutil.rmtree(stage.postgres.folder)
        shutil.rmtree(stage.folder)


class Stage:
    """`folder` holds every log, the files of the partner and what the partner noted."""

    def __init__(self, plan: Plan, stack: ExitStack) -> None:
        self.is_kept = True
        self.folder = Path(tempfile.mkdtemp(prefix="datahub-soak-"))
        self.folder.chmod(0o755)
        self.report = self.folder / "observer.jsonl"
        self.taken = self.folder / "taken"
        (self.folder / "redis").mkdir()
        self.postgres = start_postgres()
        stack.callback(lambda: self.postgres.stop())
        self.redis = start_redis(self.folder / "redis")
        stack.callback(lambda: self.redis.stop())
        # Root may write everywhere: only sessions of another user can find a folder unwritable.
        self._account = "nobody" if os.getuid() == 0 else getpass.getuser()
        self.sshd = start_sshd(self.folder / "sshd", username=self._account)
        stack.callback(lambda: self.sshd.stop(kill=True))
        self.hub = self._make_hub()
        self.references = self._fill(plan)
        self._partner = self._start_partner(plan.number)
        stack.callback(self._end_partner)
        stack.callback(self.hub.stop)
        self.hub.start(workers=len(WORKERS), clocks=len(CLOCKS))
        self.hub.supervise()

    def outbox(self, job: str) -> Path:
        return self.sshd.files / job

    def leftovers(self) -> list[str]:
        """Temporary files that nobody removed."""
        return [str(path) for job in JOBS for path in self.outbox(job.name).iterdir() if path.name.startswith(".")]

    def stop_postgres(self, *, crash: bool) -> None:
        if crash:
            # Every backend ends at once, and the next start recovers from the log.
            self.postgres.process.send_signal(signal.SIGQUIT)
        self.postgres.stop()

    def start_postgres(self) -> None:
        self.postgres = start_postgres(self.postgres.port, self.postgres.folder)

    def start_redis(self) -> None:
        self.redis = start_redis(self.redis.folder, self.redis.port)

    def start_sshd(self) -> None:
        self.sshd = start_sshd(self.sshd.folder, self.sshd.port, self._account)

    def end_hub(self) -> None:
        """After this nothing can arrive any more, and everything that arrived is in the report."""
        self.hub.stop()
        self._end_partner()

    def _end_partner(self) -> None:
        self._partner.terminate()
        self._partner.wait(30)

    def findings(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.report.read_text().splitlines()]

    def _make_hub(self) -> Hub:
        url = f"{self.postgres.url}/{DATABASE}"
        with postgres_admin(self.postgres) as admin:
            admin.execute(f"create database {DATABASE}")
            # What a crash of the server must not lose is written before it is acknowledged.
            admin.execute(f"alter database {DATABASE} set synchronous_commit = on")
        create_tables(url)
        settings = make_settings(database_url=url, redis_url=self.redis.url, **LIMITS)
        return Hub(settings, make_sessions(make_engine(url)), self.folder)

    def _fill(self, plan: Plan) -> list[str]:
        with self.hub.sessions.begin() as session:
            connection = add_connection(session, Vault({"test": ENCRYPTION_KEY}), self.sshd)
            for job in JOBS:
                self._make_folder(job.name)
                make_job(
                    session,
                    connection,
                    name=job.name,
                    output_folder=job.name,
                    export_format=job.export_format,
                    file_name_format=job.file_name_format,
                    trigger_statuses=list(job.statuses),
                    suppliers=[make_supplier(session, supplier) for supplier in job.suppliers],
                )
            for supplier in plan.standing:
                _add_order(session, supplier, STANDING_STATUS)
            return [_add_order(session, order.supplier, START_STATUS) for order in plan.orders]

    def _make_folder(self, name: str) -> None:
        self.outbox(name).mkdir()
        shutil.chown(self.outbox(name), self._account)
        (self.taken / name).mkdir(parents=True)

    def _start_partner(self, number: int) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "soak.observer", str(self.sshd.files), str(self.taken), str(self.report)]
        with (self.folder / "observer.log").open("ab") as log:
            process = subprocess.Popen(
                [*command, str(TAKEN_SHARE), str(number)], cwd=ROOT, stdout=log, stderr=log, start_new_session=True
            )
        wait_until(lambda: self.report.exists() and WATCHING in self.report.read_text(), what="the partner")
        return process


def _add_order(session: Session, supplier: str, status: str) -> str:
    return make_order(session, status=status, supplier=make_supplier(session, supplier)).reference
