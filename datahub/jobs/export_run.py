"""A worker's batch: one connection, and due executions of one job claimed as their turn in flight comes."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, suppress
from datetime import timedelta

import structlog
from sqlalchemy import select, update
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Session, joinedload

from datahub import crash_points
from datahub.db import DATABASE_AWAY, database_now, read_only
from datahub.errors import ConfigError, ConnectionLostError, InstallationError, LostClaimError, TransientError
from datahub.jobs import connections, delivery, export_claims, export_leftovers, lifecycle, own_fault, unfit
from datahub.jobs.context import Context
from datahub.jobs.delivery import Consignment, Delivered, Target
from datahub.jobs.export_leftovers import Leftover
from datahub.jobs.group_commit import GroupCommit
from datahub.jobs.lease import LeaseKeeper
from datahub.jobs.lifecycle import Claim, Failure
from datahub.models.connection import Connection
from datahub.models.execution import ERROR
from datahub.models.export_job import ExportJob
from datahub.models.setting import GeneralSettings
from datahub.settings import Settings
from datahub.transports import open_transport
from datahub.transports.base import Transport

log = structlog.stdlib.get_logger(__name__)

# A batch takes no further executions after this; other jobs and messages want their turn.
BATCH_SECONDS = 300


def run(context: Context, execution_id: int, attempt: int) -> None:
    """Delivers this execution and goes on with others of its job that are due; ends at once when it is taken.

    Safe to call any number of times with the same arguments."""
    with context.sessions() as session:
        if not export_claims.is_untaken(read_only(session), execution_id, attempt):
            return
        connection = export_claims.connection_of(session, execution_id)
    asyncio.run(_run(context, connection, execution_id, attempt))


async def _run(context: Context, connection: Connection | None, execution_id: int, attempt: int) -> None:
    ledger = GroupCommit(context.sessions)
    try:
        if connection and (reason := await unfit.why(connection, context.settings, context.vault)):
            log.warning("left to other workers: the settings of this one are wrong", error=reason)
            worker = context.worker
            await ledger.run(
                lambda session: unfit.note(session, execution_id, attempt=attempt, worker=worker, reason=reason)
            )
            return
        first = await ledger.run(lambda session: _claim(session, context, execution_id, attempt))
        if first is None:
            return
        job, target = await ledger.run(lambda session: _load_job(session, first.claim.job_id))
        batch = _Batch(context, ledger, job, target)
        await batch.work(first)
        if batch.has_delivered:
            await ledger.run(lambda session: connections.note_success(session, job.connection_id))
    finally:
        ledger.close()


class _Batch:
    """`is_over` once nothing more may be claimed: the connection is lost, or the database, the job or its connection
    was edited, or the worker is ending."""

    _keeper: LeaseKeeper
    _opening: asyncio.Task[Transport]

    def __init__(self, context: Context, ledger: GroupCommit, job: ExportJob, target: Target) -> None:
        self._context = context
        self._ledger = ledger
        self._job = job
        self._target = target
        self._tasks: dict[asyncio.Task[None], Claim] = {}
        self._accompanied: set[Claim] = set()
        self._is_broken = False
        self._is_outdated = False
        self._claims_until = time.monotonic() + BATCH_SECONDS
        self.has_delivered = False

    async def work(self, first: Consignment) -> None:
        loop = asyncio.get_running_loop()

        def give_up(lost: Claim) -> None:
            loop.call_soon_threadsafe(self._cancel, lost)

        async with AsyncExitStack() as stack:
            keeper = LeaseKeeper(self._context.sessions, self._context.settings, give_up)
            self._keeper = stack.enter_context(keeper)
            self._opening = asyncio.create_task(self._open(stack))
            self._start(first)
            await self._fill()
            while self._tasks:
                # The time-out lets what became due meanwhile pass an order that takes long.
                patience = self._context.settings.sweep_seconds
                await asyncio.wait(self._tasks, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
                for task in [task for task in self._tasks if task.done()]:
                    self._let_go(task)
                await self._fill()
            await asyncio.gather(self._opening, return_exceptions=True)
            await self._sweep()

    def _let_go(self, task: asyncio.Task[None]) -> None:
        claim = self._tasks.pop(task)
        self._keeper.release(claim)
        if not task.cancelled() and (fault := task.exception()):
            # Nothing is recorded: the lease runs out, and the next attempt finds what this one did.
            with structlog.contextvars.bound_contextvars(execution=claim.public_id, attempt=claim.attempt):
                log.error("the end of an attempt could not be recorded", exc_info=fault)

    async def _sweep(self) -> None:
        if not self._is_broken:
            with suppress(*DATABASE_AWAY):
                await export_leftovers.sweep(self._target.server, self._opening.result(), self._ledger)

    @property
    def is_over(self) -> bool:
        return (
            self._is_broken or self._is_outdated or self._context.is_stopping() or time.monotonic() > self._claims_until
        )

    async def _open(self, stack: AsyncExitStack) -> Transport:
        context = self._context
        try:
            opening = open_transport(self._job.connection, context.settings, context.vault)
            return await stack.enter_async_context(opening)
        except Exception as error:
            self._is_broken = True
            if isinstance(error, (TransientError, InstallationError)):
                await self._ledger.run(lambda session: _rest(session, self._job.connection_id, context.settings))
            raise

    async def _fill(self) -> None:
        """Claims as many due executions as places are free, half of them at a time to spare the database."""
        places = self._context.settings.in_flight
        free = places - len(self._tasks)
        if self.is_over or free < max(1, places // 2) or any(claim.alone for claim in self._tasks.values()):
            return
        try:
            due = await self._ledger.run(lambda session: self._claim_due(session, free))
        except DATABASE_AWAY as error:
            self._is_broken = True
            log.warning("no further executions could be claimed", error=type(error).__name__)
            return
        for consignment in due:
            self._start(consignment)

    def _claim_due(self, session: Session, count: int) -> list[Consignment]:
        """Nothing, and the batch is over, once the job or its connection is no longer what this batch began with."""
        try:
            job, target = _load_job(session, self._job.id)
            is_same = target == self._target and job.connection.updated_at == self._job.connection.updated_at
        except NoResultFound:
            # With nothing under way any more, the job may have been deleted.
            is_same = False
        if not is_same:
            self._is_outdated = True
            return []
        context = self._context
        found = export_claims.claim_due(
            session,
            self._job.id,
            count=count,
            is_idle=not self._tasks,
            worker=context.worker,
            settings=context.settings,
        )
        return delivery.load(session, found) if found else []

    def _start(self, consignment: Consignment) -> None:
        self._keeper.hold(consignment.claim)
        self._tasks[asyncio.create_task(self._attempt(consignment))] = consignment.claim
        if len(self._tasks) > 1:
            self._accompanied.update(self._tasks.values())

    def _cancel(self, lost: Claim) -> None:
        for task, claim in self._tasks.items():
            if claim == lost:
                task.cancel()

    async def _attempt(self, consignment: Consignment) -> None:
        """The top of one execution's attempt: whatever happens ends here, and costs only this execution."""
        claim = consignment.claim
        with structlog.contextvars.bound_contextvars(execution=claim.public_id, attempt=claim.attempt):
            crash_points.reach(crash_points.AFTER_CLAIM)
            try:
                failure = await self._deliver(consignment)
                if failure is not None:
                    await self._fail(claim, failure)
            except LostClaimError:
                log.warning("claim lost, the attempt ends without effect")
                await self._clean_up(claim)
            except asyncio.CancelledError:
                log.info("stopped, the attempt ends without effect")
                await self._clean_up(claim)
            except DATABASE_AWAY as error:
                # Nothing can be recorded: the lease runs out, and the next attempt finds what this one did.
                self._is_broken = True
                log.warning("the database is away in the middle of an attempt", error=type(error).__name__)

    async def _deliver(self, consignment: Consignment) -> Failure | None:
        claim = consignment.claim
        try:
            async with asyncio.timeout(self._context.settings.attempt_seconds):
                file = await delivery.prepare(consignment, self._target, self._ledger)
                transport = await asyncio.shield(self._opening)
                crash_points.reach(crash_points.AFTER_CONNECT)
                delivered = await delivery.deliver(consignment, file, self._target, transport, self._ledger)
                crash_points.reach(crash_points.BEFORE_SUCCESS)
                self._keeper.settle(claim)
                await self._ledger.run(lambda session: _succeed(session, claim, delivered))
                crash_points.reach(crash_points.AFTER_SUCCESS)
        except LostClaimError:
            raise
        except TransientError as error:
            broke = isinstance(error, ConnectionLostError)
            self._is_broken = self._is_broken or broke
            had_company = claim in self._accompanied
            return Failure(str(error), final=False, broke_connection=broke, had_company=had_company)
        except TimeoutError:
            # A connection this slow takes no more work, or every retry would be lost on it.
            self._is_broken = True
            return Failure(
                f"The attempt took longer than {self._context.settings.attempt_seconds:g} s (ATTEMPT_SECONDS).",
                final=False,
            )
        except ConfigError as error:
            return Failure(str(error), final=not isinstance(error, InstallationError))
        except DATABASE_AWAY:
            raise
        except Exception as fault:  # noqa: BLE001 - a fault of ours must cost this execution only, and be seen
            return Failure(own_fault.report(fault, claim.public_id), final=True)
        self.has_delivered = True
        log.info("export delivered")
        return None

    async def _fail(self, claim: Claim, failure: Failure) -> None:
        log.warning("attempt failed", error=failure.message)
        settings = self._context.settings
        self._keeper.settle(claim)
        status = await self._ledger.run(lambda session: lifecycle.fail(session, claim, failure, settings))
        if status == ERROR:
            await self._clean_up(claim, has_ended=True)

    async def _clean_up(self, claim: Claim, *, has_ended: bool = False) -> None:
        """Removes the temporary files of this attempt and those before. Unless it `has_ended`, the next one may be
        giving the file that the marker names its final name."""
        if not self._opening.done() or self._is_broken:
            return
        target = self._target
        leftover = Leftover(claim.execution_id, claim.public_id, claim.attempt, target.server, target.folder)
        with suppress(*DATABASE_AWAY):
            if has_ended or not await self._ledger.run(lambda session: delivery.is_marked(session, claim)):
                await export_leftovers.clear(leftover, self._opening.result(), self._ledger)


