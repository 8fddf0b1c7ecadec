"""Which instants an expression names, what the clock makes of them, and what is refused in which words."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datahub.jobs.schedule import GRACE, MOST, fires_between, latest_fire, next_fires, parse_cron, ticks_since
from tests.crons import crons

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
instants = st.datetimes(datetime(1990, 1, 1), datetime(2110, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def dates(cron: str, after: str, count: int) -> list[str]:
    return [f"{tick:%Y-%m-%d}" for tick in next_fires(cron, at(after), count)]


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("  */30   * *\t* * ", "*/30 * * * *"),
        ("0 6 * jan mon-Fri", "0 6 * JAN MON-FRI"),
        ("0 6 lw * *", "0 6 LW * *"),
        ("0 6 * * 5l", "0 6 * * 5L"),
        ("0 6 * * mon#2", "0 6 * * MON#2"),
        ("0 0 29 2 *", "0 0 29 2 *"),
        ("0 0 */28 2 MON#5", "0 0 */28 2 MON#5"),
        ("0 0 30 2 MON", "0 0 30 2 MON"),
        (",".join(["0"] * 96) + " * * * *", ",".join(["0"] * 96) + " * * * *"),
    ],
)
def test_an_expression_is_stored_in_one_form(given: str, stored: str) -> None:
    assert parse_cron(given) == stored
    assert parse_cron(stored) == stored


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (" ", "Write five fields with spaces between them: minute, hour, day of month, month and day of week."),
        ("*", "This has 1 field. Write five"),
        ("0 6 * *", "This has 4 fields. Write five"),
        ("0 */5 * * * *", "This has 6 fields. Write five .* Leave out seconds and years."),
        ("@daily", "Write 0 0 \\* \\* \\* instead of @daily."),
        ("@reboot", "Write five fields instead of @reboot"),
        ("@every 5m", "Write five fields instead of @every"),
        ("60 * * * *", "The minute cannot be read: 60. Minutes are 0 to 59"),
        ("*/0 * * * *", "The minute cannot be read: \\*/0."),
        ("0 24 * * *", "The hour cannot be read: 24. Hours are 0 to 23"),
        ("0 18-8 * * *", "The hour cannot be read: 18-8."),
        ("0 0 32 * *", "The day of month cannot be read: 32. Days are 1 to 31"),
        ("0 0 ? * MON", "The day of month cannot be read: \\?. .*\\* for every day"),
        ("0 0 * SEPT *", "The month cannot be read: SEPT. Months are 1 to 12 or JAN to DEC"),
        ("0 0 * * 8", "The day of week cannot be read: 8. Days are 0 to 7 or SUN to SAT"),
        ("0 0 * * FRI-SUN", "The day of week cannot be read: FRI-SUN. .*write 7, as in 5-7"),
        ("0 0 30 2 *", "This never comes"),
        ("0 0 31 4,6,9,11 *", "This never comes"),
        ("0 0 */29 2 MON#5", "This never comes"),
        (" " * 201, "At most 200 characters; this has 201."),
    ],
)
def test_a_wrong_expression_is_refused_in_words_that_help(given: str, words: str) -> None:
    with pytest.raises(ValueError, match=f"^{words}"):
        parse_cron(given)


@given(st.text(max_size=30) | st.from_regex(r"\A[-0-9*/,#LWlw MONSU²]{5,30}\Z") | crons)
def test_any_text_is_read_or_refused_but_never_a_crash(text: str) -> None:
    try:
        cron = parse_cron(text)
    except ValueError as error:
        assert str(error).endswith((".", "5-7."))
    else:
        assert next_fires(cron, at("2025-01-01"), 1)


def test_the_tick_itself_is_not_after_itself() -> None:
    assert next_fires("30 6 * * *", at("2025-03-01T06:30"), 2) == [at("2025-03-02T06:30"), at("2025-03-03T06:30")]
    assert next_fires("30 6 * * *", at("2025-03-01T06:29:59.999999"), 1) == [at("2025-03-01T06:30")]
    assert next_fires("30 6 * * *", at("2025-03-01T06:30:00.000001"), 1) == [at("2025-03-02T06:30")]


def test_uneven_minutes_begin_anew_with_each_hour() -> None:
    assert [f"{tick:%H:%M}" for tick in next_fires("*/45 * * * *", at("2025-03-01"), 4)] == [
        "00:45",
        "01:00",
        "01:45",
        "02:00",
    ]


def test_29_february_waits_for_leap_years_also_across_2100() -> None:
    assert dates("0 0 29 2 *", "2025-01-01", 2) == ["2028-02-29", "2032-02-29"]
    assert dates("0 0 29 2 *", "2096-02-29", 1) == ["2104-02-29"]


def test_day_31_skips_shorter_months() -> None:
    assert dates("0 2 31 * *", "2025-01-31T02:00", 3) == ["2025-03-31", "2025-05-31", "2025-07-31"]


def test_the_last_day_is_the_29th_in_a_leap_year() -> None:
    assert dates("0 2 L * *", "2024-01-31T02:00", 3) == ["2024-02-29", "2024-03-31", "2024-04-30"]
    assert dates("0 2 L 2 *", "2025-01-01", 1) == ["2025-02-28"]


def test_the_last_weekday_of_a_month_that_ends_at_a_weekend_is_its_friday() -> None:
    # May 2025 ends on a Saturday, August 2025 on a Sunday, September on a Tuesday.
    assert dates("0 2 LW 5,8,9 *", "2025-01-01", 3) == ["2025-05-30", "2025-08-29", "2025-09-30"]


@pytest.mark.parametrize("sunday", ["0", "7", "SUN", "6-7", "5-7"])
def test_sunday_is_0_and_7(sunday: str) -> None:
    assert at("2025-03-02T06:00") in next_fires(f"0 6 * * {sunday}", at("2025-02-28"), 3)


def test_the_second_monday_and_the_last_friday_are_found() -> None:
    assert dates("0 6 * * MON#2", "2025-03-01", 2) == ["2025-03-10", "2025-04-14"]
    assert dates("0 6 * * 5L", "2025-03-01", 2) == ["2025-03-28", "2025-04-25"]


@pytest.mark.parametrize(("night", "hour"), [("2025-03-30", 2), ("2025-10-26", 2)])
def test_a_change_of_summer_time_moves_and_doubles_nothing(night: str, hour: int) -> None:
    before = at(night).astimezone(ZoneInfo("Europe/Paris")) - timedelta(days=1)
    ticks = next_fires(f"30 {hour} * * *", before, 3)
    assert ticks == [at(night) + timedelta(days=day, hours=hour, minutes=30) for day in (-1, 0, 1)]
    assert {tick.tzinfo for tick in ticks} == {UTC}
    hourly = next_fires("*/20 * * * *", at(night), 72)
    assert {later - earlier for earlier, later in pairwise(hourly)} == {timedelta(minutes=20)}


def test_a_window_leaves_out_its_start_and_holds_its_end() -> None:
    assert fires_between("0 * * * *", at("2025-03-01T06:00"), at("2025-03-01T08:00")) == [
        at("2025-03-01T07:00"),
        at("2025-03-01T08:00"),
    ]
    assert fires_between("0 * * * *", at("2025-03-01T06:00:00.5"), at("2025-03-01T06:59:59.9")) == []
    assert fires_between("0 * * * *", at("2025-03-01T05:59:59.9"), at("2025-03-01T06:00:00.000001")) == [
        at("2025-03-01T06:00")
    ]


def test_a_window_that_ends_before_it_begins_is_empty() -> None:
    assert fires_between("* * * * *", at("2025-03-01T06:00"), at("2025-03-01T05:00")) == []


def test_of_too_many_ticks_the_newest_are_kept() -> None:
    until = at("2025-03-01")
    ticks = fires_between("* * * * *", until - timedelta(days=30), until)
    assert ticks == [until - timedelta(minutes=ago) for ago in reversed(range(MOST))]
    assert fires_between("* * * * *", at("1990-01-01"), until, most=2) == ticks[-2:]


@given(crons, instants, st.timedeltas(timedelta(0), timedelta(days=40)))
def test_looking_back_finds_what_looking_ahead_foresaw(cron: str, after: datetime, span: timedelta) -> None:
    until = after + span
    foreseen = [tick for tick in next_fires(cron, after, 200) if tick <= until]
    if len(foreseen) < 200:
        assert fires_between(cron, after, until) == foreseen
        assert latest_fire(cron, after, until) == (foreseen[-1] if foreseen else None)


@given(instants)
def test_named_days_are_those_of_the_calendar(after: datetime) -> None:
    for tick in next_fires("0 0 LW * *", after, 12):
        last = date(tick.year, tick.month, calendar.monthrange(tick.year, tick.month)[1])
        assert tick.date() == max(day for day in (last, last - DAY, last - 2 * DAY) if day.weekday() < 5)
    assert all((tick + DAY).day == 1 for tick in next_fires("0 0 L * *", after, 12))


def test_the_clock_runs_the_tick_that_has_just_passed() -> None:
    tick = at("2025-03-01T06:00")
    ticks = ticks_since("0 6 * * *", tick - SECOND, tick)
    assert (ticks.due, ticks.missed) == (tick, [])
    assert ticks_since("0 6 * * *", tick, tick + SECOND).due is None


def test_a_late_tick_is_due_within_the_grace_and_missed_after_it() -> None:
    tick = at("2025-03-01T06:00")
    assert ticks_since("0 6 * * *", tick - SECOND, tick + GRACE).due == tick
    late = ticks_since("0 6 * * *", tick - SECOND, tick + GRACE + SECOND)
    assert (late.due, late.missed) == (None, [tick])


def test_after_downtime_one_tick_runs_and_the_others_are_missed_in_order() -> None:
    now = at("2025-03-01T06:00:30")
    ticks = ticks_since("*/15 * * * *", at("2025-03-01T05:10"), now)
    assert ticks.due == at("2025-03-01T06:00")
    assert ticks.missed == [at("2025-03-01T05:15"), at("2025-03-01T05:30"), at("2025-03-01T05:45")]


def test_of_two_ticks_within_the_grace_only_the_newer_runs() -> None:
    now = at("2025-03-01T06:01")
    ticks = ticks_since("* * * * *", at("2025-03-01T05:59:59"), now)
    assert (ticks.due, ticks.missed) == (now, [now - timedelta(minutes=1)])


@given(crons, instants, st.lists(st.timedeltas(SECOND, timedelta(hours=3)), min_size=1, max_size=6))
def test_looks_at_any_moments_settle_each_tick_once(cron: str, start: datetime, pauses: list[timedelta]) -> None:
    settled, looked_at = [], start
    for pause in pauses:
        ticks = ticks_since(cron, looked_at, looked_at + pause)
        settled += ticks.missed + ([ticks.due] if ticks.due else [])
        looked_at += pause
    assert settled == fires_between(cron, start, looked_at, most=10_000)
