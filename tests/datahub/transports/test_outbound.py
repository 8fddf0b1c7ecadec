"""The gate judges the address that is connected to, whatever the text looked like."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import Any

import pytest

from datahub.errors import OutboundRefusedError, TransientError
from datahub.transports import outbound
from tests.servers import free_port

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
REFUSED = [
    "127.0.0.1",
    "0.0.0.0",  # noqa: S104
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fd00::1",
    "fd00:ec2::254",
    "ff02::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "64:ff9b::10.0.0.1",
    "2002:7f00:1::",
    "fec0::1",
]


@pytest.mark.parametrize("address", REFUSED)
def test_an_address_that_is_not_public_is_refused_naming_the_setting(address: str) -> None:
    with pytest.raises(OutboundRefusedError, match="OUTBOUND_ALLOW"):
        asyncio.run(outbound.resolve(address, 22, (), 5))


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_a_public_address_is_permitted(address: str) -> None:
    assert asyncio.run(outbound.resolve(address, 22, (), 5))


@pytest.mark.parametrize("host", ["localhost", "2130706433", "127.1", "0x7f000001"])
def test_other_spellings_of_loopback_are_refused(host: str) -> None:
    with pytest.raises(OutboundRefusedError, match=r"127\.0\.0\.1|::1"):
        asyncio.run(outbound.resolve(host, 22, (), 5))


def test_a_listed_network_is_permitted_also_behind_a_mapped_address() -> None:
    found = asyncio.run(outbound.resolve("::ffff:127.0.0.9", 22, LOOPBACK, 5))
    assert found == [ipaddress.ip_address("127.0.0.9")]


def test_of_several_answers_only_the_permitted_ones_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(host: str, port: int, *_args: Any, **_names: Any) -> list[Any]:
        addresses = ["10.0.0.1", "8.8.8.8", "::1", "8.8.8.8"]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    assert asyncio.run(outbound.resolve("partner.example", 22, (), 5)) == [ipaddress.ip_address("8.8.8.8")]


def test_a_name_without_address_may_have_one_later() -> None:
    with pytest.raises(TransientError, match=r"no address for nowhere\.invalid"):
        asyncio.run(outbound.resolve("nowhere.invalid", 22, (), 10))


def test_the_next_address_is_tried_when_one_refuses() -> None:
    async def connect() -> tuple[str, int]:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            addresses = [ipaddress.ip_address("127.0.0.2"), ipaddress.ip_address("127.0.0.1")]
            with await outbound.connect(addresses, port, 5) as opened:
                return opened.getpeername()[0], port

    assert asyncio.run(connect())[0] == "127.0.0.1"


def test_a_refused_connection_says_which_address_and_port() -> None:
    port = free_port()
    with pytest.raises(TransientError, match=rf"port {port}: 127\.0\.0\.1: Connection refused"):
        asyncio.run(outbound.connect([ipaddress.ip_address("127.0.0.1")], port, 5))
