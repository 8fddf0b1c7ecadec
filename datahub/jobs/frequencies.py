"""The six frequencies that people choose from, each a form over one cron expression, and any schedule in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from cron_descriptor import FormatException, Options, get_description  # type: ignore[import-untyped]
from cronsim import CronSim

from datahub.errors import InvalidError
from datahub.jobs.schedule import ANY_TIME, parse_cron

# Cron has no other even steps: every 45 minutes would be 45 and 15 by turns. Days start anew with each month.
MINUTE_STEPS = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)
HOUR_STEPS = (1, 2, 3, 4, 6, 8, 12)
DAY_STEPS = range(1, 16)
WEEKDAY: Literal["MON-FRI"] = "MON-FRI"
LAST_DAY: Literal["L"] = "L"
LAST_WEEKDAY: Literal["LW"] = "LW"
DAY_NAMES = {
    "MON": "Monday",
    "TUE": "Tuesday",
    "WED": "Wednesday",
    "THU": "Thursday",
    "FRI": "Friday",
    "SAT": "Saturday",
    "SUN": "Sunday",
}

_MINUTES, _HOURS, _WEEK = set(range(60)), set(range(24)), set(range(7))
_DAYS, _MONTHS = set(range(1, 32)), set(range(1, 13))
_NUMBERS = {name: number % 7 for number, name in enumerate(DAY_NAMES, start=1)}
_NAMED_DAYS: dict[int, Literal["L", "LW"]] = {CronSim.LAST: LAST_DAY, CronSim.LAST_WEEKDAY: LAST_WEEKDAY}
# Without a locale named, cron-descriptor asks the machine for one and warns when there is none.
_ENGLISH = Options(use_24hour_time_format=True, locale_code="en_US")


@dataclass(frozen=True)
class Minutes:
    every: int

    def __post_init__(self) -> None:
        _check(every=(self.every in MINUTE_STEPS, f"Choose {_listed(MINUTE_STEPS, 'or')} minutes."))


@dataclass(frozen=True)
class Hourly:
    every: int
    minute: int

    def __post_init__(self) -> None:
        _check(
            every=(self.every in HOUR_STEPS, f"Choose {_listed(HOUR_STEPS, 'or')} hours; for one hour a day, Daily."),
            minute=_is_minute(self.minute),
        )


@dataclass(frozen=True)
class Daily:
    """Every so many days counted from the 1st of each month, or every weekday."""

    every: int | Literal["MON-FRI"]
    hour: int
    minute: int

    def __post_init__(self) -> None:
        _check(
            every=(self.every in (WEEKDAY, *DAY_STEPS), "Choose 1 to 15 days, or every weekday."),
            hour=_is_hour(self.hour),
            minute=_is_minute(self.minute),
        )


@dataclass(frozen=True)
class Weekly:
    """`days` are keys of DAY_NAMES."""

    days: frozenset[str]
    hour: int
    minute: int

    def __post_init__(self) -> None:
        _check(
            days=(bool(self.days) and self.days <= DAY_NAMES.keys(), "Tick at least one day."),
            hour=_is_hour(self.hour),
            minute=_is_minute(self.minute),
        )


@dataclass(frozen=True)
class Monthly:
    """Months shorter than `day` are skipped."""

    day: int | Literal["L", "LW"]
    hour: int
    minute: int

    def __post_init__(self) -> None:
        _check(
            day=(self.day in (LAST_DAY, LAST_WEEKDAY, *_DAYS), "Choose 1 to 31, the last day or the last weekday."),
            hour=_is_hour(self.hour),
            minute=_is_minute(self.minute),
        )


@dataclass(frozen=True)
class Custom:
    """`cron` is kept in its stored form."""

    cron: str

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "cron", parse_cron(self.cron))
        except ValueError as error:
            raise InvalidError("The schedule has faults in: cron.", {"cron": [str(error)]}) from error


Regular = Minutes | Hourly | Daily | Weekly | Monthly
Frequency = Regular | Custom


def to_cron(frequency: Frequency) -> str:
    match frequency:
        case Minutes(every):
            return f"{_stepped(every)} * * * *"
        case Hourly(every, minute):
            return f"{minute} {_stepped(every)} * * *"
        case Daily(every, hour, minute):
            days = f"* * {WEEKDAY}" if every == WEEKDAY else f"{_stepped(every)} * *"
            return f"{minute} {hour} {days}"
        case Weekly(days, hour, minute):
            return f"{minute} {hour} * * {','.join(day for day in DAY_NAMES if day in days)}"
        case Monthly(day, hour, minute):
            return f"{minute} {hour} {day} * *"
        case Custom(cron):
            return cron


def from_cron(cron: str) -> Frequency:
    """The frequency that makes exactly this expression, else Custom: nothing that a person wrote is rewritten.
    Raises InvalidError for what parse_cron refuses."""
    custom = Custom(cron)
    readings = _readings(_Meaning(custom.cron))
    return next((reading for reading in readings if to_cron(reading) == custom.cron), custom)


def describe(cron: str) -> str:
    """Words that are true, else the expression itself. Never raises."""
    try:
        meaning = _Meaning(parse_cron(cron))
        reading = next(_readings(meaning), None)
        return _words(reading) if reading else f"{_custom_words(meaning) or cron} (UTC)"
    except (ValueError, FormatException):
        return cron


class _Meaning:
    """What an expression stands for, however it is written. Sunday is 0; L and LW are cronsim's negative numbers."""

    def __init__(self, cron: str) -> None:
        sim = CronSim(cron, ANY_TIME)
        self.minutes, self.hours, self.months = sim.minutes, sim.hours, sim.months
        self.days = sim.days
        self.weekdays = {day % 7 for day in sim.weekdays if isinstance(day, int)}
        # Pairs of a weekday and which one of the month: 1 to 5, or CronSim.LAST.
        self.nth_weekdays = {day for day in sim.weekdays if isinstance(day, tuple)}
        self.any_day, self.any_weekday = self.days == _DAYS, self.weekdays == _WEEK
        # A day need fit only one of the two fields, unless one of them starts with a star.
        if not sim.day_and and (self.any_day or self.any_weekday):
            self.any_day = self.any_weekday = True
        self.in_both = not (self.any_day or self.any_weekday)
        self.must_fit_both = self.in_both and sim.day_and


