"""What the cases of imports need: a file of suppliers with every outcome, jobs that read it, and what became of it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from datahub.db import read_only
from datahub.jobs import executions, import_executions
from datahub.models.change import Change
from datahub.models.execution import IMPORT, JOB_INITIALIZING, JOB_STARTED, MANUAL, Event, Execution
from datahub.models.import_job import ImportJob
from datahub.models.import_run import COUNTS, ImportRun, ImportWarning, RejectedRow
from datahub.models.party import Supplier
from tests.chaos.scene import Scene
from tests.factories import add_connection, add_import_job, make_supplier

HEADER = "Supplier External Id;Supplier Name;Supplier Rating;Deleted\n"
FILE = "out/suppliers.csv"
CHUNK = 4
STORED = 6


@dataclass
class Imports:
    """A scene of imports of suppliers, chunk by chunk of CHUNK rows."""

    scene: Scene

    def __post_init__(self) -> None:
        self.scene.hub.settings = dataclasses.replace(self.scene.hub.settings, chunk_rows=CHUNK)

    @property
    def spool(self) -> Path:
        return self.scene.hub.folder / "spool"

    def write(self, text: str) -> None:
        (self.scene.folder / "suppliers.csv").write_text(text)

    def add_job(self, *, connection: dict[str, Any] | None = None, **job: Any) -> int:
        with self.scene.hub.sessions.begin() as session:
            to = add_connection(session, self.scene.vault, self.scene.sshd, **connection or {})
            return add_import_job(session, to, **{"entity": "SUPPLIER", "file_path": FILE} | job).id

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

    def suppliers(self) -> list[str]:
        """The external ids of those that are not deleted."""
        with self.scene.hub.sessions() as session:
            known = select(Supplier.external_id).where(Supplier.deleted_at.is_(None))
            return sorted(read_only(session).scalars(known))

    def reset(self) -> None:
        """Back to STORED suppliers, as if nothing had been imported."""
        with self.scene.hub.sessions.begin() as session:
            for table in (Change, Supplier):
                session.execute(delete(table))
            for number in range(1, STORED + 1):
                make_supplier(session, f"S-{number:02}", name=f"Supplier {number}")

    def outcome(self, execution_id: int) -> dict[str, Any]:
        """All that an import leaves in the database, but for times, ids and its events."""
        with self.scene.hub.sessions() as session:
            return _outcome(read_only(session), execution_id)


def every_outcome() -> str:
    """Of STORED suppliers some are renamed, deleted or left as they are; others are new, named twice, or wrong."""
    rows = ["S-01;Supplier 1;;", "S-02;;;TRUE", "S-03;;;TRUE"]
    rows += [f"S-{number:02};Renamed {number};;" for number in range(4, STORED + 1)]
    rows += [f"S-{number:02};New {number};3;" for number in range(7, 15)]
    rows += ["S-15;Wrong;three;", "S-09;Named again;4;", ";Nobody;1;", "S-16;Ragged", "S-99;;;TRUE"]
    return HEADER + "\n".join(rows) + "\n"


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
    changes = (Change.record_key, Change.action, Change.changes, Change.file, Change.line)
    rejected = (RejectedRow.line, RejectedRow.record_key, RejectedRow.cause, RejectedRow.cells)
    warned = (ImportWarning.line, ImportWarning.record_key, ImportWarning.code, ImportWarning.message)
    suppliers = (Supplier.external_id, Supplier.name, Supplier.rating, Supplier.deleted_at.is_(None))
    return {
        "status": (execution.kind == IMPORT, execution.status, execution.error, execution.token),
        "counts": {name: getattr(run, name) for name in (*COUNTS, "rows", "rows_done", "warnings")},
        "records": session.execute(select(*suppliers).order_by(Supplier.external_id)).all(),
        "ledger": session.execute(select(*changes).order_by(Change.record_key, Change.id)).all(),
        "rejected": _of_run(session, RejectedRow, rejected, execution_id),
        "warned": _of_run(session, ImportWarning, warned, execution_id),
    }


def _of_run(session: Session, table: Any, columns: tuple[Any, ...], execution_id: int) -> list[Any]:
    found = select(*columns).where(table.execution_id == execution_id).order_by(table.line, table.id)
    return [tuple(row) for row in session.execute(found)]
