"""Executions by the hundred thousand: ten jobs, one of which has most of them, over one year, seldom anything wrong."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, Table, select, text

from datahub.db import database_now, make_sessions
from datahub.models.execution import (
    API,
    ERROR,
    EXPORT,
    IMPORT,
    INTEGRATION_DONE,
    INTEGRATION_DONE_WITH_ERRORS,
    INTEGRATION_FAILED,
    JOB_FAILED,
    JOB_SKIPPED,
    JOB_STOPPED,
    MANUAL,
    RESEND,
    RETRY,
    RUN,
    SCHEDULE,
    SUCCESS,
    TRIGGER,
    UPLOAD,
    Execution,
    Payload,
)
from datahub.models.export_job import ExportJob
from datahub.models.import_job import ImportJob
from datahub.models.import_run import ImportFile, ImportRun
from datahub.models.party import Store
from datahub.vault import Vault
from tests.factories import add_connection, add_import_job, make_job
from tests.settings import ENCRYPTION_KEY

SEED = 5
PIECE = 20_000
YEAR = timedelta(days=365)
BIG_SHARE, SMALL_EXPORTS = 0.6, 0.02
IMPORT_JOBS = 8
# The store of one export in so many; all others belong to the default store.
SMALL, SMALL_EACH = "SMALL", 20_000
# Name and weight.
STATUSES = {
    EXPORT: {SUCCESS: 97_490, ERROR: 2_000, JOB_STOPPED: 500, "JOB_PENDING": 10},
    IMPORT: {
        INTEGRATION_DONE: 82_000,
        INTEGRATION_DONE_WITH_ERRORS: 14_000,
        JOB_FAILED: 2_000,
        JOB_SKIPPED: 1_900,
        JOB_STOPPED: 90,
        INTEGRATION_FAILED: 10,
    },
}
ORIGINS = {
    EXPORT: {TRIGGER: 9_800, RUN: 150, RETRY: 45, RESEND: 5},
    IMPORT: {SCHEDULE: 9_500, MANUAL: 300, API: 150, UPLOAD: 50},
}
TABLES: tuple[Table, ...] = tuple(model.__table__ for model in (Execution, Payload, ImportRun, ImportFile))  # type: ignore[misc]

Rows = list[dict[str, Any]]
Job = tuple[ExportJob | ImportJob, str, float]


def fill(engine: Engine, rows: int) -> list[Job]:
    """The jobs with their kind and share, the big one first."""
    with make_sessions(engine).begin() as session:
        connection = add_connection(session, Vault({"test": ENCRYPTION_KEY}))
        each = (1 - BIG_SHARE - SMALL_EXPORTS) / IMPORT_JOBS
        jobs: list[Job] = [(make_job(session, connection), EXPORT, BIG_SHARE)]
        jobs.append((make_job(session, connection), EXPORT, SMALL_EXPORTS))
        jobs += [(add_import_job(session, connection), IMPORT, each) for _ in range(IMPORT_JOBS)]
        now = database_now(session)
        session.add(Store(external_id=SMALL, name=SMALL, created_at=now, updated_at=now))
        session.flush()
        store_ids = list(session.scalars(select(Store.id).order_by(Store.id)))
    made = _made(jobs, rows, store_ids)
    with engine.begin() as connection, _without_indexes(connection):
        while piece := list(islice(made, PIECE)):
            for number, table in enumerate(TABLES):
                _write(connection, table, [parts[number] for parts in piece if parts[number]])
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("vacuum analyze"))
    return jobs


def _made(jobs: list[Job], rows: int, store_ids: list[int]) -> Iterator[tuple[dict[str, Any], ...]]:
    """Of each execution its rows in TABLES; an empty one where it has none."""
    large, small = store_ids
    chance = random.Random(SEED)  # noqa: S311
    start = datetime.now(UTC) - YEAR
    shares = [share for _, _, share in jobs]
    for number in range(1, rows + 1):
        job, kind, _ = chance.choices(jobs, shares)[0]
        status, origin = (chance.choices(list(of), list(of.values()))[0] for of in (STATUSES[kind], ORIGINS[kind]))
        created = start + YEAR * (number / rows)
        ended = None if status == "JOB_PENDING" else created + timedelta(seconds=3)
        if kind == IMPORT and status == JOB_SKIPPED:
            origin = SCHEDULE
        execution = {
            "id": number,
            "public_id": str(UUID(int=chance.getrandbits(128), version=4)),
            "kind": kind,
            "export_job_id": job.id if kind == EXPORT else None,
            "import_job_id": job.id if kind == IMPORT else None,
            "job_public_id": job.public_id,
            "job_name": job.name,
            "entity": job.entity,
            "store_id": None if kind == IMPORT else small if number % SMALL_EACH < 2 else large,
            "entity_reference": f"172-189-{number}-1" if kind == EXPORT else "",
            "trigger_status": "ACCEPTED_BY_SUPPLIER" if kind == EXPORT else "",
            "origin": origin,
            "repeats": origin in (RETRY, RESEND),
            "actor": "bench",
            "status": status,
            "attempts": 1,
            "created_at": created,
            "executed_at": created + timedelta(milliseconds=chance.randrange(5000)),
            "ended_at": ended,
            "may_have_arrived_twice": False,
            "alone": False,
            "left_behind": False,
        }
        yield execution, *_parts(number, kind, created)


def _parts(number: int, kind: str, created: datetime) -> tuple[dict[str, Any], ...]:
    if kind == EXPORT:
        name = f"172-189-{number}-1.xml"
        sent = {"execution_id": number, "file_name": name, "content": b"<x/>", "size": 4, "created_at": created}
        return sent | {"sha256": "0" * 64}, {}, {}
    name = f"offers-{number}.csv"
    counts = {column.name: 0 for column in ImportRun.__table__.c if column.default and column.default.arg == 0}
    run = {"execution_id": number, "family": "CATALOG", "recipe": "{}", "files": f'[{{"name": "{name}"}}]'}
    return {}, run | counts, {"execution_id": number, "name": name}


@contextmanager
def _without_indexes(connection: Connection) -> Iterator[None]:
    """An index of a million rows is built faster than it grows."""
    indexes = [index for table in TABLES for index in table.indexes]
    for index in indexes:
        connection.execute(text(f"drop index if exists {index.name}"))
    yield
    for index in indexes:
        index.create(connection, checkfirst=False)


def _write(connection: Connection, table: Table, rows: Rows) -> None:
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        names = ", ".join(rows[0])
        values = [tuple(_plain(value) for value in row.values()) for row in rows]
        marks = ", ".join("?" * len(rows[0]))
        connection.exec_driver_sql(f"insert into {table.name} ({names}) values ({marks})", values)  # noqa: S608
        return
    cursor = connection.connection.cursor()
    with cursor.copy(f"copy {table.name} ({', '.join(rows[0])}) from stdin") as copy:  # type: ignore[attr-defined]
        for row in rows:
            copy.write_row(tuple(row.values()))


def _plain(value: Any) -> Any:
    """A time as SQLAlchemy writes it."""
    return value.strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(value, datetime) else value
