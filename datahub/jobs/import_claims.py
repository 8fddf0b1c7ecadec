"""Which imports are due, and taking them: to read while its job has the slot, to write while its family's is free."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from datahub.db import database_now
from datahub.jobs import lifecycle
from datahub.jobs.lifecycle import SYSTEM, Claim
from datahub.models.execution import (
    IMPORT,
    INTEGRATION_STARTED,
    INTEGRATION_WAITING,
    JOB_INITIALIZING,
    JOB_STARTED,
    Execution,
)
from datahub.models.import_run import ImportRun
from datahub.settings import Settings

STEPS = {JOB_INITIALIZING: JOB_STARTED, INTEGRATION_WAITING: INTEGRATION_STARTED}


def is_due(now: datetime) -> list[ColumnElement[bool]]:
    """Not yet read; or read, the oldest of its family that waits, and nobody of the family writes."""
    other = aliased(Execution)
    goes_first = exists(
        select(other.id).where(
            other.kind == IMPORT,
            other.family == Execution.family,
            or_(
                other.status == INTEGRATION_STARTED,
                and_(other.status == INTEGRATION_WAITING, other.id < Execution.id),
            ),
        )
    )
    return [
        Execution.kind == IMPORT,
        Execution.next_attempt_at <= now,
        or_(Execution.status == JOB_INITIALIZING, and_(Execution.status == INTEGRATION_WAITING, ~goes_first)),
    ]


def claim(session: Session, execution_id: int, *, attempt: int, worker: str, settings: Settings) -> Claim | None:
    """The next step of one execution; None when somebody has it, it ended, or its turn has not come.

    The caller commits before it acts on the claim."""
    row = session.execute(
        select(Execution.status, Execution.public_id, Execution.import_job_id).where(
            Execution.id == execution_id, Execution.attempts == attempt - 1, *is_due(database_now(session))
        )
    ).one_or_none()
    if row is None:
        return None
    now, token = database_now(session), str(uuid4())
    values = {
        "token": token,
        "attempts": attempt,
        "worker": worker,
        "lease_until": now + timedelta(seconds=settings.lease_seconds),
    }
    if row.status == JOB_INITIALIZING:
        values["executed_at"] = now
    try:
        with session.begin_nested():
            taken = lifecycle.move(
                session,
                execution_id,
                kind=IMPORT,
                came_from=row.status,
                to=STEPS[row.status],
                actor=SYSTEM,
                reason="reading begins" if row.status == JOB_INITIALIZING else "writing begins",
                conditions=[Execution.attempts == attempt - 1],
                values=values,
            )
    except IntegrityError:
        # Another execution of the family was quicker.
        return None
    if not taken:
        return None
    if row.status == JOB_INITIALIZING:
        _begin_reading(session, execution_id, now)
    return Claim(
        execution_id=execution_id,
        public_id=row.public_id,
        job_id=row.import_job_id,
        token=token,
        attempt=attempt,
        started_at=now,
        worker=worker,
    )


def _begin_reading(session: Session, execution_id: int, now: datetime) -> None:
    """From the start, whatever an earlier try had read; the time is that of the first try."""
    begun = {"started_at": func.coalesce(ImportRun.started_at, now), "rows": 0, "bytes_read": 0}
    which = ImportRun.execution_id == execution_id
    session.execute(update(ImportRun).where(which).values(begun).execution_options(synchronize_session=False))
