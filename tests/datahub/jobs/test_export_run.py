"""Batches against a real sshd, called in this process; real workers are in tests/journeys."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
from sqlalchemy import event, select, update
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.errors import IllegalMoveError
from datahub.jobs import executions, export_run, lifecycle, orders
from datahub.jobs.context import Context
from datahub.jobs.lease import LeaseKeeper
from datahub.jobs.lifecycle import Claim
from datahub.models.connection import Connection
from datahub.models.execution import ERROR, JOB_PENDING, JOB_STARTED, JOB_STOPPED, SUCCESS, Execution
from datahub.models.export_job import ExportJob
from tests.factories import make_order
from tests.servers import SshServer

ACCEPTED = "ACCEPTED_BY_SUPPLIER"


def statuses(sessions: sessionmaker[Session]) -> list[str]:
    with sessions() as session:
        return list(session.scalars(select(Execution.status).order_by(Execution.id)))


def test_one_message_delivers_every_due_execution_of_the_job(
    context: Context, owe: Callable[..., list[int]], folder: Path
) -> None:
    ids = owe(60)
    export_run.run(context, ids[0], 1)
    assert statuses(context.sessions) == [SUCCESS] * 60
    with context.sessions() as session:
        for execution in session.scalars(select(Execution)):
            assert execution.payload is not None
            assert (folder / f"{execution.entity_reference}.xml").read_bytes() == execution.payload.content
            assert (execution.attempts, execution.token) == (1, None)
            assert [event.to_status for event in execution.events] == [JOB_PENDING, JOB_STARTED, SUCCESS]
        assert session.scalars(select(Connection)).one().last_success_at is not None
    assert len(list(folder.iterdir())) == 60, "no temporary file stays"


def test_a_beat_between_the_success_and_what_follows_it_does_not_count_as_a_stop(
    context: Context, owe: Callable[..., list[int]], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A beat then finds the execution ended."""
    (execution_id,) = owe()
    is_noticed, let_go, succeed = threading.Event(), LeaseKeeper._let_go, lifecycle.succeed

    def notice(keeper: LeaseKeeper, claim: Claim) -> None:
        let_go(keeper, claim)
        is_noticed.set()

    def succeed_slowly(session: Session, claim: Claim, *, reason: str) -> None:
        succeed(session, claim, reason=reason)
        event.listen(session, "after_commit", lambda _: is_noticed.wait(10), once=True)

    monkeypatch.setattr(LeaseKeeper, "_let_go", notice)
    monkeypatch.setattr(lifecycle, "succeed", succeed_slowly)
    with structlog.testing.capture_logs() as logs:
        export_run.run(context, execution_id, 1)
    assert is_noticed.is_set()
    assert statuses(context.sessions) == [SUCCESS]
    assert [line["event"] for line in logs] == ["export delivered"]
    with context.sessions() as session:
        assert session.scalars(select(Connection)).one().last_success_at is not None


def test_a_message_whose_execution_is_taken_or_ended_does_nothing(
    context: Context, owe: Callable[..., list[int]], folder: Path
) -> None:
    (execution_id,) = owe()
    for _ in range(3):
        export_run.run(context, execution_id, 1)
    export_run.run(context, execution_id, 2)
    with context.sessions() as session:
        assert session.get_one(Execution, execution_id).attempts == 1


def test_a_missing_folder_is_tried_again_with_the_same_bytes_and_name(
    context: Context, owe: Callable[..., list[int]], sshd: SshServer
) -> None:
    (execution_id,) = owe(file_name_format="STANDARD", export_format="JSON")
    export_run.run(context, execution_id, 1)
    with context.sessions.begin() as session:
        failed = session.get_one(Execution, execution_id)
        assert failed.status == JOB_PENDING
        assert failed.error is not None
        assert "out" in failed.error
        assert failed.next_attempt_at is not None
        assert failed.next_attempt_at - failed.executed_at == timedelta(seconds=context.settings.retry_seconds)
        assert failed.payload is not None
        name, content = failed.payload.file_name, failed.payload.content
        failed.next_attempt_at = database_now(session)
    (sshd.files / "out").mkdir()
    export_run.run(context, execution_id, 2)
    assert statuses(context.sessions) == [SUCCESS]
    assert (sshd.files / "out" / name).read_bytes() == content


