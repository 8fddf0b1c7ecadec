"""bin/run: prepares the machine, starts everything under one supervisor, and stops it all again."""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from commands import environment, supervise
from commands.check import round_trip
from commands.machine import (
    BEHIND_TLS,
    LOOPBACK,
    PYTHON,
    ROOT,
    CommandError,
    complete_path,
    free_port,
    install_packages,
    is_free,
    run_quietly,
    say,
)
from commands.prepare import RUNTIME, prepare

START_SECONDS = 90
FLASK = (str(PYTHON), "-m", "flask", "--app", "wsgi")


class Stop(BaseException):
    """Somebody asked for the end: Ctrl-C, a closed terminal, or a service manager."""


def main() -> int:
    options = _options()
    os.environ["PATH"] = complete_path(os.environ.get("PATH", ""))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _raise_stop)
    try:
        return _run(options)
    except CommandError as error:
        print(error, file=sys.stderr)
        return 1
    except Stop:
        say("Stopped.")
        return 1 if options.check else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bin/run", description="Install what is missing, then run Data Hub.")
    parser.add_argument("--port", type=int, metavar="N", help="port of the pages, 0 for a free one (default 8000)")
    parser.add_argument("--data", metavar="DIR", help="data folder (default: DATAHUB_DATA, else var)")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--no-demo", action="store_true", help="leave an empty database empty; no sandbox server")
    mode.add_argument("--check", action="store_true", help="start, try the demo both ways, say what arrived, stop")
    options = parser.parse_args()
    if options.port is None:
        options.port = 0 if options.check else environment.DEFAULT_PORT
    if not 0 <= options.port <= 65535:
        parser.error("--port must be a number from 0 to 65535")
    return options


def _raise_stop(_number: int, _frame: FrameType | None) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    raise Stop


def _run(options: argparse.Namespace) -> int:
    started = time.monotonic()
    demo = not options.no_demo
    data = environment.data_folder(options.data)
    with _only_one(data):
        port = _web_port(options.port)
        if environment.has_own_redis():
            install_packages({"redis-server": "redis-server"})
        prepare(RUNTIME)
        env = _environment(data, port, demo=demo)
        login = run_quietly([*FLASK, "prepare", *(["--demo"] if demo else [])], "The database is not ready", env)
        supervisor = _start(data, env, port, demo=demo)
        try:
            _wait_until_healthy(supervisor, data, port)
            address = f"http://{LOOPBACK}:{port}"
            say(f"Data Hub runs at {address} (ready after {time.monotonic() - started:.1f} s)")
            if options.check:
                return _check(address, env)
            if demo:
                supervisor.run_once([*FLASK, "import-demo"], data / "log" / "demo-imports.log")
            _greet(data, env, login.strip(), demo=demo)
            _wait_for_the_end(supervisor, data)
        finally:
            say("Stopping ...")
            supervisor.stop()
    return 1


@contextmanager
def _only_one(data: Path) -> Iterator[None]:
    folder = os.open(data, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError(f"Data Hub already runs on {data}. Stop it first, or choose another --data.") from None
        yield
    finally:
        os.close(folder)


def _web_port(wanted: int) -> int:
    if wanted == 0:
        return free_port()
    if not is_free(wanted):
        raise CommandError(f"Port {wanted} is taken. Stop what uses it, or choose another with --port (0: a free one).")
    return wanted


def _environment(data: Path, port: int, *, demo: bool) -> dict[str, str]:
    ports = environment.read_ports(data)
    ports["WEB_PORT"] = str(port)
    if not is_free(int(ports["REDIS_PORT"])):
        ports["REDIS_PORT"] = str(free_port())
    if demo and not is_free(int(ports["SANDBOX_PORT"])):
        raise CommandError(
            f"Port {ports['SANDBOX_PORT']}, where the demo's SFTP server of {data} lives, is taken. Stop what uses it, "
            "or start with --no-demo."
        )
    environment.write_file(data / "ports.env", ports)
    return environment.build(data, demo=demo)


def _start(data: Path, env: dict[str, str], port: int, *, demo: bool) -> supervise.Supervisor:
    redis = environment.has_own_redis()
    if redis:
        supervise.write_redis_config(data, environment.read_ports(data)["REDIS_PORT"], env["REDIS_PASSWORD"])
    chosen = supervise.programs(data, env, port, redis=redis, sandbox=demo)
    return supervise.Supervisor(supervise.write_config(data, chosen), env)


def _wait_until_healthy(supervisor: supervise.Supervisor, data: Path, port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    answer = "no answer"
    request = urllib.request.Request(f"http://{LOOPBACK}:{port}/healthz", headers=BEHIND_TLS)
    while time.monotonic() < deadline and supervisor.is_running():
        try:
            with urllib.request.urlopen(request, timeout=5):
                return
        except urllib.error.HTTPError as error:
            answer = error.read().decode(errors="replace")
        except OSError as error:
            answer = str(error)
        time.sleep(0.1)
    raise CommandError(f"{supervise.tail_of_logs(data)}\n\nData Hub did not become healthy. Last answer: {answer}")


def _check(address: str, env: dict[str, str]) -> int:
    create = [*FLASK, "create-token", environment.DEMO_USER, "--name", "bin/run --check"]
    token = run_quietly(create, "No token could be made", env)
    try:
        exported = round_trip(address, token.strip(), Path(env["SANDBOX_FOLDER"]))
    finally:
        run_quietly([*FLASK, "revoke-token"], "The token could not be revoked", env, given=token)
    say("The sample catalogue is imported twice: the second time must find nothing to change.")
    imported = subprocess.run([*FLASK, "import-demo", "--twice"], cwd=ROOT, env=env, check=False).returncode
    say("The check has failed." if exported or imported else "All exports arrived; the second import changed nothing.")
    return exported or imported


def _greet(data: Path, env: dict[str, str], login: str, *, demo: bool) -> None:
    if login:
        say(login)
    else:
        say("Make a user with: bin/datahub create-user NAME --role ADMIN")
    if demo:
        say(f"Exported files appear in {data / 'sandbox'} (SFTP on {LOOPBACK}:{env['SANDBOX_PORT']})")
        say("A sample catalogue lies in in/catalogue and is imported from there; see Imports.")
    say(f"Logs are in {data / 'log'}. Press Ctrl-C to stop.")


def _wait_for_the_end(supervisor: supervise.Supervisor, data: Path) -> None:
    while supervisor.is_running():
        time.sleep(0.5)
    raise CommandError(f"{supervise.tail_of_logs(data)}\n\nThe supervisor has ended; all is being stopped.")
