"""bin/datahub: its own option, and everything else handed on to Flask."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from commands import flask_cli


@pytest.mark.parametrize(
    "given", [["--help"], [], ["create-token", "ada", "--name", "ERP"], ["create-user", "--data", "x"]]
)
def test_all_but_the_data_folder_in_front_is_flasks(
    given: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[Any] = []
    monkeypatch.setattr(flask_cli, "prepare", lambda _requirements: None)
    monkeypatch.setattr(flask_cli.os, "execve", lambda _path, words, env: ran.append((words, env)))
    monkeypatch.setattr(sys, "argv", ["bin/datahub", "--data", str(tmp_path), *given])
    monkeypatch.delenv("DATABASE_URL", raising=False)
    # Both are changed, and restored.
    monkeypatch.setenv("PATH", "/usr/bin")
    monkeypatch.chdir(tmp_path)
    flask_cli.main()
    ((words, env),) = ran
    assert words[words.index("wsgi") + 1 :] == given
    assert env["DATABASE_URL"] == f"sqlite:///{tmp_path}/datahub.db"
