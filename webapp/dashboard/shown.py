"""How the hours of Home become bars and words, and what it says of connections that cannot be used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from flask import url_for

from datahub.jobs.home import HeldUp, Hour
from datahub.models.connection import Connection
from datahub.models.execution import (
    ERROR,
    INTEGRATION_DONE,
    INTEGRATION_DONE_WITH_ERRORS,
    INTEGRATION_FAILED,
    INTEGRATION_STARTED,
    INTEGRATION_WAITING,
    JOB_FAILED,
    JOB_INITIALIZING,
    JOB_PENDING,
    JOB_SKIPPED,
    JOB_STARTED,
    JOB_STOPPED,
    SUCCESS,
)
from webapp.connections.shown import exports_that_wait
from webapp.filters import grouped, hour_text, status_words
from webapp.permissions import EVERY_STORE_WRITE, may

# From the ground up: what failed sits on top, where it is seen. Statuses of exports and imports that say the same to
# whoever looks from afar are one part, drawn and named as the first of them.
STACK = {
    SUCCESS: (SUCCESS,),
    INTEGRATION_DONE: (INTEGRATION_DONE,),
    INTEGRATION_DONE_WITH_ERRORS: (INTEGRATION_DONE_WITH_ERRORS,),
    JOB_STARTED: (JOB_STARTED, JOB_INITIALIZING, INTEGRATION_STARTED),
    JOB_PENDING: (JOB_PENDING, INTEGRATION_WAITING),
    JOB_STOPPED: (JOB_STOPPED,),
    JOB_SKIPPED: (JOB_SKIPPED,),
    ERROR: (ERROR, JOB_FAILED, INTEGRATION_FAILED),
}
WORDS = {
    INTEGRATION_DONE: "imported",
    INTEGRATION_DONE_WITH_ERRORS: "imported with rejected rows",
    JOB_STARTED: "under way",
}
SCALE, LEAST = 50, 3
# Room for the busiest hour, and for each part that is drawn higher than it is, to be seen at all.
BAR_HEIGHT = SCALE + LEAST * len(STACK)


@dataclass(frozen=True)
class Part:
    status: str
    top: float
    height: float


@dataclass(frozen=True)
class Bar:
    """`url` is empty for an hour in which nothing happened."""

    hour: str
    words: str
    url: str
    parts: list[Part]


def make_bars(hours: Sequence[Hour]) -> list[Bar]:
    busiest = max((hour.total for hour in hours), default=0)
    return [_bar(hour, busiest) for hour in hours]


def make_legend(hours: Sequence[Hour], asking: int) -> list[tuple[str, str]]:
    """Status and words, such as `1 204 delivered`, for what occurred at all; of what failed also how many are `asking`
    for a person still."""
    totals = {status: sum(_number(hour, status) for hour in hours) for status in STACK}
    words = {status: _count(status, number) for status, number in totals.items() if number}
    if ERROR in words:
        words[ERROR] += f", {asking} {'needs' if asking == 1 else 'need'} you" if asking else ", none needs you now"
    return list(words.items())


def held_up_words(held: HeldUp) -> str:
    return exports_that_wait(held.waiting) if held.waiting else "No export can be sent"


def way_to_use_it(connection: Connection, verb: str) -> str:
    """What makes a connection usable again that is not, for whoever reads it."""
    may_change = may(EVERY_STORE_WRITE)
    if connection.active and may_change:
        return "Test the connection, compare the key and accept it."
    if connection.active:
        return "Ask an administrator to test the connection and accept its key."
    return f"{'Activate it' if may_change else 'Ask an administrator to activate it'} to {verb} over it again."


def _bar(hour: Hour, busiest: int) -> Bar:
    found = [_count(status, number) for status in STACK if (number := _number(hour, status))]
    until = hour.start + timedelta(hours=1)
    words = f"{hour.start:%H:%M} to {until:%H:%M} UTC: {', '.join(found) or 'nothing'}"
    url = url_for("executions.index", hour=hour_text(hour.start)) if found else ""
    parts, top = [], float(BAR_HEIGHT)
    for status in STACK:
        if number := _number(hour, status):
            height = round(max(number / busiest * SCALE, LEAST), 2)
            top = round(top - height, 2)
            parts.append(Part(status, top, height))
    return Bar(f"{hour.start:%H}", words, url, parts)


def _number(hour: Hour, status: str) -> int:
    return sum(hour.counts.get(name, 0) for name in STACK[status])


def _count(status: str, number: int) -> str:
    return f"{grouped(number)} {WORDS.get(status) or status_words(status).lower()}"
