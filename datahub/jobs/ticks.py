"""Settling the schedules of import jobs: every tick is a row, and the one that is due becomes an execution."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload

from datahub.db import database_now
from datahub.jobs import import_executions
from datahub.jobs.schedule import ticks_since
from datahub.models.execution import SCHEDULE, Execution
from datahub.models.import_job import ImportJob, Tick

LAST = 10


def last(session: Session, job: ImportJob) -> list[tuple[datetime, Execution | None]]:
    """The newest LAST, newest first, each with its execution; a missed one has none."""
    newest = (
        select(Tick.at, Execution)
        .outerjoin(Execution, Execution.id == Tick.execution_id)
        .where(Tick.import_job_id == job.id)
        .order_by(Tick.at.desc())
        .limit(LAST)
        .options(joinedload(Execution.import_run))
    )
    return [(at, execution) for at, execution in session.execute(newest)]


def settle(session: Session) -> int:
    """How many executions were triggered. Any number of clocks may do this at once; the caller commits.

    One schedule's fault stops no other: all are raised together once the rest is settled and committed."""
    now = database_now(session)
    scheduled = (
        select(ImportJob)
        .where(ImportJob.active, ImportJob.schedule_enabled, ImportJob.cron.is_not(None))
        .order_by(ImportJob.id)
        .with_for_update(skip_locked=True, of=ImportJob)
    )
    count = 0
    faults: list[Exception] = []
    for job in session.scalars(scheduled).all():
        try:
            count += _settle_job(session, job, now)
        except Exception as fault:  # noqa: BLE001 - raised again once the others have had their turn
            fault.add_note(f"This is the schedule of the import job {job.public_id}.")
            faults.append(fault)
    if faults:
        session.commit()
        raise ExceptionGroup("schedules that cannot be settled", faults)
    return count


def _settle_job(session: Session, job: ImportJob, now: datetime) -> bool:
    ticks = ticks_since(job.cron or "", job.ticked_until, now)
    if not ticks.due and not ticks.missed:
        return False
    with session.begin_nested():
        for missed in ticks.missed:
            _add(session, job, missed)
        tick = _add(session, job, ticks.due) if ticks.due else None
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