def test_the_last_attempt_that_fails_is_an_error_for_a_person(
    context: Context, owe: Callable[..., list[int]], sshd: SshServer
) -> None:
    (execution_id,) = owe()
    for attempt in range(1, 7):
        export_run.run(context, execution_id, attempt)
        with context.sessions.begin() as session:
            session.execute(update(Execution).values(next_attempt_at=database_now(session)))
    with context.sessions() as session:
        failed = session.get_one(Execution, execution_id)
        assert (failed.status, failed.attempts) == (ERROR, 6)
        assert [event.to_status for event in failed.events] == [
            JOB_PENDING,
            *[JOB_STARTED, JOB_PENDING] * 5,
            JOB_STARTED,
            ERROR,
        ]


def test_an_unaccepted_host_key_is_an_error_at_once(context: Context, owe: Callable[..., list[int]]) -> None:
    (execution_id,) = owe()
    with context.sessions.begin() as session:
        session.execute(update(Connection).values(host_key=None))
    export_run.run(context, execution_id, 1)
    assert statuses(context.sessions) == [ERROR]


def test_an_order_that_cannot_be_written_fails_alone(
    context: Context, owe: Callable[..., list[int]], folder: Path
) -> None:
    ids = owe(5)
    with context.sessions.begin() as session:
        snapshot = session.get_one(Execution, ids[2]).snapshot
        assert snapshot is not None
        snapshot.document = snapshot.document | {"orderOrigin": "\x00", "reference": ""}
    export_run.run(context, ids[0], 1)
    assert statuses(context.sessions) == [SUCCESS, SUCCESS, ERROR, SUCCESS, SUCCESS]
    assert len(list(folder.iterdir())) == 4


def test_a_stopped_execution_is_never_delivered(context: Context, owe: Callable[..., list[int]], folder: Path) -> None:
    (execution_id,) = owe()
    with context.sessions.begin() as session:
        executions.stop(session, session.get_one(Execution, execution_id), actor="ada")
    export_run.run(context, execution_id, 1)
    assert statuses(context.sessions) == [JOB_STOPPED]
    assert list(folder.iterdir()) == []
    with context.sessions() as session, pytest.raises(IllegalMoveError):
        executions.stop(session, session.get_one(Execution, execution_id), actor="ada")


def test_the_exports_of_one_order_go_out_in_the_order_of_its_statuses(
    context: Context, owe: Callable[..., list[int]], sshd: SshServer
) -> None:
    (first,) = owe(trigger_statuses=[ACCEPTED, "SHIPPED"])
    with context.sessions.begin() as session:
        order = session.get_one(Execution, first).order
        assert order is not None
        (second,) = [execution.id for execution in orders.change_status(session, order, "SHIPPED", actor="ada")]
    export_run.run(context, second, 1)
    assert statuses(context.sessions) == [JOB_PENDING, JOB_PENDING], "the later one waits for the earlier"
    (sshd.files / "out").mkdir()
    export_run.run(context, first, 1)
    assert statuses(context.sessions) == [SUCCESS, SUCCESS]
    (file,) = (sshd.files / "out").iterdir()
    assert b"<status>SHIPPED</status>" in file.read_bytes()


def test_exports_wait_while_their_connection_is_disabled(
    context: Context, owe: Callable[..., list[int]], folder: Path
) -> None:
    (execution_id,) = owe()
    with context.sessions.begin() as session:
        session.execute(update(Connection).values(active=False))
    export_run.run(context, execution_id, 1)
    with context.sessions() as session:
        waiting = session.get_one(Execution, execution_id)
        assert (waiting.status, waiting.attempts) == (JOB_PENDING, 0)


