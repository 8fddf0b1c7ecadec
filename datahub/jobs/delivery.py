"""One attempt to deliver one export: render once, upload under a temporary name, check, rename, record."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from datahub import crash_points
from datahub.db import database_now
from datahub.errors import ConfigError, ConnectionLostError, TransientError
from datahub.formats import FORMATS
from datahub.formats.file_names import SHORT, file_name
from datahub.jobs import export_leftovers, lifecycle
from datahub.jobs.export_leftovers import Leftover, temporary_name
from datahub.jobs.group_commit import GroupCommit
from datahub.jobs.lifecycle import SYSTEM, Claim
from datahub.models.execution import JOB_STARTED, Execution, Payload
from datahub.models.order import OrderSnapshot
from datahub.transports.base import Transport, join


@dataclass(frozen=True)
class Target:
    """What the job prescribes for the files of this batch. `server` is user@host:port."""

    server: str
    folder: str
    export_format: str
    file_name_format: str
    prefix: str
    multi_store: bool


@dataclass(frozen=True)
class File:
    name: str
    content: bytes


@dataclass(frozen=True)
class Consignment:
    """A claim with what is to be sent: the file of an earlier attempt, or the frozen document to make it from.

    `in_the_way` are temporary files of the order's earlier exports: one of them might still get its name, late."""

    claim: Claim
    file: File | None
    document: dict[str, Any]
    store_external_id: str
    in_the_way: list[Leftover]


@dataclass(frozen=True)
class Delivered:
    """`how` is for the event log. Unless `is_clean`, temporary files of earlier attempts stay on the server."""

    how: str
    is_clean: bool


def load(session: Session, claims: list[Claim]) -> list[Consignment]:
    """In the order of the claims."""
    rows = session.execute(
        select(
            Execution.id,
            OrderSnapshot.document,
            OrderSnapshot.store_external_id,
            Payload.file_name,
            Payload.content,
        )
        .join(OrderSnapshot, OrderSnapshot.id == Execution.snapshot_id)
        .outerjoin(Payload, Payload.execution_id == Execution.id)
        .where(Execution.id.in_([claim.execution_id for claim in claims]))
    )
    found = {row.id: row for row in rows}
    before = export_leftovers.find_before(session, found)
    return [_consign(claim, found[claim.execution_id], before.get(claim.execution_id, [])) for claim in claims]


def _consign(claim: Claim, row: Any, in_the_way: list[Leftover]) -> Consignment:
    file = None if row.file_name is None else File(row.file_name, row.content)
    return Consignment(claim, file, row.document, row.store_external_id, in_the_way)


async def prepare(consignment: Consignment, target: Target, ledger: GroupCommit) -> File:
    """The file to send: rendered by the first attempt and put on record before anything leaves, then always the same.

    Needs no connection, so that the name bears the time of the first attempt. Raises RenderError or LostClaimError."""
    if consignment.file is not None:
        return consignment.file
    name = _name(consignment, target, consignment.claim.started_at)
    content = FORMATS[target.export_format].render(consignment.document)
    stored = await ledger.run(lambda session: _store(session, consignment, target, File(name, content)))
    crash_points.reach(crash_points.AFTER_RENDER)
    return stored


async def deliver(
    consignment: Consignment, file: File, target: Target, transport: Transport, ledger: GroupCommit
) -> Delivered:
    """Sends the file; the caller records the end.

    Raises TransientError, ConfigError or LostClaimError; may be repeated with a new claim after any of them."""
    claim = consignment.claim
    for leftover in consignment.in_the_way:
        # A rename of an earlier export, sent into a connection that hung, would put old news over this file.
        if leftover.server == target.server:
            await export_leftovers.remove(leftover, transport)
    is_clean = await _tidy(claim, target, transport)
    arrived, whole = await _look(claim, file, target, transport, ledger)
    if arrived:
        return Delivered("an earlier attempt had delivered it", is_clean)
    if consignment.file is not None:
        await ledger.run(lambda session: _aim(session, claim, target, whole))
    source = whole or claim.attempt
    temporary = join(target.folder, temporary_name(claim.public_id, source))
    if whole is None:
        await transport.upload(temporary, file.content)
        size = await transport.stat_size(temporary)
        if size != len(file.content):
            raise TransientError(f"The server holds {size} of {len(file.content)} bytes after the upload.")
    crash_points.reach(crash_points.AFTER_UPLOAD)
    await ledger.run(lambda session: _mark(session, claim, claim.attempt, source))
    crash_points.reach(crash_points.BEFORE_RENAME)
    try:
        await transport.rename(temporary, join(target.folder, file.name))
    except ConnectionLostError:
        raise
    except (TransientError, ConfigError):
        # The server said no. A file that is gone all the same was named by the late rename of an earlier attempt; and
        # where it is still there, such a rename may yet come.
        if await _is_there(temporary, transport):
            earlier = claim.rename_attempt if whole else None
            await ledger.run(lambda session: _mark(session, claim, earlier, whole))
        raise
    crash_points.reach(crash_points.AFTER_RENAME)
    return Delivered("delivered", is_clean)