def _readings(meaning: _Meaning) -> Iterator[Regular]:
    """Every regular frequency that fires at exactly these times, the plainest first."""
    if meaning.months != _MONTHS:
        return
    minute, hour = min(meaning.minutes), min(meaning.hours)
    one_minute, one_hour = len(meaning.minutes) == 1, len(meaning.hours) == 1
    if meaning.any_day and meaning.any_weekday:
        if meaning.hours == _HOURS:
            yield from (Minutes(step) for step in MINUTE_STEPS if meaning.minutes == {*range(0, 60, step)})
        if one_minute:
            yield from (Hourly(step, minute) for step in HOUR_STEPS if meaning.hours == {*range(0, 24, step)})
    if one_minute and one_hour:
        yield from _readings_at(hour, minute, meaning)


def _readings_at(hour: int, minute: int, meaning: _Meaning) -> Iterator[Regular]:
    days, weekdays = meaning.days, meaning.weekdays
    if meaning.any_day and meaning.any_weekday:
        yield Daily(1, hour, minute)
        yield Weekly(frozenset(DAY_NAMES), hour, minute)
    elif meaning.any_weekday:
        yield from (Daily(step, hour, minute) for step in DAY_STEPS if days == {*range(1, 32, step)})
        if len(days) == 1:
            day = min(days)
            yield Monthly(_NAMED_DAYS.get(day, day), hour, minute)
    elif meaning.any_day and not meaning.nth_weekdays:
        if weekdays == {1, 2, 3, 4, 5}:
            yield Daily(WEEKDAY, hour, minute)
        yield Weekly(frozenset(name for name, number in _NUMBERS.items() if number in weekdays), hour, minute)


