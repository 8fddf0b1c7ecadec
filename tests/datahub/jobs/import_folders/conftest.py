"""A job that reads a folder of a real sshd, run in this process."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.jobs import import_executions
from datahub.jobs.context import Context
from datahub.models.execution import (
    MANUAL,
)
from datahub.models.import_job import WAIT_FOR_NEXT, ImportJob
from datahub.vault import Vault
from tests.datahub.jobs.import_folders.seen import Trigger
from tests.factories import add_connection
from tests.servers import SshServer


@pytest.fixture
def importing(context: Context) -> Context:
    small = dataclasses.replace(context.settings, chunk_rows=10, max_files=5)
    return dataclasses.replace(context, settings=small)


@pytest.fixture
def inbound(sshd: SshServer) -> Path:
    (sshd.files / "in").mkdir()
    return sshd.files / "in"


@pytest.fixture
def outbound(sshd: SshServer) -> Path:
    (sshd.files / "done").mkdir()
    return sshd.files / "done"


@pytest.fixture
def trigger(sessions: sessionmaker[Session], vault: Vault, sshd: SshServer, inbound: Path, outbound: Path) -> Trigger:
    """A job that reads the folder `in` and moves to `done`; each call triggers it and returns the execution's id."""
    with sessions.begin() as session:
        now = database_now(session)
        job = ImportJob(
            public_id="suppliers",
            name="Suppliers",
            entity="SUPPLIER",
            method="SFTP",
            connection=add_connection(session, vault, sshd),
            bulk=True,
            inbound_directory="in",
            outbound_directory="done",
            delimiter=";",
            simultaneous_execution=WAIT_FOR_NEXT,
            ticked_until=now,
            created_at=now,
            updated_at=now,
        )
        session.add(job)

    def trigger() -> int:
        with sessions.begin() as session:
            job = session.scalars(select(ImportJob)).one()
            return import_executions.trigger(session, job, origin=MANUAL, actor="ada").id

    return trigger
