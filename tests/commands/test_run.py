"""bin/run as a process: the round trip, one instance per data folder, nothing left behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.servers import wait_until

ROOT = Path(__file__).parent.parent.parent
OURS = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ENCRYPTION_KEYS", "PUBLIC_URL", "OUTBOUND_ALLOW", "DATAHUB_DATA")
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in OURS}

pytestmark = pytest.mark.journey


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """start("--port", "0"): bin/run on `tmp_path`, its output in `tmp_path.out`."""
    started = []
    out = tmp_path.with_suffix(".out")

    def start(*options: str) -> subprocess.Popen[str]:
        with out.open("w") as file:
            command = [ROOT / "bin" / "run", "--data", tmp_path, *options]
            process = subprocess.Popen(command, env=ENVIRONMENT, stdout=file, stderr=subprocess.STDOUT, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.terminate()
        process.wait(60)


def said(tmp_path: Path) -> str:
    return tmp_path.with_suffix(".out").read_text()


def processes_of(data: Path) -> list[str]:
    """Every process that was given this data folder, by its command line or its environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            known = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if str(data).encode() in known:
            found.append(folder.name)
    return found


def wait_until_ready(process: subprocess.Popen[str], tmp_path: Path) -> str:
    wait_until(lambda: "Press Ctrl-C" in said(tmp_path) or process.poll() is not None, 120, "bin/run")
    address = re.search(r"http://127\.0\.0\.1:\d+", said(tmp_path))
    assert address, said(tmp_path)
    return address[0]


def test_check_sends_an_order_through_and_can_be_repeated(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    for round_number in (1, 2):
        assert start("--check").wait(300) == 0, said(tmp_path)
        arrived = re.findall(r"arrived (\S+) \d+ bytes", said(tmp_path))
        assert len(arrived) >= 8 + round_number
        assert all(Path(file).is_file() for file in arrived)
        first, second = said(tmp_path).split("Imported again")
        assert ("6,000" in first) == (round_number == 1), "only the first pass of all creates the offers"
        assert re.search(r"Offers from ERP +6,024 +0 +0 +6,001 +23", second)
    assert processes_of(tmp_path) == []


def test_the_first_start_imports_the_catalogue_beside_the_running_hub(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    process = start("--port", "0")
    wait_until_ready(process, tmp_path)
    log = tmp_path / "log" / "demo-imports.log"
    wait_until(lambda: "Offers from ERP" in log.read_text(), 120, "the last import")
    process.terminate()
    assert process.wait(60) == 0
    assert processes_of(tmp_path) == []


def test_termination_leaves_nothing_running(start: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    process = start("--port", "0", "--no-demo")
    address = wait_until_ready(process, tmp_path)
    assert httpx.get(f"{address}/healthz").status_code == 200
    process.terminate()
    assert process.wait(60) == 0
    assert processes_of(tmp_path) == []


def test_a_hub_that_is_public_by_https_is_found_healthy(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENVIRONMENT, "PUBLIC_URL", "https://hub.example")
    address = wait_until_ready(start("--port", "0", "--no-demo"), tmp_path)
    assert httpx.get(f"{address}/sign-in").headers["Location"].startswith("https://")


def test_killed_bin_run_takes_everything_with_it(start: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    process = start("--port", "0", "--no-demo")
    wait_until_ready(process, tmp_path)
    process.kill()
    wait_until(lambda: processes_of(tmp_path) == [], 60, "the end of all processes")


def test_killed_supervisor_ends_bin_run_and_everything(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    process = start("--port", "0", "--no-demo")
    wait_until_ready(process, tmp_path)
    os.kill(int((tmp_path / "supervisord.pid").read_text()), signal.SIGKILL)
    assert process.wait(60) == 1
    assert processes_of(tmp_path) == []


def test_second_instance_on_the_same_folder_says_so(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    process = start("--port", "0", "--no-demo")
    address = wait_until_ready(process, tmp_path)
    second = start("--port", "0", "--no-demo")
    assert second.wait(30) == 1
    assert f"already runs on {tmp_path}" in said(tmp_path)
    assert httpx.get(f"{address}/healthz").status_code == 200


def test_taken_port_is_named(start: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert start("--port", str(port)).wait(30) == 1
    assert f"Port {port} is taken" in said(tmp_path)
