"""The files of a server: which of them are complete, fetching them, and moving those of a folder once applied."""

from __future__ import annotations

import asyncio
import os
import posixpath
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from datahub.entities import ENTITIES
from datahub.errors import ConfigError, DataHubError, SourceChangedError, SourceMissingError, TransientError
from datahub.grouping import grouped
from datahub.jobs.import_format import ending_of
from datahub.jobs.import_progress import Progress
from datahub.jobs.import_read import FileWarning, Source, file_to_fetch
from datahub.models.import_job import ConsumedFile, ImportJob
from datahub.models.import_run import ImportRun
from datahub.settings import Settings
from datahub.transports.base import Facts, Transport, clean, has_ending, join

SET_ASIDE = ".error"
SHOWN = 3


@dataclass
class Haul:
    """Files on this machine, by name, and why others are not."""

    sources: list[Source] = field(default_factory=list)
    warnings: list[FileWarning] = field(default_factory=list)


@dataclass
class Moved:
    """What became of consumed files, by row: where the moved ones are now, and which the next run has to move."""

    places: dict[int, str] = field(default_factory=dict)
    kept: set[int] = field(default_factory=set)
    warnings: list[FileWarning] = field(default_factory=list)


def folders_of(job: ImportJob) -> dict[str, str]:
    """What the recipe of a job that reads a folder has beyond that of any other."""
    return {"inbound": job.inbound_directory or "", "outbound": job.outbound_directory or ""}


def are_unusable(files: list[dict[str, Any]]) -> bool:
    return bool(files) and all(file["error"] for file in files)


def is_folder(recipe: dict[str, Any]) -> bool:
    return "inbound" in recipe


async def fetch(
    transport: Transport,
    recipe: dict[str, Any],
    place: Callable[[int], Path],
    settings: Settings,
    progress: Progress,
) -> Haul:
    """The files that are complete. `place` gives the n-th one its path on this machine."""
    inbound = recipe["inbound"]
    for folder in (inbound, recipe["outbound"]):
        await _require_folder(transport, folder)
    fetched = Haul()
    ending = ending_of(ENTITIES[recipe["entity"]])
    names = _candidates([entry.name for entry in await transport.list_folder(inbound)], ending, fetched)
    if len(names) > settings.max_files:
        raise ConfigError(
            f"The folder {inbound} holds {grouped(len(names))} files; one run reads at most "
            f"{grouped(settings.max_files)} (MAX_FILES). Take some out, or raise the limit."
        )
    looked = await _look_twice(transport, [join(inbound, name) for name in names], settings)
    await _take(progress, looked)
    for path, seen in looked.items():
        try:
            source = await _download_as_seen(transport, path, seen, place(len(fetched.sources)), settings, progress)
        except SourceChangedError:
            message = "It was still being written, or was taken away. It is left to the next run."
            fetched.warnings.append(FileWarning(_name(path), "postponed", message))
            continue
        fetched.sources.append(source)
        _refuse_too_much(fetched.sources, settings)
    return fetched


async def fetch_one(transport: Transport, path: str, target: Path, settings: Settings, progress: Progress) -> Source:
    """A file by itself. SourceChangedError when it is not complete."""
    await _take(progress, {path: None})
    looked = await _look_twice(transport, [path], settings)
    if not looked:
        # Says at once what is wrong, unless the file has come since the look.
        await transport.read_head(path, 1)
    await _take(progress, {path: looked.get(path)})
    return await _download_as_seen(transport, path, looked.get(path), target, settings, progress)


async def fetch_again(
    transport: Transport,
    recipe: dict[str, Any],
    names: Iterable[str],
    place: Callable[[int], Path],
    settings: Settings,
    progress: Progress,
) -> Haul:
    """What an earlier attempt has read, as it is now."""
    inbound = recipe["inbound"]
    sources = [
        await download(transport, join(inbound, name), place(number), settings, progress)
        for number, name in enumerate(names)
    ]
    return Haul(sources)


