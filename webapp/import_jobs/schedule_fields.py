"""The part of the form that says when an import job runs: six frequencies over one cron expression."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time
from typing import Any

from wtforms import (
    BooleanField,
    IntegerField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    TimeField,
)
from wtforms.validators import Optional

from datahub.errors import InvalidError
from datahub.jobs import frequencies
from datahub.jobs.frequencies import (
    DAY_NAMES,
    DAY_STEPS,
    HOUR_STEPS,
    LAST_DAY,
    LAST_WEEKDAY,
    MINUTE_STEPS,
    WEEKDAY,
    Custom,
    Daily,
    Frequency,
    Hourly,
    Minutes,
    Monthly,
    Weekly,
)
from webapp.forms import Form

NEVER, MINUTES, HOURLY, DAILY, WEEKLY, MONTHLY, CUSTOM = (
    "",
    "MINUTES",
    "HOURLY",
    "DAILY",
    "WEEKLY",
    "MONTHLY",
    "CUSTOM",
)
# Which field of the form shows a fault of a frequency.
SHOWN_AT = {
    MINUTES: {"every": "every_minutes"},
    HOURLY: {"every": "every_hours", "minute": "at_minute"},
    DAILY: {"every": "every_days"},
    WEEKLY: {"days": "weekdays"},
    MONTHLY: {"day": "month_day"},
    CUSTOM: {"cron": "cron"},
}


def _counted(steps: tuple[int, ...] | range, word: str) -> list[SelectChoice]:
    return [SelectChoice(str(step), word if step == 1 else f"{step} {word}s") for step in steps]


class ScheduleForm(Form):
    """Only the fields of the chosen frequency count; the others may hold anything."""

    frequency = SelectField(
        "Frequency",
        choices=[
            SelectChoice(NEVER, "Not by itself"),
            SelectChoice(MINUTES, "Minutes"),
            SelectChoice(HOURLY, "Hourly"),
            SelectChoice(DAILY, "Daily"),
            SelectChoice(WEEKLY, "Weekly"),
            SelectChoice(MONTHLY, "Monthly"),
            SelectChoice(CUSTOM, "Custom"),
        ],
        default=NEVER,
    )
    every_minutes = SelectField("Every", choices=_counted(MINUTE_STEPS, "minute"), default="15")
    every_hours = SelectField("Every", choices=_counted(HOUR_STEPS, "hour"), default="1")
    at_minute = IntegerField("At minute", [Optional()], default=0)
    every_days = SelectField(
        "Every", choices=[*_counted(DAY_STEPS, "day"), SelectChoice(WEEKDAY, "weekday, Monday to Friday")], default="1"
    )
    weekdays = SelectMultipleField("Days", choices=[SelectChoice(day, name) for day, name in DAY_NAMES.items()])
    month_day = SelectField(
        "On",
        choices=[
            *(SelectChoice(str(day), f"day {day}") for day in range(1, 32)),
            SelectChoice(LAST_DAY, "the last day"),
            SelectChoice(LAST_WEEKDAY, "the last weekday"),
        ],
        default="1",
    )
    at = TimeField("At (UTC)", [Optional()], default=time(6, 0))
    cron = StringField("Cron expression")
    schedule_enabled = BooleanField("The schedule is switched on", default=True)

    def read_cron(self) -> str | None:
        """None without a schedule. Raises InvalidError with the faults at the fields of this form."""
        chosen = self.frequency.data or NEVER
        if chosen == NEVER:
            return None
        if chosen not in _READ:
            raise InvalidError("There is no such frequency.", {"frequency": ["Choose one of the frequencies."]})
        try:
            return frequencies.to_cron(_READ[chosen](self))
        except InvalidError as error:
            shown = {SHOWN_AT[chosen].get(name, name): messages for name, messages in error.fields.items()}
            raise InvalidError(str(error), shown) from error

    def schedule_faults(self) -> list[str]:
        """What is missing or wrong in it, in words for a person."""
        try:
            self.read_cron()
        except InvalidError as error:
            return [message for messages in error.fields.values() for message in messages]
        return []


def stored_schedule(cron: str | None, *, enabled: bool) -> dict[str, Any]:
    """What the fields show for a stored expression."""
    if cron is None:
        return {"frequency": NEVER, "schedule_enabled": True}
    return _shown(frequencies.from_cron(cron)) | {"schedule_enabled": enabled}


def _shown(frequency: Frequency) -> dict[str, Any]:
    match frequency:
        case Minutes(every):
            return {"frequency": MINUTES, "every_minutes": str(every)}
        case Hourly(every, minute):
            return {"frequency": HOURLY, "every_hours": str(every), "at_minute": minute}
        case Daily(every, hour, minute):
            return {"frequency": DAILY, "every_days": str(every), "at": time(hour, minute)}
        case Weekly(days, hour, minute):
            return {"frequency": WEEKLY, "weekdays": sorted(days), "at": time(hour, minute)}
        case Monthly(day, hour, minute):
            return {"frequency": MONTHLY, "month_day": str(day), "at": time(hour, minute)}
        case Custom(cron):
            return {"frequency": CUSTOM, "cron": cron}


def _number_or_word(text: str | None) -> Any:
    return int(text) if text and text.isdecimal() else text


def _number(value: int | None) -> int:
    """-1 is no minute, so that a missing one is refused."""
    return -1 if value is None else value


def _hour_and_minute(form: ScheduleForm) -> tuple[int, int]:
    at = form.at.data
    if at is None:
        raise InvalidError("The schedule has no time.", {"at": ["Give a time in UTC, such as 06:30."]})
    return at.hour, at.minute


_READ: dict[str, Callable[[ScheduleForm], Frequency]] = {
    MINUTES: lambda form: Minutes(_number_or_word(form.every_minutes.data)),
    HOURLY: lambda form: Hourly(_number_or_word(form.every_hours.data), _number(form.at_minute.data)),
    DAILY: lambda form: Daily(_number_or_word(form.every_days.data), *_hour_and_minute(form)),
    WEEKLY: lambda form: Weekly(frozenset(form.weekdays.data or []), *_hour_and_minute(form)),
    MONTHLY: lambda form: Monthly(_number_or_word(form.month_day.data), *_hour_and_minute(form)),
    CUSTOM: lambda form: Custom(form.cron.data or ""),
}
