"""Handing due executions to the queue. The only module of the domain that knows RQ.

A message carries an execution id and an attempt number. Losing every message costs time, never work."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy import Select, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from datahub import crash_points
from datahub.db import database_now
from datahub.jobs import import_claims
from datahub.jobs.export_claims import is_due
from datahub.models.execution import JOB_PENDING, Execution, is_started
from datahub.settings import Settings

RUN_EXPORT, RUN_IMPORT = "worker.tasks.run_export", "worker.tasks.run_import"
EXPORTS, IMPORTS = "exports", "imports"
MESSAGE_SECONDS = {RUN_EXPORT: 3600, RUN_IMPORT: 24 * 3600}
BATCH = 500
# One message makes a worker go on with all that is due of a job: more would only wait to find their rows taken.
MESSAGES_PER_JOB = 5

log = logging.getLogger(__name__)
ExportQueue = Queue


def make_redis(url: str) -> Redis:
    """A client that gives up after a second and does not try again by itself."""
    return Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0))


def make_waiting_redis(url: str) -> Redis:
    """For a worker that waits on the queue: it sets a time-out of its own, which outlasts that wait."""
    return Redis.from_url(url, socket_connect_timeout=5, retry=Retry(NoBackoff(), 0))


def make_queue(redis_url: str) -> Queue:
    return Queue(EXPORTS, connection=make_redis(redis_url), serializer=JSONSerializer)


def note_work(session: Session) -> None:
    """Remembers on the session that its transaction makes executions due."""
    session.info["work_is_due"] = True


def is_work_due(session: Session) -> bool:
    """Whether note_work was called since the last time this was asked."""
    return bool(session.info.pop("work_is_due", False))


def hand_out(session: Session, queue: Queue, settings: Settings) -> int:
    """Hands out what is due, oldest first, at most BATCH of each kind; commits. Returns how many messages were sent.

    When Redis is away nothing is lost: the executions stay due and the next call tries again."""
    return hand_out_exports(session, queue, settings) + hand_out_imports(session, queue, settings)


def hand_out_exports(session: Session, queue: Queue, settings: Settings) -> int:
    return _send(session, queue, RUN_EXPORT, _mark(session, settings))


def hand_out_imports(session: Session, queue: Queue, settings: Settings) -> int:
    imports = Queue(IMPORTS, connection=queue.connection, serializer=JSONSerializer)
    import_claims.note_waiting(session, settings)
    return _send(session, imports, RUN_IMPORT, _mark_imports(session, settings))


def _send(session: Session, queue: Queue, function: str, due: list[_Due]) -> int:
    session.commit()
    if not due:
        return 0
    crash_points.reach(crash_points.AFTER_MARKING)
    try:
        sent = _enqueue(queue, function, due)
    except RedisError as error:
        log.warning("redis is away, %d executions stay due: %s", len(due), error)
        session.execute(update(Execution).where(Execution.id.in_([row.id for row in due])).values(handed_out_at=None))
        session.commit()
        return 0
    crash_points.reach(crash_points.AFTER_HAND_OUT)
    return sent


class _Due:
    def __init__(self, execution: Execution, again: bool) -> None:
        self.id = execution.id
        self.attempt = execution.attempts + 1
        self.message_id = f"{execution.public_id}-{self.attempt}"
        self.again = again


def _mark(session: Session, settings: Settings) -> list[_Due]:
    now = database_now(session)
    stale: datetime = now - timedelta(seconds=settings.hand_out_again_seconds)
    started = aliased(Execution)
    # A batch under way goes on with its job by itself; a second worker is called only when that takes long.
    is_under_way = exists(
        select(started.id).where(
            is_started(started), started.export_job_id == Execution.export_job_id, started.lease_until > now
        )
    )
    place = func.row_number().over(
        partition_by=Execution.export_job_id, order_by=(Execution.next_attempt_at, Execution.id)
    )
    due_by_job = (
        select(Execution.id, place.label("place"))
        .where(*is_due(now), or_(~is_under_way, Execution.next_attempt_at < stale))
        .subquery()
    )
    first_of_job = select(Execution).join(due_by_job, due_by_job.c.id == Execution.id)
    first_of_job = first_of_job.where(due_by_job.c.place <= MESSAGES_PER_JOB, Execution.status == JOB_PENDING)
    return _mark_oldest(session, first_of_job, now, stale)


def _mark_imports(session: Session, settings: Settings) -> list[_Due]:
    now = database_now(session)
    stale = now - timedelta(seconds=settings.hand_out_again_seconds)
    return _mark_oldest(session, select(Execution).where(*import_claims.is_due(now, settings)), now, stale)


def _mark_oldest(session: Session, found: Select[Execution], now: datetime, stale: datetime) -> list[_Due]:
    statement = (
        found.where(or_(Execution.handed_out_at.is_(None), Execution.handed_out_at < stale))
        .order_by(Execution.next_attempt_at, Execution.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True, of=Execution)
    )
    due = []
    for execution in session.scalars(statement):
        due.append(_Due(execution, again=execution.handed_out_at is not None))
        execution.handed_out_at = now
    return due


def _enqueue(queue: Queue, function: str, due: list[_Due]) -> int:
    # A message that still waits in a long queue is not sent twice.
    fresh = [row for row in due if not (row.again and _is_waiting(queue, row.message_id))]
    messages = [
        Queue.prepare_data(
            function,
            args=(row.id, row.attempt),
            job_id=row.message_id,
            timeout=MESSAGE_SECONDS[function],
            result_ttl=0,
            failure_ttl=60,
        )
        for row in fresh
    ]
    if messages:
        queue.enqueue_many(messages)
    return len(messages)


def _is_waiting(queue: Queue, message_id: str) -> bool:
    return queue.connection.lpos(queue.key, message_id) is not None
