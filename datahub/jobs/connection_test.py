"""Testing a connection in named steps, and looking into its folders. Nothing is stored here."""

from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass, field

from datahub.errors import DataHubError, HostKeyError, TransientError
from datahub.jobs.import_format import CSV, XML
from datahub.models.connection import Connection
from datahub.settings import Settings
from datahub.transports import open_transport
from datahub.transports.base import HOST_KEY, OPENING_STEPS, Transport, has_ending, join
from datahub.transports.ssh_keys import fingerprint
from datahub.vault import Vault

LIST, WRITE, RENAME, DELETE = "list", "write", "rename", "delete"
FOLDER_STEPS = (LIST, WRITE, RENAME, DELETE)
# Shorter than what a web server allows a request by default.
TEST_SECONDS = 20.0
_CLEANING_SECONDS = 2.0
NAMES_SHOWN = 500
_PROBE = b"Data Hub tests whether it may write here. This file may be deleted.\n"


@dataclass(frozen=True)
class Step:
    """`host_key` and `fingerprint` are what the server showed, on the step named `host key`."""

    name: str
    ok: bool
    ms: int
    message: str
    host_key: str | None = None
    fingerprint: str | None = None


@dataclass(frozen=True)
class Report:
    ok: bool
    steps: list[Step]


@dataclass
class _Log:
    """Notes each step as it is passed, and the first one that is not."""

    planned: tuple[str, ...]
    connection: Connection
    steps: list[Step] = field(default_factory=list)
    since: float = field(default_factory=time.monotonic)

    def passed(self, name: str) -> None:
        mark = fingerprint(self.connection.host_key) if name == HOST_KEY and self.connection.host_key else None
        self.steps.append(Step(name=name, ok=True, ms=self._lap(), message="", fingerprint=mark))

    def failed(self, message: str, *, host_key: str | None = None, fingerprint: str | None = None) -> None:
        if len(self.steps) < len(self.planned):
            name = self.planned[len(self.steps)]
            self.steps.append(Step(name, False, self._lap(), message, host_key=host_key, fingerprint=fingerprint))

    def report(self) -> Report:
        return Report(ok=len(self.steps) == len(self.planned) and self.steps[-1].ok, steps=self.steps)

    def _lap(self) -> int:
        before, self.since = self.since, time.monotonic()
        return round((self.since - before) * 1000)


async def run_test(
    connection: Connection,
    settings: Settings,
    vault: Vault,
    folder: str | None = None,
    seconds: float = TEST_SECONDS,
) -> Report:
    """Ends within `seconds`, at the first step that fails. The connection need not be stored."""
    log = _Log(OPENING_STEPS + (FOLDER_STEPS if folder is not None else ()), connection)
    try:
        async with (
            asyncio.timeout(seconds),
            open_transport(connection, settings, vault, log.passed) as transport,
        ):
            if folder is not None:
                await _probe(transport, folder, log)
    except TimeoutError:
        log.failed(f"The test took longer than {seconds:g} s. The server answers too slowly or not at all.")
    except HostKeyError as error:
        log.failed(str(error), host_key=error.host_key, fingerprint=error.fingerprint)
    except DataHubError as error:
        log.failed(str(error))
    return log.report()


def run_test_blocking(connection: Connection, settings: Settings, vault: Vault, folder: str | None = None) -> Report:
    """For callers outside an event loop."""
    return asyncio.run(run_test(connection, settings, vault, folder))


@dataclass(frozen=True)
class Folder:
    """Names in a remote folder, those that cannot be shown left out, each kind at most NAMES_SHOWN."""

    folders: list[str]
    files: list[str]


async def list_names(connection: Connection, settings: Settings, vault: Vault, path: str) -> Folder:
    try:
        async with asyncio.timeout(TEST_SECONDS), open_transport(connection, settings, vault) as transport:
            entries = await transport.list_folder(path)
    except TimeoutError as error:
        raise TransientError(f"{connection.host} did not list the folder within {TEST_SECONDS:g} s.") from error
    shown = [entry for entry in entries if entry.name.isprintable()]
    folders = [entry.name for entry in shown if entry.is_folder]
    files = [entry.name for entry in shown if not entry.is_folder and has_ending(entry.name, CSV, XML)]
    return Folder(folders[:NAMES_SHOWN], files[:NAMES_SHOWN])


async def _probe(transport: Transport, folder: str, log: _Log) -> None:
    await transport.list_folder(folder)
    log.passed(LIST)
    written = join(folder, f".datahub-probe-{secrets.token_hex(8)}")
    renamed = f"{written}-renamed"
    try:
        await transport.upload(written, _PROBE)
        if await transport.stat_size(written) != len(_PROBE):
            raise TransientError("The server took the probe file but does not show it with its full size.")
        log.passed(WRITE)
        await transport.rename(written, renamed)
        log.passed(RENAME)
        await transport.remove(renamed)
        log.passed(DELETE)
    except BaseException:
        with suppress(DataHubError, TimeoutError):
            async with asyncio.timeout(_CLEANING_SECONDS):
                await transport.remove(written)
                await transport.remove(renamed)
        raise
