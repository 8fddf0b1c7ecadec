"""Import executions as people and clocks see them: triggered by the job's policy, queued, promoted, taken back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import IO, Any
from uuid import uuid4

import structlog
from sqlalchemy import ColumnElement, delete, exists, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from datahub.access import audit
from datahub.db import database_now
from datahub.entities import ENTITIES
from datahub.grouping import counted, grouped
from datahub.jobs import dispatch, job_rules, lifecycle
from datahub.jobs.lifecycle import SYSTEM, Claim
from datahub.models.execution import (
    IMPORT,
    IMPORT_RUNNING,
    INTEGRATION_FAILED,
    INTEGRATION_STARTED,
    INTEGRATION_WAITING,
    JOB_FAILED,
    JOB_INITIALIZING,
    JOB_PENDING,
    JOB_SKIPPED,
    JOB_STARTED,
    Execution,
)
from datahub.models.import_job import RUN_IMMEDIATELY, ImportJob
from datahub.models.import_run import ImportFile, ImportRun, SettledKeys, UploadChunk

log = structlog.stdlib.get_logger(__name__)
MOST_TRIES = 3
BATCH = 200
PIECE = 1_000_000
ONE_STEP_BACK = {JOB_STARTED: JOB_INITIALIZING, INTEGRATION_STARTED: INTEGRATION_WAITING}
FAILED = {JOB_STARTED: JOB_FAILED, INTEGRATION_STARTED: INTEGRATION_FAILED}
AT_ONCE = timedelta()


def trigger(
    session: Session, job: ImportJob, *, origin: str, actor: str, upload: tuple[str, IO[bytes]] | None = None
) -> Execution:
    """A new execution: at work at once, queued or skipped by the job's policy. `upload` is a file's name and content.

    The caller commits; a lost race is an answer, not an error, but NotFoundError is raised for a job that has just been
    deleted."""
    job_rules.keep(session, job)
    action, changes = (audit.UPLOADED, {"file": [None, upload[0]]}) if upload else (audit.RAN, None)
    audit.note(session, action, kind=ImportJob.audit_kind, object_id=job.public_id, name=job.name, changes=changes)
    name = upload[0] if upload else None
    statuses = [JOB_INITIALIZING, JOB_PENDING] if job.simultaneous_execution == RUN_IMMEDIATELY else [JOB_INITIALIZING]
    for status in statuses:
        try:
            with session.begin_nested():
                execution = _insert(session, job, status, origin=origin, actor=actor, upload_name=name)
        except IntegrityError:
            continue
        if upload:
            _keep_upload(session, execution, upload[1])
        dispatch.note_work(session)
        return execution
    return _insert(session, job, JOB_SKIPPED, origin=origin, actor=actor, upload_name=name)


def promote(session: Session) -> int:
    """Starts what was queued behind executions that have ended. The caller commits; safe to repeat."""
    running = aliased(Execution)
    is_free = ~exists(
        select(running.id).where(running.import_job_id == Execution.import_job_id, running.status.in_(IMPORT_RUNNING))
    )
    waiting = select(Execution.id).where(Execution.kind == IMPORT, Execution.status == JOB_PENDING, is_free)
    promoted = 0
    for execution_id in session.scalars(waiting.order_by(Execution.id).limit(BATCH)).all():
        try:
            with session.begin_nested():
                promoted += lifecycle.move(
                    session,
                    execution_id,
                    kind=IMPORT,
                    came_from=JOB_PENDING,
                    to=JOB_INITIALIZING,
                    actor=SYSTEM,
                    reason="its turn has come",
                    values={"next_attempt_at": database_now(session)},
                )
        except IntegrityError:
            # Another clock, or a new trigger, was quicker.
            continue
    return promoted


def reap(session: Session) -> int:
    """Takes back imports whose lease ran out."""
    now = database_now(session)
    dead = session.scalars(
        select(Execution)
        .where(Execution.kind == IMPORT, Execution.status.in_(list(ONE_STEP_BACK)), Execution.lease_until < now)
        .order_by(Execution.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True, of=Execution)
    ).all()
    for execution in dead:
        why = f"Worker {execution.worker} stopped answering."
        end_try(session, execution, why, conditions=[Execution.lease_until < now])
        log.warning("lease ran out", execution=execution.public_id, attempt=execution.attempts)
    return len(dead)


def end_try(
    session: Session,
    execution: Execution,
    why: str,
    *,
    conditions: Sequence[ColumnElement[bool]],
    wait: timedelta = AT_ONCE,
) -> bool:
    """One step back, to be tried again after `wait`; failed after MOST_TRIES in a row that came to nothing.

    False when it has ended meanwhile, or a condition fails: then nothing changed."""
    if execution.status not in ONE_STEP_BACK:
        return False
    run = session.get_one(ImportRun, execution.id, populate_existing=True)
    tries, due = run.crashes + 1, database_now(session) + wait
    values: dict[str, Any] = {"token": None, "handed_out_at": None, "next_attempt_at": due, "error": why}
    to, reason = ONE_STEP_BACK[execution.status], f"{why} Next try in {wait.total_seconds():g} s." if wait else why
    if tries >= MOST_TRIES:
        told = f" {written_words(run)}" if run.rows_done else ""
        reason = f"{why} Given up after {tries} tries in a row that came to nothing.{told}"
        to = FAILED[execution.status]
        values |= {"ended_at": due - wait, "next_attempt_at": None, "error": reason}
    moved = lifecycle.move(
        session,
        execution.id,
        kind=IMPORT,
        came_from=execution.status,
        to=to,
        actor=SYSTEM,
        reason=reason,
        conditions=conditions,
        values=values,
    )
    if moved:
        session.execute(update(ImportRun).where(ImportRun.execution_id == execution.id).values(crashes=tries))
        if tries >= MOST_TRIES:
            forget_what_was_kept(session, execution.id)
            promote(session)
    return moved


def written_words(run: ImportRun) -> str:
    """What an execution that ends before its time has done."""
    are = "is" if run.rows == 1 else "are"
    return f"{grouped(run.rows_done)} of {counted(run.rows, 'row')} {are} written."


def give_back(session: Session, held: Claim, came_from: str) -> None:
    """The worker ends in peace: another one goes on at once, and nothing counts as a failed try."""
    values = {"token": None, "handed_out_at": None, "next_attempt_at": database_now(session)}
    lifecycle.move(
        session,
        held.execution_id,
        kind=IMPORT,
        came_from=came_from,
        to=ONE_STEP_BACK[came_from],
        actor=SYSTEM,
        reason=f"Worker {held.worker} is ending; another one goes on.",
        conditions=lifecycle.is_mine(held),
        values=values,
    )


def forget_what_was_kept(session: Session, execution_id: int) -> None:
    """To read its source again, once an execution has ended."""
    for model in (UploadChunk, SettledKeys):
        session.execute(delete(model).where(model.execution_id == execution_id))


def _insert(
    session: Session, job: ImportJob, status: str, *, origin: str, actor: str, upload_name: str | None
) -> Execution:
    now = database_now(session)
    family = ENTITIES[job.entity].family
    is_skipped = status == JOB_SKIPPED
    execution = Execution(
        public_id=str(uuid4()),
        kind=IMPORT,
        import_job_id=job.id,
        family=family,
        job_public_id=job.public_id,
        job_name=job.name,
        entity=job.entity,
        entity_reference="",
        trigger_status="",
        origin=origin,
        actor=actor,
        status=status,
        created_at=now,
        executed_at=now,
        next_attempt_at=None if is_skipped else now,
        ended_at=now if is_skipped else None,
        error="Another execution of this job was under way." if is_skipped else None,
        import_run=ImportRun(family=family, upload_name=upload_name),
    )
    session.add(execution)
    session.flush()
    if upload_name is not None:
        session.add(ImportFile(execution_id=execution.id, name=upload_name))
    lifecycle.note(
        session, execution.id, came_from=None, to=status, actor=actor, attempt=0, worker=None, reason=origin.lower()
    )
    return execution


def _keep_upload(session: Session, execution: Execution, file: IO[bytes]) -> None:
    number = 0
    # An empty file is a file too.
    while (piece := file.read(PIECE)) or number == 0:
        session.execute(insert(UploadChunk), {"execution_id": execution.id, "number": number, "content": piece})
        number += 1
    session.flush()
