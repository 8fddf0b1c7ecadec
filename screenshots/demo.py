"""A demo of its own, in a folder that goes away: `bin/run` as a stranger starts it, with four kinds of users."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parent.parent
# Name, role, and the store that one of them is limited to.
PEOPLE = (
    ("admin", "ADMIN", ""),
    ("operator", "OPERATOR", ""),
    ("limited", "OPERATOR", "default_store"),
    ("viewer", "VIEWER", ""),
)
PASSWORD = "only for these pictures"  # noqa: S105 - of a demo that goes away
ADDRESS = re.compile(r"runs at (http://\S+)")
STOP_SECONDS = 30


@dataclass(frozen=True)
class Demo:
    url: str
    people: tuple[str, ...]


@contextmanager
def open_demo() -> Iterator[Demo]:
    with TemporaryDirectory(prefix="datahub-screenshots-") as data:
        process = subprocess.Popen(
            [sys.executable, ROOT / "bin" / "run", "--port", "0", "--data", data],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            url = _wait_for_address(process)
            people = tuple(_add_person(data, *person) for person in PEOPLE)
            yield Demo(url, people)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_SECONDS)


def _wait_for_address(process: subprocess.Popen[str]) -> str:
    """The demo may go on writing: somebody has to read it."""
    assert process.stdout is not None  # noqa: S101  (a pipe, see above)
    found = None
    for line in process.stdout:
        found = found or ADDRESS.search(line)
        if line.startswith("Logs are in") and found:
            threading.Thread(target=process.stdout.read, daemon=True).start()
            return found[1]
    raise SystemExit("The demo did not start. Try bin/run.")


def _add_person(data: str, name: str, role: str, store: str) -> str:
    command = [sys.executable, ROOT / "bin" / "datahub", "--data", data, "create-user", name, "--role", role]
    command += ["--store", store] if store else []
    subprocess.run(command, input=PASSWORD, text=True, check=True, stdout=subprocess.DEVNULL)
    return name
