"""A COMMIT that happened although its answer was lost, at each commit of a batch in turn."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now, make_engine, make_sessions
from datahub.jobs import export_run, reconcile
from datahub.jobs.context import Context
from datahub.models.execution import JOB_PENDING, JOB_STARTED, SUCCESS, Execution
from datahub.settings import Settings
from datahub.vault import Vault
from tests.lossy_engine import LossyEngine

ACCEPTED = "ACCEPTED_BY_SUPPLIER"


def take_over(context: Context) -> None:
    """As the clock and another worker do once the leases have run out."""
    with context.sessions.begin() as session:
        gone = database_now(session) - timedelta(seconds=1)
        session.execute(update(Execution).where(Execution.status == JOB_STARTED).values(lease_until=gone))
    with context.sessions.begin() as session:
        reconcile.reap(session, context.settings)
    with context.sessions() as session:
        waiting = session.execute(select(Execution.id, Execution.attempts).where(Execution.status == JOB_PENDING))
        messages = [(execution_id, attempts + 1) for execution_id, attempts in waiting]
    for execution_id, attempt in messages:
        export_run.run(context, execution_id, attempt)


# However the steps are grouped, a batch of four commits at least as often.
@pytest.mark.parametrize("place", range(1, 8))
def test_lost_answer_to_a_commit_fails_no_export(
    database_url: str,
    sessions: sessionmaker[Session],
    settings: Settings,
    vault: Vault,
    owe: Callable[[int], list[int]],
    folder: Path,
    place: int,
) -> None:
    ids = owe(4)
    lossy = LossyEngine(make_engine(database_url), place)
    context = Context(make_sessions(lossy.engine), settings, vault, "test-worker")
    try:
        export_run.run(context, ids[0], 1)
    except OperationalError:
        assert place <= 2, "only a batch that has not begun ends with the database"
    finally:
        lossy.engine.dispose()
    assert lossy.commits >= place
    take_over(dataclasses.replace(context, sessions=sessions))
    with sessions() as session:
        found = list(session.scalars(select(Execution)))
        assert [(execution.status, execution.error) for execution in found] == [(SUCCESS, None)] * 4
        assert not any(execution.may_have_arrived_twice for execution in found)
    assert len(list(folder.iterdir())) == 4, "each has its file, and no temporary file stays"
