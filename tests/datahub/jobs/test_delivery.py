"""What an attempt makes of what earlier ones left: the marker, temporary files, doubts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.orm import Session, sessionmaker
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from datahub.db import database_now
from datahub.errors import ConnectionLostError, TransientError
from datahub.jobs import executions, export_leftovers, export_run, lifecycle, orders, reconcile
from datahub.jobs.context import Context
from datahub.models.execution import ERROR, JOB_PENDING, JOB_STARTED, JOB_STOPPED, SUCCESS, Execution
from datahub.models.export_job import ExportJob
from datahub.settings import Settings
from datahub.transports.sftp import SftpTransport
from datahub.vault import Vault
from tests.factories import add_connection, make_job, make_order
from tests.idle_transaction import let_it_be_ended
from tests.servers import SshServer

Sessions = sessionmaker[Session]
Await = Callable[[], None]


@pytest.fixture
def execution_id(sessions: Sessions, vault: Vault, sshd: SshServer) -> int:
    with sessions.begin() as session:
        make_job(session, add_connection(session, vault, sshd))
        (execution,) = orders.change_status(session, make_order(session), "ACCEPTED_BY_SUPPLIER", actor="ada")
        return execution.id


@contextmanager
def database_away_at(owner: object, name: str) -> Iterator[None]:
    """As if the database, and the worker with it, went away there."""

    def go_away(*_: object, **__: object) -> None:
        raise OperationalError("", {}, Exception("away"))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, go_away)
        yield


@pytest.fixture
def let_lease_run_out(sessions: Sessions, settings: Settings) -> Await:
    def let_lease_run_out() -> None:
        with sessions.begin() as session:
            session.execute(update(Execution).values(lease_until=database_now(session) - timedelta(seconds=1)))
        with sessions.begin() as session:
            assert reconcile.reap(session, settings) == 1

    return let_lease_run_out


def read(sessions: Sessions, execution_id: int) -> Execution:
    with sessions() as session:
        return session.get_one(Execution, execution_id)


def test_a_late_partial_file_of_an_older_attempt_is_no_evidence(
    context: Context, execution_id: int, folder: Path, let_lease_run_out: Await
) -> None:
    with database_away_at(SftpTransport, "upload"):
        export_run.run(context, execution_id, 1)
    let_lease_run_out()
    with database_away_at(lifecycle, "succeed"):
        export_run.run(context, execution_id, 2)
    (delivered,) = folder.iterdir()
    delivered_as = delivered.stat().st_ino
    # Only now does the server carry out what the first attempt asked for.
    late = folder / export_leftovers.temporary_name(read(context.sessions, execution_id).public_id, 1)
    late.write_bytes(b"half a fi")
    let_lease_run_out()
    export_run.run(context, execution_id, 3)
    found = read(context.sessions, execution_id)
    assert (found.status, found.may_have_arrived_twice) == (SUCCESS, False)
    assert [path.stat().st_ino for path in folder.iterdir()] == [delivered_as], "not sent again, nothing left"


def test_a_late_partial_file_does_not_hide_that_the_file_was_taken(
    context: Context, execution_id: int, folder: Path, let_lease_run_out: Await
) -> None:
    with database_away_at(SftpTransport, "upload"):
        export_run.run(context, execution_id, 1)
    let_lease_run_out()
    with database_away_at(lifecycle, "succeed"):
        export_run.run(context, execution_id, 2)
    (delivered,) = folder.iterdir()
    delivered.unlink()
    (folder / export_leftovers.temporary_name(read(context.sessions, execution_id).public_id, 1)).write_bytes(b"")
    let_lease_run_out()
    export_run.run(context, execution_id, 3)
    found = read(context.sessions, execution_id)
    assert (found.status, found.may_have_arrived_twice) == (SUCCESS, True)


def test_a_worker_that_dies_after_the_last_rename_leaves_an_error_that_says_so_and_so_does_the_retry(
    context: Context, execution_id: int, folder: Path, let_lease_run_out: Await
) -> None:
    with context.sessions.begin() as session:
        session.execute(update(Execution).values(attempts=context.settings.max_attempts - 1))
    with database_away_at(lifecycle, "succeed"):
        export_run.run(context, execution_id, context.settings.max_attempts)
    let_lease_run_out()
    failed = read(context.sessions, execution_id)
    assert failed.status == ERROR
    assert lifecycle.MAY_HAVE_ARRIVED in (failed.error or "")
    with context.sessions.begin() as session:
        retried = executions.retry(session, session.get_one(Execution, execution_id), actor="ada").id
    export_run.run(context, retried, 1)
    again = read(context.sessions, retried)
    assert (again.status, again.may_have_arrived_twice) == (SUCCESS, True)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("step", ["save", "succeed"])
def test_a_step_whose_transaction_was_ended_as_idle_costs_a_try_and_is_no_fault_of_ours(
    context: Context, execution_id: int, folder: Path, let_lease_run_out: Await, step: str
) -> None:
    done = getattr(lifecycle, step)

    def too_late(session: Session, *given: object, **named: object) -> object:
        let_it_be_ended(session.connection())
        return done(session, *given, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lifecycle, step, too_late)
        export_run.run(context, execution_id, 1)
    found = read(context.sessions, execution_id)
    assert (found.status, found.error) == (JOB_STARTED, None)
    let_lease_run_out()
    export_run.run(context, execution_id, 2)
    assert read(context.sessions, execution_id).status == SUCCESS
    assert len(list(folder.iterdir())) == 1


def hang_at_the_rename(context: Context, execution_id: int) -> None:
    """The first attempt: its request is out, the answer never came."""

    async def hang(*_: object) -> None:
        raise ConnectionLostError("fell silent")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SftpTransport, "rename", hang)
        export_run.run(context, execution_id, 1)


def try_again(context: Context, execution_id: int) -> Execution:
    with context.sessions.begin() as session:
        execution = session.get_one(Execution, execution_id)
        execution.next_attempt_at = database_now(session)
        attempt = execution.attempts + 1
    export_run.run(context, execution_id, attempt)
    return read(context.sessions, execution_id)


@contextmanager
def carried_out_late(name: str, folder: Path, final: Path) -> Iterator[None]:
    """The server carries out the rename of the first attempt just before it is asked for `name`."""
    real = getattr(SftpTransport, name)

    async def late(self: SftpTransport, path: str, *rest: str) -> object:
        temporary = folder / Path(path).name
        if temporary.exists():
            temporary.rename(final)
        return await real(self, path, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SftpTransport, name, late)
        yield


@pytest.mark.parametrize("is_taken", [True, False])
def test_a_late_rename_that_beats_the_next_attempt_is_found_or_marked(
    context: Context, execution_id: int, folder: Path, is_taken: bool
) -> None:
    hang_at_the_rename(context, execution_id)
    final = folder / f"{read(context.sessions, execution_id).entity_reference}.xml"
    with carried_out_late("rename", folder, final):
        beaten = try_again(context, execution_id)
    assert list(folder.iterdir()) == [final]
    assert (beaten.status, beaten.rename_attempt) == (JOB_PENDING, 2), "the marker stays"
    if is_taken:
        final.unlink()
    found = try_again(context, execution_id)
    assert (found.status, found.may_have_arrived_twice) == (SUCCESS, is_taken)


def test_a_refusal_leaves_the_doubt_about_a_rename_that_may_yet_come(
    context: Context, execution_id: int, folder: Path
) -> None:
    hang_at_the_rename(context, execution_id)
    blocked = folder / f"{read(context.sessions, execution_id).entity_reference}.xml" / "full"
    blocked.mkdir(parents=True)
    refused = try_again(context, execution_id)
    assert (refused.status, refused.rename_attempt, refused.rename_source) == (JOB_PENDING, 1, 1)


def test_a_file_that_is_gone_when_it_is_to_be_removed_may_have_arrived(
    context: Context, execution_id: int, folder: Path, sshd: SshServer
) -> None:
    hang_at_the_rename(context, execution_id)
    other = sshd.files / "other"
    other.mkdir()
    with context.sessions.begin() as session:
        session.scalars(select(ExportJob)).one().output_folder = "other"
    taken = sshd.files / "taken.xml"
    with carried_out_late("remove", folder, taken):
        found = try_again(context, execution_id)
    assert taken.exists(), "it had arrived, and was taken"
    assert (found.status, found.may_have_arrived_twice) == (SUCCESS, True)


@pytest.fixture
def doubted(context: Context, execution_id: int, folder: Path) -> Execution:
    """The first attempt's file was taken; the second one saw that it is gone, and could not send it again."""
    with database_away_at(lifecycle, "succeed"):
        export_run.run(context, execution_id, 1)
    (taken,) = folder.iterdir()
    taken.unlink()
    with context.sessions.begin() as session:
        session.execute(update(Execution).values(lease_until=database_now(session) - timedelta(seconds=1)))
    with context.sessions.begin() as session:
        reconcile.reap(session, context.settings)
    with full_disk():
        export_run.run(context, execution_id, 2)
    return read(context.sessions, execution_id)


