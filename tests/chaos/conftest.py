"""A hub whose processes each test starts itself, a watched target, and servers that a test may kill."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from datahub.settings import Settings
from datahub.vault import Vault
from tests.chaos.imports import Imports
from tests.chaos.observer import Observer
from tests.chaos.scene import Hold, Scene
from tests.journeys.hub import Hub
from tests.servers import Server, SshServer, start_redis


@pytest.fixture
def hub(settings: Settings, sessions: sessionmaker[Session], tmp_path: Path) -> Iterator[Hub]:
    hub = Hub(settings, sessions, tmp_path)
    try:
        yield hub
    finally:
        # A process that is held would not hear a polite request.
        for name in [name for name in hub.processes if name != "web"]:
            hub.kill(name)
        hub.stop()


@pytest.fixture
def brief_lease(hub: Hub) -> None:
    """For where a worker dies, and the test waits for its lease to run out."""
    hub.settings = dataclasses.replace(hub.settings, lease_seconds=3)


@pytest.fixture
def observer(folder: Path) -> Iterator[Observer]:
    observer = Observer(folder)
    yield observer
    observer.finish()


@pytest.fixture
def scene(hub: Hub, vault: Vault, sshd: SshServer, folder: Path, observer: Observer) -> Scene:
    return Scene(hub, vault, sshd, folder, observer)


@pytest.fixture
def imports(scene: Scene) -> Imports:
    return Imports(scene)


@pytest.fixture
def hold(tmp_path: Path) -> Callable[[str], Hold]:
    """Makes a hold that is armed from the start."""
    return lambda point: Hold(point, tmp_path / f"hold {point}")


@pytest.fixture
def own_redis(tmp_path: Path, hub: Hub) -> Iterator[Server]:
    """The hub's Redis, which the test may kill."""
    (tmp_path / "redis").mkdir()
    server = start_redis(tmp_path / "redis")
    hub.settings = dataclasses.replace(hub.settings, redis_url=server.url)
    yield server
    server.stop(kill=True)
