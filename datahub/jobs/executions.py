"""What a person does with executions: stop, retry, resend, and run a job for what it never exported."""

from __future__ import annotations

from typing import TypeVar
from uuid import uuid4

from sqlalchemy import ColumnElement, Select, exists, func, literal, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased, joinedload, selectinload

from datahub.access import audit
from datahub.db import DATABASE_AWAY, commit, database_now
from datahub.errors import ConflictError, IllegalMoveError, NotFoundError, OutcomeUnknownError
from datahub.grouping import counted
from datahub.jobs import import_executions, job_rules, lifecycle, triggers
from datahub.jobs.queries import OF_JOB
from datahub.models.execution import (
    ERROR,
    EXPORT,
    HELD,
    JOB_PENDING,
    JOB_STARTED,
    JOB_STOPPED,
    RESEND,
    RETRY,
    RUN,
    SUCCESS,
    Execution,
    Payload,
    is_unended,
)
from datahub.models.export_job import ExportJob
from datahub.models.import_job import ImportJob
from datahub.models.order import Order

RUN_CHUNK = 200

Row = TypeVar("Row")


def get(session: Session, public_id: str, *, job_public_id: str | None = None) -> Execution:
    """Raises NotFoundError, also when the execution belongs to another job than the one named."""
    execution = session.scalar(select(Execution).where(Execution.public_id == public_id))
    if execution is None or job_public_id not in (None, execution.job_public_id):
        raise NotFoundError(f"There is no execution with the id {public_id!r}.")
    return execution


def stop(session: Session, execution: Execution, *, actor: str, reason: str = "stopped by a person") -> None:
    """JOB_STOPPED at once and for good. Raises IllegalMoveError when it has ended or is just being delivered."""
    ended: dict[str, object] = {"ended_at": database_now(session), "next_attempt_at": None}
    # Locked as the move locks it: no doubt can arise between the look and the move.
    session.refresh(execution, with_for_update={"key_share": True})
    if execution.may_have_arrived:
        reason = f"{reason}; an earlier attempt was about to name the file: it may have arrived"
        ended["error"] = f"Stopped. {lifecycle.MAY_HAVE_ARRIVED}"
    for came_from in lifecycle.NEXT[execution.kind]:
        stopped = lifecycle.move(
            session,
            execution.id,
            kind=execution.kind,
            came_from=came_from,
            to=JOB_STOPPED,
            actor=actor,
            reason=reason,
            conditions=_not_being_delivered() if execution.kind == EXPORT else (),
            values=ended,
        )
        if stopped:
            import_executions.forget_what_was_kept(session, execution.id)
            session.refresh(execution)
            _note(session, audit.STOPPED, execution)
            return
    session.refresh(execution)
    if execution.is_terminal:
        raise IllegalMoveError(f"Execution {execution.public_id} has already ended as {execution.status}.")
    raise IllegalMoveError(f"Execution {execution.public_id} is being delivered at this moment; it cannot be stopped.")


def stop_all_of_job(session: Session, job: ExportJob, *, actor: str) -> int:
    """Stops every unended execution of a job that is being deleted. Raises ConflictError while one is in delivery."""
    unended = session.scalars(
        select(Execution)
        .where(Execution.export_job_id == job.id, is_unended())
        .order_by(Execution.id)
        .execution_options(populate_existing=True)
    ).all()
    if any(execution.status == JOB_STARTED for execution in unended):
        raise ConflictError(f"{job.name} is delivering at this moment. Wait until it has finished, then delete it.")
    for execution in unended:
        stop(session, execution, actor=actor, reason="job deleted")
    return len(unended)


def retry(session: Session, execution: Execution, *, actor: str, over: str | None = None) -> Execution:
    """A new execution that renders the frozen order again with the job's present configuration.

    From ERROR or JOB_STOPPED only; raises IllegalMoveError, or ConflictError while a successor is under way or where
    the `newer_export` has another public id than `over`: older news is sent after newer on purpose only."""
    if execution.status not in (ERROR, JOB_STOPPED):
        raise IllegalMoveError(f"Only a failed or stopped execution can be retried; this one is {execution.status}.")
    _note(session, audit.RETRIED, execution)
    return _succeed(session, execution, origin=RETRY, actor=actor, over=over)


