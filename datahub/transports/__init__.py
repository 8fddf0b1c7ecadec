"""Speaking to partners' servers: one module per protocol, all behind `open_transport`."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from datahub.models.connection import SFTP, Connection
from datahub.settings import Settings
from datahub.transports.base import Opener, Passed, Transport
from datahub.transports.sftp_opening import open_sftp
from datahub.vault import Vault

TRANSPORTS: dict[str, Opener] = {SFTP: open_sftp}


def open_transport(
    connection: Connection, settings: Settings, vault: Vault, passed: Passed = lambda step: None
) -> AbstractAsyncContextManager[Transport]:
    """Signs in once. Raises HostKeyError before any secret is sent, else TransientError or ConfigError."""
    return TRANSPORTS[connection.type](connection, settings, vault, passed)
