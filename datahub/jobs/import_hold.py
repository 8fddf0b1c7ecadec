"""What a worker does to the execution that it holds: how it ends, is given back or tried again, and what is kept of it.

Whatever finds that the claim is lost raises LostClaimError."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import update
from sqlalchemy.orm import Session

from datahub.db import database_now
from datahub.errors import LostClaimError
from datahub.jobs import import_executions, lifecycle
from datahub.jobs.context import Context
from datahub.jobs.import_read import FileWarning
from datahub.jobs.lifecycle import SYSTEM, Claim
from datahub.models.execution import IMPORT, INTEGRATION_STARTED, JOB_FAILED, JOB_STARTED, Execution
from datahub.models.import_run import ImportRun, ImportWarning

log = structlog.stdlib.get_logger(__name__)


class Hold:
    """`failed` is the status in which this step ends when it fails."""

    def __init__(self, context: Context, held: Claim, failed: str) -> None:
        self._context, self._held, self._failed = context, held, failed

    @property
    def status(self) -> str:
        return JOB_STARTED if self._failed == JOB_FAILED else INTEGRATION_STARTED

    def give_back(self) -> None:
        log.info("this worker ends, another one goes on with the import")
        with self._context.sessions.begin() as session:
            import_executions.give_back(session, self._held, self.status)

    def try_again(self, why: str) -> None:
        log.warning("the source could not be fetched", error=why)
        settings = self._context.settings
        with self._context.sessions.begin() as session:
            tries = session.get_one(ImportRun, self._held.execution_id).crashes + 1
            wait = timedelta(seconds=min(settings.connect_seconds, settings.retry_seconds)) * tries
            execution = session.get_one(Execution, self._held.execution_id)
            import_executions.end_try(session, execution, why, conditions=lifecycle.is_mine(self._held), wait=wait)

    def fail(self, message: str) -> None:
        log.warning("import failed", error=message)
        try:
            with self._context.sessions.begin() as session:
                progress = session.get_one(ImportRun, self._held.execution_id)
                if progress.rows_done:
                    message += f" {import_executions.written_words(progress)}"
                self.end(session, self.status, self._failed, message, error=message)
        except LostClaimError:
            log.warning("stopped before it failed")

    def end(self, session: Session, came_from: str, to: str, reason: str, *, error: str | None) -> None:
        ended = {"ended_at": database_now(session), "next_attempt_at": None, "error": error}
        self.move(session, came_from, to, reason, **ended)
        import_executions.forget_what_was_kept(session, self._held.execution_id)
        import_executions.promote(session)

    def move(self, session: Session, came_from: str, to: str, reason: str, **values: Any) -> None:
        moved = lifecycle.move(
            session,
            self._held.execution_id,
            kind=IMPORT,
            came_from=came_from,
            to=to,
            actor=SYSTEM,
            reason=reason,
            conditions=lifecycle.is_mine(self._held),
            values={"token": None, **values},
        )
        if not moved:
            raise LostClaimError(self._held.public_id)

    def update_run(self, session: Session, values: dict[str, Any]) -> None:
        which = ImportRun.execution_id == self._held.execution_id
        session.execute(update(ImportRun).where(which).values(values).execution_options(synchronize_session=False))

    def warn(self, session: Session, warnings: Sequence[FileWarning]) -> None:
        number = self._held.execution_id
        session.add_all(ImportWarning(execution_id=number, **asdict(warning)) for warning in warnings)
        self.update_run(session, {"warnings": ImportRun.warnings + len(warnings)})
