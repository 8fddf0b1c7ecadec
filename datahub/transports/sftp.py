"""SFTP by asyncssh: host key pinned before any secret, one sign-in, many operations in flight, an end to every wait."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncssh

from datahub import crash_points
from datahub.errors import ConfigError, ConnectionLostError, DataHubError, HostKeyError, InvalidError, TransientError
from datahub.models.connection import Connection
from datahub.settings import Settings
from datahub.transports import outbound
from datahub.transports.base import (
    CONNECT,
    HOST_KEY,
    LIST_LIMIT,
    RESOLVE,
    SIGN_IN,
    Entry,
    Passed,
    Transport,
    clean,
)
from datahub.transports.ssh_keys import (
    HOST_KEY_ALGORITHMS,
    accepted_algorithms,
    format_host_key,
    read_host_key,
    read_private_key,
)
from datahub.vault import Vault

# asyncssh logs addresses and user names of every connection at INFO; what matters is in the executions' events.
asyncssh.set_log_level(logging.WARNING)

_MISSING = (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath)
_FORBIDDEN = (asyncssh.SFTPPermissionDenied, asyncssh.SFTPWriteProtect)
_FULL = (asyncssh.SFTPNoSpaceOnFilesystem, asyncssh.SFTPQuotaExceeded)
_DEAD = (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection, asyncssh.SFTPBadMessage, asyncssh.DisconnectError)
_CLOSE_SECONDS = 2.0
# What every server must be able to take in one request.
_BLOCK = 32_768


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

    async def stat_size(self, path: str) -> int | None:
        try:
            async with self._step("the size of a file"):
                size = (await self._client.stat(path)).size
        except FileNotFoundError:
            return None
        if size is None:
            raise TransientError(
                f"{self._server} does not tell the size of files, so that nothing sent can be checked."
            )
        return size

    async def upload(self, path: str, content: bytes) -> None:
        try:
            async with self._step("opening a file"):
                file = await self._client.open(path, "wb", block_size=0)
            crash_points.reach(crash_points.MID_UPLOAD)
            try:
                async with self._step("writing"):
                    await _write(file, content)
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
                    "Remove the file there, or let the job use the long file names, which never repeat."
                ) from error
            raise TransientError(f"{self._server} refused to rename {old} to {new}: {error}") from error

    async def remove(self, path: str) -> None:
        with suppress(FileNotFoundError):
            try:
                async with self._step("removing a file"):
                    await self._client.remove(path)
            except PermissionError as error:
                raise TransientError(f"{self._server} gives no permission to remove {path}.") from error
            except _StorageError as error:
                raise TransientError(f"{self._server} refused to remove {path}: {error}") from error

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
    async def _step(self, doing: str) -> AsyncIterator[None]:
        """Turns what the library raises into a builtin that the operation explains, or into an error of ours."""
        if not self.is_alive:
            raise ConnectionLostError(f"The connection to {self._server} was lost before {doing}.")
        try:
            async with asyncio.timeout(self._seconds):
                yield
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
                f"The connection to {self._server} was lost ({doing}): {_reason(error)}"
            ) from error
        except asyncssh.SFTPError as error:
            raise _StorageError(_reason(error)) from error
        except (OSError, ValueError, asyncssh.Error) as error:
            self._lose()
            raise ConnectionLostError(
                f"The connection to {self._server} was lost ({doing}): {_reason(error)}"
            ) from error

    def _lose(self) -> None:
        self._is_lost = True
        self._connection.abort()


async def _write(file: asyncssh.SFTPClientFile, content: bytes) -> None:
    """All blocks in flight at once. Unlike the library's own splitting it leaves no task behind when cut short."""
    starts = range(0, len(content), _BLOCK)
    writes = [asyncio.ensure_future(file.write(content[start : start + _BLOCK], start)) for start in starts]
    try:
        await asyncio.gather(*writes)
    finally:
        for write in writes:
            write.cancel()
        await asyncio.gather(*writes, return_exceptions=True)


class _StorageError(Exception):
    """The server answered that it could not do it; the text is its reason, cleaned."""


class _Client(asyncssh.SSHClient):
    """Accepts the pinned host key alone and remembers what the server showed."""

    def __init__(self, pinned: asyncssh.SSHKey | None, passed: Passed) -> None:
        self.pinned = pinned
        self._passed = passed
        self.shown: asyncssh.SSHKey | None = None

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        self.shown = key
        if self.pinned is None or key.public_data != self.pinned.public_data:
            return False
        self._passed(HOST_KEY)
        return True

    @property
    def algorithms(self) -> list[str]:
        """The accepted key's own kind first: a server with several keys would else show another one."""
        own = accepted_algorithms(self.pinned) if self.pinned else []
        return [*own, *(name for name in HOST_KEY_ALGORITHMS if name not in own)]


