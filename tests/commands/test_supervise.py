"""How many of each process bin/run starts, and how long a stop waits for them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from commands import supervise
from commands.machine import ROOT, CommandError


def chosen(tmp_path: Path, **env: str) -> dict[str, list[str]]:
    return supervise.programs(tmp_path, env, 8000, redis=True, sandbox=False)


def workers(programs: dict[str, list[str]]) -> list[str]:
    return [name for name, command in programs.items() if command[1:] == ["-m", "worker", "exports"]]


def test_a_slow_partner_leaves_a_second_worker_free(tmp_path: Path) -> None:
    assert workers(chosen(tmp_path)) == ["worker-exports-1", "worker-exports-2"]


def test_as_many_workers_and_web_processes_start_as_are_set(tmp_path: Path) -> None:
    programs = chosen(tmp_path, EXPORT_WORKERS="3", WEB_PROCESSES="5")
    assert len(workers(programs)) == 3
    assert programs["web"][programs["web"].index("--workers") + 1] == "5"
    config = supervise.write_config(tmp_path, programs).read_text()
    for name in workers(programs):
        assert f"[program:{name}]" in config
        assert f"/{name}.log" in config
    assert "programs=web,worker-exports-1,worker-exports-2,worker-exports-3,worker-imports,worker-clock" in config


@pytest.mark.parametrize("name", ["EXPORT_WORKERS", "WEB_PROCESSES"])
@pytest.mark.parametrize("text", ["0", "1.5", "-1", "many", "²"])
def test_a_number_of_processes_that_makes_no_sense_is_named(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(CommandError, match=name):
        chosen(tmp_path, **{name: text})


def test_the_documentation_says_how_long_a_stop_waits(tmp_path: Path) -> None:
    config = supervise.write_config(tmp_path, chosen(tmp_path)).read_text()
    assert config.count(f"stopwaitsecs={supervise.GRACE_SECONDS}\n") == len(chosen(tmp_path))
    assert f"for {supervise.GRACE_SECONDS} s" in (ROOT / "docs" / "operation.md").read_text()


def test_units_of_systemd_start_what_bin_run_starts(tmp_path: Path) -> None:
    units = (ROOT / "docs" / "systemd").glob("*.service")
    commands = {re.search("^ExecStart=(.*)$", unit.read_text(), re.M)[1] for unit in units}  # type: ignore[index]
    own = {name: command for name, command in chosen(tmp_path).items() if name != "redis"}
    assert commands == {shlex.join(["/opt/datahub/.venv/bin/python", *command[1:]]) for command in own.values()}
