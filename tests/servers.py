"""Real servers for tests, each on a free loopback port and stopped by its own process id."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import psycopg
import redis
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

LOOPBACK = "127.0.0.1"
START_SECONDS = 60.0
REDIS_PASSWORD = "redis-of-the-tests"
POSTGRES_USER = "datahub"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(claim: Callable[[], object], seconds: float = START_SECONDS, what: str = "the condition") -> None:
    """Looks every 20 ms; fails the test when `claim` stays false."""
    deadline = time.monotonic() + seconds
    while not claim():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {seconds:g} s")
        time.sleep(0.02)


@dataclass
class Server:
    """One process. `folder` is its own: a log for all, for sshd also the files that it serves."""

    url: str
    port: int
    process: subprocess.Popen[bytes]
    folder: Path
    host: str = LOOPBACK

    @property
    def pid(self) -> int:
        return self.process.pid

    # PostgreSQL then waits for no client.
    ended_by: ClassVar[signal.Signals] = signal.SIGINT

    def stop(self, kill: bool = False) -> None:
        """Safe to repeat. `kill` ends it as a crash would."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL if kill else self.ended_by)
        try:
            self.process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@dataclass
class SshServer(Server):
    """`files` is where a session starts: relative paths of a connection begin there."""

    username: str = ""
    private_key: str = ""
    host_key: str = ""
    # SIGINT stays ignored in what a shell started in the background.
    ended_by: ClassVar[signal.Signals] = signal.SIGTERM

    @property
    def files(self) -> Path:
        return self.folder / "files"

    def stop(self, kill: bool = False) -> None:
        """Ends the sessions too: each is a process of its own, which would outlive the listener."""
        sessions = _descendants(self.pid)
        super().stop(kill)
        for pid in sessions:
            _signal(pid, signal.SIGKILL)

    def cut_sessions(self) -> None:
        """Kills every open session and leaves the listener alone."""
        for pid in _descendants(self.pid):
            _signal(pid, signal.SIGKILL)

    def freeze_sessions(self) -> None:
        """The peer falls silent with its connections open; cut_sessions or stop ends them."""
        for pid in _descendants(self.pid):
            _signal(pid, signal.SIGSTOP)

    def thaw_sessions(self) -> None:
        """What was asked of them meanwhile now happens."""
        for pid in _descendants(self.pid):
            _signal(pid, signal.SIGCONT)


def start_redis(folder: Path, port: int | None = None) -> Server:
    """Without persistence: what is killed comes back empty."""
    port = port or free_port()
    config = f"bind {LOOPBACK}\nport {port}\nrequirepass {REDIS_PASSWORD}\nsave ''\nappendonly no\ndir {folder}\n"
    (folder / "redis.conf").write_text(config + "maxmemory-policy noeviction\n")
    process = _start(["redis-server", str(folder / "redis.conf")], folder / "redis.log")
    server = Server(f"redis://:{REDIS_PASSWORD}@{LOOPBACK}:{port}/0", port, process, folder)
    with redis.Redis.from_url(server.url) as client:
        _wait_ready(server, lambda: _succeeds(client.ping, redis.RedisError))
    return server


def start_postgres(port: int | None = None, folder: Path | None = None) -> Server:
    """`url` has no database name; add one. Give the `folder` of a stopped server to start it again on its data."""
    port = port or free_port()
    if folder is None:
        folder = Path(tempfile.mkdtemp(prefix="datahub-postgres-"))
        if os.getuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        initdb = [_postgres_binary("initdb"), "-D", str(folder / "data"), "-U", POSTGRES_USER, "-A", "trust"]
        flags = ["--no-sync", "--encoding=UTF8", "--locale=C.UTF-8"]
        subprocess.run([*_as_postgres(), *initdb, *flags], check=True, stdout=subprocess.DEVNULL, cwd=folder)
    options = {
        "listen_addresses": LOOPBACK,
        "unix_socket_directories": "",
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "shared_buffers": "32MB",
        "max_connections": "100",
    }
    command = [*_as_postgres(), _postgres_binary("postgres"), "-D", str(folder / "data"), "-p", str(port)]
    for name, value in options.items():
        command += ["-c", f"{name}={value}"]
    process = _start(command, folder / "postgres.log")
    server = Server(f"postgresql+psycopg://{POSTGRES_USER}@{LOOPBACK}:{port}", port, process, folder)
    _wait_ready(server, lambda: _succeeds(lambda: postgres_admin(server).close(), psycopg.OperationalError))
    return server