async def download(transport: Transport, path: str, target: Path, settings: Settings, progress: Progress) -> Source:
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    got = await transport.download(path, target, settings.max_file_bytes, progress.fetched)
    return Source(_name(path), target, got.size, got.sha256, got.modified_at)


def leave_out_applied(session: Session, job_id: int, inbound: str, fetched: Haul) -> None:
    """Files that an earlier execution has applied and could not move: they are to be moved, not applied again."""
    rows = session.scalars(select(ConsumedFile).where(ConsumedFile.import_job_id == job_id))
    applied = {(row.path, row.size, row.modified_at, row.sha256) for row in rows}
    new = []
    for source in fetched.sources:
        if (join(inbound, source.name), source.size, source.modified_at, source.sha256) in applied:
            message = "An earlier execution is done with this file but could not move it. It is moved now, not read."
            fetched.warnings.append(FileWarning(source.name, "done_before", message))
            source.path.unlink()
        else:
            new.append(source)
    fetched.sources = new


def consume(
    session: Session, *, job_id: int, execution_id: int, recipe: dict[str, Any], files: Sequence[dict[str, Any]]
) -> None:
    """Notes that these files are done with and are to be moved, in the transaction that applies the last of them."""
    for file in files:
        path = join(recipe["inbound"], file["name"])
        session.execute(delete(ConsumedFile).where(ConsumedFile.import_job_id == job_id, ConsumedFile.path == path))
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
    """Also what earlier executions of the job left."""
    return list(
        session.scalars(select(ConsumedFile).where(ConsumedFile.import_job_id == job_id).order_by(ConsumedFile.id))
    )


async def move_away(transport: Transport, consumed: Iterable[ConsumedFile], now: datetime) -> Moved:
    """Safe to repeat. Raises nothing: a file that cannot be moved is warned of, and kept for the next run."""
    moved = Moved()
    for row in consumed:
        try:
            facts = await transport.stat(row.path)
            if _is_as_read(row, facts):
                await _move_as_read(transport, row, now, moved)
            elif _is_as_read(row, await transport.stat(row.moves_to)):
                # Whoever moved it could not say so.
                moved.places[row.id] = row.moves_to
            elif facts is not None:
                moved.warnings.append(_replaced(row))
        except (ConfigError, TransientError) as error:
            _keep(moved, row, error)
    return moved


def none_moved(consumed: Iterable[ConsumedFile], error: DataHubError) -> Moved:
    moved = Moved()
    for row in consumed:
        _keep(moved, row, error)
    return moved


def settle(session: Session, consumed: Iterable[ConsumedFile], moved: Moved) -> None:
    """Ends the rows of all that are no longer to be moved; their executions know from now on where the files are."""
    for row in consumed:
        if row.id in moved.kept:
            continue
        session.execute(delete(ConsumedFile).where(ConsumedFile.id == row.id))
        if place := moved.places.get(row.id):
            run = session.get_one(ImportRun, row.execution_id)
            run.files = [file | {"moved_to": place} if file["name"] == _name(row.path) else file for file in run.files]


def told(files: Sequence[dict[str, Any]]) -> str:
    """Why none of these files can be read."""
    first = " ".join(f"{file['name']}: {file['error']}" for file in files[:SHOWN])
    if len(files) == 1:
        return first
    more = f" And {grouped(len(files) - SHOWN)} more." if len(files) > SHOWN else ""
    return f"None of the {grouped(len(files))} files can be read. {first}{more}"


async def _require_folder(transport: Transport, folder: str) -> None:
    facts = await transport.stat(folder or ".")
    if facts is None:
        raise ConfigError(f"The folder {folder} does not exist on the server. Create it there, or correct the job.")
    if not facts.is_folder:
        raise ConfigError(f"{folder} is not a folder on the server. Correct the job.")


def _candidates(names: Iterable[str], ending: str, fetched: Haul) -> list[str]:
    taken = []
    for name in sorted(names):
        if has_ending(name, ending) and "/" not in name:
            taken.append(name)
        elif has_ending(clean(name), ending):
            message = "Its name holds characters that cannot be shown. Rename it; until then it is left where it is."
            fetched.warnings.append(FileWarning(clean(name), "unusable_name", message))
    return taken