def test_a_renamed_file_of_an_earlier_attempt_counts_as_delivered(
    context: Context, owe: Callable[..., list[int]], folder: Path
) -> None:
    (execution_id,) = owe()
    export_run.run(context, execution_id, 1)
    (file,) = folder.iterdir()
    pretend_crash_before_success(context, execution_id)
    file_before = file.stat().st_mtime_ns
    export_run.run(context, execution_id, 2)
    with context.sessions() as session:
        again = session.get_one(Execution, execution_id)
        assert (again.status, again.may_have_arrived_twice) == (SUCCESS, False)
    assert file.stat().st_mtime_ns == file_before, "nothing was sent again"


def test_a_file_that_vanished_after_the_marker_is_sent_again_and_marked(
    context: Context, owe: Callable[..., list[int]], folder: Path
) -> None:
    (execution_id,) = owe()
    export_run.run(context, execution_id, 1)
    (file,) = folder.iterdir()
    content = file.read_bytes()
    file.unlink()
    pretend_crash_before_success(context, execution_id)
    export_run.run(context, execution_id, 2)
    with context.sessions() as session:
        again = session.get_one(Execution, execution_id)
        assert (again.status, again.may_have_arrived_twice) == (SUCCESS, True)
        assert any("twice" in event.reason for event in again.events)
    assert file.read_bytes() == content


@pytest.mark.parametrize("marked", [True, False])
def test_a_whole_temporary_file_under_the_marker_is_renamed_and_a_doubtful_one_replaced(
    context: Context, owe: Callable[..., list[int]], folder: Path, marked: bool
) -> None:
    (execution_id,) = owe()
    export_run.run(context, execution_id, 1)
    with context.sessions.begin() as session:
        execution = session.get_one(Execution, execution_id)
        final = folder / f"{execution.entity_reference}.xml"
        temporary = folder / f".{execution.public_id}-1.part"
    final.rename(temporary)
    left = temporary.stat()
    if not marked:
        temporary.write_bytes(b"x" * left.st_size)
    pretend_crash_before_success(context, execution_id, marked=marked)
    export_run.run(context, execution_id, 2)
    with context.sessions() as session:
        payload = session.get_one(Execution, execution_id).payload
        assert payload is not None
        assert final.read_bytes() == payload.content
    assert not marked or final.stat().st_ino == left.st_ino, "renamed, not sent again"
    assert list(folder.iterdir()) == [final]


def test_a_marker_says_nothing_about_another_folder(
    context: Context, owe: Callable[..., list[int]], folder: Path, sshd: SshServer
) -> None:
    (execution_id,) = owe()
    export_run.run(context, execution_id, 1)
    (file,) = folder.iterdir()
    content = file.read_bytes()
    file.unlink()
    other = sshd.files / "other"
    other.mkdir()
    (other / file.name).write_bytes(b"x" * len(content))
    pretend_crash_before_success(context, execution_id)
    with context.sessions.begin() as session:
        session.scalars(select(ExportJob)).one().output_folder = "nowhere"
    export_run.run(context, execution_id, 2)
    with context.sessions.begin() as session:
        assert session.get_one(Execution, execution_id).status == JOB_PENDING
        session.get_one(Execution, execution_id).next_attempt_at = database_now(session)
        session.scalars(select(ExportJob)).one().output_folder = "other"
    export_run.run(context, execution_id, 3)
    assert (other / file.name).read_bytes() == content
    with context.sessions() as session:
        again = session.get_one(Execution, execution_id)
        assert (again.status, again.may_have_arrived_twice) == (SUCCESS, True)


