"""Connections for tests: rows that are not yet in a database, with their secrets encrypted."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from datahub.models.connection import SFTP, Connection
from datahub.vault import Vault
from tests.servers import SshServer


def make_connection(vault: Vault, **fields: Any) -> Connection:
    """Secrets are given in plain text."""
    now = datetime.now(UTC)
    values: dict[str, Any] = {
        "public_id": str(uuid.uuid4()),
        "name": "Partner",
        "type": SFTP,
        "host": "127.0.0.1",
        "port": 22,
        "username": "hub",
        "active": True,
        "created_at": now,
        "updated_at": now,
    }
    for secret in ("password", "private_key", "private_key_passphrase"):
        if fields.get(secret):
            fields[secret] = vault.encrypt(fields[secret])
    connection = Connection(**values | fields)
    if connection.password:
        connection.password_origin = connection.origin
    return connection


def connection_to(server: SshServer, vault: Vault, **fields: Any) -> Connection:
    """Signs in with the server's client key; its host key is accepted."""
    values: dict[str, Any] = {
        "port": server.port,
        "username": server.username,
        "private_key": server.private_key,
        "host_key": server.host_key,
    }
    return make_connection(vault, **values | fields)
