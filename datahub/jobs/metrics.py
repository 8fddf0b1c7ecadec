"""Figures for a monitor, read from the database, so that every web process tells the same.

Whatever has ended is counted over the last minutes only: a count of the whole history would read all of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, literal_column, select
from sqlalchemy.orm import Session

from datahub.db import database_now, read_only
from datahub.jobs import executions, export_claims, health, import_claims, import_job_list
from datahub.models.execution import (
    EXPORT,
    EXPORT_STATUSES,
    HELD,
    IMPORT,
    IMPORT_ORIGINS,
    IMPORT_STATUSES,
    Execution,
    is_unended,
)
from datahub.models.heartbeat import CLOCK, EXPORTER, IMPORTER, Heartbeat
from datahub.settings import Settings

RECENT = timedelta(minutes=5)


@dataclass(frozen=True)
class OfKind:
    """Of exports or of imports. `retrying` and `lease_expired` are some of those before them."""

    waiting: int
    retrying: int
    started: int
    lease_expired: int
    failed: int
    due: int
    oldest_due_seconds: float
    recent: dict[str, int]


@dataclass(frozen=True)
class Figures:
    """`executions` by their kind; `sweep_age` is seconds, None when no sweep is known."""

    executions: dict[str, OfKind]
    processes: dict[str, int]
    sweep_age: float | None
    failed_sweeps: int


def read(session: Session, settings: Settings) -> Figures:
    """Wants a fresh session; raises SQLAlchemyError when the database is away."""
    now = database_now(read_only(session))
    beats = session.scalars(select(Heartbeat)).all()
    alive = [beat for beat in beats if beat.seen_at >= now - health.SEEN_WITHIN]
    swept = [beat.swept_at for beat in beats if beat.swept_at]
    return Figures(
        executions={EXPORT: _exports(session, now), IMPORT: _imports(session, now, settings)},
        processes={role: sum(beat.role == role for beat in alive) for role in (EXPORTER, IMPORTER, CLOCK)},
        sweep_age=_age(max(swept), now) if swept else None,
        failed_sweeps=max((beat.failed_sweeps for beat in alive), default=0),
    )


def _exports(session: Session, now: datetime) -> OfKind:
    return _of_kind(
        session,
        EXPORT,
        now,
        is_due=export_claims.is_due(now),
        has_been_tried=Execution.attempts > 0,
        has_failed=executions.left_failed(),
        recent=dict.fromkeys(EXPORT_STATUSES, 0),
    )


def _imports(session: Session, now: datetime, settings: Settings) -> OfKind:
    return _of_kind(
        session,
        IMPORT,
        now,
        is_due=import_claims.is_due(now, settings),
        # Each step of an import counts as an attempt.
        has_been_tried=Execution.error.is_not(None),
        # By the origins an index leads to the failed ones.
        has_failed=[Execution.origin.in_(IMPORT_ORIGINS), *import_job_list.left_failed()],
        recent=dict.fromkeys(IMPORT_STATUSES, 0),
    )


def _of_kind(
    session: Session,
    kind: str,
    now: datetime,
    *,
    is_due: list[ColumnElement[bool]],
    has_been_tried: ColumnElement[bool],
    has_failed: list[ColumnElement[bool]],
    recent: dict[str, int],
) -> OfKind:
    """`recent` has each status that shall be told, also where it has none."""
    number, is_held = func.count(), Execution.status.in_(HELD)
    waiting, retrying, started, expired = session.execute(
        select(
            number.filter(~is_held),
            number.filter(~is_held, has_been_tried),
            number.filter(is_held),
            number.filter(is_held, Execution.lease_until < now),
        ).where(Execution.kind == kind, is_unended())
    ).one()
    due, oldest = session.execute(select(number, func.min(Execution.next_attempt_at)).where(*is_due)).one()
    failed = select(func.count(literal_column("1"))).select_from(Execution).where(*has_failed)
    lately = Execution.kind == kind, Execution.executed_at >= now - RECENT
    by_status = select(Execution.status, number).where(*lately).group_by(Execution.status)
    return OfKind(
        waiting=waiting,
        retrying=retrying,
        started=started,
        lease_expired=expired,
        failed=session.scalars(failed).one(),
        due=due,
        oldest_due_seconds=_age(oldest, now) if oldest else 0.0,
        recent=recent | dict(session.execute(by_status).all()),
    )


def _age(at: datetime, now: datetime) -> float:
    return max((now - at).total_seconds(), 0.0)