def _words(frequency: Regular) -> str:
    match frequency:
        case Minutes(every):
            return _every(every, "minute")
        case Hourly(every, minute):
            return f"{_every(every, 'hour')} at minute {minute}"
        case Daily(every, hour, minute):
            if every == WEEKDAY:
                return f"Every weekday {_at(hour, minute)}"
            counted = "" if every == 1 else ", counted from the 1st of each month,"
            return f"{_every(every, 'day')}{counted} {_at(hour, minute)}"
        case Weekly(days, hour, minute):
            names = [name for day, name in DAY_NAMES.items() if day in days]
            return f"Every {_listed(names, 'and')} {_at(hour, minute)}"
        case Monthly(day, hour, minute):
            named = {LAST_DAY: "the last day", LAST_WEEKDAY: "the last weekday"}.get(str(day), f"day {day}")
            skipped = "; shorter months are skipped" if day in (29, 30, 31) else ""
            return f"On {named} of each month {_at(hour, minute)}{skipped}"


def _custom_words(meaning: _Meaning) -> str | None:
    """cron-descriptor's words for the same times in plainer cron, as it takes every step for an even one. None where
    it would mislead: days that must fit both fields, lists that hold L or #, and these weekdays beside a day."""
    named_in_list = len(meaning.days) > 1 and min(meaning.days) < 0
    nth_in_list = bool(meaning.nth_weekdays) and len(meaning.nth_weekdays) + len(meaning.weekdays) > 1
    nth_beside_day = bool(meaning.nth_weekdays) and meaning.in_both
    if meaning.must_fit_both or named_in_list or nth_in_list or nth_beside_day:
        return None
    plainer = (
        _even(meaning.minutes, 60, MINUTE_STEPS) or _spans(meaning.minutes),
        _even(meaning.hours, 24, HOUR_STEPS) or _hour_field(meaning.hours),
        "*" if meaning.any_day else _NAMED_DAYS.get(min(meaning.days)) or _spans(meaning.days),
        "*" if meaning.months == _MONTHS else _spans(meaning.months),
        "*" if meaning.any_weekday else _weekday_field(meaning),
    )
    described: str = get_description(" ".join(plainer), _ENGLISH)
    return described


def _hour_field(hours: set[int]) -> str:
    """A range only by itself: in a list cron-descriptor takes its end for the whole hour, 8-10,14 until 10:59."""
    spans = _spans(hours)
    return _commas(hours) if "," in spans else spans


def _weekday_field(meaning: _Meaning) -> str:
    """Beside a day of the month each weekday by itself: cron-descriptor leaves out the "or" before a range."""
    if meaning.nth_weekdays:
        weekday, nth = min(meaning.nth_weekdays)
        return f"{weekday}L" if nth == CronSim.LAST else f"{weekday}#{nth}"
    return _commas(meaning.weekdays) if meaning.in_both else _spans(meaning.weekdays)


def _even(numbers: set[int], size: int, steps: Iterable[int]) -> str | None:
    return next((_stepped(step) for step in steps if numbers == {*range(0, size, step)}), None)


def _stepped(step: int) -> str:
    return "*" if step == 1 else f"*/{step}"


def _spans(numbers: set[int]) -> str:
    """Three neighbours and more as a range: {1, 2, 3, 7} is 1-3,7."""
    spans: list[list[int]] = []
    for number in sorted(numbers):
        if spans and number == spans[-1][-1] + 1:
            spans[-1].append(number)
        else:
            spans.append([number])
    return ",".join(f"{span[0]}-{span[-1]}" if len(span) > 2 else _commas(span) for span in spans)


def _commas(numbers: Iterable[int]) -> str:
    return ",".join(str(number) for number in sorted(numbers))


def _every(count: int | str, what: str) -> str:
    return f"Every {what}" if count == 1 else f"Every {count} {what}s"


def _at(hour: int, minute: int) -> str:
    return f"at {hour:02}:{minute:02} UTC"


def _listed(items: Iterable[object], word: str) -> str:
    *first, last = map(str, items)
    return f"{', '.join(first)} {word} {last}" if first else last


def _is_hour(hour: int) -> tuple[bool, str]:
    return hour in _HOURS, "Choose an hour of 0 to 23."


def _is_minute(minute: int) -> tuple[bool, str]:
    return minute in _MINUTES, "Choose a minute of 0 to 59."


def _check(**rules: tuple[bool, str]) -> None:
    faults = {field: [words] for field, (holds, words) in rules.items() if not holds}
    if faults:
        raise InvalidError(f"The schedule has faults in: {', '.join(sorted(faults))}.", faults)
