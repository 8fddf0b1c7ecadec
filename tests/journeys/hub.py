"""A whole hub on free loopback ports: web, workers and clock as the processes that production runs."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy.orm import Session, sessionmaker

from datahub.access import tokens, users
from datahub.models.access import ADMIN
from datahub.settings import Settings
from tests.journeys import forked
from tests.servers import free_port, wait_until

ROOT = Path(__file__).parents[2]
PASSWORD = "correct horse battery staple"
NOTHING: Mapping[str, str] = {}
LIMITS = (
    "lease_seconds",
    "beat_seconds",
    "sweep_seconds",
    "hand_out_again_seconds",
    "retry_seconds",
    "attempt_seconds",
    "connect_seconds",
    "step_seconds",
    "settle_seconds",
    "max_attempts",
    "in_flight",
    "max_runs_per_connection",
    "chunk_rows",
)
# On a busy machine.
START_SECONDS = 90


@dataclass
class Hub:
    """Processes by name, such as `worker-1`. Sign in as `admin` with PASSWORD, or use `api`.

    `endings` has the name and return code of each process that the supervisor found dead."""

    settings: Settings
    sessions: sessionmaker[Session]
    folder: Path
    url: str = ""
    token: str = ""
    processes: dict[str, BaseProcess] = field(default_factory=dict)
    endings: list[tuple[str, int]] = field(default_factory=list)
    _commands: dict[str, tuple[Sequence[str], Mapping[str, str]]] = field(default_factory=dict)
    _is_over: threading.Event = field(default_factory=threading.Event)
    _supervisor: threading.Thread | None = None

    def start(self, *, workers: int = 1, clocks: int = 1) -> None:
        self.start_web()
        for number in range(workers):
            self.start_worker(f"worker-{number + 1}")
        for number in range(clocks):
            self.start_clock(f"clock-{number + 1}")
        wait_until(self.is_ready, START_SECONDS, what="the hub")

    def start_web(self, environment: Mapping[str, str] = NOTHING) -> None:
        """Returns at once; wait_for_web says when it answers."""
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        with self.sessions.begin() as session:
            admin = users.create(session, name="admin", password=PASSWORD, role=ADMIN)
            _, self.token = tokens.create(session, user=admin, name="tests")
        gunicorn = [
            "gunicorn",
            "wsgi:app",
            "--bind",
            f"127.0.0.1:{port}",
            "--threads",
            "8",
            "--worker-class",
            "gthread",
        ]
        self.run("web", gunicorn, environment)

    def wait_for_web(self) -> None:
        wait_until(self.is_answering, START_SECONDS, what="the web")

    def is_answering(self) -> bool:
        """Whatever the answer says about the parts that are not there."""
        try:
            return httpx.get(f"{self.url}/healthz").status_code in (200, 503)
        except httpx.TransportError:
            return False

    def start_worker(self, name: str = "worker-1", environment: Mapping[str, str] = NOTHING) -> None:
        self.run(name, ["worker", "exports"], environment)

    def start_importer(self, name: str = "importer-1", environment: Mapping[str, str] = NOTHING) -> None:
        self.run(name, ["worker", "imports"], environment)

    def start_clock(self, name: str = "clock-1", environment: Mapping[str, str] = NOTHING) -> None:
        self.run(name, ["worker", "clock"], environment)

    def run(self, name: str, command: Sequence[str], environment: Mapping[str, str] = NOTHING) -> None:
        """`command` is as after `python -m`. `environment` is for this process alone; a restart has it too."""
        self._commands[name] = (command, environment)
        environment = self.environment() | dict(environment)
        self.processes[name] = forked.start(command, environment, ROOT, self.folder / f"{name}.log")

    def supervise(self) -> None:
        """From now on whatever ends by itself, or is crashed, is started again at once; what is killed is not."""
        self._supervisor = threading.Thread(target=self._restart_the_dead, name="supervisor", daemon=True)
        self._supervisor.start()

    def _restart_the_dead(self) -> None:
        while not self._is_over.wait(0.05):
            for name, process in list(self.processes.items()):
                if process.exitcode is not None and self.processes.get(name) is process:
                    self.endings.append((name, process.exitcode))
                    self.run(name, *self._commands[name])

    def environment(self) -> dict[str, str]:
        settings = self.settings
        limits = {name.upper(): str(getattr(settings, name)) for name in LIMITS}
        return {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "DATABASE_URL": settings.database_url,
            "REDIS_URL": settings.redis_url,
            "SECRET_KEY": settings.secret_key,
            "ENCRYPTION_KEYS": ",".join(f"{name}:{key}" for name, key in settings.encryption_keys.items()),
            "PUBLIC_URL": self.url,
            "SPOOL_FOLDER": str(self.folder / "spool"),
            "OUTBOUND_ALLOW": ",".join(str(network) for network in settings.outbound_allow),
            **limits,
        }

    def is_ready(self) -> bool:
        for name, process in self.processes.items():
            assert process.exitcode is None, f"{name} ended: {(self.folder / f'{name}.log').read_text()[-2000:]}"
        try:
            return httpx.get(f"{self.url}/healthz").status_code == 200
        except httpx.TransportError:
            return False

    @property
    def api(self) -> httpx.Client:
        """Signed in as the administrator; close it, or use it in a with statement."""
        headers = {"Authorization": f"Bearer {self.token}", "dj-client": "OPERATOR"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30)

    def crash(self, name: str) -> None:
        """The process dies at once; a supervisor, where there is one, starts it again."""
        self.processes[name].kill()

    def signal(self, name: str, signum: signal.Signals) -> None:
        pid = self.processes[name].pid
        assert pid
        os.kill(pid, signum)

    def freeze(self, name: str) -> None:
        """Until SIGCONT. Comes back when none of its threads runs any more: they may be a while at work after the
        signal."""
        self.signal(name, signal.SIGSTOP)
        threads = Path(f"/proc/{self.processes[name].pid}/task")
        wait_until(lambda: _are_stopped(threads), what="the process standing still")

    def restart(self, name: str) -> None:
        self.kill(name)
        self.run(name, *self._commands[name])

    def kill(self, name: str) -> None:
        """The process dies at once and for good."""
        process = self.processes.pop(name)
        process.kill()
        process.join()

    def stop(self) -> None:
        self._is_over.set()
        if self._supervisor:
            self._supervisor.join()
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.join(15)
            if process.exitcode is None:
                process.kill()
                process.join()


def connection_body(sshd: Any, **changes: Any) -> dict[str, Any]:
    """A client connection to the test server, as the API takes it."""
    return {
        "name": "ERP",
        "type": "SFTP",
        "host": "127.0.0.1",
        "port": sshd.port,
        "username": sshd.username,
        "privateKey": sshd.private_key,
    } | changes


def _are_stopped(threads: Path) -> bool:
    """Those that have ended count as well."""
    try:
        states = [path.read_text().rpartition(") ")[2] for path in threads.glob("*/stat")]
    except OSError:
        return False
    return not any(state.startswith(("R", "S", "D")) for state in states)
