"""Moving the files of a folder away once they are applied or set aside: each once, and nothing that nobody has read.

Between our last look at a file and its move the sender may put another one in its place, and a worker may die at any
step. So the place it goes to is kept before the move, and what is there is held against what was read after it."""

from __future__ import annotations

import asyncio
import os
import posixpath
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from datahub import crash_points
from datahub.errors import ConfigError, DataHubError, TransientError
from datahub.jobs.import_folder import name_of
from datahub.jobs.import_read import FileWarning
from datahub.models.import_job import ConsumedFile
from datahub.models.import_run import ImportRun
from datahub.transports.base import Facts, Transport, join

SET_ASIDE = ".error"

# Keeps where the row of this id is about to be moved.
Mark = Callable[[int, str], None]


@dataclass
class Moved:
    """What became of consumed files, by row: where the moved ones are now, and which the next run has to see to."""

    places: dict[int, str] = field(default_factory=dict)
    kept: set[int] = field(default_factory=set)
    warnings: list[FileWarning] = field(default_factory=list)

    def warn(self, row: ConsumedFile, code: str, message: str) -> None:
        self.warnings.append(FileWarning(name_of(row.path), code, message))

    def keep(self, row: ConsumedFile, code: str, message: str) -> None:
        self.kept.add(row.id)
        self.warn(row, code, message)


def consume(
    session: Session, *, job_id: int, execution_id: int, recipe: dict[str, Any], files: Sequence[dict[str, Any]]
) -> None:
    """Notes that these files are done with and are to be moved, in the transaction that applies the last of them."""
    for file in files:
        path = join(recipe["inbound"], file["name"])
        # A move that was begun may have taken what nobody has read, which is still to be seen to.
        is_same = ConsumedFile.import_job_id == job_id, ConsumedFile.path == path, ConsumedFile.moving_to.is_(None)
        session.execute(delete(ConsumedFile).where(*is_same))
        modified_at = file["modified_at"]
        session.add(
            ConsumedFile(
                import_job_id=job_id,
                execution_id=execution_id,
                path=path,
                moves_to=join(recipe["outbound"], file["name"] + (SET_ASIDE if file["error"] else "")),
                size=file["size"],
                modified_at=datetime.fromisoformat(modified_at) if modified_at else None,
                sha256=file["sha256"],
            )
        )
    session.flush()


def to_move(session: Session, job_id: int) -> list[ConsumedFile]:
    """Also what earlier executions of the job left; oldest first."""
    return list(
        session.scalars(select(ConsumedFile).where(ConsumedFile.import_job_id == job_id).order_by(ConsumedFile.id))
    )


def mark_moving(session: Session, consumed_id: int, place: str) -> None:
    """Of a place that nothing has, to be committed before the file is moved there."""
    session.execute(update(ConsumedFile).where(ConsumedFile.id == consumed_id).values(moving_to=place))


async def move_away(transport: Transport, consumed: Sequence[ConsumedFile], now: datetime, mark: Mark) -> Moved:
    """Safe to repeat. What cannot be moved or looked at is warned of, and kept for the next run; what `mark` raises is
    raised."""
    moved = Moved()
    newest = {row.path: row for row in consumed}
    for row in consumed:
        try:
            facts = await transport.stat(row.path)
            if _is_as_read(row, facts):
                await _move(transport, row, now, mark, moved)
            elif row.moving_to and await _hold_against(transport, row, row.moving_to, moved):
                continue
            elif _is_as_read(row, await transport.stat(row.moves_to)):
                # Whoever moved it could not say so.
                moved.places[row.id] = row.moves_to
            elif facts is not None and newest[row.path] is row:
                _tell_replaced(row, moved)
        except (ConfigError, TransientError) as error:
            _keep_unmoved(row, error, moved)
    return moved


def none_moved(consumed: Iterable[ConsumedFile], error: DataHubError) -> Moved:
    moved = Moved()
    for row in consumed:
        _keep_unmoved(row, error, moved)
    return moved