async def _look_twice(transport: Transport, paths: Sequence[str], settings: Settings) -> dict[str, Facts | None]:
    """Those that are there; None is for what changed between the looks."""
    before = await _look(transport, paths)
    if not before:
        return {}
    await asyncio.sleep(settings.settle_seconds)
    after = await _look(transport, list(before))
    return {path: facts if after.get(path) == facts else None for path, facts in before.items()}


async def _look(transport: Transport, paths: Sequence[str]) -> dict[str, Facts]:
    found = await asyncio.gather(*(transport.stat(path) for path in paths))
    seen = zip(paths, found, strict=True)
    return {path: facts for path, facts in seen if facts is not None and not facts.is_folder}


async def _take(progress: Progress, looked: dict[str, Facts | None]) -> None:
    files = [file_to_fetch(_name(path), seen) for path, seen in looked.items()]
    await asyncio.to_thread(progress.take, files)


async def _download_as_seen(
    transport: Transport, path: str, seen: Facts | None, target: Path, settings: Settings, progress: Progress
) -> Source:
    """SourceChangedError when it is another file by now, or none."""
    with suppress(SourceChangedError, SourceMissingError):
        if seen is not None:
            source = await download(transport, path, target, settings, progress)
            if seen.size in (None, source.size) and seen.modified_at == source.modified_at:
                return source
    raise SourceChangedError(
        f"{path} is still being written: it did not stay the same for {settings.settle_seconds:g} s (SETTLE_SECONDS) "
        "and until it was read. Run the job again when its sender is done. Senders that take long should write under "
        "another name, and rename the file when it is complete."
    )


def _refuse_too_much(sources: Sequence[Source], settings: Settings) -> None:
    if sum(source.size for source in sources) > settings.max_file_bytes:
        raise ConfigError(
            f"The files of the folder are larger than {grouped(settings.max_file_bytes)} bytes together "
            "(MAX_FILE_BYTES). "
            "Take some out, or raise the limit."
        )


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _keep(moved: Moved, row: ConsumedFile, error: DataHubError) -> None:
    moved.kept.add(row.id)
    message = f"It could not be moved: {error} The next run moves it and does not apply it again."
    moved.warnings.append(FileWarning(_name(row.path), "not_moved", message))


def _is_as_read(row: ConsumedFile, facts: Facts | None) -> bool:
    return facts is not None and (facts.size, facts.modified_at) == (row.size, row.modified_at)


def _replaced(row: ConsumedFile) -> FileWarning:
    message = "Another file has taken its place since it was read. It stays, and the next run reads it."
    return FileWarning(_name(row.path), "replaced", message)


async def _move_as_read(transport: Transport, row: ConsumedFile, now: datetime, moved: Moved) -> None:
    """Puts back what took the place of the file after the last look at it: nobody has read that."""
    place = await _move(transport, row, now)
    facts = await transport.stat(place)
    # Its time tells nothing: servers that move by copying give a new one.
    if facts is None or facts.size in (None, row.size):
        moved.places[row.id] = place
    elif await transport.move(place, row.path):
        moved.warnings.append(_replaced(row))
    else:
        message = f"Another file took its place as it was moved, and is in {place}, not read. Put it back to import it."
        moved.warnings.append(FileWarning(_name(row.path), "replaced", message))


async def _move(transport: Transport, row: ConsumedFile, now: datetime) -> str:
    """A name that is taken gets the time added before its ending."""
    stem = posixpath.splitext(row.moves_to.removesuffix(SET_ASIDE))[0]
    ending = row.moves_to.removeprefix(stem)
    for added in ("", f"-{now:%Y%m%dT%H%M%S}Z", f"-{now:%Y%m%dT%H%M%S.%f}Z"):
        target = f"{stem}{added}{ending}"
        if await transport.move(row.path, target):
            return target
    raise TransientError(f"{row.moves_to} exists already, with the time added too.")
