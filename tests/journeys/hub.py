"""A whole hub on free loopback ports: web, workers and clock as the processes that production runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy.orm import Session, sessionmaker

from datahub.access import tokens, users
from datahub.models.access import ADMIN
from datahub.settings import Settings
from tests.servers import free_port, wait_until

ROOT = Path(__file__).parents[2]
PASSWORD = "correct horse battery staple"
TIMERS = (
    "lease_seconds",
    "beat_seconds",
    "sweep_seconds",
    "hand_out_again_seconds",
    "retry_seconds",
    "attempt_seconds",
)
TIMERS += ("connect_seconds", "step_seconds")


@dataclass
class Hub:
    """Processes by name, such as `worker-1`. Sign in as `admin` with PASSWORD, or use `api`."""

    settings: Settings
    sessions: sessionmaker[Session]
    folder: Path
    url: str = ""
    token: str = ""
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, *, workers: int = 1, clocks: int = 1) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        with self.sessions.begin() as session:
            admin = users.create(session, name="admin", password=PASSWORD, role=ADMIN)
            _, self.token = tokens.create(session, user=admin, name="tests")
        gunicorn = [str(Path(sys.executable).with_name("gunicorn")), "wsgi:app", "--bind", f"127.0.0.1:{port}"]
        self.run("web", [*gunicorn, "--threads", "8", "--worker-class", "gthread"])
        for number in range(workers):
            self.start_worker(f"worker-{number + 1}")
        for number in range(clocks):
            self.run(f"clock-{number + 1}", [sys.executable, "-m", "worker", "clock"])
        wait_until(self.is_ready, what="the hub")

    def start_worker(self, name: str) -> None:
        self.run(name, [sys.executable, "-m", "worker", "exports"])

    def run(self, name: str, command: list[str]) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(command, cwd=ROOT, env=self.environment(), stdout=log, stderr=log)

    def environment(self) -> dict[str, str]:
        settings = self.settings
        timers = {name.upper(): str(getattr(settings, name)) for name in TIMERS}
        return {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "DATABASE_URL": settings.database_url,
            "REDIS_URL": settings.redis_url,
            "SECRET_KEY": settings.secret_key,
            "ENCRYPTION_KEYS": ",".join(f"{name}:{key}" for name, key in settings.encryption_keys.items()),
            "PUBLIC_URL": self.url,
            "OUTBOUND_ALLOW": ",".join(str(network) for network in settings.outbound_allow),
            **timers,
        }

    def is_ready(self) -> bool:
        for name, process in self.processes.items():
            assert process.poll() is None, f"{name} ended: {(self.folder / f'{name}.log').read_text()[-2000:]}"
        try:
            return httpx.get(f"{self.url}/healthz").status_code == 200
        except httpx.TransportError:
            return False

    @property
    def api(self) -> httpx.Client:
        """Signed in as the administrator; close it, or use it in a with statement."""
        headers = {"Authorization": f"Bearer {self.token}", "dj-client": "OPERATOR"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30)

    def kill(self, name: str) -> None:
        """As a crash would."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


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
