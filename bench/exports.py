"""Exports over sshd on loopback, all owed by one transaction: files per second beside a bare sender, and the time from
answer to final name."""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import func, select

from bench.databases import databases
from datahub.db import make_engine, make_sessions
from datahub.jobs import orders
from datahub.models.execution import SUCCESS, Execution
from datahub.models.order import Order
from datahub.transports import open_transport
from datahub.transports.base import join
from datahub.vault import Vault
from tests.connections import connection_to
from tests.factories import add_connection, make_job, make_order
from tests.journeys.hub import Hub
from tests.servers import SshServer, start_redis, start_sshd, wait_until
from tests.settings import ENCRYPTION_KEY, make_settings

STATUS = "ACCEPTED_BY_SUPPLIER"
SAMPLES = 50
# What production runs with; only tests hurry.
TIMERS = {"lease_seconds": 60.0, "beat_seconds": 10.0, "sweep_seconds": 1.0, "hand_out_again_seconds": 15.0}


def run(count: int, *, workers: int) -> None:
    vault = Vault({"test": ENCRYPTION_KEY})
    print(f"{'database':<12}{'files/s':>10}{'bare files/s':>14}{'ratio':>8}{'median ms':>11}{'p95 ms':>8}")
    for name, (url,) in databases("bench"):
        with tempfile.TemporaryDirectory(prefix="datahub-bench-") as text:
            folder = Path(text)
            (folder / "redis").mkdir()
            redis, sshd = start_redis(folder / "redis"), start_sshd(folder / "sshd")
            settings = make_settings(database_url=url, redis_url=redis.url, **TIMERS)
            hub = Hub(settings, make_sessions(make_engine(url)), folder)
            try:
                (sshd.files / "out").mkdir()
                (sshd.files / "bare").mkdir()
                hub.start(workers=workers)
                with hub.sessions.begin() as session:
                    make_job(session, add_connection(session, vault, sshd), trigger_statuses=[STATUS])
                latencies = _latencies(hub, sshd)
                rate = _rate(hub, count)
                content = next((sshd.files / "out").iterdir()).read_bytes()
                bare = asyncio.run(_bare_rate(sshd, vault, content, count))
            finally:
                hub.stop()
                redis.stop()
                sshd.stop()
        slow = statistics.quantiles(latencies, n=20)[-1]
        median = statistics.median(latencies)
        print(f"{name:<12}{rate:>10.0f}{bare:>14.0f}{rate / bare:>8.2f}{median:>11.0f}{slow:>8.0f}")
        sys.stdout.flush()


def _latencies(hub: Hub, sshd: SshServer) -> list[float]:
    """Milliseconds from the answer to the status change until the final name is there, one order at a time."""
    with hub.sessions.begin() as session:
        references = [make_order(session).reference for _ in range(SAMPLES)]
    found = []
    with hub.api as api:
        for reference in references:
            api.patch(f"/v1/orders/{reference}", json={"status": STATUS}).raise_for_status()
            answered = time.perf_counter()
            target = sshd.files / "out" / f"{reference}.xml"
            while not target.exists():
                time.sleep(0.0005)
            found.append((time.perf_counter() - answered) * 1000)
    return found


def _rate(hub: Hub, count: int) -> float:
    """Files per second from the commit of the one transaction that owes them all until the last SUCCESS."""
    with hub.sessions.begin() as session:
        references = [make_order(session).reference for _ in range(count)]
    with hub.sessions.begin() as session:
        for order in session.scalars(select(Order).where(Order.reference.in_(references))).all():
            orders.change_status(session, order, STATUS, actor="bench")
    started = time.perf_counter()

    def delivered() -> int:
        with hub.sessions() as session:
            return session.scalar(select(func.count()).where(Execution.status == SUCCESS)) or 0

    wait_until(lambda: delivered() == count + SAMPLES, seconds=600, what="the last delivery")
    return count / (time.perf_counter() - started)


async def _bare_rate(sshd: SshServer, vault: Vault, content: bytes, files: int) -> float:
    """The same steps on the wire by the same transport, with no database beside it."""
    settings = make_settings(**TIMERS)
    places = asyncio.Semaphore(settings.in_flight)

    async with open_transport(connection_to(sshd, vault), settings, vault) as transport:

        async def send(number: int) -> None:
            async with places:
                temporary = join("bare", f".{number}.part")
                await transport.upload(temporary, content)
                await transport.stat_size(temporary)
                await transport.rename(temporary, join("bare", f"{number}.xml"))

        started = time.perf_counter()
        await asyncio.gather(*(send(number) for number in range(files)))
        return files / (time.perf_counter() - started)
