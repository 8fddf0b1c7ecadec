"""The HTML of every page, as an administrator sees it, by the rules of the standard."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from commands.prepare import MODULES, node_folder
from datahub.vault import Vault
from tests.webapp.conftest import ParsingClient
from tests.webapp.test_statements import NO_PAGES, Hub, addresses

__all__ = ["addresses"]
CONFIG = Path(__file__).with_name("html_validate.json")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_page_is_valid(
    sign_in: Callable[[str], ParsingClient],
    sessions: sessionmaker[Session],
    vault: Vault,
    addresses: dict[str, str],
    tmp_path: Path,
) -> None:
    hub, admin = Hub(vault), sign_in("ADMIN")
    with sessions.begin() as session:
        hub.grow(session)
        hub.grow(session)
    for endpoint, address in (addresses | hub.addresses).items():
        answer = admin.get(address, follow_redirects=True)
        if endpoint not in NO_PAGES and answer.mimetype == "text/html":
            (tmp_path / f"{endpoint}.html").write_text(answer.text)
    (tmp_path / "auth.sign_in.html").write_text(admin.application.test_client().get("/sign-in").text)
    assert validate(tmp_path) == []


def validate(folder: Path) -> list[str]:
    command = [node_folder() / "bin" / "node", MODULES / "html-validate/bin/html-validate.mjs"]
    found = folder / "found.json"
    options = ["--config", CONFIG, "--formatter", f"json={found}", folder]
    subprocess.run([*command, *options], capture_output=True, check=False)
    return [
        f"{Path(result['filePath']).name} {fault['line']}: {fault['ruleId']}: {fault['message']}"
        for result in json.loads(found.read_text())
        for fault in result["messages"]
    ]
