"""One connection, opened for one action."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from datahub.models.connection import Connection
from datahub.settings import Settings
from datahub.transports import open_transport
from datahub.transports.base import Transport
from datahub.vault import Vault
from tests.connections import make_connection
from tests.partner import PASSWORD, USERNAME, Partner
from tests.settings import make_settings

SETTINGS = make_settings()
Action = Callable[[Transport], Awaitable[object]]


def use(connection: Connection, vault: Vault, action: Action, settings: Settings = SETTINGS) -> None:
    asyncio.run(using(connection, vault, action, settings))


async def using(connection: Connection, vault: Vault, action: Action, settings: Settings = SETTINGS) -> None:
    async with open_transport(connection, settings, vault) as transport:
        await action(transport)


def connection_with_password(partner: Partner, vault: Vault, **fields: Any) -> Connection:
    values: dict[str, Any] = {"port": partner.port, "username": USERNAME, "host_key": partner.host_key}
    return make_connection(vault, **{"password": PASSWORD} | values | fields)
