"""What waits behind an import that fails while it is written: it starts once, and writes what the other one left."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from datahub.crash_points import INSIDE_CHUNK
from datahub.jobs import import_executions, import_run
from datahub.jobs.context import Context
from datahub.jobs.import_executions import MOST_TRIES
from datahub.models.execution import (
    INTEGRATION_DONE,
    INTEGRATION_FAILED,
    JOB_INITIALIZING,
    JOB_PENDING,
    MANUAL,
    Execution,
)
from datahub.models.import_job import RUN_IMMEDIATELY, ImportJob
from datahub.models.import_run import UploadChunk
from datahub.vault import Vault
from tests.datahub.jobs.test_import_run import importing, look, suppliers, take_back
from tests.factories import add_connection, add_import_job
from tests.killed import Killed, die

__all__ = ["importing"]

Meet = Callable[[str], None]


@pytest.fixture
def both(importing: Context, vault: Vault) -> tuple[int, int]:
    """Two executions of one job and the same 35 suppliers, of which the second waits for the first."""

    def upload(session: Session, job: ImportJob) -> int:
        given = "mine.csv", io.BytesIO(suppliers(35).encode())
        return import_executions.trigger(session, job, origin=MANUAL, actor="ada", upload=given).id

    with importing.sessions.begin() as session:
        to, policy = add_connection(session, vault), RUN_IMMEDIATELY
        job = add_import_job(session, to, entity="SUPPLIER", simultaneous_execution=policy)
        return upload(session, job), upload(session, job)


def in_the_second_chunk(act: Callable[[], None]) -> Meet:
    """Stands in for `crash_points.reach`, from the second chunk on."""
    chunks: list[str] = []

    def meet(place: str) -> None:
        if place == INSIDE_CHUNK:
            chunks.append(place)
            if len(chunks) > 1:
                act()

    return meet


def fault() -> None:
    raise ValueError("a fault of ours")


def fail(importing: Context, number: int, patch: pytest.MonkeyPatch) -> None:
    patch.setattr("datahub.crash_points.reach", in_the_second_chunk(fault))
    import_run.run(importing, number, 1)


def give_up(importing: Context, number: int, patch: pytest.MonkeyPatch) -> None:
    patch.setattr("datahub.crash_points.reach", in_the_second_chunk(die))
    for _ in range(MOST_TRIES):
        with importing.sessions() as session:
            attempts = session.get_one(Execution, number).attempts
        with pytest.raises(Killed):
            import_run.run(importing, number, attempts + 1)
        take_back(importing)


@pytest.mark.parametrize(
    ("end", "told"), [(fail, "ValueError in datahub/jobs/import_run.py"), (give_up, "Given up after 3 tries in a row")]
)
def test_what_waits_behind_an_import_that_fails_while_it_is_written_starts_once_and_writes_the_rest(
    importing: Context,
    both: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
    end: Callable[[Context, int, pytest.MonkeyPatch], None],
    told: str,
) -> None:
    first, second = both
    assert look(importing.sessions, second)[0] == JOB_PENDING
    with monkeypatch.context() as patch:
        end(importing, first, patch)
    status, counts, error = look(importing.sessions, first)
    assert (status, counts) == (INTEGRATION_FAILED, {"created": 10})
    assert error and told in error and "10 of 35 rows are written." in error
    assert look(importing.sessions, second)[0] == JOB_INITIALIZING
    with importing.sessions() as session:
        assert list(session.scalars(select(UploadChunk.execution_id))) == [second], "its own file is there still"
    import_run.run(importing, second, 1)
    assert look(importing.sessions, second) == (INTEGRATION_DONE, {"created": 25, "unchanged": 10}, None)
    with importing.sessions() as session:
        turns = [event for event in session.get_one(Execution, second).events if event.from_status == JOB_PENDING]
        assert len(turns) == 1
        assert session.get_one(Execution, first).status == INTEGRATION_FAILED
