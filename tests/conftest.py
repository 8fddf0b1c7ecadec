"""Real servers, a fresh database per test on both engines, settings with short timers."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from hypothesis import settings as hypothesis_settings
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import Base, database_now, make_engine, make_sessions
from datahub.models.party import DEFAULT_STORE, Store
from datahub.models.setting import GeneralSettings
from datahub.settings import Settings
from datahub.vault import Vault
from tests.fresh_postgres import TEMPLATE, FreshPostgres
from tests.servers import Server, SshServer, postgres_admin, start_postgres, start_redis, start_sshd
from tests.settings import ENCRYPTION_KEY, make_settings

# How long an example takes says more of the machine than of the code.
hypothesis_settings.register_profile("untimed", deadline=None)
hypothesis_settings.load_profile("untimed")


def pytest_collection_finish() -> None:
    """What is there before the first test stays: the garbage collector need not look at it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)


def create_tables(url: str) -> None:
    """The tables with what the first migration inserts."""
    engine = make_engine(url)
    Base.metadata.create_all(engine)
    with make_sessions(engine).begin() as session:
        now = database_now(session)
        session.add(GeneralSettings(id=1))
        session.add(Store(external_id=DEFAULT_STORE, name="Default store", created_at=now, updated_at=now))
    engine.dispose()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = start_redis(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.fixture
def redis_url(redis_server: Server) -> str:
    """Empty at the start of each test."""
    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
    return redis_server.url


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    server = start_postgres()
    with postgres_admin(server) as admin:
        admin.execute(f"create database {TEMPLATE}")
    create_tables(f"{server.url}/{TEMPLATE}")
    yield server
    server.stop()
    shutil.rmtree(server.folder)


@pytest.fixture(scope="session")
def fresh_postgres(postgres_server: Server) -> FreshPostgres:
    return FreshPostgres(postgres_server)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    create_tables(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh database with every table, the default store and the general settings; at the same address each time."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        for left in template.parent.glob("test.db*"):
            left.unlink()
        shutil.copy(template, template.parent / "test.db")
        yield f"sqlite:///{template.parent}/test.db"
        return
    fresh: FreshPostgres = request.getfixturevalue("fresh_postgres")
    yield fresh.make()


@pytest.fixture(scope="session")
def engines() -> dict[str, Engine]:
    """By the address of their database: one that is kept knows the SQL of every statement that it has seen."""
    return {}


@pytest.fixture
def engine(database_url: str, engines: dict[str, Engine]) -> Iterator[Engine]:
    engine = engines[database_url] = engines.get(database_url) or make_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def sessions(engine: Engine) -> sessionmaker[Session]:
    return make_sessions(engine)


@pytest.fixture
def session(sessions: sessionmaker[Session]) -> Iterator[Session]:
    """Rolled back at the end unless the test commits; its database is gone after the test either way."""
    with sessions() as session:
        yield session


@pytest.fixture(scope="session")
def spools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spools")


@pytest.fixture
def settings(database_url: str, redis_url: str, spools: Path) -> Settings:
    """With a spool folder that is empty at the start of each test."""
    shutil.rmtree(spools)
    spools.mkdir()
    return make_settings(database_url=database_url, redis_url=redis_url, spool_folder=str(spools))


@pytest.fixture
def vault() -> Vault:
    """The key of `settings`."""
    return Vault({"test": ENCRYPTION_KEY})


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[SshServer]:
    server = start_sshd(tmp_path / "sshd")
    yield server
    server.stop(kill=True)


@pytest.fixture
def folder(sshd: SshServer) -> Path:
    """The output folder of the factories' jobs."""
    folder = sshd.files / "out"
    folder.mkdir()
    return folder
