"""Where the source of an import comes from: a file given by hand, one file of a server, or a folder there."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from datahub import crash_points
from datahub.errors import ConfigError
from datahub.jobs import connections, import_folder
from datahub.jobs.context import Context
from datahub.jobs.import_folder import Haul
from datahub.jobs.import_progress import Progress
from datahub.jobs.import_read import Source
from datahub.jobs.lifecycle import Claim
from datahub.models.import_job import ImportJob
from datahub.models.import_run import ImportRun, UploadChunk
from datahub.transports import open_transport
from datahub.transports.base import Transport

T = TypeVar("T")
LOOK_SECONDS = 1.0


def fetch(
    context: Context,
    held: Claim,
    recipe: dict[str, Any],
    check: Callable[[], None],
    progress: Progress,
    again: Sequence[str] | None = None,
) -> Haul:
    """Onto this machine, until `forget`. `again` names the files that an earlier attempt has read."""
    settings = context.settings
    with context.sessions.begin() as session:
        name = session.get_one(ImportRun, held.execution_id).upload_name
        if name is not None:
            return Haul([_copy_upload(session, held.execution_id, name, _place(context, held, 0))])
        job = session.get_one(ImportJob, held.job_id)
        path, connection_id = job.file_path or "", job.connection_id

    async def act(transport: Transport) -> Haul:
        def place(number: int) -> Path:
            return _place(context, held, number)

        if not import_folder.is_folder(recipe):
            # What was read before is known by its checksum: there is nothing to wait for.
            fetch_one = import_folder.fetch_one if again is None else import_folder.download
            return Haul([await fetch_one(transport, path, place(0), settings, progress)])
        if again is not None:
            return await import_folder.fetch_again(transport, recipe, again, place, settings, progress)
        return await import_folder.fetch(transport, recipe, place, settings, progress)

    haul = connected(context, held.job_id, act, check)
    with context.sessions.begin() as session:
        connections.note_success(session, connection_id)
        if import_folder.is_folder(recipe) and again is None:
            import_folder.leave_out_applied(session, held.job_id, recipe["inbound"], haul)
    return haul


def forget(context: Context, held: Claim) -> None:
    for path in Path(context.settings.spool_folder).glob(f"{held.public_id}.*.source"):
        path.unlink(missing_ok=True)


def connected(context: Context, job_id: int, act: Callable[[Transport], Awaitable[T]], check: Callable[[], None]) -> T:
    """What `act` returns over the job's connection. `check` is called meanwhile and may raise to cut it short."""
    with context.sessions.begin() as session:
        connection = session.get_one(ImportJob, job_id).connection
        if not connection.active:
            raise ConfigError(f"The connection {connection.name} is disabled. Activate it, then run the job again.")
        session.expunge(connection)

    async def open_and_act() -> T:
        async with open_transport(connection, context.settings, context.vault) as transport:
            crash_points.reach(crash_points.AFTER_CONNECT)
            return await act(transport)

    async def watch() -> T:
        acting = asyncio.create_task(open_and_act())
        while not acting.done():
            await asyncio.wait([acting], timeout=min(context.settings.beat_seconds, LOOK_SECONDS))
            try:
                check()
            except BaseException:
                acting.cancel()
                await asyncio.gather(acting, return_exceptions=True)
                raise
        return acting.result()

    return asyncio.run(watch())


def _place(context: Context, held: Claim, number: int) -> Path:
    return Path(context.settings.spool_folder) / f"{held.public_id}.{number}.source"


def _copy_upload(session: Session, execution_id: int, name: str, target: Path) -> Source:
    digest, size = sha256(), 0
    query = select(UploadChunk.content).where(UploadChunk.execution_id == execution_id).order_by(UploadChunk.number)
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as copy:
        for content in session.scalars(query):
            digest.update(content)
            size += copy.write(content)
    return Source(name, target, size, digest.hexdigest())