def settle(session: Session, consumed: Iterable[ConsumedFile], moved: Moved) -> None:
    """Ends the rows of all that are no longer to be moved; their executions know from now on where the files are."""
    for row in consumed:
        if row.id in moved.kept:
            continue
        session.execute(delete(ConsumedFile).where(ConsumedFile.id == row.id))
        if place := moved.places.get(row.id):
            run = session.get_one(ImportRun, row.execution_id)
            run.files = [
                file | {"moved_to": place} if file["name"] == name_of(row.path) else file for file in run.files
            ]


def _is_as_read(row: ConsumedFile, facts: Facts | None) -> bool:
    return facts is not None and (facts.size, facts.modified_at) == (row.size, row.modified_at)


async def _move(transport: Transport, row: ConsumedFile, now: datetime, mark: Mark, moved: Moved) -> None:
    for place in _places(row, now):
        # Marked is only what nothing has, so that what is there afterwards came from this folder.
        if await transport.stat(place) is not None:
            continue
        await asyncio.to_thread(mark, row.id, place)
        crash_points.reach(crash_points.BEFORE_RENAME)
        if await transport.move(row.path, place):
            crash_points.reach(crash_points.AFTER_RENAME)
            if not await _hold_against(transport, row, place, moved):
                # Its receiver was quick.
                moved.places[row.id] = place
            return
    raise TransientError(f"{row.moves_to} exists already, with the time added too.")


def _places(row: ConsumedFile, now: datetime) -> list[str]:
    """A name that is taken gets the time added before its ending."""
    stem = posixpath.splitext(row.moves_to.removesuffix(SET_ASIDE))[0]
    ending = row.moves_to.removeprefix(stem)
    return [f"{stem}{added}{ending}" for added in ("", f"-{now:%Y%m%dT%H%M%S}Z", f"-{now:%Y%m%dT%H%M%S.%f}Z")]


async def _hold_against(transport: Transport, row: ConsumedFile, place: str, moved: Moved) -> bool:
    """Puts back what was moved there without having been read. False when nothing is there."""
    try:
        facts = await transport.stat(place)
        if facts is None:
            return False
        is_as_read = await _has_content(transport, row, place, facts)
    except (ConfigError, TransientError) as error:
        told = f"It was to be moved to {place}, and what is there could not be looked at: {error} The next run does so."
        moved.keep(row, "not_checked", told)
        return True
    if is_as_read:
        moved.places[row.id] = place
    else:
        await _put_back(transport, row, place, moved)
    return True


async def _has_content(transport: Transport, row: ConsumedFile, place: str, facts: Facts) -> bool:
    """Another time alone proves nothing: servers that move by copying give a new one."""
    if facts.size not in (None, row.size):
        return False
    if facts.modified_at == row.modified_at:
        return True
    try:
        fetched = await transport.download(place, Path(os.devnull), row.size, lambda _: None)
    except ConfigError:
        # Nobody has to let us read in the outbound folder.
        return True
    return fetched.sha256 == row.sha256


async def _put_back(transport: Transport, row: ConsumedFile, place: str, moved: Moved) -> None:
    told = f"Another file took its place as it was moved, and is in {place}, not read."
    try:
        if await transport.move(place, row.path):
            _tell_replaced(row, moved)
        else:
            moved.warn(row, "replaced", f"{told} Put it back to import it.")
    except (ConfigError, TransientError) as error:
        moved.keep(row, "replaced", f"{told} It could not be put back: {error} The next run puts it back.")


def _tell_replaced(row: ConsumedFile, moved: Moved) -> None:
    message = "Another file has taken its place since it was read. It stays, and the next run reads it."
    moved.warn(row, "replaced", message)


def _keep_unmoved(row: ConsumedFile, error: DataHubError, moved: Moved) -> None:
    message = f"It could not be moved: {error} The next run moves it and does not apply it again."
    moved.keep(row, "not_moved", message)