def _claim(session: Session, context: Context, execution_id: int, attempt: int) -> Consignment | None:
    claim = export_claims.claim(
        session, execution_id, attempt=attempt, worker=context.worker, settings=context.settings
    )
    return delivery.load(session, [claim])[0] if claim else None


def _succeed(session: Session, claim: Claim, delivered: Delivered) -> None:
    stays = "" if delivered.is_clean else "; the server lets nobody remove temporary files of earlier attempts"
    lifecycle.succeed(session, claim, reason=f"{delivered.how}{stays}")
    if not delivered.is_clean:
        export_leftovers.keep_in_mind(session, claim.execution_id)


def _load_job(session: Session, job_id: int) -> tuple[ExportJob, Target]:
    statement = select(ExportJob).where(ExportJob.id == job_id).options(joinedload(ExportJob.connection))
    job = session.scalars(statement.execution_options(populate_existing=True)).one()
    general = session.get_one(GeneralSettings, 1)
    target = Target(
        server=f"{job.connection.username}@{job.connection.origin}",
        folder=job.output_folder,
        export_format=job.export_format,
        file_name_format=job.file_name_format,
        prefix=general.file_name_prefix,
        multi_store=general.multi_store,
    )
    return job, target


def _rest(session: Session, connection_id: int, settings: Settings) -> None:
    """A partner that cannot be reached would cost each of its orders a whole time-out, and all others the worker."""
    rest = timedelta(seconds=min(settings.connect_seconds, settings.retry_seconds))
    paused = {"paused_until": database_now(session) + rest}
    session.execute(update(Connection).where(Connection.id == connection_id).values(paused))
