"""bin/test: installs what the tests need, runs every check, and pytest last. With --fast, only the tests that are soon
done; everything else on the command line is for pytest."""

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
# Without a browser and without processes of a whole hub, on the database that needs no server.
FAST = ["-m", "not browser and not journey and not chaos", "-k", "not postgresql"]


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
    chosen = [option for given in sys.argv[1:] for option in (FAST if given == "--fast" else [given])]
    tests = _fails(["pytest", "-n", "3", *chosen])
    return 1 if failed or tests else 0


def _fails(command: list[str]) -> bool:
    say("$ " + " ".join(command))
    return subprocess.run([PYTHON.parent / command[0], *command[1:]], cwd=ROOT, check=False).returncode != 0
