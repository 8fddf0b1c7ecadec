"""The first bytes of the file that an import job would read, kept for some minutes beside the spools of this host."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path

from datahub.entities.base import EntityType
from datahub.errors import DataHubError, TransientError
from datahub.formats.delimited import Limits
from datahub.jobs.import_format import CSV, Table, read_table
from datahub.models.connection import Connection
from datahub.settings import Settings
from datahub.transports import open_transport
from datahub.transports.base import has_ending, join
from datahub.vault import Vault

SAMPLE_BYTES = 512 * 1024
SAMPLE_SECONDS = 12.0
KEPT_SECONDS = 600.0
# Enough for a form that is filled in not to wait for a silent server with each change.
KEPT_FAILURE_SECONDS = 20.0


@dataclass(frozen=True)
class Place:
    """One file, or the folder whose first file by name and with the ending is looked at. Empty texts are not looked
    for."""

    path: str = ""
    folder: str = ""
    ending: str = CSV


@dataclass(frozen=True)
class Sample:
    """`problem` says in words why there is no content. Content that `is_cut` goes on in the real file. `read_at` is
    when the server had answered."""

    name: str = ""
    content: bytes = b""
    is_cut: bool = False
    problem: str = ""
    read_at: datetime = field(default_factory=lambda: datetime.now(UTC), compare=False)


def read_sample(
    connection: Connection,
    settings: Settings,
    vault: Vault,
    place: Place,
    *,
    afresh: bool = False,
    is_secret: bool = False,
) -> Sample:
    """From what is kept, else from the server within SAMPLE_SECONDS; failures are kept for KEPT_FAILURE_SECONDS. What
    `is_secret` is read each time. Never raises for what the server does."""
    kept = _path(connection, settings, place)
    found = None if afresh else _load(kept)
    if found is None or (is_secret and not found.problem):
        found = asyncio.run(_fetch(connection, settings, vault, place))
        if found.problem or not is_secret:
            _keep(kept, found)
        else:
            kept.unlink(missing_ok=True)
    return found


def kept_sample(connection: Connection, settings: Settings, place: Place) -> Sample | None:
    """Without asking the server."""
    return _load(_path(connection, settings, place))


def table_of(sample: Sample, entity: EntityType, delimiter: str, limits: Limits) -> Table:
    return read_table(BytesIO(sample.content), entity, delimiter, limits, is_cut=sample.is_cut)


async def _fetch(connection: Connection, settings: Settings, vault: Vault, place: Place) -> Sample:
    try:
        async with asyncio.timeout(SAMPLE_SECONDS), open_transport(connection, settings, vault) as transport:
            path = place.path
            if place.folder:
                names = [it.name for it in await transport.list_folder(place.folder) if not it.is_folder]
                first = next((name for name in names if has_ending(name, place.ending)), None)
                if first is None:
                    return Sample(problem=f"There is no {place.ending} file in {place.folder} yet.")
                path = join(place.folder, first)
            content = await transport.read_head(path, SAMPLE_BYTES + 1)
    except TimeoutError:
        return Sample(problem=f"{connection.host} did not give the file within {SAMPLE_SECONDS:g} s.")
    except DataHubError as error:
        hint = " Read it again later." if isinstance(error, TransientError) else ""
        return Sample(problem=f"{error}{hint}")
    return _cut(path.rpartition("/")[2], content, has_lines=place.ending == CSV)


def _cut(name: str, content: bytes, *, has_lines: bool) -> Sample:
    """Whole lines only, where rows are lines. A first line that is longer than the sample cannot be used."""
    if len(content) <= SAMPLE_BYTES:
        return Sample(name, content)
    if not has_lines:
        return Sample(name, content[:SAMPLE_BYTES], is_cut=True)
    end = content.rfind(b"\n", 0, SAMPLE_BYTES) + 1
    if not end:
        return Sample(name, problem=f"The first line of {name} is longer than {SAMPLE_BYTES // 1024} kB.")
    return Sample(name, content[:end], is_cut=True)


def _path(connection: Connection, settings: Settings, place: Place) -> Path:
    """Other credentials or another address make another sample."""
    known = json.dumps(
        [connection.public_id, connection.updated_at.isoformat(), place.path, place.folder, place.ending]
    )
    return Path(settings.spool_folder) / "samples" / sha256(known.encode()).hexdigest()


def _load(path: Path) -> Sample | None:
    try:
        read_at = path.stat().st_mtime
        head, _, content = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    told = json.loads(head) | {"content": content, "read_at": datetime.fromtimestamp(read_at, UTC)}
    counts_for = KEPT_FAILURE_SECONDS if told["problem"] else KEPT_SECONDS
    return Sample(**told) if time.time() - read_at <= counts_for else None


def _keep(path: Path, sample: Sample) -> None:
    """Replaces the file in one step, as several processes may do so at once. Without room nothing is kept."""
    told = {"name": sample.name, "is_cut": sample.is_cut, "problem": sample.problem}
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _forget_old(path.parent)
        fresh = path.with_suffix(f".{secrets.token_hex(8)}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(json.dumps(told).encode() + b"\n" + sample.content)
        fresh.replace(path)


def _forget_old(folder: Path) -> None:
    for kept in folder.iterdir():
        with suppress(OSError):
            if time.time() - kept.stat().st_mtime > KEPT_SECONDS:
                kept.unlink()
