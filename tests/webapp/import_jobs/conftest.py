"""Import jobs with executions, and the form of one that reads a real file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from datahub.models.connection import Connection
from datahub.models.import_job import ImportJob
from datahub.vault import Vault
from tests.factories import add_connection, add_import_execution, add_import_job
from tests.servers import SshServer
from tests.webapp.conftest import ParsingClient
from tests.webapp.test_export_jobs import HOST_KEY

SignIn = Callable[[str], ParsingClient]
Sessions = sessionmaker[Session]
Add = Callable[..., ImportJob]
EVERY_MINUTE = {"cron": "* * * * *", "schedule_enabled": True}
FORM: dict[str, Any] = {
    "name": "Stocks of ERP",
    "reads": "file",
    "file_path": "in/offers.csv",
    "delimiter": ";",
    "by_name": "y",
    "simultaneous_execution": "WAIT_FOR_NEXT",
    "active": "y",
}


@pytest.fixture
def connection(sessions: Sessions, vault: Vault) -> Connection:
    """To a server that is never asked."""
    with sessions.begin() as session:
        return add_connection(session, vault, name="PIM", host_key=HOST_KEY)


@pytest.fixture
def add(sessions: Sessions, connection: Connection) -> Add:
    """add(JOB_FAILED, name=…): a committed job with an execution in each status, the last one the newest."""

    def add(*statuses: str, **fields: Any) -> ImportJob:
        with sessions.begin() as session:
            job = add_import_job(session, session.get_one(Connection, connection.id), **fields)
            for number, status in enumerate(statuses):
                at = job.created_at - timedelta(minutes=len(statuses) - number)
                add_import_execution(session, job, status=status, created_at=at, executed_at=at)
        return job

    return add


@pytest.fixture
def inbound(sshd: SshServer) -> Path:
    """The folder of the form's file."""
    folder = sshd.files / "in"
    folder.mkdir()
    return folder


@pytest.fixture
def form(sessions: Sessions, vault: Vault, sshd: SshServer, inbound: Path) -> dict[str, Any]:
    """Filled in, for a server that runs."""
    with sessions.begin() as session:
        return FORM | {"connection_id": add_connection(session, vault, sshd, name="ERP").public_id}
