"""The SFTP transport against servers that are away, silent, killed or lack what OpenSSH has."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from datahub.errors import (
    ConfigError,
    ConnectionLostError,
    TransientError,
)
from datahub.transports.base import Transport
from datahub.vault import Vault
from tests.chaos.proxy import Habit, chaos_proxy
from tests.connections import connection_to, make_connection
from tests.datahub.transports.used import Action, connection_with_password, use, using
from tests.partner import partner_server, silent_listener
from tests.servers import SshServer, free_port
from tests.settings import make_settings

# So that what is said of a wait tells which of them ended it.
IMPATIENT = make_settings(connect_seconds=1.0, step_seconds=0.5)


async def nothing(transport: Transport) -> None:
    assert transport.is_alive


def test_nobody_listening_may_pass(vault: Vault) -> None:
    with pytest.raises(TransientError, match="Connection refused"):
        use(make_connection(vault, port=free_port(), password="x"), vault, nothing)


def test_a_server_silent_from_the_start_ends_in_time(vault: Vault) -> None:
    async def scenario() -> None:
        async with silent_listener() as port:
            with pytest.raises(TransientError, match="fell silent before it showed its host key; waited 1 s"):
                await using(make_connection(vault, port=port, password="x"), vault, nothing, IMPATIENT)

    asyncio.run(scenario())


async def _stat(transport: Transport) -> None:
    await transport.stat_size("a")


async def _upload(transport: Transport) -> None:
    await transport.upload("a", b"x" * 100_000)


async def _read_head(transport: Transport) -> None:
    await transport.read_head("b", 10)


async def _rename(transport: Transport) -> None:
    await transport.rename("b", "c")


@pytest.mark.parametrize(
    ("silent_at", "action"),
    [
        ("login", nothing),
        ("stat", _stat),
        ("open", _upload),
        ("write", _upload),
        ("fsync", _upload),
        ("close", _upload),
        ("rename", _rename),
        ("open", _read_head),
        ("read", _read_head),
    ],
)
def test_a_server_that_falls_silent_is_given_up_in_time(
    tmp_path: Path, vault: Vault, silent_at: str, action: Action
) -> None:
    async def scenario() -> None:
        async with partner_server(tmp_path / "files", silent_at=silent_at) as partner:
            (partner.files / "b").touch()
            connection = connection_with_password(partner, vault)
            waited = "while signing in; waited 1 s" if silent_at == "login" else r"for 0\.5 s"
            with pytest.raises(TransientError, match=f"fell silent {waited}"):
                await using(connection, vault, action, IMPATIENT)

    asyncio.run(scenario())


@pytest.mark.parametrize("way", ["up", "down"])
def test_a_slow_but_steady_link_does_not_count_as_silent(
    sshd: SshServer, vault: Vault, tmp_path: Path, way: str
) -> None:
    """Each block of 32 KiB takes 0.4 s, the whole file much longer than a step may."""
    content = os.urandom(12 * 32_768)

    async def carry(transport: Transport) -> None:
        if way == "up":
            await transport.upload("a", content)
        else:
            await transport.download("a", tmp_path / "copy", len(content), lambda size: None)

    async def scenario() -> None:
        async with chaos_proxy(sshd.port, Habit(latency=0.1, block=8_192)) as proxy:
            settings = make_settings(connect_seconds=30.0, step_seconds=3.0)
            await using(connection_to(sshd, vault, port=proxy.port), vault, carry, settings)

    (sshd.files / "a").write_bytes(content if way == "down" else b"")
    asyncio.run(scenario())
    assert (sshd.files / "a" if way == "up" else tmp_path / "copy").read_bytes() == content


def test_once_silent_the_connection_counts_as_lost_for_every_operation(tmp_path: Path, vault: Vault) -> None:
    async def end_in_silence(transport: Transport) -> None:
        outcomes = await asyncio.gather(_stat(transport), transport.upload("b", b"1"), return_exceptions=True)
        assert isinstance(outcomes[0], ConnectionLostError)
        assert not transport.is_alive
        with pytest.raises(ConnectionLostError):
            await transport.list_folder(".")

    async def scenario() -> None:
        async with partner_server(tmp_path / "files", silent_at="stat") as partner:
            await using(connection_with_password(partner, vault), vault, end_in_silence, IMPATIENT)

    asyncio.run(scenario())


def test_a_server_killed_in_the_middle_of_a_file_is_noticed_at_once(sshd: SshServer, vault: Vault) -> None:
    async def be_cut_off(transport: Transport) -> None:
        await transport.upload("first", b"1")
        sshd.freeze_sessions()
        upload = asyncio.ensure_future(transport.upload("second", b"x" * 3_000_000))
        await asyncio.sleep(0)
        sshd.cut_sessions()
        with pytest.raises(ConnectionLostError, match="was lost"):
            await upload
        assert not transport.is_alive

    use(connection_to(sshd, vault), vault, be_cut_off)
    use(connection_to(sshd, vault), vault, lambda transport: transport.upload("second", b"x"))
    assert (sshd.files / "second").read_bytes() == b"x"


def test_a_server_without_replacing_rename_serves_new_names_and_refuses_taken_ones(
    tmp_path: Path, vault: Vault
) -> None:
    async def deliver(transport: Transport) -> None:
        await transport.upload(".a", b"new")
        await transport.rename(".a", "fresh.xml")
        await transport.upload(".a", b"new")
        with pytest.raises(ConfigError, match=r"taken\.xml exists already.*lacks posix-rename"):
            await transport.rename(".a", "taken.xml")
        assert transport.is_alive

    async def scenario() -> None:
        async with partner_server(tmp_path / "files", can_replace=False) as partner:
            (partner.files / "taken.xml").write_text("old")
            await using(connection_with_password(partner, vault), vault, deliver)

    asyncio.run(scenario())
    assert (tmp_path / "files/taken.xml").read_text() == "old"
    assert (tmp_path / "files/fresh.xml").read_text() == "new"


def test_a_temporary_file_that_is_gone_cannot_be_renamed(sshd: SshServer, vault: Vault) -> None:
    with pytest.raises(TransientError, match="no longer has the file a"):
        use(connection_to(sshd, vault), vault, lambda transport: transport.rename("a", "b"))
