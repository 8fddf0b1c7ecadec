"""What batches need that are called in this process; real workers are in tests/chaos and tests/journeys."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from datahub.jobs.export_run import Context
from datahub.settings import Settings
from datahub.vault import Vault
from tests.importer import Importer


@pytest.fixture
def context(sessions: sessionmaker[Session], settings: Settings, vault: Vault) -> Context:
    # A worker ends its process when it loses its leases; this process is the tests' own. And a batch tries again by
    # itself what becomes due while it lasts: here retries come due only by a test's hand, however slow the machine.
    patient = dataclasses.replace(settings, lease_seconds=60, retry_seconds=900)
    return Context(sessions, patient, vault, "test-worker")


@pytest.fixture
def load(engine: Engine, settings: Settings, tmp_path: Path) -> Importer:
    return Importer(engine, settings, tmp_path)
