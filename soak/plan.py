"""What happens when, from one number: the same number gives the same orders, status changes and troubles."""

from __future__ import annotations

import random
from dataclasses import dataclass

START_STATUS, STANDING_STATUS = "WAITING_SUPPLIER_APPROVAL", "SHIPPED"
LIVES = (
    ("ACCEPTED_BY_SUPPLIER", "WAITING_FULFILLMENT", "WAITING_SHIPMENT", "SHIPPED"),
    ("ACCEPTED_BY_SUPPLIER", "SHIPPED", "COMPLETED"),
    ("ACCEPTED_BY_SUPPLIER", "WAITING_SHIPMENT", "CANCELED"),
)
SUPPLIERS = ("SUP-1", "SUP-2", "SUP-3")
LEASE_SECONDS = 3.0


@dataclass(frozen=True)
class JobPlan:
    """`name` is also the job's folder. No supplier means all."""

    name: str
    export_format: str
    file_name_format: str
    statuses: tuple[str, ...]
    suppliers: tuple[str, ...] = ()


JOBS = (
    JobPlan("short-xml", "XML", "SHORT", ("ACCEPTED_BY_SUPPLIER", "WAITING_SHIPMENT", "SHIPPED")),
    JobPlan("long-json", "JSON", "STANDARD", ("ACCEPTED_BY_SUPPLIER", "SHIPPED"), ("SUP-1", "SUP-2")),
)


@dataclass(frozen=True)
class Step:
    """Seconds from the start; never before the step ahead of it was acknowledged."""

    at: float
    status: str


@dataclass(frozen=True)
class OrderPlan:
    supplier: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Trouble:
    """`seconds` is how long it lasts; `pick`, from 0 to 1, chooses among what is there when it comes."""

    at: float
    kind: str
    target: str
    seconds: float
    pick: float


@dataclass(frozen=True)
class Kind:
    """How often per minute, and between how many seconds it lasts."""

    name: str
    targets: tuple[str, ...]
    per_minute: float
    shortest: float = 0.0
    longest: float = 0.0


WORKERS, CLOCKS = ("worker-1", "worker-2"), ("clock-1", "clock-2")
KINDS = (
    Kind("kill", WORKERS, 5),
    Kind("kill", CLOCKS, 2),
    Kind("kill", ("web",), 1),
    Kind("freeze", WORKERS, 5, LEASE_SECONDS * 1.1, LEASE_SECONDS * 2.5),
    Kind("freeze", CLOCKS, 2, LEASE_SECONDS, LEASE_SECONDS * 2),
    Kind("flush", ("redis",), 2),
    Kind("kill and restart", ("redis",), 1, 0.2, 3.0),
    Kind("restart", ("postgres",), 0.6, 0.1, 2.0),
    Kind("crash and restart", ("postgres",), 0.6, 0.1, 2.0),
    Kind("cut connections", ("postgres",), 2, 0.2, 0.6),
    Kind("cut sessions", ("sshd",), 4),
    Kind("freeze sessions", ("sshd",), 3, 0.5, 6.0),
    Kind("kill and restart", ("sshd",), 1, 0.2, 3.0),
    Kind("make unwritable", tuple(job.name for job in JOBS), 2, 0.5, 3.0),
    Kind("stop", ("execution",), 8),
    Kind("retry", ("execution",), 3),
    Kind("resend", ("execution",), 3),
    Kind("edit", tuple(job.name for job in JOBS), 4),
    Kind("disable", ("connection",), 2, 0.5, 4.0),
    Kind("run", tuple(job.name for job in JOBS), 2),
)
# Work and troubles end before the time does, so that the last of them meet each other.
WORKING_PART = 0.95


@dataclass(frozen=True)
class Plan:
    """`standing` are the suppliers of orders that stand in STANDING_STATUS from the start and never move: only a job
    that people run sends them."""

    number: int
    seconds: float
    orders: tuple[OrderPlan, ...]
    standing: tuple[str, ...]
    troubles: tuple[Trouble, ...]

    @property
    def jobs_run(self) -> frozenset[str]:
        return frozenset(trouble.target for trouble in self.troubles if trouble.kind == "run")


def make_plan(number: int, seconds: float, orders: int) -> Plan:
    chance = random.Random(number)
    end = seconds * WORKING_PART
    lives = tuple(_order(chance, place / orders, end) for place in range(orders))
    standing = tuple(chance.choice(SUPPLIERS) for _ in range(max(1, orders // 4)))
    return Plan(number, seconds, lives, standing, tuple(_troubles(chance, end)))


def _order(chance: random.Random, place: float, end: float) -> OrderPlan:
    """Orders begin at a steady rate; one in four hurries through its statuses."""
    life = chance.choice(LIVES)
    at = place * end * 0.8
    longest = 0.3 if chance.random() < 0.25 else end * 0.2 / len(life)
    steps = []
    for status in life:
        steps.append(Step(round(at, 3), status))
        at += chance.uniform(0.02, longest)
    return OrderPlan(chance.choice(SUPPLIERS), tuple(steps))


def _troubles(chance: random.Random, end: float) -> list[Trouble]:
    found = []
    for kind in KINDS:
        expected = kind.per_minute * end / 60
        # The part after the comma is a chance, so that short soaks meet each kind now and then.
        number = int(expected) + (chance.random() < expected % 1)
        found += [_trouble(chance, kind, end) for _ in range(number)]
    return sorted(found, key=lambda trouble: (trouble.at, trouble.kind, trouble.target))


def _trouble(chance: random.Random, kind: Kind, end: float) -> Trouble:
    return Trouble(
        at=round(chance.uniform(0, end), 3),
        kind=kind.name,
        target=chance.choice(kind.targets),
        seconds=round(chance.uniform(kind.shortest, kind.longest), 3),
        pick=chance.random(),
    )