def postgres_admin(server: Server) -> psycopg.Connection[tuple[object, ...]]:
    """For statements that need no transaction, such as CREATE DATABASE. The caller closes it."""
    return psycopg.connect(
        host=server.host, port=server.port, user=POSTGRES_USER, dbname="postgres", autocommit=True, connect_timeout=5
    )


def start_sshd(
    folder: Path, port: int | None = None, username: str | None = None, refused: str | None = None
) -> SshServer:
    """OpenSSH with its own host key and one accepted client key; SFTP only. The same folder keeps its keys and files.

    Sessions run as `username`, by default whoever runs the tests; another one needs root and a folder it may enter.
    `refused` are requests that nobody may make, such as `remove`, by their names in sftp-server(8).
    """
    port = port or free_port()
    username = username or getpass.getuser()
    (folder / "files").mkdir(parents=True, exist_ok=True)
    host_key, private_key = folder / "host_key", folder / "client_key"
    for path in (host_key, private_key):
        if not path.exists():
            _write_key_pair(path)
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    (folder / "sshd_config").write_text(_sshd_config(folder, port, refused))
    sshd = shutil.which("sshd") or "/usr/sbin/sshd"
    process = _start([sshd, "-D", "-e", "-f", str(folder / "sshd_config")], folder / "sshd.log")
    server = SshServer(
        f"sftp://{LOOPBACK}:{port}",
        port,
        process,
        folder,
        username=username,
        private_key=private_key.read_text(),
        host_key=" ".join(host_key.with_suffix(".pub").read_text().split()[:2]),
    )
    _wait_ready(server, lambda: _succeeds(lambda: _read_banner(port), OSError))
    return server


def _sshd_config(folder: Path, port: int, refused: str | None) -> str:
    return f"""Port {port}
ListenAddress {LOOPBACK}
HostKey {folder}/host_key
PidFile none
AuthorizedKeysFile {folder}/client_key.pub
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxStartups 100
MaxSessions 100
Subsystem sftp internal-sftp
ForceCommand internal-sftp -d {folder}/files {f"-P {refused}" if refused else ""}
"""


def _write_key_pair(path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    openssh = serialization.PrivateFormat.OpenSSH
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, openssh, serialization.NoEncryption()))
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    path.with_suffix(".pub").write_bytes(public + b"\n")


def _read_banner(port: int) -> bool:
    with socket.create_connection((LOOPBACK, port), timeout=5) as connection:
        return connection.recv(4) == b"SSH-"


def _start(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=log.parent)


def _wait_ready(server: Server, is_ready: Callable[[], bool]) -> None:
    def ready_or_dead() -> bool:
        if server.process.poll() is not None:
            raise AssertionError(f"{server.process.args!r} ended at once; see its log in {server.folder}")
        return is_ready()

    try:
        wait_until(ready_or_dead, what=f"the start of {server.url}")
    except BaseException:
        server.stop(kill=True)
        raise


def _succeeds(action: Callable[[], object], *errors: type[Exception]) -> bool:
    try:
        action()
    except errors:
        return False
    return True


def _as_postgres() -> list[str]:
    # PostgreSQL refuses to run as root.
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []


def _postgres_binary(name: str) -> str:
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    return str(installed[-1]) if installed else name


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    for child in _children(pid):
        found += [child, *_descendants(child)]
    return found


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
