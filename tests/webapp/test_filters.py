"""How times, durations, sizes and statuses read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from datahub.models.execution import STATUSES
from webapp import filters

NOON = datetime(2026, 1, 2, 12, 0, 0, 7000, UTC)


def test_times_are_written_in_utc() -> None:
    local = NOON.astimezone(timezone(timedelta(hours=5)))
    assert (filters.utc(local), filters.iso(local)) == ("2026-01-02 12:00:00", "2026-01-02T12:00:00.007Z")


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (0, "0 ms"),
        (0.42, "420 ms"),
        (3.21, "3.2 s"),
        (59, "59 s"),
        (60, "1 min"),
        (250, "4 min 10 s"),
        (timedelta(hours=2, minutes=5, seconds=9), "2 h 5 min"),
        (timedelta(days=3), "3 d"),
        (86401, "1 d"),
    ],
)
def test_durations_have_two_units_at_most(length: float | timedelta, words: str) -> None:
    assert filters.duration(length) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "now"), (-200, "3 min ago"), (200, "in 3 min"), (7300, "in 2 h"), (-90000, "1 d ago")]
)
def test_relative_times_look_both_ways(monkeypatch: pytest.MonkeyPatch, seconds: int, words: str) -> None:
    monkeypatch.setattr(filters, "utc_now", lambda: NOON)
    assert filters.relative(NOON + timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(("size", "words"), [(0, "0 B"), (999, "999 B"), (4608, "4.6 kB"), (2_500_000, "2.5 MB")])
def test_sizes(size: int, words: str) -> None:
    assert filters.file_size(size) == words


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/140.0 Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari on iPhone"),
        ("curl/8.5", "curl/8.5"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_browsers_are_named_as_people_do(agent: str | None, words: str) -> None:
    assert filters.browser_words(agent) == words


def test_every_status_of_an_execution_has_words_of_its_own() -> None:
    words = [filters.status_words(status) for status in STATUSES]
    assert len(set(words)) == len(STATUSES) and not any("_" in word for word in words)
    assert (filters.status_words("ACCEPTED_BY_SUPPLIER"), filters.status_tone("SHIPPED")) == (
        "Accepted by supplier",
        "calm",
    )