def resend(session: Session, execution: Execution, *, actor: str, over: str | None = None) -> Execution:
    """A new execution that sends the same bytes under the same name again. From SUCCESS only; raises as `retry`."""
    if execution.status != SUCCESS or execution.payload is None:
        raise IllegalMoveError(f"Only a delivered execution can be sent again; this one is {execution.status}.")
    _note(session, audit.RESENT, execution)
    successor = _succeed(session, execution, origin=RESEND, actor=actor, over=over)
    sent = execution.payload
    session.add(
        Payload(
            execution_id=successor.id,
            file_name=sent.file_name,
            content=sent.content,
            size=sent.size,
            sha256=sent.sha256,
            created_at=database_now(session),
        )
    )
    session.flush()
    return successor


def newer_export(session: Session, execution: Execution) -> Execution | None:
    """The latest state of the order that its job exported after this one, unless the partner surely never gets it: a
    retry or resend of this one puts older news over it."""
    if execution.snapshot_id is None:
        return None
    newer = select(Execution).where(
        Execution.order_id == execution.order_id,
        Execution.export_job_id == execution.export_job_id,
        Execution.snapshot_id > execution.snapshot_id,
        or_(is_unended(), Execution.status == SUCCESS, Execution.may_have_arrived),
    )
    return session.scalar(newer.order_by(Execution.snapshot_id.desc(), Execution.id.desc()).limit(1))


def how_it_stands(newer: Execution) -> str:
    """Of a `newer_export`, to follow its status."""
    if newer.status == SUCCESS:
        return f"was delivered at {newer.ended_at:%Y-%m-%d %H:%M:%S} UTC"
    return "may have arrived" if newer.is_terminal else "is under way"


def run_job(session: Session, job: ExportJob, *, actor: str) -> int:
    """Owes an export for every order now in a trigger status that this job never exported; returns their number.

    Snapshots are frozen now. Commits after each RUN_CHUNK orders, so that nobody waits for thousands of them. Safe to
    repeat: what got an execution is left alone. Raises NotFoundError if the job has been deleted meanwhile, and
    OutcomeUnknownError where the database goes away once something is done, or may be."""
    count = last_id = 0
    audit.note(session, audit.RAN, kind=ExportJob.audit_kind, object_id=job.public_id, name=job.name)
    try:
        while ids := _lock_never_exported(session, job, after=last_id):
            owed = _owe(session, job, ids, actor=actor)
            commit(session)
            count += owed
            last_id = ids[-1]
        commit(session)
    except (OutcomeUnknownError, *DATABASE_AWAY) as error:
        if not count and not isinstance(error, OutcomeUnknownError):
            raise
        raise OutcomeUnknownError(_half_run(count)) from error
    return count


def left_failed() -> list[ColumnElement[bool]]:
    """An export that failed and was never retried, of a job that is still there: it waits for a person. What a deleted
    job left behind can only be read."""
    later = aliased(Execution)
    # Written out, not bound, or SQLite would not see that its partial index fits.
    error = literal(ERROR, literal_execute=True)
    is_retried = exists(select(later.id).where(later.predecessor_id == Execution.id))
    return [Execution.export_job_id.is_not(None), Execution.status == error, ~is_retried]


def count_never_exported(session: Session, job: ExportJob) -> int:
    """What run_job would send now."""
    orders = _owed(select(Order.id), job).subquery()
    return session.scalars(select(func.count()).select_from(orders)).one()


def count_unended(session: Session, job: ExportJob | ImportJob) -> int:
    """What deleting the job would stop now."""
    of_job, _ = OF_JOB[type(job)]
    return session.scalars(select(func.count(Execution.id)).where(of_job == job.id, is_unended())).one()


def held_of(session: Session, job: ExportJob | ImportJob) -> list[Execution]:
    """What is being sent, read or written just now, for which the job cannot be deleted."""
    of_job, _ = OF_JOB[type(job)]
    held = select(Execution).where(of_job == job.id, is_unended(), Execution.status.in_(HELD))
    return list(session.scalars(held.order_by(Execution.id)))


def _owe(session: Session, job: ExportJob, ids: list[int], *, actor: str) -> int:
    orders = _load_never_exported(session, job, ids)
    for order in orders:
        snapshot = triggers.freeze(session, order)
        values = triggers.new_execution(session, job, order, snapshot, origin=RUN, actor=actor)
        triggers.insert_execution(session, values, reason=f"run by {actor}")
    return len(orders)


