"""What the machine itself must offer: Debian packages, free ports, every folder of programs on the search path."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / ".venv" / "bin" / "python"
LOOPBACK = "127.0.0.1"
# A web that is public by https sends everybody there, but for what a proxy with TLS passes on.
BEHIND_TLS = {"X-Forwarded-Proto": "https"}


class CommandError(Exception):
    """Ends the command; the message says what is wrong and what to do."""


def complete_path(path: str) -> str:
    """Servers and what apt-get calls live in folders that a plain user's PATH leaves out."""
    folders = [*path.split(os.pathsep), "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
    return os.pathsep.join(dict.fromkeys(folder for folder in folders if folder))


def say(text: str) -> None:
    print(text, flush=True)


def tell_progress(text: str) -> None:
    """Beside the output, which may go into a file."""
    print(text, file=sys.stderr, flush=True)


def install_packages(programs: dict[str, str]) -> None:
    """`programs` maps a program to the Debian package that brings it; only what is missing is installed."""
    missing = sorted({package for program, package in programs.items() if not shutil.which(program)})
    if missing:
        apt_install(missing)


def apt_install(packages: list[str]) -> None:
    names = " ".join(packages)
    if not shutil.which("apt-get"):
        raise CommandError(f"Missing on this machine: {names}. Install them, then run this again.")
    asking = [] if os.geteuid() == 0 else ["sudo"]
    if asking and not shutil.which("sudo"):
        raise CommandError(f"Missing on this machine: {names}. Run as root: apt-get install {names}")
    tell_progress(f"Installing Debian packages: {names}")
    # RUNLEVEL=1 keeps the packages from starting system services that nothing here uses.
    settings = ["env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", f"PATH={os.environ['PATH']}", "apt-get", "-qq"]
    # One source of many that cannot be reached is no reason to stop; the installation will tell.
    subprocess.run([*asking, *settings, "update"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    run_quietly(
        [*asking, *settings, "install", "--yes", "--no-install-recommends", *packages],
        f"apt-get could not install {names}",
    )


def run_quietly(
    command: list[str], failure: str, env: dict[str, str] | None = None, cwd: Path = ROOT, given: str = ""
) -> str:
    """The output is shown only when the command fails, under `failure`. `given` is its standard input."""
    done = subprocess.run(command, cwd=cwd, env=env, input=given, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines()[-25:]
        raise CommandError("\n".join([*lines, "", failure + " (see above)."]))
    return done.stdout


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Below the range that systems hand out to clients, so that it is still free after a restart."""
    while not is_free(port := 20_000 + secrets.randbelow(12_000)):
        pass
    return port
