"""Exports to a server that lets nobody remove files: what must be gone there, and what may stay."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker
from structlog.testing import capture_logs

from datahub.db import database_now
from datahub.errors import ConnectionLostError, TransientError
from datahub.jobs import executions, export_leftovers, export_run
from datahub.jobs.context import Context
from datahub.jobs.group_commit import GroupCommit
from datahub.models.execution import ERROR, JOB_PENDING, SUCCESS, Execution
from datahub.transports.sftp import SftpTransport
from tests.servers import SshServer, start_sshd

Owe = Callable[..., list[int]]


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[SshServer]:
    server = start_sshd(tmp_path / "sshd", refused="remove")
    yield server
    server.stop(kill=True)


def read(sessions: sessionmaker[Session], execution_id: int) -> Execution:
    with sessions() as session:
        execution = session.get_one(Execution, execution_id)
        assert execution.events
        return execution


def hold_back(context: Context) -> None:
    """What is due, so that a batch takes nothing along."""
    with context.sessions.begin() as session:
        session.execute(update(Execution).values(next_attempt_at=None))


def run(context: Context, execution_id: int) -> Execution:
    """The next attempt, at once."""
    with context.sessions.begin() as session:
        execution = session.get_one(Execution, execution_id)
        execution.next_attempt_at = database_now(session)
        attempt = execution.attempts + 1
    export_run.run(context, execution_id, attempt)
    return read(context.sessions, execution_id)


def refuse_the_rename(context: Context, execution_id: int, folder: Path) -> None:
    """One attempt, whose temporary file stays: a folder of its file's name cannot be replaced."""
    blocking = folder / f"{read(context.sessions, execution_id).entity_reference}.xml" / "full"
    blocking.mkdir(parents=True)
    run(context, execution_id)
    blocking.rmdir()
    blocking.parent.rmdir()


def retry(context: Context, execution_id: int) -> int:
    with context.sessions.begin() as session:
        execution = session.get_one(Execution, execution_id)
        executions.stop(session, execution, actor="ada")
        return executions.retry(session, execution, actor="ada").id


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_first_attempt_that_left_nothing_is_repaired(context: Context, owe: Owe, sshd: SshServer) -> None:
    (execution_id,) = owe()
    assert run(context, execution_id).status == JOB_PENDING
    folder = sshd.files / "out"
    folder.mkdir()
    done = run(context, execution_id)
    assert (done.status, done.left_behind, done.events[-1].reason) == (SUCCESS, False, "delivered")
    assert names(folder) == [f"{done.entity_reference}.xml"]


def test_a_file_that_stays_is_told_and_swept_once_that_is_possible(
    context: Context, owe: Owe, sshd: SshServer, folder: Path
) -> None:
    execution_id, next_id = owe(2)
    hold_back(context)
    refuse_the_rename(context, execution_id, folder)
    done = run(context, execution_id)
    temporary = f".{done.public_id}-1.part"
    assert (done.status, done.left_behind) == (SUCCESS, True)
    assert "lets nobody remove" in done.events[-1].reason
    assert names(folder) == [temporary, f"{done.entity_reference}.xml"]
    sshd.stop()
    allowing = start_sshd(sshd.folder, sshd.port)
    try:
        assert run(context, next_id).status == SUCCESS
    finally:
        allowing.stop(kill=True)
    assert temporary not in names(folder)
    assert not read(context.sessions, execution_id).left_behind


def test_what_an_ended_export_left_is_not_in_the_way_of_its_retry(context: Context, owe: Owe, folder: Path) -> None:
    (execution_id,) = owe()
    refuse_the_rename(context, execution_id, folder)
    assert run(context, retry(context, execution_id)).status == SUCCESS
    assert read(context.sessions, execution_id).left_behind


@pytest.mark.parametrize("is_removed_by_hand", [True, False])
def test_a_file_that_may_yet_get_its_final_name_must_be_gone(
    context: Context, owe: Owe, folder: Path, is_removed_by_hand: bool
) -> None:
    async def hang(*_: object) -> None:
        raise ConnectionLostError("fell silent")

    (execution_id,) = owe()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SftpTransport, "rename", hang)
        run(context, execution_id)
    (temporary,) = folder.iterdir()
    if is_removed_by_hand:
        temporary.unlink()
    retried = run(context, retry(context, execution_id))
    if is_removed_by_hand:
        assert retried.status == SUCCESS
        return
    assert retried.status == JOB_PENDING
    assert retried.error is not None
    assert f"no permission to remove out/{temporary.name}" in retried.error
    assert names(folder) == [temporary.name]


def test_an_error_that_left_nothing_is_not_swept_for_ever(context: Context, owe: Owe, sshd: SshServer) -> None:
    (execution_id,) = owe()
    with context.sessions.begin() as session:
        session.get_one(Execution, execution_id).attempts = context.settings.max_attempts - 1
    failed = run(context, execution_id)
    assert (failed.status, failed.left_behind) == (ERROR, False)


def test_a_batch_asks_a_folder_that_refuses_once(context: Context, owe: Owe, folder: Path) -> None:
    *stopped, last = owe(4)
    hold_back(context)
    for execution_id in stopped:
        refuse_the_rename(context, execution_id, folder)
        with context.sessions.begin() as session:
            executions.stop(session, session.get_one(Execution, execution_id), actor="ada")
    with capture_logs() as lines:
        assert run(context, last).status == SUCCESS
    assert [line["event"] for line in lines].count("a temporary file stays") == 1


class Grudging:
    """A server that lets nobody remove files of one folder."""

    def __init__(self) -> None:
        self.removed: list[str] = []

    async def stat(self, path: str) -> str:
        return path

    async def remove(self, path: str) -> None:
        if path.startswith("drop/"):
            raise TransientError("It refuses.")
        self.removed.append(path)


def test_folders_that_refuse_do_not_keep_others_from_being_swept(
    context: Context, owe: Owe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_leftovers, "MOST", 2)
    older, *newer = owe(4)
    with context.sessions.begin() as session:
        ended = {"status": ERROR, "attempts": 1, "left_behind": True, "sent_server": "ada@erp:22"}
        session.execute(update(Execution).values(sent_folder="drop", ended_at=database_now(session), **ended))
        session.execute(update(Execution).where(Execution.id == older).values(sent_folder="out"))

    async def sweep(transport: Grudging) -> None:
        ledger = GroupCommit(context.sessions)
        try:
            await export_leftovers.sweep("ada@erp:22", transport, ledger)
        finally:
            ledger.close()

    transport = Grudging()
    asyncio.run(sweep(transport))
    assert transport.removed == [f"out/.{read(context.sessions, older).public_id}-1.part"]
    assert [read(context.sessions, number).left_behind for number in (older, *newer)] == [False, True, True, True]
