"""What batches need that are called in this process; real workers are in tests/chaos and tests/journeys."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from datahub.jobs import orders
from datahub.jobs.context import Context
from datahub.models.export_job import ExportJob
from datahub.settings import Settings
from datahub.vault import Vault
from tests.factories import add_connection, make_job, make_order, make_supplier
from tests.importer import Importer, category, product
from tests.servers import SshServer


@pytest.fixture
def context(sessions: sessionmaker[Session], settings: Settings, vault: Vault) -> Context:
    # A batch tries again by itself what becomes due while it lasts: here retries come due only by a test's hand,
    # however slow the machine.
    return Context(sessions, dataclasses.replace(settings, retry_seconds=900), vault, "test-worker")


@pytest.fixture
def job(session: Session, vault: Vault) -> ExportJob:
    return make_job(session, add_connection(session, vault))


@pytest.fixture
def load(engine: Engine, settings: Settings, tmp_path: Path) -> Importer:
    return Importer(engine, settings, tmp_path)


@pytest.fixture
def catalogue(sessions: sessionmaker[Session], load: Importer) -> None:
    """Two products with variants, and a supplier, so that offers have something to refer to."""
    with sessions.begin() as session:
        make_supplier(session, "SUP-1")
    load("CLASSIFICATION_CATEGORY", category("TOOLS"))
    load("PRODUCT", product("P-1", "V-1"), product("P-1", "V-2"), product("P-2", "V-3"))


@pytest.fixture
def owe(sessions: sessionmaker[Session], vault: Vault, sshd: SshServer) -> Callable[..., list[int]]:
    """Makes a job and so many orders that reach its status; returns the execution ids."""

    def owe(count: int = 1, **job: object) -> list[int]:
        with sessions.begin() as session:
            make_job(session, add_connection(session, vault, sshd), **job)
            fired = [
                orders.change_status(session, make_order(session), "ACCEPTED_BY_SUPPLIER", actor="ada")
                for _ in range(count)
            ]
            return [execution.id for executions_ in fired for execution in executions_]

    return owe
