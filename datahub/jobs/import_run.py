"""One import execution in a worker: the source is read into the spool, then written chunk by chunk."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Connection as DatabaseConnection
from sqlalchemy import insert, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from datahub import crash_points
from datahub.db import database_now
from datahub.errors import ConfigError, LostClaimError, SourceError, TransientError
from datahub.jobs import again, import_claims, import_executions, import_leftovers, import_read, lifecycle
from datahub.jobs.export_run import Context
from datahub.jobs.import_chunk import ChunkWriter, Outcome
from datahub.jobs.import_read import KEYLESS, Read, Source
from datahub.jobs.lease import LeaseKeeper
from datahub.jobs.lifecycle import SYSTEM, Claim
from datahub.models.connection import Connection
from datahub.models.execution import (
    IMPORT,
    INTEGRATION_DONE,
    INTEGRATION_DONE_WITH_ERRORS,
    INTEGRATION_FAILED,
    INTEGRATION_STARTED,
    INTEGRATION_WAITING,
    JOB_FAILED,
    JOB_STARTED,
    Execution,
)
from datahub.models.import_job import ImportJob
from datahub.models.import_run import COUNTS, ImportRun, ImportWarning, RejectedRow, UploadChunk
from datahub.storage import Spool, SpooledRow
from datahub.transports import open_transport

log = structlog.stdlib.get_logger(__name__)
LOOK_SECONDS = 1.0


class _WorkerEndsError(Exception):
    """This process was asked to end: what it holds is for another one to go on with."""


def run(context: Context, execution_id: int, attempt: int) -> None:
    """The next step of this execution, and its last one too if that may follow at once.

    Safe to call any number of times with the same arguments."""
    with context.sessions() as session:
        import_leftovers.sweep(session, Path(context.settings.spool_folder))
    with context.sessions.begin() as session:
        held = import_claims.claim(
            session, execution_id, attempt=attempt, worker=context.worker, settings=context.settings
        )
        status = held and session.scalar(select(Execution.status).where(Execution.id == execution_id))
    if held is None:
        return
    with structlog.contextvars.bound_contextvars(execution=held.public_id, attempt=held.attempt):
        crash_points.reach(crash_points.AFTER_CLAIM)
        if status == INTEGRATION_STARTED:
            _Run(context, held, INTEGRATION_FAILED).work()
        elif _Run(context, held, JOB_FAILED).work() and not context.is_stopping():
            run(context, execution_id, attempt + 1)


class _Run:
    """One step under one claim. `failed` is the status that it ends in when it fails."""

    def __init__(self, context: Context, held: Claim, failed: str) -> None:
        self._context, self._held, self._failed = context, held, failed
        self._lost = threading.Event()
        folder = Path(context.settings.spool_folder)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._spool_path = folder / f"{held.public_id}.spool"

    def work(self) -> bool:
        """Whether the execution goes on from here. Whatever happens ends here and costs only this execution."""
        keeper = LeaseKeeper(self._context.sessions, self._context.settings, lambda claim: self._lost.set())
        with keeper:
            keeper.hold(self._held)
            try:
                return self._step()
            except LostClaimError:
                log.warning("claim lost or stopped, the import ends here")
            except _WorkerEndsError:
                self._give_back()
                return False
            except TransientError as error:
                self._try_again(str(error))
            except ConfigError as error:
                at = f"Line {error.line:,}: " if isinstance(error, SourceError) and error.line else ""
                self._fail(f"{at}{error}")
            except DBAPIError as error:
                if again.is_away(error):
                    # Nothing can be recorded: the lease runs out, and the next worker goes on from the last chunk.
                    log.warning("the database is away in the middle of an import", error=type(error).__name__)
                    return False
                self._fail_internally()
            except Exception:  # noqa: BLE001 - a fault of ours must cost this execution only, and be seen
                self._fail_internally()
            finally:
                keeper.release(self._held)
        self._spool_path.unlink(missing_ok=True)
        return False

    def _step(self) -> bool:
        if self._failed == JOB_FAILED:
            self._read()
            crash_points.reach(crash_points.AFTER_PARSE)
            return True
        self._write()
        self._spool_path.unlink(missing_ok=True)
        return False

    def _check(self) -> None:
        if self._lost.is_set():
            raise LostClaimError(f"execution {self._held.public_id} is no longer claimed by this worker")
        if self._context.is_stopping():
            raise _WorkerEndsError

    def _read(self) -> None:
        with self._context.sessions.begin() as session:
            job = self._job(session)
            recipe = import_read.recipe_of(session, job)
        found = self._read_source(recipe)
        with self._context.sessions.begin() as session:
            values = {"recipe": found.recipe, "rows": found.rows, "files": found.files}
            values |= {"spool_host": socket.gethostname(), "warnings": len(found.warnings)}
            values |= {"started_at": self._held.started_at, "crashes": 0}
            self._update_run(session, values)
            self._warn_of_columns(session, found)
            now = database_now(session)
            told = f"{found.rows:,} rows read"
            due = {"next_attempt_at": now, "handed_out_at": None, "error": None}
            self._move(session, JOB_STARTED, INTEGRATION_WAITING, told, **due)

    def _read_source(self, recipe: dict[str, Any]) -> Read:
        fetched, unfinished = (self._spool_path.with_suffix(suffix) for suffix in (".source", ".reading"))
        try:
            source = self._fetch(fetched)
            crash_points.reach(crash_points.AFTER_DOWNLOAD)
            self._check()
            # Half a spool must never be taken for a whole one.
            with _opened(unfinished) as spool:
                found = import_read.read(source, recipe, spool, self._context.settings, self._check)
            unfinished.replace(self._spool_path)
            return found
        finally:
            fetched.unlink(missing_ok=True)
            unfinished.unlink(missing_ok=True)

    def _fetch(self, target: Path) -> Source:
        with self._context.sessions.begin() as session:
            name = session.get_one(ImportRun, self._held.execution_id).upload_name
            if name is not None:
                return _copy_upload(session, self._held.execution_id, name, target)
            job = self._job(session)
            connection, path = job.connection, job.file_path
            if not connection.active:
                raise ConfigError(f"The connection {connection.name} is disabled. Enable it, then run the job again.")
            if path is None:
                raise ConfigError("Folders cannot be read yet: give the job the path of one file.")
            session.expunge(connection)
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        return asyncio.run(self._download(connection, path, target))

    async def _download(self, connection: Connection, path: str, target: Path) -> Source:
        async def fetch() -> Source:
            settings = self._context.settings
            async with open_transport(connection, settings, self._context.vault) as transport:
                fetched = await transport.download(path, target, settings.max_file_bytes)
            return Source(path.rpartition("/")[2], target, fetched.size, fetched.sha256)

        fetching = asyncio.create_task(fetch())
        while not fetching.done():
            await asyncio.wait([fetching], timeout=min(self._context.settings.beat_seconds, LOOK_SECONDS))
            try:
                self._check()
            except (LostClaimError, _WorkerEndsError):
                fetching.cancel()
                await asyncio.wait([fetching])
                raise
        return fetching.result()

    def _write(self) -> None:
        with self._context.sessions.begin() as session:
            progress = session.get_one(ImportRun, self._held.execution_id)
            recipe, last = progress.recipe, progress.last_key
            actor = session.get_one(Execution, self._held.execution_id).actor
            files = progress.files
        if not self._spool_path.exists():
            self._read_again(recipe, files)
        plan = import_read.plan_of(recipe)
        after = tuple(json.loads(last)) if last else None
        engine = self._context.sessions.kw["bind"]
        with _opened(self._spool_path) as spool, engine.connect() as connection:
            with connection.begin():
                writer = ChunkWriter(connection, plan, execution_id=self._held.execution_id, actor=actor)
            while rows := spool.chunk(after, self._context.settings.chunk_rows):
                self._check()
                after = (rows[-1].depth, rows[-1].key)
                again.commit(connection, partial(self._write_chunk, connection, writer, rows, after))
                crash_points.reach(crash_points.BETWEEN_CHUNKS)
        crash_points.reach(crash_points.AFTER_LAST_CHUNK)
        self._finish()

    def _read_again(self, recipe: dict[str, Any], files: list[dict[str, Any]]) -> None:
        """The spool is on another machine, or lost: what was read must be there still, to the last byte."""
        found = self._read_source(recipe)
        if [file["sha256"] for file in found.files] != [file["sha256"] for file in files]:
            raise ConfigError(
                "What was read is no longer on this machine, and the file has changed since. Run the job again."
            )

    def _write_chunk(
        self, connection: DatabaseConnection, writer: ChunkWriter, rows: list[SpooledRow], after: tuple[int, str]
    ) -> None:
        """The claim is checked first and stays locked until the commit: a stop waits for it, or comes first."""
        session = Session(connection)
        lifecycle.save(session, self._held, worker=self._held.worker)
        now = database_now(session)
        outcome = writer.write(rows, now)
        values: dict[str, Any] = {name: getattr(ImportRun, name) + outcome.counts[name] for name in COUNTS}
        values |= {"rows_done": ImportRun.rows_done + len(rows), "last_key": json.dumps(after)}
        values |= {"warnings": ImportRun.warnings + len(outcome.warnings), "crashes": 0}
        self._update_run(session, values)
        self._keep(session, outcome)
        crash_points.reach(crash_points.INSIDE_CHUNK)

    def _keep(self, session: Session, outcome: Outcome) -> None:
        number = self._held.execution_id
        if outcome.rejected:
            session.execute(insert(RejectedRow), [_rejection(number, *found) for found in outcome.rejected])
        if outcome.warnings:
            told = [
                {
                    "execution_id": number,
                    "file": warned.row.file,
                    "line": warned.row.line,
                    "record_key": _key(warned.row),
                    "code": warned.code,
                    "field": warned.field,
                    "message": warned.message,
                }
                for warned in outcome.warnings
            ]
            session.execute(insert(ImportWarning), told)

    def _warn_of_columns(self, session: Session, found: Read) -> None:
        for missing in found.warnings:
            session.add(
                ImportWarning(
                    execution_id=self._held.execution_id,
                    file=found.files[0]["name"],
                    code="missing_column",
                    field=missing.field,
                    message=f'The file has no column "{missing.source}"; the field is left as it is.',
                )
            )

    def _finish(self) -> None:
        with self._context.sessions.begin() as session:
            progress = session.get_one(ImportRun, self._held.execution_id)
            to = INTEGRATION_DONE_WITH_ERRORS if progress.rejected else INTEGRATION_DONE
            self._end(session, INTEGRATION_STARTED, to, f"{progress.rows_done:,} rows written", error=None)
        log.info("import done")

    @property
    def _status(self) -> str:
        return JOB_STARTED if self._failed == JOB_FAILED else INTEGRATION_STARTED

    def _give_back(self) -> None:
        log.info("this worker ends, another one goes on with the import")
        with self._context.sessions.begin() as session:
            import_executions.give_back(session, self._held, self._status)

    def _try_again(self, why: str) -> None:
        log.warning("the source could not be fetched", error=why)
        settings = self._context.settings
        with self._context.sessions.begin() as session:
            tries = session.get_one(ImportRun, self._held.execution_id).crashes + 1
            wait = timedelta(seconds=min(settings.connect_seconds, settings.retry_seconds)) * tries
            execution = session.get_one(Execution, self._held.execution_id)
            import_executions.end_try(session, execution, why, conditions=lifecycle.is_mine(self._held), wait=wait)

    def _fail_internally(self) -> None:
        self._fail(f"Internal error, please report it with this text:\n{traceback.format_exc()}")

    def _fail(self, message: str) -> None:
        log.warning("import failed", error=message)
        try:
            with self._context.sessions.begin() as session:
                progress = session.get_one(ImportRun, self._held.execution_id)
                if progress.rows_done:
                    message += f" {progress.rows_done:,} of {progress.rows:,} rows are written."
                self._end(session, self._status, self._failed, message, error=message)
        except LostClaimError:
            log.warning("stopped before it failed")

    def _end(self, session: Session, came_from: str, to: str, reason: str, *, error: str | None) -> None:
        ended = {"ended_at": database_now(session), "next_attempt_at": None, "error": error}
        self._move(session, came_from, to, reason, **ended)
        import_executions.forget_upload(session, self._held.execution_id)
        import_executions.promote(session)

    def _move(self, session: Session, came_from: str, to: str, reason: str, **values: Any) -> None:
        moved = lifecycle.move(
            session,
            self._held.execution_id,
            kind=IMPORT,
            came_from=came_from,
            to=to,
            actor=SYSTEM,
            reason=reason,
            conditions=lifecycle.is_mine(self._held),
            values={"token": None, **values},
        )
        if not moved:
            raise LostClaimError(f"execution {self._held.public_id} is no longer claimed by this worker")

    def _update_run(self, session: Session, values: dict[str, Any]) -> None:
        which = ImportRun.execution_id == self._held.execution_id
        session.execute(update(ImportRun).where(which).values(values).execution_options(synchronize_session=False))

    def _job(self, session: Session) -> ImportJob:
        return session.scalars(select(ImportJob).where(ImportJob.id == self._held.job_id)).one()


@contextmanager
def _opened(path: Path) -> Iterator[Spool]:
    spool = Spool(path)
    try:
        yield spool
    finally:
        spool.close()


def _copy_upload(session: Session, execution_id: int, name: str, target: Path) -> Source:
    digest, size = sha256(), 0
    query = select(UploadChunk.content).where(UploadChunk.execution_id == execution_id).order_by(UploadChunk.number)
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as copy:
        for content in session.scalars(query):
            digest.update(content)
            size += copy.write(content)
    return Source(name, target, size, digest.hexdigest())


def _key(row: SpooledRow) -> str | None:
    return None if row.key.startswith(KEYLESS) else row.key


def _rejection(execution_id: int, row: SpooledRow, faults: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "execution_id": execution_id,
        "sequence": row.sequence,
        "file": row.file,
        "line": row.line,
        "record_key": _key(row),
        "cause": faults[0]["code"],
        "field": faults[0]["field"],
        "faults": faults,
        "cells": json.loads(row.cells),
    }
