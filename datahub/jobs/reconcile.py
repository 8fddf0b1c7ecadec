"""The clock's sweep: hand out what is due, take back what a dead worker held. Any number of clocks may run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.jobs import dispatch, import_executions, lifecycle, ticks
from datahub.jobs.lifecycle import SYSTEM
from datahub.models.execution import ERROR, EXPORT, JOB_PENDING, JOB_STARTED, JOB_STOPPED, Execution, is_started
from datahub.settings import Settings

log = structlog.stdlib.get_logger(__name__)
BATCH = 200


@dataclass(frozen=True)
class Sweep:
    handed_out: int
    reaped: int
    orphaned: int


def sweep(sessions: sessionmaker[Session], queue: dispatch.ExportQueue, settings: Settings) -> Sweep:
    """One round, each part in a transaction of its own. Safe to run at the same time elsewhere."""
    with sessions.begin() as session:
        reaped = reap(session, settings) + import_executions.reap(session)
    with sessions.begin() as session:
        orphaned = stop_orphans(session)
    with sessions.begin() as session:
        ticks.settle(session)
        import_executions.promote(session)
    with sessions() as session:
        handed_out = dispatch.hand_out(session, queue, settings)
    return Sweep(handed_out, reaped, orphaned)


def reap(session: Session, settings: Settings) -> int:
    """Takes back executions whose lease ran out: the next attempt follows at once, or the last one has failed."""
    now = database_now(session)
    dead = session.scalars(
        select(Execution)
        .where(is_started(), Execution.kind == EXPORT, Execution.lease_until < now)
        .order_by(Execution.lease_until, Execution.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True, of=Execution)
    ).all()
    for execution in dead:
        reason = f"Worker {execution.worker} stopped answering during attempt {execution.attempts}."
        values: dict[str, Any] = {"token": None, "handed_out_at": None, "error": reason}
        if execution.attempts >= settings.max_attempts:
            to = ERROR
            error = lifecycle.with_doubt(reason, execution.may_have_arrived)
            values |= {"ended_at": now, "next_attempt_at": None, "error": error}
        else:
            to = JOB_PENDING
            values |= {"next_attempt_at": now}
        lifecycle.move(
            session,
            execution.id,
            kind=EXPORT,
            came_from=JOB_STARTED,
            to=to,
            actor=SYSTEM,
            reason=reason,
            conditions=[Execution.lease_until < now],
            values=values,
        )
        log.warning("lease ran out", execution=execution.public_id, attempt=execution.attempts)
    return len(dead)


def stop_orphans(session: Session) -> int:
    """Ends what an order owed to a job at the very moment that the job was deleted."""
    orphans = session.scalars(
        select(Execution.id)
        .where(Execution.kind == EXPORT, Execution.export_job_id.is_(None), Execution.status == JOB_PENDING)
        .order_by(Execution.id)
        .limit(BATCH)
    ).all()
    for execution_id in orphans:
        lifecycle.move(
            session,
            execution_id,
            kind=EXPORT,
            came_from=JOB_PENDING,
            to=JOB_STOPPED,
            actor=SYSTEM,
            reason="job deleted",
            values={"ended_at": database_now(session), "next_attempt_at": None},
        )
    return len(orphans)
