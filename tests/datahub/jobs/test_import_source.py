"""The one file of a job is fetched from a real sshd once it is complete."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from datahub.jobs import import_folder, import_run
from datahub.jobs.context import Context
from datahub.jobs.import_executions import MOST_TRIES
from datahub.jobs.import_read import Source
from datahub.models.connection import Connection
from datahub.models.execution import INTEGRATION_DONE, JOB_FAILED, JOB_INITIALIZING
from datahub.transports.base import Transport
from datahub.transports.sftp import SftpTransport
from tests.datahub.jobs.test_import_run import HEADER, Start, importing, look, start, suppliers
from tests.datahub.jobs.test_import_tries import last_event, make_due, read_alone

__all__ = ["importing", "start"]

PATH = "out/suppliers.csv"


@pytest.fixture
def file(folder: Path) -> Path:
    (folder / "suppliers.csv").write_text(suppliers(2))
    return folder / "suppliers.csv"


def between_looks(context: Context, monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> list[float]:
    """Calls `act` instead of waiting for a file to settle; the result has every such wait."""
    waits: list[float] = []
    sleep = asyncio.sleep

    async def act_instead(seconds: float) -> None:
        if seconds == context.settings.settle_seconds:
            waits.append(seconds)
            act()
        else:
            await sleep(seconds)

    monkeypatch.setattr(asyncio, "sleep", act_instead)
    return waits


def postponed(context: Context, execution_id: int) -> str:
    """Why; and that nothing of it was kept on this machine."""
    assert list(Path(context.settings.spool_folder).iterdir()) == []
    status, counts, _ = look(context.sessions, execution_id)
    assert (status, counts) == (JOB_INITIALIZING, {})
    return last_event(context, execution_id)[2]


def test_a_file_that_grows_between_the_looks_is_imported_later_and_whole(
    importing: Context, start: Start, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = start()

    def grow() -> None:
        file.write_text(suppliers(5))

    with monkeypatch.context() as patch:
        between_looks(importing, patch, grow)
        import_run.run(importing, number, 1)
    why = postponed(importing, number)
    assert why.startswith(f"{PATH} is still being written") and "Next try in" in why
    file.write_text(suppliers(7))
    make_due(importing)
    import_run.run(importing, number, 2)
    assert look(importing.sessions, number) == (INTEGRATION_DONE, {"created": 7}, None)


def test_a_file_replaced_between_look_and_download_is_imported_later(
    importing: Context, start: Start, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    download, number = import_folder.download, start()

    async def replace(transport: Transport, *rest: Any) -> Source:
        file.write_text(suppliers(3, first=10))
        return await download(transport, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(import_folder, "download", replace)
        import_run.run(importing, number, 1)
    assert postponed(importing, number).startswith(f"{PATH} is still being written")
    make_due(importing)
    import_run.run(importing, number, 2)
    assert look(importing.sessions, number) == (INTEGRATION_DONE, {"created": 3}, None)


@pytest.mark.parametrize("place", ["between the looks", "before the download"])
def test_a_file_taken_away_meanwhile_may_come_back_until_the_next_try(
    importing: Context, start: Start, file: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    download, number = import_folder.download, start()

    async def take_away(transport: Transport, *rest: Any) -> Source:
        file.unlink()
        return await download(transport, *rest)

    with monkeypatch.context() as patch:
        if place == "between the looks":
            between_looks(importing, patch, file.unlink)
        else:
            patch.setattr(import_folder, "download", take_away)
        import_run.run(importing, number, 1)
    assert postponed(importing, number).startswith(f"{PATH} is still being written")
    make_due(importing)
    import_run.run(importing, number, 2)
    status, _, error = look(importing.sessions, number)
    assert status == JOB_FAILED and f"There is no file {PATH}" in (error or "")


def test_a_file_that_grows_for_ever_ends_with_what_to_do_and_nothing_written(
    importing: Context, start: Start, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = start()

    def grow() -> None:
        with file.open("a") as more:
            more.write("S-1;Again;1\n")

    between_looks(importing, monkeypatch, grow)
    for attempt in range(1, MOST_TRIES + 1):
        make_due(importing)
        import_run.run(importing, number, attempt)
    assert look(importing.sessions, number) == (
        JOB_FAILED,
        {},
        f"{PATH} is still being written: it did not stay the same for 0.05 s (SETTLE_SECONDS) and until it was read. "
        "Run the job again when its sender is done. Senders that take long should write under another name, and rename "
        "the file when it is complete. Given up after 3 tries in a row that came to nothing.",
    )


@pytest.mark.parametrize(
    ("path", "told"), [("out/none.csv", "There is no file out/none.csv"), ("out", "is a folder, not a file")]
)
def test_what_is_no_file_is_said_without_a_wait(
    importing: Context, start: Start, folder: Path, monkeypatch: pytest.MonkeyPatch, path: str, told: str
) -> None:
    number = start(file_path=path)
    waits = between_looks(importing, monkeypatch, lambda: None)
    import_run.run(importing, number, 1)
    status, _, error = look(importing.sessions, number)
    assert (status, waits) == (JOB_FAILED, []) and told in (error or "")


def test_a_file_that_comes_after_the_look_is_not_read_unseen(
    importing: Context, start: Start, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_head, number = SftpTransport.read_head, start()

    async def come(*args: Any) -> bytes:
        (folder / "suppliers.csv").write_text(HEADER)
        return await read_head(*args)

    monkeypatch.setattr(SftpTransport, "read_head", come)
    import_run.run(importing, number, 1)
    assert postponed(importing, number).startswith(f"{PATH} is still being written")


def test_what_was_read_before_is_fetched_again_without_a_wait(
    importing: Context, start: Start, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = read_alone(importing, start, folder, monkeypatch)
    for spool in Path(importing.settings.spool_folder).iterdir():
        spool.unlink()
    waits = between_looks(importing, monkeypatch, lambda: None)
    import_run.run(importing, number, 2)
    assert (look(importing.sessions, number), waits) == ((INTEGRATION_DONE, {"created": 15}, None), [])


def test_a_server_that_tells_no_sizes_is_believed_its_times(
    importing: Context, start: Start, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stat, number = SftpTransport.stat, start()

    async def without_size(self: SftpTransport, path: str) -> Any:
        facts = await stat(self, path)
        return facts and dataclasses.replace(facts, size=None)

    monkeypatch.setattr(SftpTransport, "stat", without_size)
    import_run.run(importing, number, 1)
    assert look(importing.sessions, number) == (INTEGRATION_DONE, {"created": 2}, None)


def test_a_connection_tells_when_an_import_last_read_over_it(importing: Context, start: Start, file: Path) -> None:
    numbers = [start(upload=("mine.csv", suppliers(1).encode())), start(file_path="out/gone.csv"), start()]
    for number in numbers:
        import_run.run(importing, number, 1)
    with importing.sessions() as session:
        noted = session.scalars(select(Connection.last_success_at).order_by(Connection.id)).all()
    assert [at is not None for at in noted] == [False, False, True]
