"""No process starts that cannot open the secrets which are stored."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy.orm import Session, sessionmaker

from datahub.settings import Settings
from datahub.vault import Vault
from tests.factories import add_connection
from tests.journeys.hub import Hub
from tests.servers import START_SECONDS

START = {
    "web": Hub.start_web,
    "worker-1": Hub.start_worker,
    "importer-1": Hub.start_importer,
    "clock-1": Hub.start_clock,
}


@pytest.mark.parametrize("name", list(START))
def test_a_process_with_a_wrong_key_ends_and_says_so(
    settings: Settings, sessions: sessionmaker[Session], vault: Vault, tmp_path: Path, name: str
) -> None:
    with sessions.begin() as session:
        add_connection(session, vault)
    hub = Hub(settings, sessions, tmp_path)
    START[name](hub, environment={"ENCRYPTION_KEYS": f"test:{Fernet.generate_key().decode()}"})
    process = hub.processes[name]
    process.join(START_SECONDS)
    hub.stop()
    assert process.exitcode in (1, 2)
    said = "Data Hub cannot start: The key test in ENCRYPTION_KEYS is not the one that encrypted the secrets.\n"
    assert said in (tmp_path / f"{name}.log").read_text()
