"""What Home shows: what needs a person, what is under way and comes next, what was delivered last. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import and_, case, extract, func, or_, select
from sqlalchemy.orm import Session, joinedload

from datahub.db import database_now
from datahub.jobs import execution_list, executions, import_job_list, unfit
from datahub.jobs.execution_list import Wanted
from datahub.jobs.export_job_list import NEEDS_YOU
from datahub.jobs.import_job_list import OVERDUE, Row
from datahub.models.connection import Connection
from datahub.models.execution import EXPORT, JOB_PENDING, SUCCESS, Execution, is_started, is_unended
from datahub.models.export_job import ExportJob
from datahub.models.import_job import ImportJob

SHOWN = 10
# As Connection.is_usable has it.
USABLE = and_(Connection.active, Connection.host_key.is_not(None))
# By the number, but not by the primary key: along that one, SQLite would walk back through all that has ended.
NEWEST = (Execution.id + 0).desc()
HOURS = 24
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class HeldUp:
    """A connection that cannot be used, of active export jobs or of exports that wait; with a `reason` where not the
    connection is the cause but a setting of the workers."""

    connection: Connection
    waiting: int
    reason: str = ""


@dataclass(frozen=True)
class Refused:
    """Exports that failed over a connection and will be tried again; `reason` is that of the newest."""

    connection: Connection
    retrying: int
    next_at: datetime | None
    reason: str


@dataclass(frozen=True)
class Blocked:
    """Active import jobs whose connection cannot be used."""

    connection: Connection
    jobs: list[ImportJob]


@dataclass(frozen=True)
class Hour:
    """How many executions, by status, began their last attempt in the hour from `start`."""

    start: datetime
    counts: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True)
class Overview:
    """`failed` holds at most SHOWN + 1, so that the page can say that there are more. `incomplete` are import jobs
    whose last files were not all read or gave no good row, `overdue` those whose schedule nobody saw to, `coming` those
    that it runs next."""

    failed: list[Execution]
    held_up: list[HeldUp]
    refused: list[Refused]
    blocked: list[Blocked]
    incomplete: list[Row]
    overdue: list[Row]
    running: list[Execution]
    waiting: list[Execution]
    coming: list[Row]
    delivered: list[Execution]
    has_jobs: bool

    @property
    def asks_for_person(self) -> bool:
        return any((self.failed, self.held_up, self.refused, self.blocked, self.incomplete, self.overdue))


def read(session: Session) -> Overview:
    imports = import_job_list.find_rows(session)
    asking = [row for row in imports if row.health == NEEDS_YOU]
    failed = _failed(session) + [row.failure for row in asking if row.failure]
    return Overview(
        failed=_last(failed)[: SHOWN + 1],
        held_up=_held_up(session),
        refused=_refused(session),
        blocked=_blocked(row.job for row in asking if not row.job.connection.is_usable),
        incomplete=[row for row in asking if row.incomplete],
        overdue=[row for row in imports if row.health == OVERDUE],
        running=[row.running for row in imports if row.running] + _sending(session),
        waiting=[row.queued for row in imports if row.queued] + _next(session),
        coming=_coming(imports),
        delivered=_last(execution_list.read_page(session, Wanted(statuses=[SUCCESS]), size=SHOWN).items),
        has_jobs=bool(imports) or session.scalar(select(ExportJob.id).limit(1)) is not None,
    )


def read_hours(session: Session) -> list[Hour]:
    """The last 24, the one that has just begun among them; the oldest first."""
    last = database_now(session).replace(minute=0, second=0, microsecond=0)
    starts = [last - number * HOUR for number in reversed(range(HOURS))]
    epoch = extract("epoch", Execution.executed_at)
    hour = epoch - epoch % int(HOUR.total_seconds())
    counted = select(hour, Execution.status, func.count()).where(Execution.executed_at >= starts[0])
    counts: dict[datetime, dict[str, int]] = {start: {} for start in starts}
    for second, status, number in session.execute(counted.group_by(hour, Execution.status)):
        # What was claimed since the clock was read may already lie in the next hour.
        counts.setdefault(datetime.fromtimestamp(int(second), UTC), {})[status] = number
    return [Hour(start, counts[start]) for start in starts]


def count_asking(session: Session, since: datetime) -> int:
    """How many of those that began their last attempt since then and failed need a person still, as `read` has it."""
    asks = or_(and_(*executions.left_failed()), and_(*import_job_list.left_failed()))
    return session.scalars(select(func.count(Execution.id)).where(Execution.executed_at >= since, asks)).one()


def _failed(session: Session) -> list[Execution]:
    failed = select(Execution).where(*executions.left_failed())
    return list(session.scalars(failed.order_by(NEWEST).limit(SHOWN + 1)))


def _held_up(session: Session) -> list[HeldUp]:
    waits = and_(Execution.export_job_id == ExportJob.id, is_unended(), Execution.status == JOB_PENDING)
    waiting, reason = func.count(Execution.id), unfit.newest_reason(Connection.id)
    held = (
        select(Connection, waiting, case((USABLE, reason)))
        .join(ExportJob, ExportJob.connection_id == Connection.id)
        .outerjoin(Execution, waits)
        .where(or_(~USABLE, reason.is_not(None)))
        .group_by(Connection.id)
        .having(or_(waiting > 0, func.max(case((ExportJob.active, 1), else_=0)) == 1))
        .order_by(Connection.name)
    )
    return [HeldUp(connection, number, reason or "") for connection, number, reason in session.execute(held)]


def _blocked(jobs: Iterable[ImportJob]) -> list[Blocked]:
    found: dict[int, Blocked] = {}
    for job in jobs:
        found.setdefault(job.connection_id, Blocked(job.connection, [])).jobs.append(job)
    return sorted(found.values(), key=lambda blocked: blocked.connection.name)


def _refused(session: Session) -> list[Refused]:
    retrying = (
        select(Connection, func.count(), func.min(Execution.next_attempt_at), func.max(Execution.id))
        .join(ExportJob, ExportJob.connection_id == Connection.id)
        .join(Execution, Execution.export_job_id == ExportJob.id)
        .where(is_unended(), Execution.status == JOB_PENDING, Execution.attempts > 0, USABLE)
        .group_by(Connection.id)
        .order_by(Connection.name)
    )
    return [
        Refused(connection, number, next_at, session.get_one(Execution, newest).error or "")
        for connection, number, next_at, newest in session.execute(retrying).all()
    ]


def _sending(session: Session) -> list[Execution]:
    started = select(Execution).where(is_started(), Execution.export_job_id.is_not(None)).order_by(NEWEST).limit(SHOWN)
    return _last(session.scalars(started.options(joinedload(Execution.payload))))


def _last(found: Iterable[Execution]) -> list[Execution]:
    return sorted(found, key=_ended, reverse=True)


def _ended(execution: Execution) -> datetime:
    return execution.ended_at or execution.executed_at


def _coming(imports: Sequence[Row]) -> list[Row]:
    scheduled = [(row.next_at, row.job.id, row) for row in imports if row.next_at]
    return [row for _, _, row in sorted(scheduled)[:SHOWN]]


def _next(session: Session) -> list[Execution]:
    pending = select(Execution).where(
        is_unended(),
        Execution.kind == EXPORT,
        Execution.status == JOB_PENDING,
        Execution.next_attempt_at.is_not(None),
    )
    return list(session.scalars(pending.order_by(Execution.next_attempt_at, Execution.id).limit(SHOWN)))