def _half_run(count: int) -> str:
    are = "is" if count == 1 else "are"
    known = f"{counted(count, 'order')} {are} on the way for certain" if count else "Whether any order is on the way"
    rest = "; of the others it is not known." if count else " is not known."
    return f"The database went away. {known}{rest} Run the job again: what is on the way is left alone."


def _lock_never_exported(session: Session, job: ExportJob, *, after: int) -> list[int]:
    """The next chunk of orders. An order that moves at this moment is waited for."""
    # Two people pressing Run at once take turns; orders may fire the job meanwhile.
    job_rules.keep(session, job, in_turn=True)
    chunk = _owed(select(Order.id), job).where(Order.id > after).order_by(Order.id).limit(RUN_CHUNK)
    return list(session.scalars(chunk.with_for_update(of=Order)))


def _load_never_exported(session: Session, job: ExportJob, ids: list[int]) -> list[Order]:
    """A statement of its own: what moved while its lock was waited for shows as it is now, with what it fired."""
    whole = selectinload(Order.lines), selectinload(Order.addresses), selectinload(Order.payments)
    chunk = _owed(select(Order), job).where(Order.id.in_(ids)).order_by(Order.id)
    return list(session.scalars(chunk.options(*whole, joinedload(Order.supplier), joinedload(Order.store))))


def _owed(query: Select[Row], job: ExportJob) -> Select[Row]:
    known = exists(select(Execution.id).where(Execution.export_job_id == job.id, Execution.order_id == Order.id))
    query = query.where(Order.status.in_(job.trigger_statuses), ~known)
    if job.suppliers:
        query = query.where(Order.supplier_id.in_([supplier.id for supplier in job.suppliers]))
    return query


def _not_being_delivered() -> list[ColumnElement[bool]]:
    return [
        or_(
            Execution.status == JOB_PENDING,
            Execution.rename_attempt.is_(None),
            Execution.rename_attempt != Execution.attempts,
        )
    ]


def _note(session: Session, action: str, execution: Execution) -> None:
    audit.note(session, action, kind="execution", object_id=execution.public_id, name=execution.job_name)


def _may_one_have_arrived(session: Session, execution: Execution) -> bool:
    """This one, or a retry of it or before it."""
    same = [Execution.export_job_id == execution.export_job_id, Execution.snapshot_id == execution.snapshot_id]
    in_doubt = select(Execution.id).where(*same, Execution.status != SUCCESS, Execution.may_have_arrived)
    return session.scalar(in_doubt.limit(1)) is not None


def _deleted(execution: Execution) -> ConflictError:
    return ConflictError(f"The job {execution.job_name} was deleted; its executions can only be read.")


def _old_news(execution: Execution, newer: Execution) -> ConflictError:
    return ConflictError(
        f"A later state of this order, {newer.trigger_status}, {how_it_stands(newer)} (execution {newer.public_id}). "
        f"This would send the older {execution.trigger_status} after it. The page of execution {execution.public_id} "
        "does so all the same, once somebody confirms it there."
    )


def _succeed(session: Session, execution: Execution, *, origin: str, actor: str, over: str | None) -> Execution:
    job, order, snapshot = execution.export_job, execution.order, execution.snapshot
    if job is None or order is None or snapshot is None:
        raise _deleted(execution)
    # Nobody moves the order meanwhile, or a newer export with a smaller number might show only afterwards.
    session.execute(select(Order.id).where(Order.id == order.id).with_for_update(key_share=True))
    newer = newer_export(session, execution)
    if newer is not None and newer.public_id != over:
        raise _old_news(execution, newer)
    try:
        job_rules.keep(session, job)
    except NotFoundError as error:
        raise _deleted(execution) from error
    values = triggers.new_execution(session, job, order, snapshot, origin=origin, actor=actor)
    reason = f"{origin.lower()} of {execution.public_id}"
    if execution.status != SUCCESS and _may_one_have_arrived(session, execution):
        values["may_have_arrived_twice"] = True
        reason += ", whose file may have arrived"
    if newer is not None:
        reason += f", after the newer {newer.trigger_status} of {newer.public_id}"
    values |= {"public_id": str(uuid4()), "predecessor_id": execution.id}
    try:
        with session.begin_nested():
            return triggers.insert_execution(session, values, reason=reason)
    except IntegrityError as error:
        raise ConflictError(f"Execution {execution.public_id} already has a successor under way.") from error
