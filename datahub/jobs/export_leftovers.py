"""Temporary files: their names, and those of ended executions that nobody could remove when these ended."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import structlog
from sqlalchemy import Select, func, select, text, update
from sqlalchemy.orm import Session, aliased

from datahub.errors import ConfigError, ConnectionLostError, TransientError
from datahub.jobs.group_commit import GroupCommit
from datahub.models.execution import Execution, is_unended
from datahub.transports.base import Transport, join

log = structlog.stdlib.get_logger(__name__)

MOST = 100
FOLDER = func.coalesce(Execution.sent_folder, "")


@dataclass(frozen=True)
class Leftover:
    """`server` is user@host:port, in `folder` of which the files of so many attempts may lie. For that of the attempt
    `rename_source` a rename may have been asked that is carried out late."""

    execution_id: int
    public_id: str
    attempts: int
    server: str | None
    folder: str
    rename_source: int | None = None


def temporary_name(public_id: str, attempt: int) -> str:
    """One per attempt, so that a worker which lost its claim cannot touch the file of the next one. The leading dot
    hides it from partners' patterns."""
    return f".{public_id}-{attempt}.part"


async def sweep(server: str, transport: Transport, ledger: GroupCommit) -> None:
    """Removes at most MOST executions' files from this server (user@host:port), beside those of folders that let
    nobody remove any. Safe to repeat and to interrupt."""
    refusing: set[str] = set()
    while True:
        found = await ledger.run(lambda session: find(session, server, besides=refusing))
        refusing_before = len(refusing)
        for leftover in found:
            # Where one stays the others would too: each batch asks such a folder once.
            if leftover.folder not in refusing and not await clear(leftover, transport, ledger):
                refusing.add(leftover.folder)
        if len(found) < MOST or len(refusing) == refusing_before:
            return


async def clear(leftover: Leftover, transport: Transport, ledger: GroupCommit) -> bool:
    """Removes the files of an ended execution and forgets them; False where one stays, for a later sweep."""
    with suppress(TransientError, ConfigError):
        if await remove(leftover, transport):
            await ledger.run(partial(forget, execution_id=leftover.execution_id))
            return True
    return False


async def remove(leftover: Leftover, transport: Transport) -> bool:
    """Whether none is left. Safe to repeat. Raises what the transport raises where the one stays that might still get
    its final name."""
    is_clean = True
    for attempt in range(1, leftover.attempts + 1):
        path = join(leftover.folder, temporary_name(leftover.public_id, attempt))
        if attempt != leftover.rename_source:
            is_clean = await discard(path, transport) and is_clean
        elif await transport.stat(path) is not None:
            await transport.remove(path)
    return is_clean


async def discard(path: str, transport: Transport) -> bool:
    """Whether it is gone. What a server lets nobody remove harms nobody either, unless a rename is asked for it: its
    name hides it, and a sweep tries again."""
    try:
        # Some servers refuse each removal, also that of what is not there.
        if await transport.stat(path) is not None:
            await transport.remove(path)
    except ConnectionLostError:
        raise
    except TransientError as error:
        log.info("a temporary file stays", error=str(error))
        return False
    return True


def find(session: Session, server: str, *, besides: Collection[str] = ()) -> list[Leftover]:
    """The newest first: what nobody may remove does not stand before what comes later. None of the folders
    `besides`."""
    found = _select().where(Execution.sent_server == server, FOLDER.not_in(besides))
    return [Leftover(*row) for row in session.execute(found.order_by(Execution.id.desc()).limit(MOST))]


def find_before(session: Session, execution_ids: Iterable[int]) -> dict[int, list[Leftover]]:
    """By execution: what ended ones of the same order and job left behind."""
    later = aliased(Execution)
    before = (
        _select()
        .join(later, (later.export_job_id == Execution.export_job_id) & (later.order_id == Execution.order_id))
        .where(later.id.in_(execution_ids))
        .add_columns(later.id)
    )
    found: dict[int, list[Leftover]] = {}
    for row in session.execute(before):
        found.setdefault(row[-1], []).append(Leftover(*row[:-1]))
    return found


def _select() -> Select[int, str, int, str | None, str, int | None]:
    return select(
        Execution.id,
        Execution.public_id,
        Execution.attempts,
        Execution.sent_server,
        FOLDER,
        Execution.rename_source,
    ).where(
        # Said as the partial index says it.
        text("executions.left_behind"),
        ~is_unended(),
    )


def forget(session: Session, *, execution_id: int) -> None:
    """Nothing of this ended execution lies on the server any more."""
    session.execute(update(Execution).where(Execution.id == execution_id, ~is_unended()).values(left_behind=False))


def keep_in_mind(session: Session, execution_id: int) -> None:
    """Something of this execution stays on the server although it was delivered."""
    session.execute(update(Execution).where(Execution.id == execution_id).values(left_behind=True))
