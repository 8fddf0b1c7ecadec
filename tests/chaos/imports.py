"""What the cases of imports need: jobs that read one file, files of suppliers, and what became of them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Table, delete, select
from sqlalchemy.orm import Session

from datahub.db import Base, read_only
from datahub.jobs import executions, import_executions
from datahub.models.change import Change
from datahub.models.execution import IMPORT, JOB_INITIALIZING, JOB_STARTED, MANUAL, Event, Execution
from datahub.models.import_job import ImportJob
from datahub.models.import_run import COUNTS, ImportRun, ImportWarning, RejectedRow
from datahub.models.party import Supplier
from tests.chaos.scene import Scene
from tests.factories import add_connection, add_import_job

HEADER = "Supplier External Id;Supplier Name;Supplier Rating;Deleted\n"
FILE = "out/records.csv"
CHUNK = 4
# Those that others refer to come first.
TABLES = ("suppliers", "attributes", "categories", "category_attributes", "products", "variants")


@dataclass
class Imports:
    """A scene of imports, chunk by chunk of CHUNK rows."""

    scene: Scene

    def __post_init__(self) -> None:
        self.scene.hub.settings = dataclasses.replace(self.scene.hub.settings, chunk_rows=CHUNK)

    @property
    def spool(self) -> Path:
        return self.scene.hub.folder / "spool"

    @property
    def file(self) -> Path:
        return self.scene.sshd.files / FILE

    def write(self, text: str) -> None:
        self.file.write_text(text)

    def add_job(self, *, connection: dict[str, Any] | None = None, **job: Any) -> int:
        (job_id,) = self.add_jobs(1, connection=connection, **job)
        return job_id

    def add_jobs(self, count: int, *, connection: dict[str, Any] | None = None, **job: Any) -> list[int]:
        """Over one connection."""
        with self.scene.hub.sessions.begin() as session:
            to = add_connection(session, self.scene.vault, self.scene.sshd, **connection or {})
            fields = {"entity": "SUPPLIER", "file_path": FILE} | job
            return [add_import_job(session, to, **fields).id for _ in range(count)]

    def public_id(self, job_id: int) -> str:
        with self.scene.hub.sessions() as session:
            return read_only(session).get_one(ImportJob, job_id).public_id

    def trigger(self, job_id: int) -> int:
        """As a person does. Returns the execution's id."""
        with self.scene.hub.sessions.begin() as session:
            job = session.get_one(ImportJob, job_id)
            return import_executions.trigger(session, job, origin=MANUAL, actor="ada").id

    def stop(self, execution_id: int) -> None:
        with self.scene.hub.sessions.begin() as session:
            executions.stop(session, session.get_one(Execution, execution_id), actor="ada")

    def start(self, arms: dict[str, str] | None = None) -> None:
        """A worker and a clock that carry the arms, and somebody who starts them again when they die."""
        self.scene.hub.start_importer(environment=arms or {})
        self.scene.hub.start_clock(environment=arms or {})
        self.scene.hub.supervise()

    def ended(self, execution_id: int) -> Execution:
        """Once every execution has ended."""
        self.scene.wait_until_all_ended()
        return self.scene.execution(execution_id)

    def counts(self, execution_id: int) -> dict[str, int]:
        """Without those that are 0."""
        with self.scene.hub.sessions() as session:
            run = read_only(session).get_one(ImportRun, execution_id)
            return {name: getattr(run, name) for name in COUNTS if getattr(run, name)}

    def tries(self, execution_id: int) -> int:
        with self.scene.hub.sessions() as session:
            return read_only(session).get_one(ImportRun, execution_id).crashes

    def depth(self, execution_id: int) -> int:
        """Of the last record of a tree that is written."""
        with self.scene.hub.sessions() as session:
            depth, _ = json.loads(read_only(session).get_one(ImportRun, execution_id).last_key or "[0, null]")
            return int(depth)

    def suppliers(self) -> list[str]:
        """The external ids of those that are not deleted."""
        with self.scene.hub.sessions() as session:
            known = select(Supplier.external_id).where(Supplier.deleted_at.is_(None))
            return sorted(read_only(session).scalars(known))

    def reset(self, store: Callable[[Session], None]) -> None:
        """Back to what `store` adds, as if nothing had been imported."""
        with self.scene.hub.sessions.begin() as session:
            for name in reversed(TABLES):
                session.execute(delete(Base.metadata.tables[name]))
            store(session)

    def records(self) -> dict[str, list[Any]]:
        """All there are, but for their ids and times."""
        with self.scene.hub.sessions() as session:
            read_only(session)
            return {name: _records(session, Base.metadata.tables[name]) for name in TABLES}

    def outcome(self, execution_id: int) -> dict[str, Any]:
        """What an import leaves in the database beside the records, but for times, ids and its events."""
        with self.scene.hub.sessions() as session:
            return _outcome(read_only(session), execution_id)


def plain(count: int) -> str:
    return HEADER + "".join(f"S-{number:02};Supplier {number};3;\n" for number in range(1, count + 1))


def long(count: int) -> str:
    """Suppliers of some 100 kB each, nearly all of it in a column that no field takes."""
    rows = (f"S-{number:02};Supplier {number};3;;{'x' * 100_000}\n" for number in range(1, count + 1))
    return HEADER.replace("\n", ";Note\n") + "".join(rows)


def starts(execution: Execution) -> list[Event]:
    """One per time that it was begun to be read."""
    moves = [(event, event.from_status, event.to_status) for event in execution.events]
    return [event for event, came_from, to in moves if (came_from, to) == (JOB_INITIALIZING, JOB_STARTED)]


def _outcome(session: Session, execution_id: int) -> dict[str, Any]:
    execution, run = session.get_one(Execution, execution_id), session.get_one(ImportRun, execution_id)
    changes = (Change.record_key, Change.action, Change.part, Change.part_key, Change.changes, Change.file, Change.line)
    rejected = (RejectedRow.line, RejectedRow.record_key, RejectedRow.faults, RejectedRow.cells)
    warned = (ImportWarning.line, ImportWarning.record_key, ImportWarning.code, ImportWarning.message)
    return {
        "status": (execution.kind == IMPORT, execution.status, execution.error, execution.token),
        "counts": {name: getattr(run, name) for name in COUNTS},
        "progress": (run.rows, run.rows_done, run.warnings),
        "ledger": _of_run(session, Change, changes, execution_id),
        "rejected": _of_run(session, RejectedRow, rejected, execution_id),
        "warned": _of_run(session, ImportWarning, warned, execution_id),
    }


def _of_run(session: Session, table: Any, columns: tuple[Any, ...], execution_id: int) -> list[Any]:
    found = select(*columns).where(table.execution_id == execution_id)
    return sorted((tuple(row) for row in session.execute(found)), key=repr)


def _records(session: Session, table: Table) -> list[list[Any]]:
    """Those that are deleted too."""
    columns = [column for column in table.columns if column.name not in ("id", "created_at", "updated_at")]
    rows = session.execute(select(*columns))
    return sorted(([_told(session, *cell) for cell in zip(columns, row, strict=True)] for row in rows), key=repr)


def _told(session: Session, column: Column[Any], value: Any) -> Any:
    """The key of another record instead of its id; of a deletion only whether there was one."""
    if column.name == "deleted_at":
        return value is not None
    for reference in column.foreign_keys:
        other = reference.column
        return session.scalar(select(other.table.c.external_id).where(other == value))
    return value
