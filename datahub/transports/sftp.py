"""SFTP by asyncssh over an opened connection: many operations in flight, an end to every wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import asyncssh

from datahub import crash_points
from datahub.errors import ConfigError, ConnectionLostError, SourceChangedError, SourceMissingError, TransientError
from datahub.grouping import grouped
from datahub.transports.base import LIST_LIMIT, Entry, Facts, Fetched, clean

_MISSING = (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath)
_FORBIDDEN = (asyncssh.SFTPPermissionDenied, asyncssh.SFTPWriteProtect)
_FULL = (asyncssh.SFTPNoSpaceOnFilesystem, asyncssh.SFTPQuotaExceeded)
_DEAD = (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection, asyncssh.SFTPBadMessage, asyncssh.DisconnectError)
_CLOSE_SECONDS = 2.0
# What every server must be able to take in one request; a link must carry one within `seconds`.
_BLOCK = 32_768
_BLOCKS_IN_FLIGHT = 32
_PIECE = 4_194_304
Answered = Callable[[], None]
T = TypeVar("T")


class SftpTransport:
    """See Transport. A time-out cuts the connection: what was asked might still happen at an unknown moment."""

    def __init__(
        self, client: asyncssh.SFTPClient, connection: asyncssh.SSHClientConnection, server: str, seconds: float
    ) -> None:
        self._client = client
        self._connection = connection
        self._server = server
        self._seconds = seconds
        self._is_lost = False
        self._can_replace = True
        self._can_sync = True

    @property
    def is_alive(self) -> bool:
        return not self._is_lost and not self._connection.is_closed()

    async def stat(self, path: str) -> Facts | None:
        try:
            async with self._step("the size of a file"):
                found = await self._client.stat(path)
        except FileNotFoundError:
            return None
        except PermissionError as error:
            raise TransientError(f"{self._server} gives no permission to look at {path}.") from error
        except _StorageError as error:
            raise TransientError(f"{self._server} cannot look at {path}: {error}") from error
        return Facts(found.type == asyncssh.FILEXFER_TYPE_DIRECTORY, found.size, _modified_at(found))

    async def stat_size(self, path: str) -> int | None:
        found = await self.stat(path)
        if found is None:
            return None
        if found.size is None:
            raise TransientError(
                f"{self._server} does not tell the size of files, so that nothing sent can be checked."
            )
        return found.size

    async def upload(self, path: str, content: bytes) -> None:
        try:
            async with self._step("opening a file"):
                file = await self._client.open(path, "wb", block_size=0)
            crash_points.reach(crash_points.MID_UPLOAD)
            try:
                async with self._step("writing") as answered:
                    await _write(file, content, answered)
                await self._sync(file)
            except Exception:
                await self._close_quietly(file)
                raise
            async with self._step("closing a file"):
                await file.close()
        except FileNotFoundError as error:
            raise TransientError(
                f"The folder {_folder(path)} does not exist on {self._server}. Create it there."
            ) from error
        except PermissionError as error:
            raise TransientError(
                f"{self._server} gives no permission to write in the folder {_folder(path)}."
            ) from error
        except _StorageError as error:
            raise TransientError(await self._explain_storage(path, len(content), str(error))) from error

    async def rename(self, old: str, new: str) -> None:
        try:
            async with self._step("renaming"):
                await self._rename_replacing(old, new)
        except FileNotFoundError as error:
            raise TransientError(
                f"{self._server} no longer has the file {old}, or not the folder {_folder(new)}."
            ) from error
        except PermissionError as error:
            raise TransientError(
                f"{self._server} gives no permission to rename in the folder {_folder(new)}."
            ) from error
        except _StorageError as error:
            if not self._can_replace and await self.stat_size(new) is not None:
                raise ConfigError(
                    f"{new} exists already, and this server cannot replace a file by renaming (it lacks posix-rename). "
                    "Remove the file there. With the long file names only what is sent again meets a file of its name."
                ) from error
            raise TransientError(f"{self._server} refused to rename {old} to {new}: {error}") from error

    async def move(self, old: str, new: str) -> bool:
        # Some servers replace in spite of the protocol, hence the look before.
        if await self.stat(new) is not None:
            return False
        try:
            async with self._step("renaming"):
                await self._client.rename(old, new)
        except FileNotFoundError as error:
            raise TransientError(
                f"{self._server} no longer has the file {old}, or not the folder {_folder(new)}."
            ) from error
        except PermissionError as error:
            raise TransientError(
                f"{self._server} gives no permission to move {old} into the folder {_folder(new)}."
            ) from error
        except _StorageError as error:
            if await self.stat(new) is not None:
                return False
            raise TransientError(f"{self._server} refused to move {old} to {new}: {error}") from error
        return True

    async def download(self, path: str, target: Path, max_bytes: int, came: Callable[[int], None]) -> Fetched:
        async with self._opened(path) as file:
            return await self._read(file, path, target, max_bytes, came)

    async def read_head(self, path: str, max_bytes: int) -> bytes:
        async with self._opened(path) as file, self._step("reading") as answered:
            return await _read_piece(file, 0, max_bytes, answered)

    @asynccontextmanager
    async def _opened(self, path: str) -> AsyncIterator[asyncssh.SFTPClientFile]:
        """A file to read from."""
        try:
            async with self._step("opening a file"):
                file = await self._client.open(path, "rb", block_size=0)
            try:
                yield file
            finally:
                await self._close_quietly(file)
        except FileNotFoundError as error:
            raise SourceMissingError(f"There is no file {path} on {self._server}.") from error
        except PermissionError as error:
            raise ConfigError(f"{self._server} gives no permission to read {path}.") from error
        except _StorageError as error:
            # Servers do not say what is wrong with reading a folder, and some say it at the first read only.
            if (found := await self.stat(path)) is not None and found.is_folder:
                raise ConfigError(f"{path} on {self._server} is a folder, not a file.") from error
            raise TransientError(f"{self._server} cannot read {path}: {error}") from error

    async def _read(
        self, file: asyncssh.SFTPClientFile, path: str, target: Path, max_bytes: int, came: Callable[[int], None]
    ) -> Fetched:
        async with self._step("the size of a file"):
            before = await file.stat()
        too_large = ConfigError(f"{path} is larger than {grouped(max_bytes)} bytes (MAX_FILE_BYTES). Send it in parts.")
        # A folder can be opened too, and has a size: reading it says what it is.
        if before.type != asyncssh.FILEXFER_TYPE_DIRECTORY and (before.size or 0) > max_bytes:
            raise too_large
        digest, size = sha256(), 0
        with target.open("wb") as copy:
            while True:
                # One block beyond what is known tells the end.
                left = max(_BLOCK, (before.size or 0) - size)
                async with self._step("reading") as answered:
                    piece = await _read_piece(file, size, min(_PIECE, left), answered, came)
                if not piece:
                    break
                size += len(piece)
                if size > max_bytes:
                    raise too_large
                digest.update(piece)
                copy.write(piece)
                crash_points.reach(crash_points.MID_DOWNLOAD)
        try:
            async with self._step("the size of a file"):
                after = await self._client.stat(path)
        except FileNotFoundError as error:
            raise SourceChangedError(f"{path} vanished while it was read.") from error
        if (before.size, before.mtime) != (after.size, after.mtime) or after.size not in (None, size):
            raise SourceChangedError(f"{path} changed while it was read: its sender is still at it.")
        return Fetched(size, digest.hexdigest(), _modified_at(after))

    async def remove(self, path: str) -> bool:
        try:
            async with self._step("removing a file"):
                await self._client.remove(path)
        except FileNotFoundError:
            return False
        except PermissionError as error:
            raise TransientError(f"{self._server} gives no permission to remove {path}.") from error
        except _StorageError as error:
            raise TransientError(f"{self._server} refused to remove {path}: {error}") from error
        return True

    async def list_folder(self, folder: str) -> list[Entry]:
        shown = folder or "."
        entries: list[Entry] = []
        try:
            async with self._step("listing a folder"):
                async for found in self._client.scandir(shown):
                    if found.filename not in (".", ".."):
                        entries.append(_entry(found))
                    if len(entries) > LIST_LIMIT:
                        raise ConfigError(f"The folder {shown} has more than {LIST_LIMIT} entries (LIST_LIMIT).")
        except FileNotFoundError as error:
            raise TransientError(f"The folder {shown} does not exist on {self._server}. Create it there.") from error
        except PermissionError as error:
            raise TransientError(f"{self._server} gives no permission to read the folder {shown}.") from error
        except _StorageError as error:
            raise TransientError(f"{self._server} cannot list {shown}: {error}") from error
        return sorted(entries, key=lambda entry: entry.name)

    async def _rename_replacing(self, old: str, new: str) -> None:
        if self._can_replace:
            try:
                await self._client.posix_rename(old, new)
                return
            except asyncssh.SFTPOpUnsupported:
                self._can_replace = False
        await self._client.rename(old, new)

    async def _sync(self, file: asyncssh.SFTPClientFile) -> None:
        if not self._can_sync:
            return
        async with self._step("syncing a file"):
            try:
                await file.fsync()
            except asyncssh.SFTPOpUnsupported:
                self._can_sync = False

    async def _close_quietly(self, file: asyncssh.SFTPClientFile) -> None:
        if self.is_alive:
            with suppress(TimeoutError, OSError, ValueError, asyncssh.Error):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await file.close()

    async def _explain_storage(self, path: str, size: int, reason: str) -> str:
        # OpenSSH says "Failure" for a full disk; its statvfs tells the truth.
        with suppress(TimeoutError, OSError, ValueError, asyncssh.Error):
            async with asyncio.timeout(self._seconds):
                disk = await self._client.statvfs(_folder(path))
                if disk.blocks and disk.bavail * disk.frsize < size:
                    reason = "its disk is full"
        return f"{self._server} could not store the file in {_folder(path)}: {reason}."

    @asynccontextmanager
    async def _step(self, doing: str) -> AsyncIterator[Answered]:
        """Turns what the library raises into a builtin that the operation explains, or into an error of ours.

        A step of many answers calls what it is given at each: only a silence is too long, not the whole."""
        if not self.is_alive:
            raise ConnectionLostError(f"The connection to {self._server} was lost before {doing}.")
        try:
            async with asyncio.timeout(self._seconds) as limit:
                yield lambda: limit.reschedule(asyncio.get_running_loop().time() + self._seconds)
        except TimeoutError as error:
            self._lose()
            raise ConnectionLostError(f"{self._server} fell silent for {self._seconds:g} s ({doing}).") from error
        except _MISSING as error:
            raise FileNotFoundError from error
        except _FORBIDDEN as error:
            raise PermissionError from error
        except _FULL as error:
            raise _StorageError("its disk is full or its quota used up") from error
        except _DEAD as error:
            self._lose()
            raise ConnectionLostError(
                f"The connection to {self._server} was lost ({doing}): {reason_of(error)}"
            ) from error
        except asyncssh.SFTPError as error:
            raise _StorageError(reason_of(error)) from error
        except (OSError, ValueError, asyncssh.Error) as error:
            self._lose()
            raise ConnectionLostError(
                f"The connection to {self._server} was lost ({doing}): {reason_of(error)}"
            ) from error

    def _lose(self) -> None:
        self._is_lost = True
        self._connection.abort()


async def _read_piece(
    file: asyncssh.SFTPClientFile,
    start: int,
    size: int,
    answered: Answered,
    came: Callable[[int], None] = lambda size: None,
) -> bytes:
    """Shorter only at the end of the file."""

    async def read(at: int) -> bytes:
        block, length = bytearray(), min(_BLOCK, start + size - at)
        while len(block) < length:
            part: bytes = await file.read(length - len(block), at + len(block))
            if not part:
                break
            answered()
            came(len(part))
            block += part
        return bytes(block)

    return b"".join(await _each_block(read, range(start, start + size, _BLOCK)))


async def _write(file: asyncssh.SFTPClientFile, content: bytes, answered: Answered) -> None:
    async def write(start: int) -> None:
        await file.write(content[start : start + _BLOCK], start)
        answered()

    await _each_block(write, range(0, len(content), _BLOCK))


async def _each_block(act: Callable[[int], Awaitable[T]], starts: Iterable[int]) -> list[T]:
    """Unlike the library's own splitting it leaves no task behind when cut short."""
    places = asyncio.Semaphore(_BLOCKS_IN_FLIGHT)

    async def in_turn(start: int) -> T:
        async with places:
            return await act(start)

    tasks = [asyncio.ensure_future(in_turn(start)) for start in starts]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _StorageError(Exception):
    """The server answered that it could not do it; the text is its reason, cleaned."""


def _entry(found: asyncssh.SFTPName) -> Entry:
    is_folder = found.attrs.type == asyncssh.FILEXFER_TYPE_DIRECTORY
    return Entry(name=str(found.filename), is_folder=is_folder, size=found.attrs.size)


def _modified_at(found: asyncssh.SFTPAttrs) -> datetime | None:
    return None if found.mtime is None else datetime.fromtimestamp(found.mtime, UTC)


def _folder(path: str) -> str:
    return path.rpartition("/")[0] or ("/" if path.startswith("/") else ".")


def reason_of(error: Exception) -> str:
    return clean(str(error)) or type(error).__name__
