"""Fresh databases for benchmarks, one kind after the other."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator

from tests.conftest import create_tables
from tests.servers import postgres_admin, start_postgres


def databases(*names: str) -> Iterator[tuple[str, list[str]]]:
    """SQLite, then PostgreSQL: the kind, and an address per name. They are gone when the next kind is asked for."""
    with tempfile.TemporaryDirectory(prefix="datahub-bench-") as folder:
        yield "sqlite", [_with_tables(f"sqlite:///{folder}/{name}.db") for name in names]
    server = start_postgres()
    try:
        with postgres_admin(server) as admin:
            for name in names:
                admin.execute(f"create database {name}")
        yield "postgresql", [_with_tables(f"{server.url}/{name}") for name in names]
    finally:
        server.stop()
        shutil.rmtree(server.folder)


def _with_tables(url: str) -> str:
    create_tables(url)
    return url
