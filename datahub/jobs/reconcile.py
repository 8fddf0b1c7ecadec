"""The clock's sweep: hand out what is due, take back what a dead worker held. Any number of clocks may run."""

from __future__ import annotations

from collections.abc import Callable
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


def sweep(sessions: sessionmaker[Session], queue: dispatch.ExportQueue, settings: Settings) -> dict[str, int]:
    """One round; tells how much each part did. Safe to run at the same time elsewhere.

    Each part has a transaction of its own, and its fault stops no other. Faults are raised together at the end."""
    parts: tuple[tuple[str, Callable[[Session], int]], ...] = (
        ("reap exports", lambda session: reap(session, settings)),
        ("stop orphans", stop_orphans),
        ("hand out exports", lambda session: dispatch.hand_out_exports(session, queue, settings)),
        ("reap imports", import_executions.reap),
        ("settle schedules", ticks.settle),
        ("promote imports", import_executions.promote),
        ("hand out imports", lambda session: dispatch.hand_out_imports(session, queue, settings)),
    )
    done: dict[str, int] = {}
    faults: dict[str, Exception] = {}
    for name, part in parts:
        try:
            with sessions() as session:
                done[name] = part(session)
                session.commit()
        except Exception as fault:  # noqa: BLE001 - raised again once the other parts have had their turn
            faults[name] = fault
    if faults:
        told = ", ".join(f"{name}: {type(fault).__name__}" for name, fault in faults.items())
        raise ExceptionGroup(told, list(faults.values()))
    return done


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
