"""bin/test: installs what the tests need, runs every check, and pytest last."""

from __future__ import annotations

import os
import subprocess
import sys

from commands.machine import PYTHON, ROOT, CommandError, complete_path, install_packages, say
from commands.prepare import DEVELOPMENT, prepare

PROGRAMS = {
    "redis-server": "redis-server",
    "pg_ctlcluster": "postgresql",
    "sshd": "openssh-server",
    "chromium": "chromium",
}
CHECKS = (
    ["ruff", "format", "--check", "--quiet", "."],
    ["ruff", "check", "--quiet", "."],
    ["mypy"],
    ["lint-imports", "--no-logo"],
)


def install() -> None:
    """Debian packages, development requirements and assets. Raises CommandError."""
    install_packages(PROGRAMS)
    prepare(DEVELOPMENT)


def main() -> int:
    os.environ["PATH"] = complete_path(os.environ.get("PATH", ""))
    try:
        install()
    except CommandError as error:
        print(error, file=sys.stderr)
        return 1
    os.environ["PATH"] = f"{PYTHON.parent}{os.pathsep}{os.environ['PATH']}"
    failed = [" ".join(check[:2]) for check in CHECKS if _fails(check)]
    if failed:
        say(f"FAILED before the tests: {', '.join(failed)}")
    # pytest comes last: its closing line is the summary that people and machines look for. Many tests wait for servers
    # and processes: three at once keep two processors busy.
    tests = _fails(["pytest", "-n", "3", *sys.argv[1:]])
    return 1 if failed or tests else 0


def _fails(command: list[str]) -> bool:
    say("$ " + " ".join(command))
    return subprocess.run([PYTHON.parent / command[0], *command[1:]], cwd=ROOT, check=False).returncode != 0
