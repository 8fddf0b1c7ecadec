"""Imports whose try ends without its end: the worker is asked to end, the source fails, somebody comes between."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from datetime import datetime
from math import ceil
from pathlib import Path

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError, OperationalError

from datahub import storage
from datahub.db import database_now
from datahub.jobs import history, import_claims, import_run, records
from datahub.jobs.context import Context
from datahub.jobs.import_executions import MOST_TRIES
from datahub.jobs.merging.merge import Merge
from datahub.jobs.rows.chunk import ChunkWriter, Outcome
from datahub.models.change import Change
from datahub.models.execution import (
    INTEGRATION_DONE,
    INTEGRATION_STARTED,
    INTEGRATION_WAITING,
    JOB_FAILED,
    JOB_INITIALIZING,
    JOB_STARTED,
    Execution,
)
from datahub.models.import_run import ImportRun, UploadChunk
from datahub.models.party import Supplier
from datahub.storage import SpooledRow
from tests.datahub.jobs.test_import_run import Start, importing, let_go, look, start, suppliers, take_back
from tests.idle_transaction import let_it_be_ended
from tests.killed import Killed, at, die
from tests.servers import SshServer, start_sshd

__all__ = ["importing", "start"]


def is_asked_to_end(context: Context, place: str, monkeypatch: pytest.MonkeyPatch) -> Context:
    """Once the worker has come to the place."""
    reached: list[str] = []
    monkeypatch.setattr("datahub.crash_points.reach", reached.append)
    return dataclasses.replace(context, is_stopping=lambda: place in reached)


def read_alone(context: Context, start: Start, folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """An import of 15 rows whose worker was asked to end when they were in the spool."""
    (folder / "suppliers.csv").write_text(suppliers(15))
    number = start()
    with monkeypatch.context() as patch:
        import_run.run(is_asked_to_end(context, "after parse", patch), number, 1)
    return number


def last_event(context: Context, execution_id: int) -> tuple[str | None, str, str]:
    with context.sessions() as session:
        event = session.get_one(Execution, execution_id).events[-1]
        return event.from_status, event.to_status, event.reason


def tries(context: Context, execution_id: int) -> int:
    with context.sessions() as session:
        return session.get_one(ImportRun, execution_id).crashes


def make_due(context: Context) -> None:
    with context.sessions.begin() as session:
        session.execute(update(Execution).values(next_attempt_at=database_now(session)))


@pytest.mark.parametrize(
    ("place", "came_from", "to", "written"),
    [
        ("after download", JOB_STARTED, JOB_INITIALIZING, 0),
        ("after parse", JOB_STARTED, INTEGRATION_WAITING, 0),
        ("between chunks", INTEGRATION_STARTED, INTEGRATION_WAITING, 10),
    ],
)
def test_a_worker_that_is_asked_to_end_lets_go_and_the_next_one_goes_on(
    importing: Context,
    start: Start,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    came_from: str,
    to: str,
    written: int,
) -> None:
    (folder / "suppliers.csv").write_text(suppliers(35))
    number = start()
    with monkeypatch.context() as patch:
        import_run.run(is_asked_to_end(importing, place, patch), number, 1)
    assert last_event(importing, number)[:2] == (came_from, to)
    with importing.sessions() as session:
        execution = session.get_one(Execution, number)
        assert (execution.token, execution.handed_out_at) == (None, None)
        assert execution.next_attempt_at and execution.next_attempt_at <= database_now(session), "due at once"
        assert session.scalar(select(func.count()).select_from(Supplier)) == written
        attempts = execution.attempts
    assert tries(importing, number) == 0
    import_run.run(importing, number, attempts + 1)
    assert look(importing.sessions, number) == (INTEGRATION_DONE, {"created": 35}, None)


def test_each_try_is_told_with_its_step_its_worker_and_its_end(
    importing: Context, start: Start, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "suppliers.csv").write_text(suppliers(35))
    number = start()
    for attempt, place in ((1, "after download"), (2, "between chunks")):
        with monkeypatch.context() as patch:
            import_run.run(is_asked_to_end(importing, place, patch), number, attempt)
    import_run.run(dataclasses.replace(importing, worker="another"), number, 4)
    with importing.sessions() as session:
        tries = history.read(session, session.get_one(Execution, number)).attempts
    assert [(it.number, it.step, it.to_status) for it in tries] == [
        (1, JOB_STARTED, JOB_INITIALIZING),
        (2, JOB_STARTED, INTEGRATION_WAITING),
        (3, INTEGRATION_STARTED, INTEGRATION_WAITING),
        (4, INTEGRATION_STARTED, INTEGRATION_DONE),
    ]
    assert [it.worker for it in tries] == [importing.worker] * 3 + ["another"]
    assert all(it.ended_at and it.ended_at >= it.started_at for it in tries)
    assert [it.reason.partition(" ")[0] for it in tries] == ["Worker", "35", "Worker", "35"]


def test_a_source_that_fails_is_tried_three_times_with_growing_waits(
    importing: Context, start: Start, sshd: SshServer
) -> None:
    number = start()
    sshd.stop()
    seconds = importing.settings.connect_seconds
    waits = []
    for attempt in range(1, MOST_TRIES):
        import_run.run(importing, number, attempt)
        with importing.sessions() as session:
            execution = session.get_one(Execution, number)
            assert (execution.status, execution.attempts) == (JOB_INITIALIZING, attempt)
            assert execution.next_attempt_at and execution.error
            waits.append(ceil((execution.next_attempt_at - database_now(session)).total_seconds() / seconds))
        assert last_event(importing, number)[2] == f"{execution.error} Next try in {attempt * seconds:g} s."
        make_due(importing)
    assert waits == [1, 2]
    import_run.run(importing, number, MOST_TRIES)
    status, _, error = look(importing.sessions, number)
    assert status == JOB_FAILED and "127.0.0.1" in (error or "") and "3 tries in a row" in (error or "")


def test_a_source_that_comes_back_is_imported(importing: Context, start: Start, folder: Path, sshd: SshServer) -> None:
    (folder / "suppliers.csv").write_text(suppliers(3))
    number = start()
    with importing.sessions.begin() as session:
        connection = session.get_one(Execution, number).import_job.connection  # type: ignore[union-attr]
        port, connection.port = connection.port, 1
    import_run.run(importing, number, 1)
    with importing.sessions.begin() as session:
        session.get_one(Execution, number).import_job.connection.port = port  # type: ignore[union-attr]
    make_due(importing)
    import_run.run(importing, number, 2)
    assert look(importing.sessions, number) == (INTEGRATION_DONE, {"created": 3}, None)
    assert tries(importing, number) == 0, "only those in a row count"


def test_a_source_that_fails_when_it_must_be_read_again_is_tried_again_too(
    importing: Context, start: Start, folder: Path, sshd: SshServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = read_alone(importing, start, folder, monkeypatch)
    for spool in Path(importing.settings.spool_folder).iterdir():
        spool.unlink()
    sshd.stop(kill=True)
    import_run.run(importing, number, 2)
    came_from, to, reason = last_event(importing, number)
    assert (came_from, to, tries(importing, number)) == (INTEGRATION_STARTED, INTEGRATION_WAITING, 1)
    assert reason.endswith(f"Next try in {importing.settings.connect_seconds:g} s.")
    again = start_sshd(sshd.folder, sshd.port)
    try:
        make_due(importing)
        import_run.run(importing, number, 3)
        assert look(importing.sessions, number) == (INTEGRATION_DONE, {"created": 15}, None)
    finally:
        again.stop(kill=True)


def test_the_spool_of_another_version_is_left_alone_and_the_source_read_again(
    importing: Context, start: Start, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = read_alone(importing, start, folder, monkeypatch)
    for spool in Path(importing.settings.spool_folder).iterdir():
        spool.write_text("what only the version before understands")
    monkeypatch.setattr(storage, "LAYOUT", storage.LAYOUT + 1)
    import_run.run(importing, number, 2)
    assert look(importing.sessions, number) == (INTEGRATION_DONE, {"created": 15}, None)


def test_a_failed_or_stopped_upload_is_forgotten(importing: Context, start: Start) -> None:
    number, stopped = (start(upload=("mine.csv", suppliers(2).encode())) for _ in range(2))
    let_go(importing, stopped)
    for attempt in range(1, MOST_TRIES + 1):
        with importing.sessions.begin() as session:
            assert import_claims.claim(session, number, attempt=attempt, worker="doomed", settings=importing.settings)
        take_back(importing)
    assert look(importing.sessions, number)[0] == JOB_FAILED
    with importing.sessions() as session:
        assert session.scalars(select(UploadChunk.number)).all() == []


def test_a_crash_after_progress_does_not_add_to_those_before(
    importing: Context, start: Start, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "suppliers.csv").write_text(suppliers(65))
    number = start()

    attempt = 1
    with monkeypatch.context() as patch:
        patch.setattr("datahub.crash_points.reach", at("between chunks", die))
        for _ in range(MOST_TRIES + 1):
            with pytest.raises(Killed):
                import_run.run(importing, number, attempt)
            take_back(importing)
            with importing.sessions() as session:
                attempt = session.get_one(Execution, number).attempts + 1
    assert look(importing.sessions, number)[:2] == (INTEGRATION_WAITING, {"created": 40})
    import_run.run(importing, number, attempt)
    assert look(importing.sessions, number)[:2] == (INTEGRATION_DONE, {"created": 65})


def came_between(monkeypatch: pytest.MonkeyPatch, disturb: Callable[[], None]) -> list[int]:
    """Calls `disturb` at the end of the first chunk's first try; the result has the rows of every try."""
    written: list[int] = []
    write = ChunkWriter.write

    def disturbed(self: ChunkWriter, rows: list[object], now: object) -> Outcome:
        outcome: Outcome = write(self, rows, now)  # type: ignore[arg-type]
        written.append(len(rows))
        if len(written) == 1:
            disturb()
        return outcome

    monkeypatch.setattr(ChunkWriter, "write", disturbed)
    return written


