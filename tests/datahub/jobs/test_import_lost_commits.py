"""The database goes away at each commit of an import in turn, with the commit done or not."""

from __future__ import annotations

import dataclasses
import io
from contextlib import suppress
from itertools import product

from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from datahub.db import make_engine, make_sessions
from datahub.jobs import import_executions, import_run
from datahub.jobs.context import Context
from datahub.models.change import Change
from datahub.models.execution import INTEGRATION_DONE, MANUAL, Execution
from datahub.models.import_job import ImportJob
from datahub.vault import Vault
from tests.datahub.jobs.test_import_run import importing, look, suppliers, take_back
from tests.factories import add_connection, add_import_job
from tests.lossy_engine import NEVER, LossyEngine

__all__ = ["importing"]

# Two claims, what was read, two chunks and the end.
AT_LEAST = 6


def upload(context: Context, job_id: int, text: str) -> int:
    with context.sessions.begin() as session:
        job, given = session.get_one(ImportJob, job_id), ("mine.csv", io.BytesIO(text.encode()))
        return import_executions.trigger(session, job, origin=MANUAL, actor="ada", upload=given).id


def go_on(context: Context, execution_id: int) -> None:
    """As the clock and another worker do once the lease has run out."""
    take_back(context)
    with context.sessions() as session:
        attempts = session.get_one(Execution, execution_id).attempts
    import_run.run(context, execution_id, attempts + 1)


def changes_of(context: Context, execution_id: int) -> int:
    with context.sessions() as session:
        return session.scalars(select(func.count(Change.id)).where(Change.execution_id == execution_id)).one()


def test_a_connection_that_is_cut_at_any_commit_of_an_import_loses_and_doubles_no_row(
    importing: Context, vault: Vault, database_url: str
) -> None:
    with importing.sessions.begin() as session:
        job_id = add_import_job(session, add_connection(session, vault), entity="SUPPLIER").id
    lossy = LossyEngine(make_engine(database_url))
    # No beat takes a number of its own.
    calm = dataclasses.replace(importing.settings, beat_seconds=30)
    cut_off = Context(make_sessions(lossy.engine), calm, vault, "cut off")
    for place, is_done in product(range(1, AT_LEAST + 10), (True, False)):
        number = upload(importing, job_id, suppliers(15, first=place * 100 + is_done * 50))
        lossy.lose(place, is_done=is_done)
        with suppress(OperationalError):
            import_run.run(cut_off, number, 1)
        is_over = lossy.commits < place
        lossy.lose(NEVER)
        go_on(cut_off, number)
        assert look(importing.sessions, number) == (INTEGRATION_DONE, {"created": 15}, None), place
        assert changes_of(importing, number) == 15
        if is_over:
            break
    lossy.engine.dispose()
    assert is_over and place > AT_LEAST
