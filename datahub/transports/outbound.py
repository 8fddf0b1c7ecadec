"""The one gate for everything that leaves: which addresses may be connected to."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
from collections.abc import Iterable, Sequence

from datahub.errors import OutboundRefusedError, TransientError
from datahub.settings import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


async def resolve(host: str, port: int, allow: Iterable[Network], seconds: float) -> list[Address]:
    """The addresses of `host` that may be connected to, in the resolver's order; at least one.

    Connect to these and never to the name again: a second look-up may answer something else.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(seconds):
            answers = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except TimeoutError as error:
        raise TransientError(f"No address for {host} within {seconds:g} s. Check the name server.") from error
    except (OSError, UnicodeError) as error:
        raise TransientError(f"There is no address for {host}. Check the host name.") from error
    found = list(dict.fromkeys(_plain(str(answer[4][0])) for answer in answers))
    networks = tuple(allow)
    permitted = [address for address in found if is_permitted(address, networks)]
    if not permitted:
        # Sorted, so that the same trouble has the same words.
        places = ", ".join(sorted(map(str, found)))
        raise OutboundRefusedError(
            f"{host} is at {places}: a private or reserved address, which Data Hub does not connect to unless the "
            "setting OUTBOUND_ALLOW lists its network."
        )
    return permitted


async def connect(addresses: Sequence[Address], port: int, seconds: float) -> socket.socket:
    """Tries the addresses in turn, each for its share of the time. The caller closes the socket."""
    reasons = []
    for address in addresses:
        try:
            return await _connect_one(address, port, seconds / len(addresses))
        except TimeoutError:
            reasons.append(f"{address} did not answer within {seconds / len(addresses):g} s")
        except OSError as error:
            reasons.append(f"{address}: {os.strerror(error.errno) if error.errno else error}")
    raise TransientError(f"No connection to port {port}: {'; '.join(reasons)}. Check host, port and firewall.")


def is_permitted(address: Address, allow: Iterable[Network]) -> bool:
    """Public, or listed. NAT64 and other addresses that carry an IPv4 address must be listed themselves."""
    if any(address in network for network in allow):
        return True
    if isinstance(address, ipaddress.IPv6Address) and (address.is_site_local or address.sixtofour):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


async def _connect_one(address: Address, port: int, seconds: float) -> socket.socket:
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setblocking(False)
        async with asyncio.timeout(seconds):
            await asyncio.get_running_loop().sock_connect(opened, (str(address), port))
    except BaseException:
        opened.close()
        raise
    return opened


def _plain(text: str) -> Address:
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address
