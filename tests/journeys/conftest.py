"""A running hub per test, ended by its own process ids."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from datahub.settings import Settings
from tests.journeys.hub import Hub


@pytest.fixture
def hub(settings: Settings, sessions: sessionmaker[Session], tmp_path: Path) -> Iterator[Hub]:
    hub = Hub(settings, sessions, tmp_path)
    try:
        hub.start()
        yield hub
    finally:
        hub.stop()
