"""Settling the schedules of import jobs: every tick is a row, and the one that is due becomes an execution."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from datahub.db import database_now
from datahub.jobs import import_executions
from datahub.jobs.schedule import ticks_since
from datahub.models.execution import SCHEDULE
from datahub.models.import_job import ImportJob, Tick


def settle(session: Session) -> int:
    """How many executions were triggered. Any number of clocks may do this at once; the caller commits."""
    now = database_now(session)
    scheduled = (
        select(ImportJob)
        .where(ImportJob.active, ImportJob.schedule_enabled, ImportJob.cron.is_not(None))
        .order_by(ImportJob.id)
        .with_for_update(skip_locked=True, of=ImportJob)
    )
    return sum(_settle_job(session, job, now) for job in session.scalars(scheduled).all())


def _settle_job(session: Session, job: ImportJob, now: datetime) -> bool:
    ticks = ticks_since(job.cron or "", job.ticked_until, now)
    for missed in ticks.missed:
        _add(session, job, missed)
    tick = _add(session, job, ticks.due) if ticks.due else None
    if ticks.due or ticks.missed:
        job.ticked_until = now
    if tick is None:
        return False
    tick.execution_id = import_executions.trigger(session, job, origin=SCHEDULE, actor="schedule").id
    return True


def _add(session: Session, job: ImportJob, at: datetime) -> Tick | None:
    """None when another clock was quicker."""
    tick = Tick(import_job_id=job.id, at=at)
    try:
        with session.begin_nested():
            session.add(tick)
    except IntegrityError:
        return None
    return tick