def collide() -> None:
    raise IntegrityError("insert", {}, Exception("unique"))


def deadlock() -> None:
    trouble = Exception("deadlock detected")
    trouble.sqlstate = "40P01"  # type: ignore[attr-defined]
    raise OperationalError("update", {}, trouble)


@pytest.mark.parametrize("disturb", [collide, deadlock])
def test_a_chunk_that_somebody_comes_between_begins_again(
    importing: Context, start: Start, folder: Path, monkeypatch: pytest.MonkeyPatch, disturb: Callable[[], None]
) -> None:
    (folder / "suppliers.csv").write_text(suppliers(15))
    number = start()
    written = came_between(monkeypatch, disturb)
    import_run.run(importing, number, 1)
    assert written == [10, 10, 5]
    assert look(importing.sessions, number) == (INTEGRATION_DONE, {"created": 15}, None)
    with importing.sessions() as session:
        assert session.scalar(select(func.count()).select_from(Change)) == 15, "nothing of the first try is left"


def test_a_chunk_that_collides_for_ever_fails_the_run(
    importing: Context, start: Start, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "suppliers.csv").write_text(suppliers(3))
    number = start()

    def always(*_: object) -> Outcome:
        raise IntegrityError("insert", {}, Exception("unique"))

    monkeypatch.setattr(ChunkWriter, "write", always)
    import_run.run(importing, number, 1)
    status, counts, error = look(importing.sessions, number)
    assert (status, counts) == ("INTEGRATION_FAILED", {})
    assert re.search(r"Internal error, .*: IntegrityError \(Exception\) in datahub/jobs/[\w/]+\.py:\d+, ", error or "")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_chunk_whose_transaction_was_ended_as_idle_is_written_by_the_next_worker(
    importing: Context, start: Start, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "suppliers.csv").write_text(suppliers(15))
    number = start()
    write = ChunkWriter.write

    def too_late(self: ChunkWriter, rows: list[SpooledRow], now: datetime) -> Outcome:
        let_it_be_ended(self._connection)
        return write(self, rows, now)

    with monkeypatch.context() as patch:
        patch.setattr(ChunkWriter, "write", too_late)
        import_run.run(importing, number, 1)
    assert look(importing.sessions, number) == (INTEGRATION_STARTED, {}, None)
    take_back(importing)
    import_run.run(importing, number, 3)
    assert look(importing.sessions, number)[:2] == (INTEGRATION_DONE, {"created": 15})