@contextmanager
def full_disk() -> Iterator[None]:
    async def refuse(*_: object) -> None:
        raise TransientError("its disk is full")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SftpTransport, "upload", refuse)
        yield


def test_a_doubt_outlives_the_attempt_that_found_it(context: Context, doubted: Execution, folder: Path) -> None:
    assert (doubted.status, doubted.rename_attempt, doubted.may_have_arrived_twice) == (JOB_PENDING, None, True)
    with context.sessions.begin() as session:
        session.execute(update(Execution).values(attempts=context.settings.max_attempts - 1))
    with full_disk():
        failed = try_again(context, doubted.id)
    assert failed.status == ERROR
    assert failed.error == f"its disk is full\n{lifecycle.MAY_HAVE_ARRIVED}"
    with context.sessions.begin() as session:
        retried = executions.retry(session, session.get_one(Execution, doubted.id), actor="ada")
        assert "may have arrived" in retried.events[0].reason
    again = try_again(context, retried.id)
    assert (again.status, again.may_have_arrived_twice) == (SUCCESS, True)


def test_a_worker_that_dies_in_doubt_leaves_an_error_that_says_so(
    context: Context, doubted: Execution, let_lease_run_out: Await
) -> None:
    with context.sessions.begin() as session:
        execution = session.get_one(Execution, doubted.id)
        execution.attempts = context.settings.max_attempts - 1
        execution.next_attempt_at = database_now(session)
    with database_away_at(SftpTransport, "upload"):
        export_run.run(context, doubted.id, context.settings.max_attempts)
    let_lease_run_out()
    failed = read(context.sessions, doubted.id)
    assert failed.status == ERROR
    assert lifecycle.MAY_HAVE_ARRIVED in (failed.error or "")


