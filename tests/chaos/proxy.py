"""A TCP proxy that misbehaves as told: stalls, waits, cuts, resets, drips."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from tests.servers import LOOPBACK

BLOCK = 65_536
PASS, STALL, CUT, RESET = "pass", "stall", "cut", "reset"


@dataclass(frozen=True)
class Habit:
    """Once `after` bytes came from the client: STALL lets nothing more through in that direction, CUT closes, RESET
    breaks off with RST. Every block waits `latency` seconds; a block is at most `block` bytes, both ways."""

    at_end: str = PASS
    after: int = 0
    latency: float = 0.0
    block: int = BLOCK


@dataclass
class Proxy:
    """`habit` is that of connections opened from now on; each keeps it to its end. `sent` counts what the clients
    said, `opened` their connections. What comes over the first `withheld` of them waits here until that is 0 again,
    even when its sender has gone."""

    target: int
    habit: Habit = field(default_factory=Habit)
    port: int = 0
    sent: int = 0
    opened: int = 0
    open_now: int = 0
    withheld: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        habit = self.habit
        self.opened += 1
        number = self.opened
        try:
            onwards = await asyncio.open_connection(LOOPBACK, self.target)
        except OSError:
            writer.close()
            return
        self.open_now += 1
        pumps = [
            asyncio.create_task(self._upload(number, reader, onwards[1], habit)),
            asyncio.create_task(_pass(onwards[0], writer, habit)),
        ]
        try:
            with suppress(OSError):
                done, _ = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        finally:
            for task in pumps:
                task.cancel()
            try:
                await asyncio.gather(*pumps, return_exceptions=True)
            finally:
                # Also when the test ends just now, which cancels this wait too.
                if habit.at_end == RESET:
                    _reset_on_close(writer)
                for end in (writer, onwards[1]):
                    end.close()
                self.open_now -= 1

    async def _upload(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, habit: Habit
    ) -> None:
        passed = 0
        while data := await reader.read(habit.block):
            self.sent += len(data)
            while number <= self.withheld:
                await asyncio.sleep(0.01)
            if habit.at_end != PASS and passed + len(data) > habit.after:
                data = data[: habit.after - passed]
            await _send(writer, data, habit)
            passed += len(data)
            if habit.at_end in (CUT, RESET) and passed >= habit.after:
                return


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, habit: Habit) -> None:
    while data := await reader.read(habit.block):
        await _send(writer, data, habit)


async def _send(writer: asyncio.StreamWriter, data: bytes, habit: Habit) -> None:
    if habit.latency:
        await asyncio.sleep(habit.latency)
    writer.write(data)
    await writer.drain()


def _reset_on_close(writer: asyncio.StreamWriter) -> None:
    endpoint = writer.get_extra_info("socket")
    endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@asynccontextmanager
async def chaos_proxy(target: int, habit: Habit | None = None) -> AsyncIterator[Proxy]:
    """In front of a port on this machine."""
    proxy = Proxy(target, habit or Habit())
    server = await asyncio.start_server(proxy.serve, LOOPBACK, 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