@asynccontextmanager
async def open_sftp(
    connection: Connection, settings: Settings, vault: Vault, passed: Passed
) -> AsyncIterator[Transport]:
    """One sign-in. Name, address and SSH each end within `connect_seconds`."""
    secrets = _secrets(connection, vault)
    client = _Client(_pinned(connection), passed)
    seconds = settings.connect_seconds
    addresses = await outbound.resolve(connection.host, connection.port, settings.outbound_allow, seconds)
    passed(RESOLVE)
    opened = await outbound.connect(addresses, connection.port, seconds)
    passed(CONNECT)
    server = connection.origin
    try:
        ssh = await _sign_in(opened, connection.username, secrets, client, seconds)
    except (TimeoutError, OSError, ValueError, asyncssh.Error) as error:
        raise _explain_opening(error, server, connection.username, client, seconds) from error
    try:
        sftp = await _start_sftp(ssh, server, seconds)
        passed(SIGN_IN)
        yield SftpTransport(sftp, ssh, server, settings.step_seconds)
    finally:
        await _end(ssh)


async def _sign_in(
    opened: socket.socket, username: str, secrets: dict[str, Any], client: _Client, seconds: float
) -> asyncssh.SSHClientConnection:
    try:
        async with asyncio.timeout(seconds):
            return await asyncssh.connect(
                sock=opened,
                username=username,
                client_factory=lambda: client,
                server_host_key_algs=client.algorithms,
                # Nothing of this machine's account is used: no configuration, known hosts, agent or certificates.
                config=None,
                known_hosts=([], [], []),
                agent_path=None,
                x509_trusted_certs=None,
                x509_trusted_cert_paths=[],
                host_based_auth=False,
                gss_kex=False,
                gss_auth=False,
                utf8_decode_errors="replace",
                **secrets,
            )
    except BaseException:
        opened.close()
        raise


async def _start_sftp(ssh: asyncssh.SSHClientConnection, server: str, seconds: float) -> asyncssh.SFTPClient:
    try:
        async with asyncio.timeout(seconds):
            return await ssh.start_sftp_client(path_errors="surrogateescape")
    except (TimeoutError, OSError, ValueError, EOFError, asyncssh.Error) as error:
        ssh.abort()
        raise TransientError(f"{server} accepted the sign-in but opened no SFTP session: {_reason(error)}") from error


async def _end(ssh: asyncssh.SSHClientConnection) -> None:
    ssh.close()
    try:
        async with asyncio.timeout(_CLOSE_SECONDS):
            await ssh.wait_closed()
    except TimeoutError:
        ssh.abort()


def _secrets(connection: Connection, vault: Vault) -> dict[str, Any]:
    if connection.private_key:
        passphrase = connection.private_key_passphrase
        try:
            key = read_private_key(
                vault.decrypt(connection.private_key), vault.decrypt(passphrase) if passphrase else None
            )
        except InvalidError as error:
            raise ConfigError(f"{error} Enter the key again on the connection.") from error
        return {"client_keys": [key], "password": None, "preferred_auth": "publickey"}
    if not connection.password:
        raise ConfigError("The connection has neither a password nor a private key.")
    if connection.password_origin != connection.origin:
        raise ConfigError(
            f"The password was entered for {connection.password_origin} and is not sent to {connection.origin}. "
            "Enter it again on the connection."
        )
    password = vault.decrypt(connection.password)
    return {"client_keys": None, "password": password, "preferred_auth": "password,keyboard-interactive"}


def _pinned(connection: Connection) -> asyncssh.SSHKey | None:
    try:
        return read_host_key(connection.host_key) if connection.host_key else None
    except InvalidError as error:
        raise ConfigError(
            f"The stored host key cannot be read: {error} Test the connection to accept it anew."
        ) from error


def _explain_opening(error: Exception, server: str, username: str, client: _Client, seconds: float) -> DataHubError:
    if isinstance(error, asyncssh.HostKeyNotVerifiable) and client.shown is not None:
        return _host_key_error(server, client)
    if isinstance(error, asyncssh.PermissionDenied):
        return TransientError(
            f"{server} refused the sign-in of {username}. Check user name and password or key, "
            "and that the account is not locked."
        )
    if isinstance(error, TimeoutError):
        stage = "while signing in" if client.shown is not None else "before it showed its host key"
        return TransientError(f"{server} fell silent {stage}; waited {seconds:g} s. Is this an SFTP server?")
    return TransientError(f"{server} broke off the SSH conversation: {_reason(error)}. Is this an SFTP server?")


def _host_key_error(server: str, client: _Client) -> HostKeyError:
    assert client.shown is not None  # noqa: S101  (asked before the call)
    shown, mark = format_host_key(client.shown), client.shown.get_fingerprint()
    known = "shows another host key than the accepted one" if client.pinned else "shows a host key nobody has accepted"
    return HostKeyError(
        f"{server} {known}: {mark}. No password was sent. Compare the fingerprint with what the server's owner "
        "tells you, then accept the key on the connection's page.",
        host_key=shown,
        fingerprint=mark,
    )


def _entry(found: asyncssh.SFTPName) -> Entry:
    is_folder = found.attrs.type == asyncssh.FILEXFER_TYPE_DIRECTORY
    return Entry(name=str(found.filename), is_folder=is_folder, size=found.attrs.size)


def _folder(path: str) -> str:
    return path.rpartition("/")[0] or ("/" if path.startswith("/") else ".")


def _reason(error: Exception) -> str:
    return clean(str(error)) or type(error).__name__
