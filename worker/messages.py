"""What a worker accepts from Redis: messages that name a listed function, and nothing else from their hash."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

import structlog
from redis import Redis
from rq import Queue, SimpleWorker
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.timeouts import BaseDeathPenalty

from datahub.jobs.dispatch import RUN_EXPORT, RUN_IMPORT
from worker import tasks

ACCEPTED: dict[str, Callable[..., None]] = {RUN_EXPORT: tasks.run_export, RUN_IMPORT: tasks.run_import}
OVERDUE = 71
# RQ asks Redis to answer after 15 s less than this, and hangs up on it after 5 s less. With RQ's own 420 s a worker
# would be deaf for minutes after Redis fell silent.
WORKER_TTL = 45

log = logging.getLogger(__name__)


class Message(Job):
    """Callbacks, webhooks, repeats, retries and dependents that somebody wrote into Redis are dropped on reading."""

    def restore(self, raw_data: Any) -> Any:
        restored = super().restore(raw_data)
        self._success_callback_name = self._failure_callback_name = self._stopped_callback_name = None
        self.webhooks = []
        self.repeats_left = self.retries_left = None
        self._dependency_ids = []
        return restored

    @property
    def func(self) -> Callable[..., None]:
        """Raises KeyError for a function that is not listed: RQ then calls the message failed."""
        return ACCEPTED[self.func_name or ""]


class EndOverdueProcess(BaseDeathPenalty):
    """RQ's time-out as last resort: the process ends, its leases run out, its supervisor starts another.

    An exception raised in the middle of anything could be swallowed and leave a half-living worker behind."""

    _timer: threading.Timer | None = None

    def setup_death_penalty(self) -> None:
        self._timer = threading.Timer(self._timeout, copy_context().run, [self._end])
        self._timer.daemon = True
        self._timer.start()

    def cancel_death_penalty(self) -> None:
        if self._timer:
            self._timer.cancel()

    def _end(self) -> None:
        log.critical("a message took longer than %s s; this worker ends itself", self._timeout)
        os._exit(OVERDUE)


class MessageQueue(Queue):
    job_class = Message


class MessageWorker(SimpleWorker):
    """Runs messages in its own process, without a fork: killing the process ends the work."""

    job_class = Message
    queue_class = MessageQueue
    death_penalty_class = EndOverdueProcess
    # RQ waits twice as long after each failure, also after one of yesterday; this is the longest.
    max_connection_wait_time = 5.0

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Every line from here on tells the execution, RQ's own ones too."""
        # A message's id is that of its execution and the number of the attempt.
        execution = job.id.rpartition("-")[0] or job.id
        with structlog.contextvars.bound_contextvars(execution=execution):
            super().execute_job(job, queue)

    def is_stopping(self) -> bool:
        return bool(self._stop_requested)


def make_worker(redis: Redis, name: str, queue_name: str) -> MessageWorker:
    """`redis` must permit long waits: see dispatch.make_waiting_redis."""
    queue = MessageQueue(queue_name, connection=redis, serializer=JSONSerializer)
    return MessageWorker([queue], connection=redis, name=name, serializer=JSONSerializer, worker_ttl=WORKER_TTL)
