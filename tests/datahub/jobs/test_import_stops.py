"""A stop that is asked for while a chunk is being written: that chunk is applied whole or not at all."""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from datahub.crash_points import BETWEEN_CHUNKS, INSIDE_CHUNK
from datahub.jobs import import_executions, import_run
from datahub.jobs.context import Context
from datahub.jobs.merging import again
from datahub.models.change import Change
from datahub.models.execution import INTEGRATION_DONE, JOB_STOPPED, MANUAL
from datahub.models.import_job import ImportJob
from datahub.models.import_run import ImportRun
from datahub.models.party import Supplier
from datahub.vault import Vault
from tests.datahub.jobs.test_import_run import importing, let_go, look, suppliers
from tests.factories import add_connection, add_import_job

__all__ = ["importing"]


@pytest.fixture
def upload(importing: Context, vault: Vault) -> Callable[[], int]:
    """Of 35 suppliers, always to the same job; returns the execution's id."""
    with importing.sessions.begin() as session:
        job_id = add_import_job(session, add_connection(session, vault), entity="SUPPLIER").id

    def upload() -> int:
        given = "mine.csv", io.BytesIO(suppliers(35).encode())
        with importing.sessions.begin() as session:
            job = session.get_one(ImportJob, job_id)
            return import_executions.trigger(session, job, origin=MANUAL, actor="ada", upload=given).id

    return upload


class Person:
    """Asks for a stop inside the second chunk, which may `fail` then, and is answered before anything follows it."""

    def __init__(self, context: Context, execution_id: int, thread: ThreadPoolExecutor, *, fail: bool) -> None:
        self._context, self._execution_id, self._thread, self._fail = context, execution_id, thread, fail
        self._chunks = 0
        self._asked: Future[None] | None = None
        self._came_between = again._came_between

    def meet(self, place: str) -> None:
        """Stands in for `crash_points.reach`."""
        self._chunks += place == INSIDE_CHUNK
        if place == INSIDE_CHUNK and self._chunks == 2:
            self._asked = self._thread.submit(let_go, self._context, self._execution_id)
            with pytest.raises(TimeoutError):
                self._asked.result(timeout=0.3)
            if self._fail:
                raise IntegrityError("insert", {}, Exception("unique"))
        if place == BETWEEN_CHUNKS:
            self._hear()

    def look(self, error: IntegrityError) -> bool:
        """Stands in for the look at why a chunk was rolled back, which may begin again then."""
        self._hear()
        return self._came_between(error)

    def _hear(self) -> None:
        if self._asked:
            self._asked.result(timeout=30)


@pytest.mark.parametrize(("fail", "written"), [(False, 20), (True, 10)])
def test_a_stop_inside_a_chunk_leaves_all_of_it_or_nothing_and_the_next_run_goes_on(
    importing: Context, upload: Callable[[], int], monkeypatch: pytest.MonkeyPatch, fail: bool, written: int
) -> None:
    first = upload()
    with ThreadPoolExecutor(1) as thread, monkeypatch.context() as patch:
        person = Person(importing, first, thread, fail=fail)
        patch.setattr("datahub.crash_points.reach", person.meet)
        patch.setattr(again, "_came_between", person.look)
        import_run.run(importing, first, 1)
    assert look(importing.sessions, first) == (JOB_STOPPED, {"created": written}, None)
    with importing.sessions() as session:
        progress = session.get_one(ImportRun, first)
        assert (progress.rows, progress.rows_done) == (35, written)
        for table in (Supplier, Change):
            assert session.scalar(select(func.count()).select_from(table)) == written
    second = upload()
    import_run.run(importing, second, 1)
    rest = {"created": 35 - written, "unchanged": written}
    assert look(importing.sessions, second) == (INTEGRATION_DONE, rest, None)
