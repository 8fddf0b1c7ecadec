"""Opening SFTP: the host key is pinned before any secret is sent, and there is one sign-in."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncssh

from datahub.errors import ConfigError, DataHubError, HostKeyError, InvalidError, TransientError
from datahub.models.connection import Connection
from datahub.settings import Settings
from datahub.transports import outbound
from datahub.transports.base import CONNECT, HOST_KEY, RESOLVE, SIGN_IN, Passed, Transport
from datahub.transports.sftp import SftpTransport, reason_of
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

_CLOSE_SECONDS = 2.0


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
        raise TransientError(f"{server} accepted the sign-in but opened no SFTP session: {reason_of(error)}") from error


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
    return TransientError(f"{server} broke off the SSH conversation: {reason_of(error)}. Is this an SFTP server?")


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