def test_a_doubt_is_told_by_the_stop_and_passed_along_a_chain_of_retries(context: Context, doubted: Execution) -> None:
    execution = doubted
    for _ in range(3):
        with context.sessions.begin() as session:
            stopped = session.get_one(Execution, execution.id)
            executions.stop(session, stopped, actor="ada")
            assert stopped.error == f"Stopped. {lifecycle.MAY_HAVE_ARRIVED}"
            assert "may have arrived" in stopped.events[-1].reason
            execution = executions.retry(session, stopped, actor="ada")
            assert execution.may_have_arrived_twice


def test_a_second_retry_inherits_the_doubt_about_the_first(context: Context, execution_id: int) -> None:
    with context.sessions.begin() as session:
        failed = session.get_one(Execution, execution_id)
        executions.stop(session, failed, actor="ada")
        first = executions.retry(session, failed, actor="ada")
        assert not first.may_have_arrived_twice
        first.rename_attempt = 1
        session.flush()
        executions.stop(session, first, actor="ada")
        assert executions.retry(session, failed, actor="ada").may_have_arrived_twice


def test_a_rename_that_the_server_refused_leaves_no_doubt(
    context: Context, execution_id: int, folder: Path, sshd: SshServer
) -> None:
    # A folder of the file's own name cannot be replaced by it.
    reference = read(context.sessions, execution_id).entity_reference
    (folder / f"{reference}.xml" / "full").mkdir(parents=True)
    export_run.run(context, execution_id, 1)
    refused = read(context.sessions, execution_id)
    assert (refused.status, refused.rename_attempt) == (JOB_PENDING, None)
    with context.sessions.begin() as session:
        executions.stop(session, session.get_one(Execution, execution_id), actor="ada")
    stopped = read(context.sessions, execution_id)
    assert stopped.status == JOB_STOPPED
    assert lifecycle.MAY_HAVE_ARRIVED not in (stopped.error or "")


def test_an_end_that_cannot_be_recorded_is_told_and_left_to_the_next_attempt(
    context: Context, execution_id: int, folder: Path, let_lease_run_out: Await
) -> None:
    def refuse(*_: object) -> None:
        raise DataError("", {}, Exception("a value that the database refuses"))

    with full_disk(), pytest.MonkeyPatch.context() as patch, capture_logs([merge_contextvars]) as lines:
        patch.setattr(lifecycle, "fail", refuse)
        export_run.run(context, execution_id, 1)
    public_id = read(context.sessions, execution_id).public_id
    (line,) = [line for line in lines if line["log_level"] == "error"]
    assert (line["execution"], line["attempt"]) == (public_id, 1)
    assert isinstance(line["exc_info"], DataError)
    let_lease_run_out()
    assert try_again(context, execution_id).status == SUCCESS
