"""What an import says of itself while it reads, and what it remembers of a source that could not be read."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from datahub.jobs import execution_search, import_executions, import_history, import_run
from datahub.jobs.context import Context
from datahub.models.execution import INTEGRATION_DONE, JOB_FAILED, JOB_SKIPPED, JOB_STARTED, MANUAL, Execution
from datahub.models.import_job import WAIT_FOR_NEXT, ImportJob
from datahub.models.import_run import ImportFile, ImportRun
from datahub.storage import Spool
from tests.datahub.jobs.test_import_run import Start, importing, look, start, suppliers
from tests.killed import Killed, at, die
from tests.servers import wait_until

__all__ = ["importing", "start"]


def seen(context: Context, execution_id: int) -> ImportRun:
    with context.sessions() as session:
        run = session.get_one(ImportRun, execution_id)
        session.expunge(run)
    return run


def before(monkeypatch: pytest.MonkeyPatch, name: str, act: Callable[[], None]) -> None:
    """Once all rows are in the spool, and reading is not yet over."""
    whole = getattr(Spool, name)

    def act_first(spool: Spool) -> None:
        act()
        whole(spool)

    monkeypatch.setattr(Spool, name, act_first)


def test_rows_bytes_file_and_start_are_known_while_it_reads(
    importing: Context, start: Start, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "suppliers.csv").write_text(suppliers(1200))
    size = (folder / "suppliers.csv").stat().st_size
    number = start()

    def look_inside() -> None:
        wait_until(lambda: seen(importing, number).rows == 1200, what="the beat that tells the rows")
        run = seen(importing, number)
        assert run.started_at is not None
        assert [(file["name"], file["size"]) for file in run.files] == [("suppliers.csv", size)]
        with importing.sessions() as session:
            execution = session.get_one(Execution, number)
            assert execution.status == JOB_STARTED
            assert import_history.counts_of(execution)["read"] == 0
            assert import_history.share_read(execution) == 1.0
            assert import_history.rows_per_second(session, execution)

    before(monkeypatch, "finish", look_inside)
    hasty = dataclasses.replace(importing, settings=dataclasses.replace(importing.settings, beat_seconds=0.05))
    import_run.run(hasty, number, 1)
    assert look(importing.sessions, number) == (INTEGRATION_DONE, {"created": 1200}, None)


def test_a_second_try_reads_from_the_start_and_keeps_the_first_start(
    importing: Context, start: Start, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "suppliers.csv").write_text(suppliers(3))
    number = start()
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr("datahub.crash_points.reach", at("after download", die))
        import_run.run(importing, number, 1)
    begun = seen(importing, number).started_at
    with importing.sessions.begin() as session:
        session.get_one(ImportRun, number).rows = 2
        take_it_back(session, number)
    before(monkeypatch, "begin", lambda: rows.append(seen(importing, number).rows))
    rows: list[int] = []
    import_run.run(importing, number, 2)
    assert rows == [0]
    assert seen(importing, number).started_at == begun


def take_it_back(session: Session, execution_id: int) -> None:
    execution = session.get_one(Execution, execution_id)
    execution.status, execution.token = "JOB_INITIALIZING", None


def test_a_file_that_cannot_be_read_is_remembered_with_its_start(
    importing: Context, start: Start, folder: Path
) -> None:
    (folder / "suppliers.csv").write_text(suppliers(3).replace(";", ","))
    number = start()
    import_run.run(importing, number, 1)
    status, _, error = look(importing.sessions, number)
    assert status == JOB_FAILED
    run = seen(importing, number)
    (file,) = run.files
    assert (file["name"], file["error"]) == ("suppliers.csv", error)
    assert file["size"] == (folder / "suppliers.csv").stat().st_size
    assert len(file["sha256"]) == 64
    with importing.sessions() as session:
        assert import_history.took(session.get_one(Execution, number)) is not None


def test_a_file_over_a_limit_is_remembered_too(importing: Context, start: Start, folder: Path) -> None:
    (folder / "suppliers.csv").write_text(suppliers(3))
    few = dataclasses.replace(
        importing, settings=dataclasses.replace(importing.settings, max_file_bytes=10**6, max_rows=2)
    )
    number = start()
    import_run.run(few, number, 1)
    assert look(importing.sessions, number)[0] == JOB_FAILED
    assert [file["name"] for file in seen(importing, number).files] == ["suppliers.csv"]


def named(context: Context, execution_id: int) -> list[str]:
    with context.sessions() as session:
        return list(session.scalars(select(ImportFile.name).where(ImportFile.execution_id == execution_id)))


def test_the_bytes_that_came_are_known_while_it_fetches(
    importing: Context, start: Start, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "suppliers.csv").write_text(suppliers(3))
    size = (folder / "suppliers.csv").stat().st_size
    number = start()
    seen_at: list[tuple[int, float | None, bool]] = []

    def look_inside(reached: str) -> None:
        if reached == "mid-download":
            wait_until(lambda: seen(importing, number).bytes_fetched == size, what="the beat that tells the bytes")
            with importing.sessions() as session:
                execution = session.get_one(Execution, number)
                assert import_history.bytes_per_second(session, execution)
                share, is_fetching = import_history.share_fetched(execution), import_history.is_fetching(execution)
                seen_at.append((execution.import_run.bytes_fetched if execution.import_run else 0, share, is_fetching))

    hasty = dataclasses.replace(importing, settings=dataclasses.replace(importing.settings, beat_seconds=0.05))
    monkeypatch.setattr("datahub.crash_points.reach", look_inside)
    import_run.run(hasty, number, 1)
    assert seen_at == [(size, 1.0, False)]
    assert look(importing.sessions, number)[0] == INTEGRATION_DONE


def test_a_file_is_named_before_it_has_come_and_once_whatever_dies(
    importing: Context, start: Start, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "suppliers.csv").write_text(suppliers(3))
    number = start()
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr("datahub.crash_points.reach", at("mid-download", die))
        import_run.run(importing, number, 1)
    (file,) = seen(importing, number).files
    size = (folder / "suppliers.csv").stat().st_size
    assert (file["name"], file["size"], file["sha256"]) == ("suppliers.csv", size, None)
    assert named(importing, number) == ["suppliers.csv"]
    with importing.sessions.begin() as session:
        take_it_back(session, number)
    import_run.run(importing, number, 2)
    assert look(importing.sessions, number)[0] == INTEGRATION_DONE
    assert named(importing, number) == ["suppliers.csv"]


@pytest.mark.parametrize("upload", [None, ("mine.csv", b"no;columns\n")])
def test_a_run_that_could_not_read_its_file_is_found_by_its_name(
    importing: Context, start: Start, upload: tuple[str, bytes] | None
) -> None:
    number = start(upload=upload, file_path="out/Gone.csv")
    import_run.run(importing, number, 1)
    assert look(importing.sessions, number)[0] == JOB_FAILED
    with importing.sessions() as session:
        assert execution_search.hits(session, "mine" if upload else "gone", names=True).ids == [number]
    assert [file["name"] for file in seen(importing, number).files] == ["mine.csv" if upload else "Gone.csv"]


def test_a_file_that_was_given_while_another_run_was_under_way_is_found_by_its_name(
    importing: Context, start: Start
) -> None:
    number = start(simultaneous_execution=WAIT_FOR_NEXT)
    with importing.sessions.begin() as session:
        job = session.get_one(Execution, number).import_job
        assert isinstance(job, ImportJob)
        skipped = import_executions.trigger(
            session, job, origin=MANUAL, actor="ada", upload=("mine.csv", io.BytesIO(b""))
        )
        assert skipped.status == JOB_SKIPPED
        assert execution_search.hits(session, "mine", names=True).ids == [skipped.id]
