"""What export and import jobs have in common: names, connections, copies. Each kind's own
rules are in export_jobs.py and import_jobs.py."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from datahub.errors import FieldConflictError, NotFoundError
from datahub.faults import Faults
from datahub.models.connection import SFTP, Connection
from datahub.models.export_job import ExportJob
from datahub.models.import_job import ImportJob

NAME_LENGTH = 200
METHODS = (SFTP,)

Job = ExportJob | ImportJob
KINDS = {ExportJob: "export job", ImportJob: "import job"}


def choose_connection(session: Session, job: Job, public_id: str, faults: Faults) -> Connection | None:
    """None after a fault that nothing was found. The connection a job has already may be disabled: what goes over it
    is held up, or fails, until it is active again."""
    current = job.connection if job.id is not None else None
    connection = session.scalar(select(Connection).where(Connection.public_id == public_id.strip()))
    if connection is None:
        known = f"There is no connection with the id {public_id!r}." if public_id else "Choose a connection."
        faults.add("connection_id", known)
    elif connection.type != job.method and job.method in METHODS:
        faults.add("connection_id", f"{connection.name} is a connection of type {connection.type}, not {job.method}.")
    elif not connection.active and connection is not current:
        faults.add("connection_id", f"{connection.name} is disabled. Activate it first, or choose another.")
    return connection


def is_name_taken(session: Session, kind: type[Job], name: str, *, except_public_id: str = "") -> bool:
    # Compared here and not in SQL: SQLite folds the case of ASCII letters only.
    others = select(kind.name).where(kind.public_id != except_public_id)
    return name.strip().casefold() in {other.casefold() for other in session.scalars(others)}


def require_free_name(session: Session, job: Job, name: str) -> None:
    if is_name_taken(session, type(job), name, except_public_id=job.public_id):
        raise _taken(job, name)


@contextmanager
def claimed(session: Session, job: Job, name: str) -> Iterator[None]:
    """The index on the name decides where two requests want the same name at the same moment."""
    try:
        with session.begin_nested():
            yield
            session.flush()
    except IntegrityError as error:
        raise _taken(job, name) from error


def free_copy_name(session: Session, job: Job) -> str:
    taken = {other.casefold() for other in session.scalars(select(type(job).name))}
    for number in itertools.count():
        suffix = " - COPY" if number == 0 else f" - COPY ({number})"
        candidate = job.name[: NAME_LENGTH - len(suffix)] + suffix
        if candidate.casefold() not in taken:
            return candidate
    raise AssertionError("count() does not end")


def lock(session: Session, job: Job, *, to_edit: bool = False) -> None:
    """Until the end of the transaction; what is known of the job is fresh then. `to_edit` lets others keep it
    meanwhile. Raises NotFoundError if somebody has just deleted it."""
    query = select(type(job)).where(type(job).id == job.id).with_for_update(key_share=to_edit)
    if session.scalar(query.execution_options(populate_existing=True)) is None:
        raise _gone(job)


def keep(session: Session, job: Job, *, in_turn: bool = False) -> None:
    """Nobody deletes the job until the end of the transaction; others may edit it, and `in_turn` keep it one after the
    other. Raises NotFoundError if somebody has just deleted it."""
    query = select(type(job).id).where(type(job).id == job.id)
    if session.scalar(query.with_for_update(read=not in_turn, key_share=True)) is None:
        raise _gone(job)


def distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(value.strip() for value in values))


def _gone(job: Job) -> NotFoundError:
    return NotFoundError(f"The {KINDS[type(job)]} {job.name} has just been deleted.")


def _taken(job: Job, name: str) -> FieldConflictError:
    return FieldConflictError("name", f"Another {KINDS[type(job)]} is called {name}.")
