"""The files of a server: which of them are complete, and fetching them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from datahub.entities import ENTITIES
from datahub.errors import ConfigError, SourceChangedError, SourceMissingError
from datahub.grouping import grouped
from datahub.jobs.import_format import ending_of
from datahub.jobs.import_progress import Progress
from datahub.jobs.import_read import FileWarning, Source, file_to_fetch
from datahub.models.import_job import ConsumedFile, ImportJob
from datahub.settings import Settings
from datahub.transports.base import Facts, Transport, clean, has_ending, join

SHOWN = 3


@dataclass
class Haul:
    """Files on this machine, by name, and why others are not."""

    sources: list[Source] = field(default_factory=list)
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
            fetched.warnings.append(FileWarning(name_of(path), "postponed", message))
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
    return Source(name_of(path), target, got.size, got.sha256, got.modified_at)


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


def told(files: Sequence[dict[str, Any]]) -> str:
    """Why none of these files can be read."""
    first = " ".join(f"{file['name']}: {file['error']}" for file in files[:SHOWN])
    if len(files) == 1:
        return first
    more = f" And {grouped(len(files) - SHOWN)} more." if len(files) > SHOWN else ""
    return f"None of the {grouped(len(files))} files can be read. {first}{more}"


def name_of(path: str) -> str:
    return path.rpartition("/")[2]


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
    files = [file_to_fetch(name_of(path), seen) for path, seen in looked.items()]
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
