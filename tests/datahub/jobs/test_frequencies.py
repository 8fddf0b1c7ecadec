"""The form over cron loses and changes nothing, and the words say when a schedule really fires."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise, product
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from datahub.errors import InvalidError
from datahub.jobs import frequencies
from datahub.jobs.frequencies import (
    Custom,
    Daily,
    Frequency,
    Hourly,
    Minutes,
    Monthly,
    Weekly,
    describe,
    from_cron,
    to_cron,
)
from datahub.jobs.schedule import next_fires, parse_cron
from tests.crons import crons

NEW_YEAR = datetime(2025, 1, 1, tzinfo=UTC)
hours, minutes = st.integers(0, 23), st.integers(0, 59)
regular: st.SearchStrategy[Frequency] = st.one_of(
    st.builds(Minutes, st.sampled_from(frequencies.MINUTE_STEPS)),
    st.builds(Hourly, st.sampled_from(frequencies.HOUR_STEPS), minutes),
    st.builds(Daily, st.sampled_from([frequencies.WEEKDAY, *frequencies.DAY_STEPS]), hours, minutes),
    st.builds(Weekly, st.frozensets(st.sampled_from(list(frequencies.DAY_NAMES)), min_size=1), hours, minutes),
    st.builds(Monthly, st.sampled_from(["L", "LW", *range(1, 32)]), hours, minutes),
)
TICKED = frozenset({"MON", "WED", "SUN"})
WORKING_DAYS = frozenset({"MON", "TUE", "WED", "THU", "FRI"})


@pytest.mark.parametrize(
    ("frequency", "cron", "words"),
    [
        (Minutes(1), "* * * * *", "Every minute"),
        (Minutes(30), "*/30 * * * *", "Every 30 minutes"),
        (Hourly(1, 5), "5 * * * *", "Every hour at minute 5"),
        (Hourly(2, 10), "10 */2 * * *", "Every 2 hours at minute 10"),
        (Daily(1, 6, 15), "15 6 * * *", "Every day at 06:15 UTC"),
        (Daily(3, 6, 15), "15 6 */3 * *", "Every 3 days, counted from the 1st of each month, at 06:15 UTC"),
        (Daily("MON-FRI", 6, 15), "15 6 * * MON-FRI", "Every weekday at 06:15 UTC"),
        (Weekly(frozenset({"SUN"}), 0, 0), "0 0 * * SUN", "Every Sunday at 00:00 UTC"),
        (Weekly(TICKED, 23, 59), "59 23 * * MON,WED,SUN", "Every Monday, Wednesday and Sunday at 23:59 UTC"),
        (Weekly(WORKING_DAYS, 6, 0), "0 6 * * MON,TUE,WED,THU,FRI", "Every weekday at 06:00 UTC"),
        (Monthly(1, 2, 0), "0 2 1 * *", "On day 1 of each month at 02:00 UTC"),
        (Monthly(29, 2, 0), "0 2 29 * *", "On day 29 of each month at 02:00 UTC; shorter months are skipped"),
        (Monthly("L", 2, 0), "0 2 L * *", "On the last day of each month at 02:00 UTC"),
        (Monthly("LW", 2, 0), "0 2 LW * *", "On the last weekday of each month at 02:00 UTC"),
    ],
)
def test_a_frequency_has_its_expression_and_its_words(frequency: Frequency, cron: str, words: str) -> None:
    assert to_cron(frequency) == cron
    assert from_cron(cron) == frequency
    assert describe(cron) == words


@given(regular)
def test_a_frequency_comes_back_from_its_expression_as_it_was(frequency: Frequency) -> None:
    assert parse_cron(to_cron(frequency)) == to_cron(frequency)
    assert from_cron(to_cron(frequency)) == frequency


@given(crons | regular.map(to_cron))
@example("0 6 * * 1-5")
@example("0 6 1-31/2 * *")
def test_an_expression_comes_back_from_its_frequency_as_it_was(cron: str) -> None:
    assert to_cron(from_cron(cron)) == cron


@pytest.mark.parametrize(
    "cron", ["*/45 * * * *", "0 */5 * * *", "0 6 * * 1-5", "0 6,18 * * *", "0 6 */16 * *", "0 6 L 1 *", "0 6 * * 5L"]
)
def test_what_the_form_would_not_write_is_custom(cron: str) -> None:
    assert from_cron(f" {cron} ") == Custom(cron)


@pytest.mark.parametrize("step", frequencies.MINUTE_STEPS)
def test_offered_minutes_are_evenly_spaced(step: int) -> None:
    ticks = next_fires(to_cron(Minutes(step)), NEW_YEAR, 100)
    assert {(later - earlier).seconds for earlier, later in pairwise(ticks)} == {step * 60}


@pytest.mark.parametrize("step", frequencies.HOUR_STEPS)
def test_offered_hours_are_evenly_spaced(step: int) -> None:
    ticks = next_fires(to_cron(Hourly(step, 59)), NEW_YEAR, 100)
    assert {(later - earlier).seconds for earlier, later in pairwise(ticks)} == {step * 3600}


@pytest.mark.parametrize(
    ("make", "field", "words"),
    [
        (lambda: Minutes(45), "every", "Choose 1, 2, 3, 4, 5, 6, 10, 12, 15, 20 or 30 minutes."),
        (lambda: Hourly(5, 0), "every", "Choose 1, 2, 3, 4, 6, 8 or 12 hours; for one hour a day, Daily."),
        (lambda: Hourly(2, 60), "minute", "Choose a minute of 0 to 59."),
        (lambda: Daily(16, 0, 0), "every", "Choose 1 to 15 days, or every weekday."),
        (lambda: Daily(1, 24, 0), "hour", "Choose an hour of 0 to 23."),
        (lambda: Daily(1, 0, -1), "minute", "Choose a minute of 0 to 59."),
        (lambda: Weekly(frozenset(), 0, 0), "days", "Tick at least one day."),
        (lambda: Weekly(frozenset({"MO"}), 0, 0), "days", "Tick at least one day."),
        (lambda: Weekly(TICKED, 24, 0), "hour", "Choose an hour of 0 to 23."),
        (lambda: Monthly(32, 0, 0), "day", "Choose 1 to 31, the last day or the last weekday."),
        (lambda: Monthly(1, 0, 60), "minute", "Choose a minute of 0 to 59."),
        (lambda: Custom("0 0 30 2 *"), "cron", "This never comes: no date has such a day, month and day of week."),
        (lambda: from_cron("nonsense"), "cron", "This has 1 field. Write five fields with spaces between them: "),
    ],
)
def test_a_wrong_choice_is_named_at_its_field(make: Callable[[], Any], field: str, words: str) -> None:
    with pytest.raises(InvalidError, match=f"faults in: {field}") as refused:
        make()
    assert list(refused.value.fields) == [field]
    assert refused.value.fields[field][0].startswith(words)


def test_all_wrong_choices_are_named_at_once() -> None:
    with pytest.raises(InvalidError) as refused:
        Monthly(0, 24, 60)
    assert refused.value.fields.keys() == {"day", "hour", "minute"}


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("0 6 * * 1-5", "Every weekday at 06:00 UTC"),
        ("0 6 * * 6,7", "Every Saturday and Sunday at 06:00 UTC"),
        ("0 6 * * 0-6", "Every day at 06:00 UTC"),
        ("0 6 1-31 * MON", "Every day at 06:00 UTC"),
        ("0 6 */1 * MON", "Every Monday at 06:00 UTC"),
        ("0 6 */31 * *", "On day 1 of each month at 06:00 UTC"),
        ("0,30 0-23 * * *", "Every 30 minutes"),
        ("*/60 * * * *", "Every hour at minute 0"),
        ("0 0,12 * * *", "Every 12 hours at minute 0"),
    ],
)
def test_another_way_to_write_it_has_the_same_words(cron: str, words: str) -> None:
    assert describe(cron) == words


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("*/45 * * * *", "At 0 and 45 minutes past the hour (UTC)"),
        ("5/20 9 * * MON", "At 5, 25, and 45 minutes past the hour, at 09:00, only on Monday (UTC)"),
        ("30 */7 * * *", "At 00:30, 07:30, 14:30 and 21:30 (UTC)"),
        ("0 8-10,14 * * 1-5", "At 08:00, 09:00, 10:00 and 14:00, Monday through Friday (UTC)"),
        ("*/15 8-18 * * *", "Every 15 minutes, between 08:00 and 18:59 (UTC)"),
        ("0 18 */20 * *", "At 18:00, on day 1 and 21 of the month (UTC)"),
        ("0 18 29 2 *", "At 18:00, on day 29 of the month, only in February (UTC)"),
        ("0 18 L */6 *", "At 18:00, on the last day of the month, only in January and July (UTC)"),
        ("0 18 LW 1-3 *", "At 18:00, on the last weekday of the month, January through March (UTC)"),
        ("0 18 * * 7L", "At 18:00, on the last Sunday of the month (UTC)"),
        ("0 18 * * MON#2", "At 18:00, on the second Monday of the month (UTC)"),
        ("0 6,18 * * 5/2", "At 06:00 and 18:00, only on Sunday and Friday (UTC)"),
        ("0 18 1 * MON-WED", "At 18:00, on day 1 of the month, or on Monday, Tuesday, and Wednesday (UTC)"),
    ],
)
def test_a_custom_expression_is_described_truly(cron: str, words: str) -> None:
    assert describe(cron) == words


def test_equal_words_mean_equal_times() -> None:
    minutes_and_hours = "*/45 *|0,45 *|*/20 8-10|0,20,40 8-10|*/20 8-10,14|0 8,9,10|0 */12|0 0,12|0 */24|0 0|*/60 0"
    days = "* */1 */2 1-31/2 */31 1 31 1-31 1-3 2,3 L LW 1,L *,L 1,15 15/8 */15 */16"
    weekdays = "* */2 1-5 0-6 1-7 1-3 MON SAT,7 5L 7L MON#1 MON#1,FRI *,5L 5/2 0/1 */7"
    expressions = [f"{time} * * *" for time in minutes_and_hours.split("|")]
    expressions += [" ".join(["0 6", *fields]) for fields in product(days.split(), ["*", "*/3"], weekdays.split())]
    seen: dict[str, tuple[str, list[datetime]]] = {}
    for cron in expressions:
        ticks = next_fires(cron, NEW_YEAR, 40)
        other, ticks_of_other = seen.setdefault(describe(cron), (cron, ticks))
        assert ticks == ticks_of_other, f"{cron} and {other} are both: {describe(cron)}"
    assert len(seen) < len(expressions) * 3 / 4


@pytest.mark.parametrize("cron", ["0 6 */2 * MON", "0 6 1 * */2", "0 6 1,L * *", "0 6 * * MON#2,FRI", "0 6 15 * 5L"])
def test_without_true_words_the_expression_stands_for_itself(cron: str) -> None:
    assert describe(cron) == f"{cron} (UTC)"


@pytest.mark.parametrize("cron", ["", "nonsense", "@daily", "0 6 * * FRI-SUN", "0 0 30 2 *", "30 0 6 * * *"])
def test_what_is_no_schedule_is_shown_as_it_is(cron: str) -> None:
    assert describe(cron) == cron


@given(crons)
def test_any_schedule_is_described_on_a_24_hour_clock(cron: str) -> None:
    words = describe(cron)
    assert words
    assert not re.search(r"\b[AP]M\b|/|\?|error", words.removesuffix(f"{cron} (UTC)"))
