"""The sandbox SFTP server as a process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.place import HOST, Place
from tests.servers import free_port, wait_until

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(free_port(), "a password", tmp_path / "sandbox", tmp_path / "host_key")
    env = {
        **os.environ,
        "SANDBOX_PORT": str(place.port),
        "SANDBOX_PASSWORD": place.password,
        "SANDBOX_FOLDER": str(place.folder),
        "SANDBOX_HOST_KEY": str(place.host_key),
    }
    process = subprocess.Popen([sys.executable, "-m", "sandbox"], cwd=ROOT, env=env)
    wait_until(lambda: _answers(place), what="the sandbox server")
    yield place
    process.terminate()
    assert process.wait(10) == 0


def _answers(place: Place) -> bool:
    try:
        with socket.create_connection((HOST, place.port), timeout=5) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False
