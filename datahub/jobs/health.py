"""Whether the parts of this installation answer and are set up as they must be, and whether work moves on."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from redis import ConnectionPool, Redis
from redis.exceptions import AuthenticationError, RedisError, ResponseError
from sqlalchemy import exists, func, or_, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from datahub.db import database_now, read_only
from datahub.jobs import export_claims, import_claims
from datahub.models.execution import HELD, IMPORT, SUCCESS, UNENDED_IMPORT, Execution, is_started, is_unended
from datahub.models.export_job import ExportJob
from datahub.models.heartbeat import CLOCK, EXPORTER, IMPORTER, Heartbeat
from datahub.models.import_job import ImportJob
from datahub.settings import Settings

SEEN_WITHIN = timedelta(seconds=15)
# A sweep takes milliseconds, and its end is written down with the next beat of the clock.
SWEEP_PATIENCE = timedelta(seconds=30)
FAILED_SWEEPS = 3
KEEPS_ALL = "noeviction"
# An import may take as long as its files are large, and others wait for its worker meanwhile.
IMPORT_PATIENCE = timedelta(hours=1)
EXPORTERS, IMPORTERS = "Export workers", "Import workers"
DUE_EXPORTS, DUE_IMPORTS = "Due exports", "Due imports"


@dataclass(frozen=True)
class Check:
    """`advice` says, where `ok` is False, what that means and what to do; else it is empty."""

    name: str
    title: str
    ok: bool
    message: str
    advice: str = ""


def check(session: Session, *, redis: Redis, settings: Settings) -> list[Check]:
    """Wants a fresh session and a Redis client that gives up soon. Raises for no part that is away."""
    return [*_database(session, settings), *check_redis(redis)]


def check_redis(redis: Redis) -> list[Check]:
    """Whether it answers, and where it does, whether it demands a password and never throws messages away."""
    try:
        redis.ping()
        return [Check("redis", "Redis", True, "Redis answers."), _password(redis), _memory(redis)]
    except AuthenticationError:
        advice = "No export starts until it does. Put its password into REDIS_URL."
        return [Check("redis", "Redis", False, "Redis does not accept our password.", advice)]
    except (RedisError, OSError):
        advice = "No export is lost, but none starts until it is back. Start it, and look at REDIS_URL."
        return [Check("redis", "Redis", False, "Redis does not answer.", advice)]


def overdue_after(settings: Settings) -> timedelta:
    """Due for longer than this means that nobody took it although it was handed out twice."""
    return 2 * timedelta(seconds=settings.hand_out_again_seconds)


def _database(session: Session, settings: Settings) -> list[Check]:
    try:
        read_only(session).execute(text("select 1"))
        return [Check("database", "Database", True, "The database answers."), *_processes(session, settings)]
    except SQLAlchemyError:
        session.rollback()
        advice = "Nothing can be shown, stored or sent without it. Start it, and look at DATABASE_URL."
        away = Check("database", "Database", False, "The database does not answer.", advice)
        titles = ("worker", EXPORTERS), ("importer", IMPORTERS), ("clock", "Clock")
        unknown = dict(titles) | {"sweeps": "Sweeps", "exports": DUE_EXPORTS, "imports": DUE_IMPORTS}
        message, advice = "Unknown without the database.", "First bring back the database."
        return [away, *(Check(name, title, False, message, advice) for name, title in unknown.items())]


def _processes(session: Session, settings: Settings) -> Iterator[Check]:
    now = database_now(session)
    beats = session.scalars(select(Heartbeat)).all()
    alive = [beat for beat in beats if beat.seen_at >= now - SEEN_WITHIN]
    exporters, importers = (sum(beat.role == role for beat in alive) for role in (EXPORTER, IMPORTER))
    clocks = [beat for beat in alive if beat.role == CLOCK]
    late = "Nothing is lost: what is due stays due"
    command = "Start one: python -m worker"
    yield _alive("worker", EXPORTERS, exporters, f"{late}, but nothing is sent. {command} exports.")
    yield _importers(session, importers, f"{command} imports.")
    yield _alive("clock", "Clock", len(clocks), f"{late}, but nothing is tried again. {command} clock.")
    yield _sweeps([beat.swept_at for beat in beats if beat.swept_at], clocks, now, settings)
    yield _due_exports(session, now, settings)
    yield _due_imports(session, importers, now, settings)


def _importers(session: Session, number: int, command: str) -> Check:
    """A hub without import jobs needs no worker of imports."""
    unended = select(Execution.id).where(UNENDED_IMPORT)
    if not number and not session.scalar(select(or_(exists(select(ImportJob.id)), exists(unended)))):
        return Check("importer", IMPORTERS, True, "None is needed: there is no import job.")
    advice = f"No file is read and no record is written; nothing is lost, imports wait. {command}"
    return _alive("importer", IMPORTERS, number, advice)


def _alive(name: str, title: str, number: int, advice: str) -> Check:
    seconds = int(SEEN_WITHIN.total_seconds())
    if number:
        return Check(name, title, True, f"{number} seen in the last {seconds} seconds.")
    return Check(name, title, False, f"None seen in the last {seconds} seconds.", advice)


def _sweeps(swept: list[datetime], clocks: list[Heartbeat], now: datetime, settings: Settings) -> Check:
    """`swept` are the last good ones of all clocks, of dead ones too; one clock that sweeps is enough."""
    failed = [clock.failed_sweeps for clock in clocks if clock.failed_sweeps]
    told = f"The last good one was {_ago(now - max(swept))} ago." if swept else "None has succeeded in the last hour."
    if failed and len(clocks) == 1:
        told += f" {failed[0]} in a row have failed since."
    elif failed:
        told += f" Of {len(clocks)} clocks, {len(failed)} fail, {max(failed)} times in a row; see their logs."
    patience = SWEEP_PATIENCE + timedelta(seconds=settings.sweep_seconds)
    is_one_well = not clocks or any(clock.failed_sweeps < FAILED_SWEEPS for clock in clocks)
    if swept and now - max(swept) < patience and is_one_well:
        return Check("sweeps", "Sweeps", True, told)
    advice = (
        "Sweeps hand out what is due and take back what dead workers held. The log of the clock says why they fail."
    )
    return Check("sweeps", "Sweeps", False, told, advice)


def _due_exports(session: Session, now: datetime, settings: Settings) -> Check:
    oldest = _oldest_due_export(session, now)
    if oldest is None:
        return Check("exports", DUE_EXPORTS, True, "No export is due.")
    since, job_id = oldest
    if now - since < overdue_after(settings):
        return Check("exports", DUE_EXPORTS, True, _told(now - since))
    crowded = _crowded_jobs(session, now, settings)
    if job_id in crowded:
        # Behind one partner who takes long, others may have been forgotten.
        oldest = _oldest_due_export(session, now, besides=crowded)
        if oldest is None or now - oldest[0] < overdue_after(settings):
            return _behind_others(session, job_id, now, now - since, settings)
    advice = (
        "Workers are missing, stuck or too few, or their settings are wrong, which Home tells. Look whether they run; "
        "if they do and this stays, start more."
    )
    return Check("exports", DUE_EXPORTS, False, _told(now - oldest[0]), advice)


def _oldest_due_export(
    session: Session, now: datetime, *, besides: Collection[int] = ()
) -> tuple[datetime, int] | None:
    """Since when it waits, and its job; none of the jobs `besides`. Those behind a disabled connection are not due."""
    due = select(Execution.next_attempt_at, Execution.export_job_id).where(*export_claims.is_due(now))
    if besides:
        due = due.where(Execution.export_job_id.not_in(besides))
    # By the order of the partial index: it stops at the first one.
    found = session.execute(due.order_by(Execution.next_attempt_at, Execution.id).limit(1)).first()
    since, job_id = found or (None, None)
    return (since, job_id) if since and job_id else None


def _due_imports(session: Session, workers: int, now: datetime, settings: Settings) -> Check:
    """Those that wait behind another of their job or family, or for a place on their connection, are not due."""
    since = session.scalar(select(func.min(Execution.next_attempt_at)).where(*import_claims.is_due(now, settings)))
    if since is None:
        return Check("imports", DUE_IMPORTS, True, "No import is due.")
    told = _told(now - since)
    if now - since < overdue_after(settings):
        return Check("imports", DUE_IMPORTS, True, told)
    if not workers or _count_importing(session, now) < workers:
        advice = "Import workers are missing or stuck. Look whether they run, and at Redis."
        return Check("imports", DUE_IMPORTS, False, told, advice)
    told += " Each import worker is at work"
    if now - since < IMPORT_PATIENCE:
        return Check("imports", DUE_IMPORTS, True, f"{told}; more of them would begin it sooner.")
    advice = "Home shows what is under way. If it moves on, start more: python -m worker imports. Else stop it."
    return Check("imports", DUE_IMPORTS, False, f"{told}.", advice)


def _count_importing(session: Session, now: datetime) -> int:
    held = Execution.kind == IMPORT, is_unended(), Execution.status.in_(HELD), Execution.lease_until > now
    return session.scalars(select(func.count()).where(*held)).one()


def _told(waited: timedelta) -> str:
    return f"The oldest has been due for {_ago(max(waited, timedelta()))}."


def _crowded_jobs(session: Session, now: datetime, settings: Settings) -> list[int]:
    """The jobs over connections that carry as many files as they may. A worker goes for more once half of the places
    are free; with fewer free ones a connection is at its limit."""
    enough_free = max(1, settings.in_flight // 2)
    crowded = (
        select(ExportJob.connection_id)
        .join(Execution, Execution.export_job_id == ExportJob.id)
        .where(is_started(), Execution.lease_until > now)
        .group_by(ExportJob.connection_id)
        .having(func.count() > settings.in_flight - enough_free)
    )
    return list(session.scalars(select(ExportJob.id).where(ExportJob.connection_id.in_(crowded))))


def _behind_others(session: Session, job_id: int, now: datetime, waited: timedelta, settings: Settings) -> Check:
    """Red only when for as long as an attempt may take no file has arrived over the connection of the job."""
    limit = f"Its connection is at its limit of {settings.in_flight} files at once (IN_FLIGHT)"
    patience = max(overdue_after(settings), timedelta(seconds=settings.attempt_seconds))
    if waited < patience or _has_delivered(session, job_id, now - patience, patience):
        more = "more workers would help little, a higher IN_FLIGHT if that server bears it"
        return Check("exports", DUE_EXPORTS, True, f"{_told(waited)} {limit}: {more}.")
    message = f"{_told(waited)} {limit}, and no file has arrived there for {_ago(patience)}."
    advice = (
        "That server is slow or stuck; more workers would not help. Home shows what is under way: test its connection."
    )
    return Check("exports", DUE_EXPORTS, False, message, advice)


def _has_delivered(session: Session, job_id: int, since: datetime, longest: timedelta) -> bool:
    """Over the connection of the job; no attempt takes longer than `longest`."""
    connection_id = select(ExportJob.connection_id).where(ExportJob.id == job_id).scalar_subquery()
    arrived = select(Execution.id).where(
        Execution.export_job_id.in_(select(ExportJob.id).where(ExportJob.connection_id == connection_id)),
        # With the time that the indexes of the history know.
        Execution.executed_at >= since - longest,
        Execution.status == SUCCESS,
        Execution.ended_at >= since,
    )
    return session.scalar(arrived.limit(1)) is not None


def _ago(length: timedelta) -> str:
    seconds = int(length.total_seconds())
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"


def _password(redis: Redis) -> Check:
    """Knocks without the credentials that our own client has."""
    pool = redis.connection_pool
    known = pool.connection_kwargs | {"username": None, "password": None, "credential_provider": None}
    stranger = Redis(connection_pool=ConnectionPool(connection_class=pool.connection_class, **known))
    try:
        stranger.ping()
    except (AuthenticationError, ResponseError):
        return Check("redis password", "Redis password", True, "Redis demands a password.")
    finally:
        stranger.close()
        stranger.connection_pool.disconnect()
    advice = (
        "Whoever reaches Redis can read execution ids and stop deliveries. Set requirepass, and put it in REDIS_URL."
    )
    return Check("redis password", "Redis password", False, "Redis lets anybody in.", advice)


def _memory(redis: Redis) -> Check:
    name, title = "redis memory", "Redis memory"
    try:
        policy = redis.info("memory")["maxmemory_policy"]
    except ResponseError:
        return Check(name, title, False, "Redis does not tell its memory policy.", "Permit the command INFO.")
    if policy == KEEPS_ALL:
        return Check(name, title, True, f"Redis throws no message away ({KEEPS_ALL}).")
    advice = f"Exports start late when their messages vanish. Set maxmemory-policy {KEEPS_ALL} in redis.conf."
    return Check(name, title, False, f"When memory is short, Redis throws messages away ({policy}).", advice)
