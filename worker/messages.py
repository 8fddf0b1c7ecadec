"""What a worker accepts from Redis: messages that name a listed function, and nothing else from their hash."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from typing import Any

from rq import Queue, SimpleWorker
from rq.job import Job
from rq.timeouts import BaseDeathPenalty

from datahub.jobs.dispatch import RUN_EXPORT
from worker import tasks

ACCEPTED: dict[str, Callable[..., None]] = {RUN_EXPORT: tasks.run_export}
OVERDUE = 71

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
        self._timer = threading.Timer(self._timeout, self._end)
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

    def is_stopping(self) -> bool:
        return bool(self._stop_requested)
