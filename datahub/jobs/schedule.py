"""When a scheduled job runs: one cron expression of five fields, in UTC. frequencies.py has its form and its words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile

from cronsim import CronSim, CronSimError

LONGEST = 200
GRACE = timedelta(seconds=60)
MOST = 1000

_FIVE = "minute, hour, day of month, month and day of week"
_NICKNAMES = {
    "@HOURLY": "0 * * * *",
    "@DAILY": "0 0 * * *",
    "@MIDNIGHT": "0 0 * * *",
    "@WEEKLY": "0 0 * * 0",
    "@MONTHLY": "0 0 1 * *",
    "@YEARLY": "0 0 1 1 *",
    "@ANNUALLY": "0 0 1 1 *",
}
_DAY = "Bad day-of-month"
_NEVER = "This never comes: no date has such a day, month and day of week."
# What cronsim says of a field: its place, its name, and what it may hold.
_FIELDS = {
    "Bad minute": (0, "minute", "Minutes are 0 to 59, such as 15 or 0,30 or */10."),
    "Bad hour": (1, "hour", "Hours are 0 to 23, such as 6 or 8-18 or */2."),
    _DAY: (2, "day of month", "Days are 1 to 31, L for the last day, LW for the last weekday, or * for every day."),
    "Bad month": (3, "month", "Months are 1 to 12 or JAN to DEC, such as 3 or JAN,JUL or * for every month."),
    "Bad day-of-week": (
        4,
        "day of week",
        "Days are 0 to 7 or SUN to SAT, such as MON-FRI, 5L for the last Friday, MON#2 for the second Monday, "
        "or * for every day. To end a range on Sunday, write 7, as in 5-7.",
    ),
}
# The calendar repeats, and no date is rarer than 50 years, so any start tells whether an expression ever fires.
ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Ticks:
    """What passed since the clock last looked. Only `due` becomes an execution; `missed` is recorded, oldest first."""

    due: datetime | None
    missed: list[datetime]


def parse_cron(text: str) -> str:
    """The stored form: single spaces, names in capitals. Raises ValueError with words for a person."""
    if len(text) > LONGEST:
        raise ValueError(f"At most {LONGEST} characters; this has {len(text)}.")
    fields = text.upper().split()
    if fields and fields[0].startswith("@"):
        raise ValueError(_about_nickname(fields[0]))
    if len(fields) != 5:
        many = f"This has {len(fields)} {'field' if len(fields) == 1 else 'fields'}. " if fields else ""
        fewer = " Leave out seconds and years." if len(fields) > 5 else ""
        raise ValueError(f"{many}Write five fields with spaces between them: {_FIVE}.{fewer}")
    cron = " ".join(fields)
    try:
        fires = next(CronSim(cron, ANY_TIME), None)
    except CronSimError as error:
        raise ValueError(_about_fault(str(error), fields)) from error
    if fires is None:
        raise ValueError(_NEVER)
    return cron


def next_fires(cron: str, after: datetime, count: int) -> list[datetime]:
    """The first `count` ticks later than `after`, in UTC. Fewer when none follows within 50 years."""
    return list(islice(CronSim(cron, after.astimezone(UTC)), count))


def fires_between(cron: str, after: datetime, until: datetime, most: int = MOST) -> list[datetime]:
    """The ticks in (after, until], oldest first. Of more than `most` the newest, so the work stays bounded."""
    # cronsim goes back from before its start, or from its start when that bears a fraction of a second.
    backwards = CronSim(cron, until.astimezone(UTC) + timedelta.resolution, reverse=True)
    newest = islice(takewhile(lambda tick: tick > after, backwards), most)
    return list(newest)[::-1]


def latest_fire(cron: str, after: datetime, until: datetime) -> datetime | None:
    """The newest tick in (after, until], late or not."""
    return next(iter(fires_between(cron, after, until, most=1)), None)


def ticks_since(cron: str, after: datetime, now: datetime) -> Ticks:
    """What the clock has to settle in one look. `now` is the database's time; `after` is the `now` of the look before,
    or the moment at which the schedule was set, changed or switched on, as earlier ticks never counted.

    The newest tick is due while it is at most GRACE old, the others are missed: nothing is caught up. Two clocks that
    look at once find the same tick, so a unique row per job and tick must decide. Of more than MOST ticks the oldest
    are forgotten.
    """
    ticks = fires_between(cron, after, now)
    due = ticks.pop() if ticks and now - ticks[-1] <= GRACE else None
    return Ticks(due, ticks)


def _about_nickname(word: str) -> str:
    if word in _NICKNAMES:
        return f"Write {_NICKNAMES[word]} instead of {word.lower()}."
    return f"Write five fields instead of {word.lower()}: {_FIVE}."


def _about_fault(fault: str, fields: list[str]) -> str:
    place, name, advice = _FIELDS[fault]
    if fault == _DAY and _is_day(fields[place]):
        return _NEVER
    return f"The {name} cannot be read: {fields[place]}. {advice}"


def _is_day(field: str) -> bool:
    """cronsim finds fault with 30 February in the same words as with day 32."""
    try:
        CronSim(f"0 0 {field} * *", ANY_TIME)
    except CronSimError:
        return False
    return True
