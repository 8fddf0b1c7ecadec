"""A worker whose own settings do not let it use a connection leaves the exports over it untaken, and says why."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, select, update
from sqlalchemy.orm import Session, aliased

from datahub.errors import InstallationError, TransientError
from datahub.jobs import lifecycle
from datahub.jobs.lifecycle import SYSTEM
from datahub.models.connection import Connection
from datahub.models.execution import JOB_PENDING, Event, Execution
from datahub.models.export_job import ExportJob
from datahub.settings import Settings
from datahub.transports import outbound
from datahub.vault import Vault


def is_noted(execution: type[Execution] = Execution) -> tuple[ColumnElement[bool], ...]:
    """Whoever takes it forgets the reason."""
    return execution.unfit_reason.is_not(None), execution.status == JOB_PENDING


async def why(connection: Connection, settings: Settings, vault: Vault) -> str:
    """Which setting must be mended; empty when all is well here, whatever is wrong with the server."""
    try:
        for secret in filter(None, (connection.password, connection.private_key, connection.private_key_passphrase)):
            vault.decrypt(secret)
        await outbound.resolve(connection.host, connection.port, settings.outbound_allow, settings.connect_seconds)
    except InstallationError as error:
        return str(error)
    except TransientError:
        # The attempt meets it again, and counts.
        return ""
    return ""


def note(session: Session, execution_id: int, *, attempt: int, worker: str, reason: str) -> None:
    """On the execution that a message named, as long as it waits; in its log once for each reason. The caller
    commits."""
    waits = Execution.id == execution_id, Execution.status == JOB_PENDING, Execution.attempts == attempt - 1
    noted = update(Execution).where(*waits).values(unfit_reason=reason).returning(Execution.id)
    is_there = session.scalar(noted.execution_options(synchronize_session=False)) is not None
    told = select(Event.id).where(Event.execution_id == execution_id, Event.reason == reason).limit(1)
    if is_there and session.scalar(told) is None:
        lifecycle.note(
            session,
            execution_id,
            came_from=JOB_PENDING,
            to=JOB_PENDING,
            actor=SYSTEM,
            attempt=attempt - 1,
            worker=worker,
            reason=reason,
        )


def reason(session: Session, connection: Connection) -> str:
    """Empty where no worker noted one."""
    return session.scalar(select(newest_reason(connection.id))) or ""


def newest_reason(connection_id: Any) -> ScalarSelect[str | None]:
    """Of those noted on what waits for the connection; for a value, or a column of the query around it."""
    job, noted = aliased(ExportJob), aliased(Execution)
    newest = select(noted.unfit_reason).join(job, job.id == noted.export_job_id)
    newest = newest.where(job.connection_id == connection_id, *is_noted(noted))
    return newest.order_by(noted.id.desc()).limit(1).scalar_subquery()
