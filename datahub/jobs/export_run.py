"""A worker's batch: one connection, and due executions of one job claimed as their turn in flight comes."""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session, joinedload, sessionmaker

from datahub.db import database_now
from datahub.errors import ConfigError, ConnectionLostError, LostClaimError, TransientError
from datahub.jobs import delivery, lifecycle
from datahub.jobs.delivery import Target
from datahub.jobs.group_commit import GroupCommit
from datahub.jobs.lease import LeaseKeeper
from datahub.jobs.lifecycle import Claim
from datahub.models.connection import Connection
from datahub.models.execution import ERROR
from datahub.models.export_job import ExportJob
from datahub.models.setting import GeneralSettings
from datahub.settings import Settings
from datahub.transports import open_transport
from datahub.transports.base import Transport
from datahub.vault import Vault

log = structlog.stdlib.get_logger(__name__)

# A batch takes no further executions after this; other jobs and messages want their turn.
BATCH_SECONDS = 300


@dataclass(frozen=True)
class Context:
    """What a worker process brings: its name appears in claims and events."""

    sessions: sessionmaker[Session]
    settings: Settings
    vault: Vault
    worker: str
    is_stopping: Callable[[], bool] = lambda: False


def run(context: Context, execution_id: int, attempt: int) -> None:
    """Delivers this execution and goes on with others of its job that are due; ends at once when it is taken.

    Safe to call any number of times with the same arguments."""
    asyncio.run(_Batch(context).run(execution_id, attempt))


class _Batch:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._ledger = GroupCommit(context.sessions)
        self._tasks: dict[asyncio.Task[None], Claim] = {}
        self._delivered = False
        self._broken = False
        self._claims_until = time.monotonic() + BATCH_SECONDS

    async def run(self, execution_id: int, attempt: int) -> None:
        context = self._context
        try:
            first = await self._ledger.run(
                lambda session: lifecycle.claim(
                    session, execution_id, attempt=attempt, worker=context.worker, settings=context.settings
                )
            )
            if first is None:
                return
            job = await self._ledger.run(lambda session: _load_job(session, first.job_id))
            target = await self._ledger.run(lambda session: _target(session, job))
            await self._work(first, job, target)
            if self._delivered:
                await self._ledger.run(lambda session: _note_success(session, job.connection_id))
        finally:
            self._ledger.close()

    async def _work(self, first: Claim, job: ExportJob, target: Target) -> None:
        loop = asyncio.get_running_loop()

        def give_up(lost: Claim) -> None:
            loop.call_soon_threadsafe(self._cancel, lost)

        async with AsyncExitStack() as stack:
            keeper = stack.enter_context(LeaseKeeper(self._context.sessions, self._context.settings, give_up))
            keeper.hold(first)
            opening = asyncio.create_task(self._open(stack, job.connection))
            self._start(first, target, opening)
            await self._fill(job.id, target, opening, keeper)
            while self._tasks:
                await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in [task for task in self._tasks if task.done()]:
                    keeper.release(self._tasks.pop(task))
                await self._fill(job.id, target, opening, keeper)
            await asyncio.gather(opening, return_exceptions=True)

    async def _open(self, stack: AsyncExitStack, connection: Connection) -> Transport:
        try:
            return await stack.enter_async_context(
                open_transport(connection, self._context.settings, self._context.vault)
            )
        except Exception:
            self._broken = True
            raise

    async def _fill(self, job_id: int, target: Target, opening: asyncio.Task[Transport], keeper: LeaseKeeper) -> None:
        """Claims as many due executions as places are free, a quarter of them at a time to spare the database."""
        context = self._context
        free = context.settings.in_flight - len(self._tasks)
        over = self._broken or context.is_stopping() or time.monotonic() > self._claims_until
        if over or free < max(1, context.settings.in_flight // 4):
            return
        claims = await self._ledger.run(
            lambda session: lifecycle.claim_due(
                session, job_id, count=free, worker=context.worker, settings=context.settings
            )
        )
        for claim in claims:
            keeper.hold(claim)
            self._start(claim, target, opening)

    def _start(self, claim: Claim, target: Target, opening: asyncio.Task[Transport]) -> None:
        self._tasks[asyncio.create_task(self._attempt(claim, target, opening))] = claim

    def _cancel(self, lost: Claim) -> None:
        for task, claim in self._tasks.items():
            if claim == lost:
                task.cancel()

    async def _attempt(self, claim: Claim, target: Target, opening: asyncio.Task[Transport]) -> None:
        """The top of one execution's attempt: whatever happens ends here, and only this execution."""
        with structlog.contextvars.bound_contextvars(execution=claim.public_id, attempt=claim.attempt):
            message, final = "", True
            try:
                async with asyncio.timeout(self._context.settings.attempt_seconds):
                    transport = await asyncio.shield(opening)
                    reason = await delivery.deliver(claim, target, transport, self._ledger)
                    await self._ledger.run(lambda session: lifecycle.succeed(session, claim, reason=reason))
                self._delivered = True
                log.info("export delivered")
                return
            except LostClaimError:
                log.warning("claim lost, the attempt ends without effect")
                await self._clean_up(claim, target, opening, everything=False)
                return
            except asyncio.CancelledError:
                log.info("stopped, the attempt ends without effect")
                await self._clean_up(claim, target, opening, everything=False)
                return
            except TransientError as error:
                self._broken = self._broken or isinstance(error, ConnectionLostError)
                message, final = str(error), False
            except TimeoutError:
                message, final = f"The attempt took longer than {self._context.settings.attempt_seconds:g} s.", False
            except ConfigError as error:
                message = str(error)
            except Exception:  # noqa: BLE001 - a fault of ours must cost this execution only, and be seen
                message = f"Internal error, please report it with this text:\n{traceback.format_exc()}"
            await self._fail(claim, target, opening, message=message, final=final)

    async def _fail(
        self, claim: Claim, target: Target, opening: asyncio.Task[Transport], *, message: str, final: bool
    ) -> None:
        log.log(logging.WARNING, "attempt failed", error=message)
        try:
            status = await self._ledger.run(
                lambda session: lifecycle.fail(
                    session, claim, message=message, final=final, settings=self._context.settings
                )
            )
        except LostClaimError:
            log.warning("claim lost before the failure could be recorded")
            return
        if status == ERROR:
            await self._clean_up(claim, target, opening, everything=True)

    async def _clean_up(
        self, claim: Claim, target: Target, opening: asyncio.Task[Transport], *, everything: bool
    ) -> None:
        if not opening.done() or self._broken:
            return
        with suppress(TransientError, ConfigError):
            if everything or not await self._ledger.run(lambda session: delivery.is_marked(session, claim)):
                await delivery.clean_up(claim, target, opening.result(), everything=everything)


def _load_job(session: Session, job_id: int) -> ExportJob:
    statement = select(ExportJob).where(ExportJob.id == job_id).options(joinedload(ExportJob.connection))
    return session.scalars(statement).one()


def _target(session: Session, job: ExportJob) -> Target:
    general = session.get_one(GeneralSettings, 1)
    return Target(
        folder=job.output_folder,
        export_format=job.export_format,
        file_name_format=job.file_name_format,
        prefix=general.file_name_prefix,
        multi_store=general.multi_store,
    )


def _note_success(session: Session, connection_id: int) -> None:
    session.execute(
        update(Connection).where(Connection.id == connection_id).values(last_success_at=database_now(session))
    )
