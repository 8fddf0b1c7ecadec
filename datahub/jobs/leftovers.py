"""Temporary files of executions that ended while nobody could remove them, swept over the next connection there."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from datahub.errors import ConfigError, TransientError
from datahub.jobs import delivery
from datahub.jobs.group_commit import GroupCommit
from datahub.models.execution import Execution, is_unended
from datahub.transports.base import Transport, join

MOST = 100


@dataclass(frozen=True)
class Leftover:
    execution_id: int
    public_id: str
    attempts: int
    folder: str


async def sweep(server: str, transport: Transport, ledger: GroupCommit) -> None:
    """Removes at most MOST executions' files from this server (user@host:port). Safe to repeat and to interrupt."""
    for leftover in await ledger.run(lambda session: find(session, server)):
        with suppress(TransientError, ConfigError):
            for attempt in range(1, leftover.attempts + 1):
                await transport.remove(join(leftover.folder, delivery.temporary_name(leftover.public_id, attempt)))
            await ledger.run(partial(forget, execution_id=leftover.execution_id))


def find(session: Session, server: str) -> list[Leftover]:
    rows = session.execute(
        select(Execution.id, Execution.public_id, Execution.attempts, Execution.sent_folder)
        # Said as the partial index says it.
        .where(text("executions.left_behind"), Execution.sent_server == server, ~is_unended())
        .order_by(Execution.id)
        .limit(MOST)
    )
    return [
        Leftover(execution_id, public_id, attempts, folder or "") for execution_id, public_id, attempts, folder in rows
    ]


def forget(session: Session, *, execution_id: int) -> None:
    """Nothing of this ended execution lies on the server any more."""
    session.execute(update(Execution).where(Execution.id == execution_id, ~is_unended()).values(left_behind=False))
