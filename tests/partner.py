"""A partner's SFTP server with a password and, on request, bad habits. It runs in the test's own event loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

from tests.servers import LOOPBACK

USERNAME, PASSWORD = "hub", "open sesame 7391"


@dataclass
class Partner:
    """`silent_at` names the operation that never answers: login, stat, open, read, write, fsync, close or rename.
    With a `complaint` no file can be opened, and that is what the server says. A file that holds the `poison` makes it
    drop every connection or, with `chokes`, never answer."""

    files: Path
    silent_at: str = ""
    can_replace: bool = True
    asks_by_keyboard: bool = False
    complaint: str = ""
    poison: bytes = b""
    chokes: bool = False
    port: int = 0
    host_key: str = ""
    passwords: list[str] = field(default_factory=list)
    connections: list[asyncssh.SSHServerConnection] = field(default_factory=list)
    opened: list[Any] = field(default_factory=list)

    async def answer(self, operation: str) -> None:
        if operation == self.silent_at:
            await asyncio.Event().wait()


class _Door(asyncssh.SSHServer):
    def __init__(self, partner: Partner) -> None:
        self._partner = partner

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._partner.connections.append(conn)

    def password_auth_supported(self) -> bool:
        return not self._partner.asks_by_keyboard

    async def validate_password(self, username: str, password: str) -> bool:
        self._partner.passwords.append(password)
        await self._partner.answer("login")
        return (username, password) == (USERNAME, PASSWORD)

    def kbdint_auth_supported(self) -> bool:
        return self._partner.asks_by_keyboard

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> Any:
        return "", "", "", [("Password: ", False)]

    async def validate_kbdint_response(self, username: str, responses: Any) -> bool:
        return await self.validate_password(username, responses[0])


class _Files(asyncssh.SFTPServer):
    def __init__(self, chan: asyncssh.SSHServerChannel[bytes], partner: Partner) -> None:
        super().__init__(chan, chroot=os.fsencode(partner.files))
        self._partner = partner

    async def stat(self, path: bytes) -> Any:
        await self._partner.answer("stat")
        return super().stat(path)

    async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> Any:
        await self._partner.answer("open")
        if self._partner.complaint:
            raise asyncssh.SFTPFailure(self._partner.complaint)
        file = super().open(path, pflags, attrs)
        self._partner.opened.append(file)
        return file

    async def read(self, file_obj: Any, offset: int, size: int) -> Any:
        await self._partner.answer("read")
        return super().read(file_obj, offset, size)

    async def write(self, file_obj: Any, offset: int, data: bytes) -> Any:
        await self._partner.answer("write")
        if self._partner.poison and self._partner.poison in data:
            if not self._partner.chokes:
                for connection in self._partner.connections:
                    connection.abort()
            await asyncio.Event().wait()
        return super().write(file_obj, offset, data)

    async def fsync(self, file_obj: Any) -> Any:
        await self._partner.answer("fsync")
        return super().fsync(file_obj)

    async def close(self, file_obj: Any) -> None:
        await self._partner.answer("close")
        super().close(file_obj)

    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> Any:
        await self._partner.answer("rename")
        if not self._partner.can_replace:
            raise asyncssh.SFTPOpUnsupported("no such extension")
        return super().posix_rename(oldpath, newpath)

    async def rename(self, oldpath: bytes, newpath: bytes) -> Any:
        if Path(os.fsdecode(self.map_path(newpath))).exists():
            raise asyncssh.SFTPFailure("Failure\x1b[31m\nand more")
        return super().rename(oldpath, newpath)


@asynccontextmanager
async def partner_server(folder: Path, *, host_key_kind: str = "ssh-ed25519", **habits: Any) -> AsyncIterator[Partner]:
    folder.mkdir(exist_ok=True)
    partner = Partner(files=folder, **habits)
    key = asyncssh.generate_private_key(host_key_kind)
    partner.host_key = key.export_public_key().decode().strip()
    server = await asyncssh.listen(
        LOOPBACK,
        0,
        server_factory=lambda: _Door(partner),
        server_host_keys=[key],
        sftp_factory=lambda chan: _Files(chan, partner),
    )
    partner.port = server.get_port()
    try:
        yield partner
    finally:
        # First of all: who comes later would be left open.
        server.close()
        for connection in partner.connections:
            connection.abort()
            await connection.wait_closed()
        await server.wait_closed()
        for file in partner.opened:
            file.close()


@asynccontextmanager
async def silent_listener() -> AsyncIterator[int]:
    """Takes connections and never says a word. Yields its port."""
    writers: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda reader, writer: writers.append(writer), LOOPBACK, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
        await server.wait_closed()
