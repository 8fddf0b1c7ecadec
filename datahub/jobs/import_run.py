"""One import execution in a worker: the source is read into the spool, then written chunk by chunk."""

from __future__ import annotations

import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import structlog
from sqlalchemy import Connection as DatabaseConnection
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from datahub import crash_points
from datahub.db import DATABASE_AWAY, database_now
from datahub.entities import ENTITIES
from datahub.entities.base import Field
from datahub.errors import ConfigError, InstallationError, LostClaimError, TransientError
from datahub.grouping import counted, grouped
from datahub.jobs import (
    import_claims,
    import_folder,
    import_leftovers,
    import_moves,
    import_read,
    import_source,
    lifecycle,
    own_fault,
)
from datahub.jobs.context import Context
from datahub.jobs.import_folder import is_folder
from datahub.jobs.import_hold import Hold
from datahub.jobs.import_progress import Progress, keep_names
from datahub.jobs.import_read import Read
from datahub.jobs.lease import LeaseKeeper
from datahub.jobs.lifecycle import Claim
from datahub.jobs.merging import again
from datahub.jobs.rows import definitions, other_keys, tree_order
from datahub.jobs.rows.act_writer import Writer, writer_of
from datahub.jobs.rows.chunk import ChunkWriter, Outcome
from datahub.jobs.rows.findings import keep_findings
from datahub.jobs.rows.plan import Plan
from datahub.jobs.rows.secret_values import Sealer
from datahub.jobs.rows.whole import REFUSED_WORDS, RefusedError, reject_all, replace_all
from datahub.models.execution import (
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
from datahub.models.import_run import COUNTS, ImportRun, ImportWarning
from datahub.storage import Spool, SpooledRow
from datahub.transports.base import Transport

log = structlog.stdlib.get_logger(__name__)
T = TypeVar("T")


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
        self._context, self._held = context, held
        self._hold = Hold(context, held, failed)
        self._lost = threading.Event()
        self._progress = Progress(context, held, self._hold, self._check)
        self._keeper = LeaseKeeper(context.sessions, context.settings, lambda _: self._lost.set(), self._progress.keep)
        self._sealer = Sealer(context.sessions.kw["bind"], context.vault)
        self._folder = Path(context.settings.spool_folder)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def work(self) -> bool:
        """Whether the execution goes on from here. Whatever happens ends here and costs only this execution."""
        with self._keeper as keeper:
            keeper.hold(self._held)
            try:
                return self._step()
            except LostClaimError:
                log.warning("claim lost or stopped, the import ends here")
                with self._context.sessions.begin() as session:
                    lifecycle.let_go(session, self._held)
            except _WorkerEndsError:
                self._hold.give_back()
                return False
            except (TransientError, InstallationError) as error:
                self._hold.try_again(str(error))
            except ConfigError as error:
                self._hold.fail(import_read.words(error))
            except DATABASE_AWAY as error:
                # Nothing can be recorded: the lease runs out, and the next worker goes on from the last chunk.
                log.warning("the database is away in the middle of an import", error=type(error).__name__)
                return False
            except Exception as fault:  # noqa: BLE001 - a fault of ours must cost this execution only, and be seen
                self._hold.fail(own_fault.report(fault, self._held.public_id))
            finally:
                keeper.release(self._held)
        import_leftovers.forget_spools(self._folder, self._held.public_id)
        return False

    def _step(self) -> bool:
        if self._hold.status == JOB_STARTED:
            self._read()
            crash_points.reach(crash_points.AFTER_PARSE)
            return True
        self._write()
        import_leftovers.forget_spools(self._folder, self._held.public_id)
        return False

    def _check(self) -> None:
        if self._lost.is_set():
            raise LostClaimError(self._held.public_id)
        if self._context.is_stopping():
            raise _WorkerEndsError

    def _read(self) -> None:
        with self._context.sessions.begin() as session:
            job = session.get_one(ImportJob, self._held.job_id)
            recipe = import_read.recipe_of(session, job)
            progress = session.get_one(ImportRun, self._held.execution_id)
            if job.bulk and progress.upload_name is None:
                recipe |= import_folder.folders_of(job)
            before = progress.files
        if is_folder(recipe) and import_folder.are_unusable(before):
            # An attempt before this one died while it moved them away.
            self._set_aside(before)
        found = self._read_source(recipe)
        if import_folder.are_unusable(found.files):
            self._refuse(found)
        with self._context.sessions.begin() as session:
            self._keep_read(session, found)
            now = database_now(session)
            told = f"{counted(found.rows, 'row')} read"
            due = {"next_attempt_at": now, "handed_out_at": None, "error": None}
            self._hold.move(session, JOB_STARTED, INTEGRATION_WAITING, told, **due)

    def _keep_read(self, session: Session, found: Read) -> None:
        """In place of what an earlier reading of the same files found."""
        # What a beat writes too is written in its order: first the execution, then the run.
        lifecycle.save(session, self._held, worker=self._held.worker)
        values = {"recipe": found.recipe, "rows": found.rows, "files": found.files}
        values |= {"bytes_read": sum(file["size"] for file in found.files), "crashes": 0}
        self._hold.update_run(session, values)
        keep_names(session, self._held.execution_id, found.files)
        names = [file["name"] for file in found.files]
        warned = ImportWarning.execution_id == self._held.execution_id, ImportWarning.file.in_(names)
        told = session.scalars(delete(ImportWarning).where(*warned).returning(ImportWarning.id)).all()
        self._hold.update_run(session, {"warnings": ImportRun.warnings - len(told)})
        self._hold.warn(session, found.warnings)
        if not found.rows:
            self._consume(session, found.recipe, found.files)

    def _refuse(self, found: Read) -> NoReturn:
        if not is_folder(found.recipe):
            self._progress.take(found.files)
            raise ConfigError(found.files[0]["error"])
        with self._context.sessions.begin() as session:
            self._keep_read(session, found)
        self._set_aside(found.files)

    def _set_aside(self, unusable: list[dict[str, Any]]) -> NoReturn:
        self._move_files()
        raise ConfigError(import_folder.told(unusable))

    def _read_source(self, recipe: dict[str, Any], before: list[dict[str, Any]] | None = None) -> Read:
        """`before` are the files that an earlier attempt has read: they must be there still, to the last byte."""
        names = None if before is None else [file["name"] for file in before]
        unfinished = self._folder / f"{self._held.public_id}.reading"
        try:
            fetched = import_source.fetch(self._context, self._held, recipe, self._check, self._progress, names)
            crash_points.reach(crash_points.AFTER_DOWNLOAD)
            self._check()
            if names is None:
                self._progress.take([import_read.file_of(source) for source in fetched.sources])
            # Half a spool must never be taken for a whole one.
            with closing(Spool(unfinished)) as spool:
                found = import_read.read(
                    fetched.sources, recipe, spool, self._context.settings, self._progress.read, self._sealer
                )
            if before is not None and [file["sha256"] for file in found.files] != [file["sha256"] for file in before]:
                raise ConfigError("It had to be read again, and the file has changed since. Run the job again.")
            unfinished.replace(self._spool_of(found.recipe, found.files))
            found.warnings.extend(fetched.warnings)
            return found
        finally:
            import_source.forget(self._context, self._held)
            unfinished.unlink(missing_ok=True)

    def _connected(self, act: Callable[[Transport], Awaitable[T]]) -> T:
        return import_source.connected(self._context, self._held.job_id, act, self._check)

    def _consume(self, session: Session, recipe: dict[str, Any], files: list[dict[str, Any]]) -> None:
        if is_folder(recipe):
            number, job_id = self._held.execution_id, self._held.job_id
            import_moves.consume(session, job_id=job_id, execution_id=number, recipe=recipe, files=files)

    def _move_files(self) -> bool:
        """Whether all that the job has applied or set aside are away. Safe to repeat."""
        with self._context.sessions.begin() as session:
            consumed, now = import_moves.to_move(session, self._held.job_id), database_now(session)
            session.expunge_all()
        if not consumed:
            return True
        try:
            moved = self._connected(lambda transport: import_moves.move_away(transport, consumed, now, self._mark))
        except (ConfigError, TransientError) as error:
            moved = import_moves.none_moved(consumed, error)
        crash_points.reach(crash_points.AFTER_MOVE)
        with self._context.sessions.begin() as session:
            lifecycle.save(session, self._held, worker=self._held.worker)
            import_moves.settle(session, consumed, moved)
            self._hold.warn(session, moved.warnings)
        return not moved.kept

    def _mark(self, consumed_id: int, place: str) -> None:
        with self._context.sessions.begin() as session:
            lifecycle.save(session, self._held, worker=self._held.worker)
            import_moves.mark_moving(session, consumed_id, place)

    def _write(self) -> None:
        with self._context.sessions.begin() as session:
            progress = session.get_one(ImportRun, self._held.execution_id)
            recipe, files = progress.recipe, progress.files
            renewed = definitions.renewed(session, recipe) if progress.rows > progress.rows_done == 0 else None
            actor = session.get_one(Execution, self._held.execution_id).actor
            session.expunge(progress)
        if renewed:
            self._read_anew(renewed, files)
            self._write()
            return
        if progress.rows_done < progress.rows:
            if not self._spool_of(recipe, files).exists():
                self._read_source(recipe, files)
            self._write_rows(progress, actor)
        crash_points.reach(crash_points.AFTER_LAST_CHUNK)
        is_moved = self._move_files() if is_folder(recipe) else True
        self._finish(is_moved and not any(file.get("error") for file in files))

    def _write_rows(self, progress: ImportRun, actor: str) -> None:
        plan, path = import_read.plan_of(progress.recipe), self._spool_of(progress.recipe, progress.files)
        after = tuple(json.loads(progress.last_key)) if progress.last_key else None
        with self._context.sessions.kw["bind"].connect() as connection:
            other_keys.settle(path, plan, self._finder(plan, connection, is_begun=after is not None))
            tree_order.order(path, plan, connection)
        with closing(Spool(path)) as spool, self._context.sessions.kw["bind"].connect() as connection:
            with connection.begin():
                writer = writer_of(connection, plan, execution_id=self._held.execution_id, actor=actor)
            if isinstance(writer, ChunkWriter) and plan.entity.replaced_whole:
                self._replace_all(connection, writer, spool)
                return
            room = again.Room(connection)
            for rows in self._chunks(spool, after):
                again.commit(connection, partial(self._write_chunk, connection, writer, rows))
                room.give(self._lost.wait)
                crash_points.reach(crash_points.BETWEEN_CHUNKS)

    def _finder(
        self, plan: Plan, connection: DatabaseConnection, *, is_begun: bool
    ) -> Callable[[Spool, Field], Iterator[other_keys.Pairs]]:
        """Rows must come in the same order again where the spool was lost, whatever records are called by now."""
        number = self._held.execution_id
        if is_begun:
            return lambda spool, other: other_keys.kept(connection, number)

        def keep(page: int, pairs: other_keys.Pairs) -> None:
            self._check()
            self._claimed(connection)
            other_keys.keep(connection, number, page, pairs)

        return partial(other_keys.stored, plan=plan, connection=connection, keep=keep)

    def _replace_all(self, connection: DatabaseConnection, writer: ChunkWriter, spool: Spool) -> None:
        try:
            again.commit(connection, partial(self._write_all, connection, writer, spool))
        except RefusedError as refused:
            again.commit(connection, partial(self._reject_all, connection, spool, refused))

    def _write_all(self, connection: DatabaseConnection, writer: ChunkWriter, spool: Spool) -> None:
        session = Session(connection)
        outcome, removed = replace_all(writer, self._renewing(session, spool), database_now(session))
        self._keep(self._claimed(connection), outcome, removed=removed)
        crash_points.reach(crash_points.INSIDE_CHUNK)

    def _renewing(self, session: Session, spool: Spool) -> Iterator[list[SpooledRow]]:
        """One transaction may take longer than the lease, as long as each chunk of it does not. Where others can write
        beside it the claim is locked at its end only: until then it is renewed as always, and a stop is heard."""
        is_alone = session.get_bind().dialect.name == "sqlite"
        for rows in self._chunks(spool):
            if is_alone:
                self._keeper.renew(session, self._held)
            yield rows

    def _reject_all(self, connection: DatabaseConnection, spool: Spool, refused: RefusedError) -> None:
        # On SQLite the lease may have run out: what was taken back may have taken longer, with its renewals.
        session, total = Session(connection), Outcome()
        for rows in self._renewing(session, spool):
            outcome = reject_all(rows, refused)
            keep_findings(session, self._held.execution_id, outcome)
            total.counts["rejected"] += outcome.counts["rejected"]
        self._keep(self._claimed(connection), total)
        crash_points.reach(crash_points.INSIDE_CHUNK)

    def _chunks(self, spool: Spool, after: tuple[int, str] | None = None) -> Iterator[list[SpooledRow]]:
        while rows := spool.chunk(after, self._context.settings.chunk_rows):
            self._check()
            after = (rows[-1].depth, rows[-1].key)
            yield rows

    def _spool_of(self, recipe: dict[str, Any], files: list[dict[str, Any]]) -> Path:
        return import_read.spool_of(self._folder, self._held.public_id, recipe, files)

    def _read_anew(self, recipe: dict[str, Any], files: list[dict[str, Any]]) -> None:
        """Values were read by definitions that have changed while this execution waited for its turn to write."""
        log.info("custom fields or attributes have changed since the file was read, so it is read again")
        found = self._read_source(recipe, files)
        if import_folder.are_unusable(found.files):
            self._refuse(found)
        with self._context.sessions.begin() as session:
            self._keep_read(session, found)

    def _write_chunk(self, connection: DatabaseConnection, writer: Writer, rows: list[SpooledRow]) -> None:
        session, last = self._claimed(connection), (rows[-1].depth, rows[-1].key)
        self._keep(session, writer.write(rows, database_now(session)), last_key=json.dumps(last))
        crash_points.reach(crash_points.INSIDE_CHUNK)

    def _claimed(self, connection: DatabaseConnection) -> Session:
        """The claim is checked first and stays locked until the commit: a stop waits for it, or comes first."""
        session = Session(connection)
        lifecycle.save(session, self._held, worker=self._held.worker)
        return session

    def _keep(self, session: Session, outcome: Outcome, **more: Any) -> None:
        """What was done with some rows, in the transaction that did it."""
        values: dict[str, Any] = {name: getattr(ImportRun, name) + outcome.counts[name] for name in COUNTS}
        values |= {"rows_done": ImportRun.rows_done + sum(outcome.counts.values())}
        values |= {"warnings": ImportRun.warnings + len(outcome.warnings), "crashes": 0, **more}
        self._hold.update_run(session, values)
        keep_findings(session, self._held.execution_id, outcome)
        progress = session.get_one(ImportRun, self._held.execution_id, populate_existing=True)
        if progress.rows_done == progress.rows:
            self._consume(session, progress.recipe, progress.files)

    def _finish(self, is_clean: bool) -> None:
        with self._context.sessions.begin() as session:
            progress = session.get_one(ImportRun, self._held.execution_id)
            if progress.rows_done != progress.rows:
                raise RuntimeError(f"{progress.rows_done} rows of {progress.rows} were looked at")
            to = INTEGRATION_DONE if is_clean and not progress.rejected else INTEGRATION_DONE_WITH_ERRORS
            done, rejected = counted(progress.rows_done, "row"), grouped(progress.rejected)
            told = f"{done} looked at, {rejected} rejected" if progress.rejected else f"{done} written"
            error = None
            if progress.rejected and ENTITIES[progress.recipe["entity"]].replaced_whole:
                to, told, error = INTEGRATION_FAILED, REFUSED_WORDS, REFUSED_WORDS
            self._hold.end(session, INTEGRATION_STARTED, to, told, error=error)
            crash_points.reach(crash_points.BEFORE_END)
        crash_points.reach(crash_points.AFTER_END)
        log.info("import done")
