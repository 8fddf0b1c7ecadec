"""A worker whose own settings do not let it use a connection leaves the exports over it untaken, and says why."""

from __future__ import annotations

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session

from datahub.errors import InstallationError, TransientError
from datahub.jobs import lifecycle
from datahub.jobs.lifecycle import SYSTEM
from datahub.models.connection import Connection
from datahub.models.execution import JOB_PENDING, Execution, is_unended
from datahub.models.export_job import ExportJob
from datahub.settings import Settings
from datahub.transports import outbound
from datahub.vault import Vault

# Nothing else gives an error to an execution that was never tried.
IS_NOTED = and_(is_unended(), Execution.status == JOB_PENDING, Execution.attempts == 0, Execution.error.is_not(None))


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
    """On the execution that a message named, once for each reason, as long as it waits. The caller commits."""
    waits = Execution.id == execution_id, Execution.status == JOB_PENDING, Execution.attempts == attempt - 1
    is_new = or_(Execution.error.is_(None), Execution.error != reason)
    noted = update(Execution).where(*waits, is_new).values(error=reason).returning(Execution.id)
    if session.scalar(noted.execution_options(synchronize_session=False)) is not None:
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


def reasons(session: Session) -> dict[int, str]:
    """By the id of the connection, the newest one noted on what waits for its first attempt."""
    newest = (
        select(ExportJob.connection_id, func.max(Execution.id).label("execution_id"))
        .join(Execution, Execution.export_job_id == ExportJob.id)
        .where(IS_NOTED)
        .group_by(ExportJob.connection_id)
        .subquery()
    )
    found = select(newest.c.connection_id, Execution.error).join(newest, newest.c.execution_id == Execution.id)
    return {connection_id: error or "" for connection_id, error in session.execute(found)}