def test_what_a_stopped_execution_left_is_swept_over_the_next_connection(
    context: Context, owe: Callable[..., list[int]], folder: Path
) -> None:
    stopped_id, next_id = owe(2)
    with context.sessions.begin() as session:
        session.get_one(Execution, next_id).next_attempt_at = database_now(session) + timedelta(hours=1)
    with context.sessions.begin() as session:
        execution = session.get_one(Execution, stopped_id)
        (folder / f"{execution.entity_reference}.xml" / "full").mkdir(parents=True)
    export_run.run(context, stopped_id, 1)
    assert len([path for path in folder.iterdir() if path.name.startswith(".")]) == 1, "the rename failed"
    with context.sessions.begin() as session:
        execution = session.get_one(Execution, stopped_id)
        executions.stop(session, execution, actor="ada")
        session.get_one(Execution, next_id).next_attempt_at = database_now(session)
    export_run.run(context, next_id, 1)
    assert [path for path in folder.iterdir() if path.name.startswith(".")] == []
    with context.sessions() as session:
        assert not session.get_one(Execution, stopped_id).left_behind


def test_a_long_name_bears_the_time_of_the_first_attempt_even_if_nobody_listened(
    context: Context, owe: Callable[..., list[int]], folder: Path, sshd: SshServer
) -> None:
    (execution_id,) = owe(file_name_format="STANDARD")
    with context.sessions.begin() as session:
        session.execute(update(Connection).values(port=1))
    export_run.run(context, execution_id, 1)
    with context.sessions.begin() as session:
        failed = session.get_one(Execution, execution_id)
        assert failed.payload is not None
        assert f"{failed.executed_at:_%Y%m%dT%H%M%S_}" in failed.payload.file_name
        name, failed.next_attempt_at = failed.payload.file_name, database_now(session)
        session.execute(update(Connection).values(port=sshd.port, paused_until=None))
    export_run.run(context, execution_id, 2)
    assert [path.name for path in folder.iterdir()] == [name]


def test_run_owes_only_what_was_never_exported(context: Context, owe: Callable[..., list[int]]) -> None:
    owe(2)
    with context.sessions() as session:
        make_order(session, status=ACCEPTED)
        make_order(session, status="SHIPPED")
        job = session.scalars(select(ExportJob)).one()
        assert executions.run_job(session, job, actor="ada") == 1
        assert executions.run_job(session, job, actor="ada") == 0
    with context.sessions() as session:
        (run,) = session.scalars(select(Execution).where(Execution.origin == "RUN"))
        assert run.order is not None
        assert run.store_id == run.order.store_id


def test_a_retry_renders_again_and_a_resend_repeats_the_bytes(
    context: Context, owe: Callable[..., list[int]], folder: Path
) -> None:
    (execution_id,) = owe()
    export_run.run(context, execution_id, 1)
    with context.sessions.begin() as session:
        job = session.scalars(select(ExportJob)).one()
        job.export_format = "JSON"
        sent = session.get_one(Execution, execution_id)
        again = executions.resend(session, sent, actor="ada")
        assert (again.origin, again.predecessor_id) == ("RESEND", execution_id)
        assert (again.order_id, again.store_id) == (sent.order_id, sent.store_id)
        with pytest.raises(IllegalMoveError):
            executions.retry(session, sent, actor="ada")
        resent = again.id
    export_run.run(context, resent, 1)
    assert [path.suffix for path in folder.iterdir()] == [".xml"]
    with context.sessions.begin() as session:
        session.execute(update(Execution).where(Execution.id == resent).values(status=ERROR))
        retried = executions.retry(session, session.get_one(Execution, resent), actor="ada").id
    export_run.run(context, retried, 1)
    assert sorted(path.suffix for path in folder.iterdir()) == [".json", ".xml"]


def pretend_crash_before_success(context: Context, execution_id: int, *, marked: bool = True) -> None:
    with context.sessions.begin() as session:
        session.execute(
            update(Execution)
            .where(Execution.id == execution_id)
            .values(
                status=JOB_PENDING,
                next_attempt_at=database_now(session),
                ended_at=None,
                rename_attempt=1 if marked else None,
                rename_source=1 if marked else None,
            )
        )