def test_half_a_spool_of_a_dead_worker_is_never_written(
    importing: Context, start: Start, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = read_alone(importing, start, folder, monkeypatch)
    for spool in Path(importing.settings.spool_folder).iterdir():
        spool.unlink()

    with monkeypatch.context() as patch:
        patch.setattr("datahub.storage.Spool.add", die)
        with pytest.raises(Killed):
            import_run.run(importing, number, 2)
    take_back(importing)
    import_run.run(importing, number, 3)
    assert look(importing.sessions, number)[:2] == (INTEGRATION_DONE, {"created": 15})


def test_what_dead_workers_left_in_the_spool_is_swept_once_it_has_ended(
    importing: Context, start: Start, folder: Path
) -> None:
    (folder / "suppliers.csv").write_text(suppliers(1))
    ended, waiting, other = start(), start(), start()
    let_go(importing, ended)
    spool = Path(importing.settings.spool_folder)
    with importing.sessions() as session:
        names = [session.get_one(Execution, number).public_id for number in (ended, waiting)]
    for name in (*names, "foreign"):
        for kind in (".spool", ".reading", ".source"):
            (spool / f"{name}{kind}").touch()
    import_run.run(importing, other, 1)
    assert {path.stem for path in spool.iterdir()} == {names[1], "foreign"}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_record_that_a_script_creates_at_the_same_moment_is_updated_instead(
    importing: Context, start: Start, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "suppliers.csv").write_text(suppliers(15))
    number = start()
    scripts = iter(["S-3", "S-4", "S-12"])
    apply = Merge.apply

    def too_late(self: Merge, now: datetime) -> None:
        if (key := next(scripts, None)) is not None:
            with importing.sessions.begin() as session:
                records.put(session, "SUPPLIER", key, fields={"name": "By script"}, custom_fields={}, actor="script")
        apply(self, now)

    monkeypatch.setattr(Merge, "apply", too_late)
    import_run.run(importing, number, 1)
    assert look(importing.sessions, number) == (INTEGRATION_DONE, {"created": 12, "updated": 3}, None)
    with importing.sessions() as session:
        named = session.scalars(select(Supplier.name).where(Supplier.external_id.in_(["S-3", "S-4", "S-12"])))
        assert sorted(named) == ["Supplier 12", "Supplier 3", "Supplier 4"]
        lines = session.scalars(select(Change.line).where(Change.execution_id == number)).all()
        assert sorted(line for line in lines if line) == list(range(2, 17)), "the ledger has each row once"
