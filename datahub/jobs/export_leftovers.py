"""Temporary files: their names, and those of ended executions that nobody could remove when these ended."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Select, select, text, update
from sqlalchemy.orm import Session, aliased

from datahub.errors import ConfigError, TransientError
from datahub.jobs.group_commit import GroupCommit
from datahub.models.execution import Execution, is_unended
from datahub.transports.base import Transport, join

MOST = 100


@dataclass(frozen=True)
class Leftover:
    """`server` is user@host:port, in `folder` of which the files of so many attempts may lie."""

    execution_id: int
    public_id: str
    attempts: int
    server: str | None
    folder: str | None


def temporary_name(public_id: str, attempt: int) -> str:
    """One per attempt, so that a worker which lost its claim cannot touch the file of the next one. The leading dot
    hides it from partners' patterns."""
    return f".{public_id}-{attempt}.part"


async def sweep(server: str, transport: Transport, ledger: GroupCommit) -> None:
    """Removes at most MOST executions' files from this server (user@host:port). Safe to repeat and to interrupt."""
    for leftover in await ledger.run(lambda session: find(session, server)):
        with suppress(TransientError, ConfigError):
            await remove(leftover, transport)
            await ledger.run(partial(forget, execution_id=leftover.execution_id))


async def remove(leftover: Leftover, transport: Transport) -> None:
    """Safe to repeat. Raises what the transport raises."""
    for attempt in range(1, leftover.attempts + 1):
        await transport.remove(join(leftover.folder or "", temporary_name(leftover.public_id, attempt)))


def find(session: Session, server: str) -> list[Leftover]:
    rows = session.execute(_select().where(Execution.sent_server == server).order_by(Execution.id).limit(MOST))
    return [Leftover(*row) for row in rows]


def find_before(session: Session, execution_ids: Iterable[int]) -> dict[int, list[Leftover]]:
    """By execution: what ended ones of the same order and job left behind."""
    later = aliased(Execution)
    before = (
        _select()
        .join(later, (later.export_job_id == Execution.export_job_id) & (later.order_id == Execution.order_id))
        .where(later.id.in_(execution_ids))
        .add_columns(later.id)
    )
    found: dict[int, list[Leftover]] = {}
    for row in session.execute(before):
        found.setdefault(row[-1], []).append(Leftover(*row[:-1]))
    return found


def _select() -> Select[int, str, int, str | None, str | None]:
    return select(
        Execution.id, Execution.public_id, Execution.attempts, Execution.sent_server, Execution.sent_folder
    ).where(
        # Said as the partial index says it.
        text("executions.left_behind"),
        ~is_unended(),
    )


def forget(session: Session, *, execution_id: int) -> None:
    """Nothing of this ended execution lies on the server any more."""
    session.execute(update(Execution).where(Execution.id == execution_id, ~is_unended()).values(left_behind=False))
