"""Writes supervisord's configuration, runs it, and sees to it that nothing outlives it."""

from __future__ import annotations

import ctypes
import os
import shlex
import shutil
import signal
import subprocess
import time
from pathlib import Path

from commands.machine import LOOPBACK, PYTHON, ROOT, CommandError

SET_PARENT_DEATH_SIGNAL, SET_CHILD_SUBREAPER = 1, 36
# An export takes seconds. Who stops the hub shall not wait for a partner that hangs until ATTEMPT_SECONDS are over:
# what is cut off loses one attempt, no file.
GRACE_SECONDS = 30
TAIL_LINES = 15

SUPERVISORD = """\
[supervisord]
nodaemon=true
silent=true
directory={root}
logfile={logs}/supervisord.log
logfile_maxbytes=5MB
logfile_backups=1
pidfile={data}/supervisord.pid
childlogdir={logs}
"""
# Redis starts first and stops last. The others form one group, for a group is stopped at once.
GROUP = """
[group:hub]
programs={names}
priority=2
"""
PROGRAM = """
[program:{name}]
command={command}
directory={root}
priority=1
autorestart=true
startsecs=1
startretries=1000000
stopwaitsecs={grace}
killasgroup=true
redirect_stderr=true
stdout_logfile={logs}/{name}.log
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=3
"""
REDIS = """\
bind {host}
port {port}
requirepass {password}
protected-mode yes
maxmemory-policy noeviction
save ""
appendonly no
daemonize no
dir {data}
"""


def programs(data: Path, env: dict[str, str], port: int, *, redis: bool, sandbox: bool) -> dict[str, list[str]]:
    python = str(PYTHON)
    chosen: dict[str, list[str]] = {}
    if redis:
        chosen["redis"] = [shutil.which("redis-server") or "redis-server", str(data / "redis.conf")]
    if sandbox:
        chosen["sandbox"] = [python, "-m", "sandbox"]
    chosen["web"] = [python, "-m", "gunicorn", "--bind", f"{LOOPBACK}:{port}", "--worker-class", "gthread"]
    chosen["web"] += ["--workers", str(_count(env, "WEB_PROCESSES"))]
    chosen["web"] += ["--threads", "8", "--no-control-socket", "wsgi:app"]
    # A worker stays with one partner while there is work; with a second one, a slow partner does not delay all others.
    for number in range(_count(env, "EXPORT_WORKERS")):
        chosen[f"worker-exports-{number + 1}"] = [python, "-m", "worker", "exports"]
    chosen["worker-imports"] = [python, "-m", "worker", "imports"]
    chosen["worker-clock"] = [python, "-m", "worker", "clock"]
    return chosen


def _count(env: dict[str, str], name: str) -> int:
    text = env.get(name, "2")
    if not text.isdecimal() or int(text) < 1:
        raise CommandError(f"{name} must be a whole number from 1 on, not {text!r}.")
    return int(text)


def write_config(data: Path, chosen: dict[str, list[str]]) -> Path:
    logs = data / "log"
    logs.mkdir(exist_ok=True)
    places = {"root": _escaped(str(ROOT)), "data": _escaped(str(data)), "logs": _escaped(str(logs))}
    text = SUPERVISORD.format(**places)
    for name, command in chosen.items():
        text += PROGRAM.format(**places, name=name, command=_escaped(shlex.join(command)), grace=GRACE_SECONDS)
    text += GROUP.format(names=",".join(name for name in chosen if name != "redis"))
    config = data / "supervisord.conf"
    config.write_text(text)
    return config


def write_redis_config(data: Path, port: str, password: str) -> None:
    config = data / "redis.conf"
    config.touch(mode=0o600)
    config.write_text(REDIS.format(host=LOOPBACK, port=port, password=password, data=data))


def _escaped(text: str) -> str:
    return text.replace("%", "%%")


class Supervisor:
    """supervisord and everything below it. Should this process be killed, supervisord is told to stop."""

    def __init__(self, config: Path, env: dict[str, str]) -> None:
        self._env = env
        self._libc = ctypes.CDLL(None)
        # What supervisord leaves behind, if it is killed itself, becomes our child and can be ended.
        self._libc.prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._process = subprocess.Popen(
            [PYTHON, "-W", "ignore", "-m", "supervisor.supervisord", "-c", config],
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=self._end_with_parent,
        )

    def run_once(self, command: list[str], log: Path) -> None:
        """Beside the programs, and no longer than they run; nobody waits for it."""
        with log.open("ab") as output:
            subprocess.Popen(
                command,
                cwd=ROOT,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=self._end_with_parent,
            )

    def _end_with_parent(self) -> None:
        self._libc.prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGTERM, 0, 0, 0)

    def is_running(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        if self.is_running():
            self._process.terminate()
            try:
                self._process.wait(GRACE_SECONDS * 2)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        _end_children()


def _end_children() -> None:
    deadline = time.monotonic() + GRACE_SECONDS
    told = False
    while children := _children():
        for pid in children:
            if not told or time.monotonic() > deadline:
                _signal(pid, signal.SIGKILL if told else signal.SIGTERM)
        told = True
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.05)


def _children() -> list[int]:
    me = os.getpid()
    return [int(pid) for pid in Path(f"/proc/{me}/task/{me}/children").read_text().split()]


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def tail_of_logs(data: Path) -> str:
    parts = []
    for log in sorted((data / "log").glob("*.log")):
        last = log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
        parts += [f"--- {log}", *last]
    return "\n".join(parts)
