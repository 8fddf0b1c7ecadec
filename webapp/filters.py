"""How templates write times, durations, sizes and statuses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from flask import Flask

from datahub.grouping import NARROW_SPACE, counted, grouped


class Status(NamedTuple):
    words: str
    tone: str


STATUSES = {
    "SUCCESS": Status("Delivered", "good"),
    "ERROR": Status("Failed", "bad"),
    "JOB_PENDING": Status("Waiting", "calm"),
    "JOB_STARTED": Status("Sending", "busy"),
    "JOB_STOPPED": Status("Stopped", "off"),
    "JOB_INITIALIZING": Status("Waiting to be read", "calm"),
    "INTEGRATION_WAITING": Status("Waiting to be written", "calm"),
    "INTEGRATION_STARTED": Status("Writing", "busy"),
    "INTEGRATION_DONE": Status("Done", "good"),
    "INTEGRATION_DONE_WITH_ERRORS": Status("Done, some rows rejected", "warn"),
    "JOB_FAILED": Status("Failed to read", "bad"),
    "INTEGRATION_FAILED": Status("Failed while writing", "bad"),
    "JOB_SKIPPED": Status("Skipped", "off"),
}
HOUR = "%Y-%m-%dT%H"
# Each also names those after it, so the first that is found counts.
BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def init_app(app: Flask) -> None:
    numbers = file_size, money, grouped, counted
    for function in (utc, iso, duration, relative, *numbers, browser_words, status_words, status_tone):
        app.add_template_filter(function)
    app.add_template_global(utc_now)


def utc_now() -> datetime:
    """For the clock in the header and relative times only."""
    return datetime.now(UTC)


def utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def hour_text(at: datetime) -> str:
    """For addresses: 2026-01-31T09."""
    return at.astimezone(UTC).strftime(HOUR)


def read_hour(text: str) -> datetime | None:
    """What hour_text wrote; None for anything else."""
    try:
        hour = datetime.strptime(text, HOUR).replace(tzinfo=UTC)
    except ValueError:
        return None
    # The very last hour of all has no end that could be written.
    return hour if text == hour_text(hour) and hour.year < 9999 else None


def duration(length: timedelta | float) -> str:
    """Two units at most: 420 ms, 3.2 s, 4 min 10 s, 2 h 5 min."""
    seconds = length.total_seconds() if isinstance(length, timedelta) else float(length)
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    rest, parts = int(seconds), []
    for size, unit in UNITS:
        if rest >= size or parts:
            parts.append(f"{rest // size} {unit}")
            rest %= size
        if len(parts) == 2:
            break
    return " ".join(part for part in parts if not part.startswith("0 "))


def relative(at: datetime) -> str:
    """`3 min ago`, `in 3 min`, `now`."""
    seconds = (at - utc_now()).total_seconds()
    if abs(seconds) < 1:
        return "now"
    size, unit = next((size, unit) for size, unit in UNITS if abs(seconds) >= size)
    text = f"{int(abs(seconds) // size)} {unit}"
    return f"in {text}" if seconds > 0 else f"{text} ago"


def file_size(size: int) -> str:
    if size < 1000:
        return f"{size} B"
    return f"{size / 1000:.1f} kB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"


def money(amount: Decimal) -> str:
    """Exact, with two decimals at least and thousands apart: 1 234.50."""
    whole, _, decimals = f"{amount:,.6f}".partition(".")
    return f"{whole.replace(',', NARROW_SPACE)}.{decimals.rstrip('0').ljust(2, '0')}"


def browser_words(agent: str | None) -> str:
    """`Firefox on Linux`, as far as the browser tells."""
    agent = agent or ""
    browser = next((words for mark, words in BROWSERS if mark in agent), "")
    system = next((words for mark, words in SYSTEMS if mark in agent), "")
    return " on ".join(part for part in (browser, system) if part) or agent or "unknown"


def status_words(name: str) -> str:
    """An execution's status in words; every other name in lower case without underscores."""
    status = STATUSES.get(name)
    return status.words if status else name.replace("_", " ").capitalize()


def status_tone(name: str) -> str:
    return STATUSES[name].tone if name in STATUSES else "calm"
