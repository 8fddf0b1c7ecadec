"""Compares what was owed with the history and with what arrived, one to one. Knows no database, file or process."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

SUCCESS, ERROR, JOB_STOPPED = "SUCCESS", "ERROR", "JOB_STOPPED"
TRIGGER, RUN = "TRIGGER", "RUN"
# What is owed once for each order, whoever noticed; all else is what people asked for.
OWED_ORIGINS = (TRIGGER, RUN)

ONCE = "delivered once"
TWICE_MARKED = "delivered twice and marked"
TWICE_UNMARKED = "delivered twice, not marked"
ERRORS = "waiting for a person (ERROR)"
STOPPED = "stopped by a person"
STOPPED_MAYBE = "stopped by a person, may have arrived"
LOST = "lost"
NEVER_ENDED = "never ended"
FATES = (ONCE, TWICE_MARKED, TWICE_UNMARKED, ERRORS, STOPPED, STOPPED_MAYBE, LOST, NEVER_ENDED)

STOPPED_YET_ARRIVED = "arrived although it was stopped"
HALF = "half files seen"
UNOWED = "files or executions nobody owed"
DISORDER = "orders whose statuses went out of order"
FORGOTTEN = "acknowledged status changes that are not in the history"
MUST_BE_NONE = (TWICE_UNMARKED, LOST, NEVER_ENDED, STOPPED_YET_ARRIVED, HALF, UNOWED, DISORDER, FORGOTTEN)


@dataclass(frozen=True)
class Owed:
    """An order reached a status for the first time, or stood in it when the job was run, and the job asks for it."""

    job: str
    order: str
    status: str


@dataclass(frozen=True)
class Sending:
    """An execution. `number` grows with the order in which they came to be; `may_have_arrived` is what its page says
    of an end that is no success: an attempt was about to give the file its final name."""

    number: int
    public_id: str
    job: str
    order: str
    reached: str
    status: str
    origin: str = TRIGGER
    attempts: int = 1
    is_marked_twice: bool = False
    may_have_arrived: bool = False
    file_name: str | None = None
    sha256: str | None = None
    error: str | None = None


@dataclass(frozen=True)
class Arrival:
    """A final name appeared in a job's folder, with this content; None when it was replaced before it could be read.
    `sending` is the public id that its temporary name bore."""

    job: str
    name: str
    sha256: str | None
    sending: str | None


@dataclass
class Account:
    """`fates` counts what was owed, `asked` what people asked for; `faults` explains each breach."""

    owed: int = 0
    fates: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    faults: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in MUST_BE_NONE})
    errors: Counter[str] = field(default_factory=Counter)
    attempts: int = 0
    most_attempts: int = 0
    marked: int = 0
    unread: int = 0

    @property
    def is_good(self) -> bool:
        return not any(self.faults.values())


@dataclass(frozen=True)
class Books:
    """Everything that is compared. `acknowledged` and `history` hold (order, status)."""

    owed: list[Owed]
    sendings: list[Sending]
    arrivals: list[Arrival]
    acknowledged: list[tuple[str, str]] = field(default_factory=list)
    history: set[tuple[str, str]] = field(default_factory=set)
    modified: list[str] = field(default_factory=list)


def check(books: Books) -> Account:
    account = Account(owed=len(books.owed))
    arrived = _match(books, account)
    _settle_owed(books, arrived, account)
    for sending in books.sendings:
        account.attempts += sending.attempts
        account.marked += sending.is_marked_twice
        account.most_attempts = max(account.most_attempts, sending.attempts)
        if sending.status == ERROR:
            account.errors[(sending.error or "no reason given").splitlines()[-1]] += 1
        if sending.origin not in OWED_ORIGINS:
            account.asked[_judge(sending, len(arrived[sending.public_id]), account)] += 1
    _check_order(books, arrived, account)
    account.faults[HALF] += [f"{name} changed under its final name" for name in books.modified]
    account.faults[FORGOTTEN] += [
        f"{order} to {status}" for order, status in books.acknowledged if (order, status) not in books.history
    ]
    return account


def _match(books: Books, account: Account) -> dict[str, list[int]]:
    """For each execution the places of its arrivals in the order in which they came."""
    known = {sending.public_id: sending for sending in books.sendings}
    named: dict[tuple[str, str], list[Sending]] = defaultdict(list)
    for sending in books.sendings:
        if sending.file_name is not None:
            named[sending.job, sending.file_name].append(sending)
    arrived: dict[str, list[int]] = defaultdict(list)
    for place, arrival in enumerate(books.arrivals):
        candidates = named[arrival.job, arrival.name]
        found = known.get(arrival.sending or "") or _same_content(candidates, arrival)
        if found is None or found not in candidates:
            kind = HALF if candidates else UNOWED
            account.faults[kind].append(f"{arrival.job}/{arrival.name}: of no execution that sends this")
            continue
        arrived[found.public_id].append(place)
        if arrival.sha256 is None:
            account.unread += 1
        elif arrival.sha256 != found.sha256:
            account.faults[HALF].append(f"{arrival.job}/{arrival.name}: not the bytes of {found.public_id}")
    return arrived


def _same_content(candidates: Iterable[Sending], arrival: Arrival) -> Sending | None:
    return next((sending for sending in candidates if sending.sha256 == arrival.sha256), None)


def _settle_owed(books: Books, arrived: dict[str, list[int]], account: Account) -> None:
    begun: dict[Owed, list[Sending]] = defaultdict(list)
    for sending in books.sendings:
        if sending.origin in OWED_ORIGINS:
            begun[Owed(sending.job, sending.order, sending.reached)].append(sending)
    for owed in books.owed:
        found = begun.pop(owed, [])
        if not found:
            account.fates[LOST] += 1
            account.faults[LOST].append(f"{_name(owed)}: no execution at all")
            continue
        account.fates[_judge(found[0], len(arrived[found[0].public_id]), account)] += 1
        account.faults[UNOWED] += [f"{_name(owed)}: one more execution, {extra.public_id}" for extra in found[1:]]
    account.faults[UNOWED] += [f"{_name(owed)}: an execution that no status asked for" for owed in begun]


def _judge(sending: Sending, arrivals: int, account: Account) -> str:
    """The fate of one execution; a breach goes into the faults as well."""
    fate = _fate(sending, arrivals)
    told = f"{sending.public_id} ({_name(sending)}, {sending.status}, {sending.attempts} attempts, {arrivals} arrivals)"
    if fate in account.faults:
        account.faults[fate].append(told)
    if fate == STOPPED and arrivals:
        account.faults[STOPPED_YET_ARRIVED].append(told)
    return fate


def _fate(sending: Sending, arrivals: int) -> str:
    if sending.status not in (SUCCESS, ERROR, JOB_STOPPED):
        return NEVER_ENDED
    if arrivals > 1 and not sending.is_marked_twice:
        return TWICE_UNMARKED
    if sending.status == ERROR:
        return ERRORS
    if sending.status == JOB_STOPPED:
        return STOPPED_MAYBE if sending.may_have_arrived else STOPPED
    if arrivals > 1:
        return TWICE_MARKED
    return ONCE if arrivals else LOST


def _check_order(books: Books, arrived: dict[str, list[int]], account: Account) -> None:
    """By one job, nothing of an older execution of an order may arrive once a newer one of it has."""
    by_order: dict[tuple[str, str], list[Sending]] = defaultdict(list)
    for sending in sorted(books.sendings, key=lambda sending: sending.number):
        if arrived[sending.public_id]:
            by_order[sending.job, sending.order].append(sending)
    for (job, order), sendings in by_order.items():
        for older, newer in pairwise(sendings):
            if arrived[older.public_id][-1] > arrived[newer.public_id][0]:
                account.faults[DISORDER].append(
                    f"{order} by {job}: {older.reached} ({older.public_id}) after {newer.reached} ({newer.public_id})"
                )


def _name(thing: Owed | Sending) -> str:
    return f"{thing.order} {thing.status if isinstance(thing, Owed) else thing.reached} by {thing.job}"