def is_marked(session: Session, claim: Claim) -> bool:
    """Whether some attempt may be giving one of the temporary files its final name."""
    marked = session.scalar(select(Execution.rename_attempt).where(Execution.id == claim.execution_id))
    return marked is not None


async def _is_there(path: str, transport: Transport) -> bool:
    """False also when the server does not tell."""
    with suppress(TransientError, ConfigError):
        return await transport.stat_size(path) is not None
    return False


def _mark(session: Session, claim: Claim, attempt: int | None, source: int | None) -> None:
    lifecycle.save(session, claim, rename_attempt=attempt, rename_source=source)


async def _tidy(claim: Claim, target: Target, transport: Transport) -> bool:
    """Whether nothing is left of earlier attempts but the temporary file that the marker names. Only that one is known
    to be whole; all others are removed, whoever wrote them and when."""
    if claim.sent_folder is None or claim.sent_server != target.server:
        return True
    paths = [
        join(claim.sent_folder, temporary_name(claim.public_id, attempt))
        for attempt in range(1, claim.attempt)
        if attempt != claim.rename_source
    ]
    return all([await export_leftovers.discard(path, transport) for path in paths])


async def _look(
    claim: Claim, file: File, target: Target, transport: Transport, ledger: GroupCommit
) -> tuple[bool, int | None]:
    """What earlier attempts left: (it arrived, the attempt whose temporary file is whole).

    A final file alone proves nothing: an earlier export of the same order may have left it."""
    folder, source = claim.sent_folder, claim.rename_source
    if folder is None or source is None:
        return False, None
    if claim.sent_server == target.server:
        temporary = join(folder, temporary_name(claim.public_id, source))
        size = await transport.stat_size(temporary)
        if size == len(file.content) and folder == target.folder:
            return False, source
        # What is gone between the look and the removal was given its name, late.
        if size is not None and await transport.remove(temporary):
            return False, None
        if await transport.stat_size(join(folder, file.name)) == len(file.content):
            return True, None
    await ledger.run(lambda session: _mark_doubtful(session, claim))
    return False, None


def _name(consignment: Consignment, target: Target, at: datetime) -> str:
    return file_name(
        consignment.document,
        job_format=target.file_name_format,
        extension=FORMATS[target.export_format].extension,
        prefix=target.prefix,
        multi_store=target.multi_store,
        store_external_id=consignment.store_external_id,
        at=at,
    )


def _store(session: Session, consignment: Consignment, target: Target, file: File) -> File:
    """As it is on record then, perhaps under a later name."""
    claim = consignment.claim
    _aim(session, claim, target, None)
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = dialect.insert(Payload).values(
        execution_id=claim.execution_id,
        file_name=_free_name(session, consignment, target, file.name),
        content=file.content,
        size=len(file.content),
        sha256=hashlib.sha256(file.content).hexdigest(),
        created_at=database_now(session),
    )
    # It is there already when the answer to an earlier commit of this very step was lost.
    kept = statement.on_conflict_do_update(
        index_elements=[Payload.execution_id], set_={"file_name": Payload.file_name}
    ).returning(Payload.file_name)
    return File(session.execute(kept).scalar_one(), file.content)


def _free_name(session: Session, consignment: Consignment, target: Target, name: str) -> str:
    """Within one second an order may reach several statuses: then the time in a name goes on by seconds until no other
    file of the folder bears it. Nobody names another export of this order by this job meanwhile; they take turns."""
    at = consignment.claim.started_at
    while target.file_name_format != SHORT and _is_taken(session, consignment.claim, target, name):
        at += timedelta(seconds=1)
        name = _name(consignment, target, at)
    return name


def _is_taken(session: Session, claim: Claim, target: Target, name: str) -> bool:
    others = select(Payload.execution_id).join(Payload.execution)
    others = others.where(
        # Some servers tell no case.
        func.lower(Payload.file_name) == name.lower(),
        Execution.id != claim.execution_id,
        Execution.sent_server == target.server,
        Execution.sent_folder == target.folder,
    )
    return session.scalar(others.limit(1)) is not None


def _aim(session: Session, claim: Claim, target: Target, whole: int | None) -> None:
    """Records where this attempt sends to, before it does. The marker stays only with the whole file that it names."""
    lifecycle.save(
        session,
        claim,
        sent_server=target.server,
        sent_folder=target.folder,
        left_behind=True,
        rename_attempt=claim.rename_attempt if whole else None,
        rename_source=whole,
    )


def _mark_doubtful(session: Session, claim: Claim) -> None:
    lifecycle.save(session, claim, may_have_arrived_twice=True)
    lifecycle.note(
        session,
        claim.execution_id,
        came_from=JOB_STARTED,
        to=JOB_STARTED,
        actor=SYSTEM,
        attempt=claim.attempt,
        worker=claim.worker,
        reason="An earlier attempt was about to name the file and it is gone now: it may have arrived twice.",
    )
