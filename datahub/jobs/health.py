"""Whether the parts of this installation answer: database, Redis, workers, clock, and whether work moves on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from datahub.db import database_now, read_only
from datahub.jobs.lifecycle import is_due
from datahub.models.execution import Execution
from datahub.models.heartbeat import CLOCK, WORKER, Heartbeat

SEEN_WITHIN = timedelta(seconds=15)
OVERDUE_AFTER = timedelta(minutes=5)


@dataclass(frozen=True)
class Check:
    """`advice` says what to do where `ok` is False, and is empty otherwise."""

    name: str
    ok: bool
    message: str
    advice: str = ""


def check(session: Session, *, redis: Redis) -> list[Check]:
    """Wants a fresh session and a Redis client that gives up soon. Raises for no part that is away."""
    try:
        read_only(session).execute(text("select 1"))
        return [Check("database", True, "The database answers."), _redis(redis), *_processes(session)]
    except SQLAlchemyError:
        session.rollback()
        away = Check("database", False, "The database does not answer.", "Start it, and look at DATABASE_URL.")
        unknown = ("worker", "clock", "executions")
        return [away, _redis(redis), *(Check(n, False, "Unknown without the database.", away.advice) for n in unknown)]


def _redis(redis: Redis) -> Check:
    try:
        redis.ping()
    except (RedisError, OSError):
        advice = "Start it, and look at REDIS_URL. Nothing is lost; exports go on once it is back."
        return Check("redis", False, "Redis does not answer.", advice)
    return Check("redis", True, "Redis answers.")


def _processes(session: Session) -> Iterator[Check]:
    now = database_now(session)
    seen = select(Heartbeat.role, func.count()).where(Heartbeat.seen_at >= now - SEEN_WITHIN).group_by(Heartbeat.role)
    alive = dict(session.execute(seen).all())
    yield _alive("worker", alive.get(WORKER, 0), "python -m worker exports")
    yield _alive("clock", alive.get(CLOCK, 0), "python -m worker clock")
    yield _oldest_due(session, now)


def _alive(name: str, number: int, command: str) -> Check:
    seconds = int(SEEN_WITHIN.total_seconds())
    if number:
        return Check(name, True, f"{number} seen in the last {seconds} seconds.")
    return Check(name, False, f"None seen in the last {seconds} seconds.", f"Start one: {command}.")


def _oldest_due(session: Session, now: datetime) -> Check:
    oldest = session.scalar(select(func.min(Execution.next_attempt_at)).where(*is_due(now)))
    if oldest is None:
        return Check("executions", True, "No execution is due.")
    minutes = (now - oldest) // timedelta(minutes=1)
    message = f"The oldest due execution has waited for {minutes} min."
    if now - oldest < OVERDUE_AFTER:
        return Check("executions", True, message)
    return Check("executions", False, message, "Look whether export workers run, and how busy they are.")
