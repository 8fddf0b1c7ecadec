"""Files that move, change or are read again in the middle of an import of their folder."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path
from typing import Any

import pytest

from datahub.jobs import executions, import_folder, import_run
from datahub.jobs.context import Context
from datahub.jobs.import_read import Source
from datahub.models.execution import (
    INTEGRATION_DONE,
    INTEGRATION_DONE_WITH_ERRORS,
    INTEGRATION_FAILED,
    INTEGRATION_WAITING,
    JOB_STOPPED,
    Execution,
)
from datahub.transports.base import Transport
from tests.datahub.jobs.import_folders.seen import Trigger, files_of, ledger, names, warnings_of
from tests.datahub.jobs.test_import_run import look, suppliers, take_back
from tests.killed import Killed, at, die


def test_a_file_that_grows_is_left_to_the_next_run(
    importing: Context, trigger: Trigger, inbound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (inbound / "a.csv").write_text(suppliers(1))
    (inbound / "b.csv").write_text(suppliers(1, first=2))
    wait = asyncio.sleep

    async def grow(seconds: float) -> None:
        with (inbound / "b.csv").open("a") as file:
            file.write("S-3;Third;3\n")
        await wait(0)

    first, second = trigger(), 0
    with monkeypatch.context() as patch:
        patch.setattr(asyncio, "sleep", grow)
        import_run.run(importing, first, 1)
    assert look(importing.sessions, first)[:2] == (INTEGRATION_DONE, {"created": 1})
    assert warnings_of(importing, first) == [("b.csv", "postponed")]
    assert names(inbound) == ["b.csv"]
    second = trigger()
    import_run.run(importing, second, 1)
    assert look(importing.sessions, second)[:2] == (INTEGRATION_DONE, {"created": 2})
    assert names(inbound) == []


@pytest.mark.parametrize("text", [None, suppliers(2, first=2)])
def test_a_file_taken_away_or_replaced_before_it_is_fetched_is_left_to_the_next_run(
    importing: Context, trigger: Trigger, inbound: Path, monkeypatch: pytest.MonkeyPatch, text: str | None
) -> None:
    (inbound / "a.csv").write_text(suppliers(1))
    (inbound / "b.csv").write_text(suppliers(1, first=2))
    fetch = import_folder.download

    async def change(transport: Transport, path: str, *rest: Any) -> Source:
        if path == "in/b.csv":
            (inbound / "b.csv").unlink() if text is None else (inbound / "b.csv").write_text(text)
        return await fetch(transport, path, *rest)

    monkeypatch.setattr(import_folder, "download", change)
    number = trigger()
    import_run.run(importing, number, 1)
    assert look(importing.sessions, number)[:2] == (INTEGRATION_DONE, {"created": 1})
    assert warnings_of(importing, number) == [("b.csv", "postponed")]
    assert list(files_of(importing, number)) == ["a.csv"]


@pytest.mark.parametrize("place", ["between chunks", "after the last chunk", "after moving files"])
def test_a_crash_around_the_move_applies_nothing_twice_and_the_files_end_up_moved(
    importing: Context,
    trigger: Trigger,
    inbound: Path,
    outbound: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
) -> None:
    (inbound / "a.csv").write_text(suppliers(9))
    (inbound / "b.csv").write_text(suppliers(9, first=10))
    number = trigger()
    with monkeypatch.context() as patch:
        patch.setattr("datahub.crash_points.reach", at(place, die))
        with pytest.raises(Killed):
            import_run.run(importing, number, 1)
    take_back(importing)
    assert look(importing.sessions, number)[0] == INTEGRATION_WAITING
    # The next attempt is on another host, which has nothing of it.
    elsewhere = dataclasses.replace(importing.settings, spool_folder=str(tmp_path / "other"))
    import_run.run(dataclasses.replace(importing, settings=elsewhere), number, 3)
    assert look(importing.sessions, number)[:2] == (INTEGRATION_DONE, {"created": 18})
    assert (names(inbound), names(outbound), ledger(importing)) == ([], ["a.csv", "b.csv"], [])


def test_on_another_host_a_changed_file_is_refused(
    importing: Context, trigger: Trigger, inbound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (inbound / "a.csv").write_text(suppliers(2))
    number = trigger()
    with monkeypatch.context() as patch:
        patch.setattr("datahub.crash_points.reach", at("after parse", die))
        with pytest.raises(Killed):
            import_run.run(importing, number, 1)
    (inbound / "a.csv").write_text(suppliers(3))
    elsewhere = dataclasses.replace(importing.settings, spool_folder=str(tmp_path / "other"))
    import_run.run(dataclasses.replace(importing, settings=elsewhere), number, 2)
    status, counts, error = look(importing.sessions, number)
    assert (status, counts) == (INTEGRATION_FAILED, {}) and "has changed since" in (error or "")
    assert names(inbound) == ["a.csv"]


def test_what_could_not_be_moved_is_moved_by_the_next_run_and_not_applied_again(
    importing: Context, trigger: Trigger, inbound: Path, outbound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (inbound / "a.csv").write_text(suppliers(3))
    first = trigger()
    with monkeypatch.context() as patch:
        patch.setattr("datahub.crash_points.reach", at("after the last chunk", outbound.rmdir))
        import_run.run(importing, first, 1)
    assert look(importing.sessions, first)[:2] == (INTEGRATION_DONE_WITH_ERRORS, {"created": 3})
    assert warnings_of(importing, first) == [("a.csv", "not_moved")]
    assert ledger(importing) == ["in/a.csv"]
    outbound.mkdir()
    (inbound / "b.csv").write_text(suppliers(1, first=4))
    second = trigger()
    import_run.run(importing, second, 1)
    assert look(importing.sessions, second)[:2] == (INTEGRATION_DONE, {"created": 1})
    assert warnings_of(importing, second) == [("a.csv", "done_before")]
    assert (names(inbound), names(outbound), ledger(importing)) == ([], ["a.csv", "b.csv"], [])
    assert files_of(importing, first)["a.csv"]["moved_to"] == "done/a.csv"


def test_a_file_that_replaced_one_which_could_not_be_moved_is_read_and_moved_without_a_warning(
    importing: Context, trigger: Trigger, inbound: Path, outbound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (inbound / "a.csv").write_text(suppliers(3))
    first = trigger()
    with monkeypatch.context() as patch:
        patch.setattr("datahub.crash_points.reach", at("after the last chunk", outbound.rmdir))
        import_run.run(importing, first, 1)
    assert ledger(importing) == ["in/a.csv"]
    outbound.mkdir()
    (inbound / "a.csv").write_text(suppliers(4))
    second = trigger()
    import_run.run(importing, second, 1)
    assert look(importing.sessions, second)[:2] == (INTEGRATION_DONE, {"created": 1, "unchanged": 3})
    assert warnings_of(importing, second) == []
    assert (names(inbound), names(outbound), ledger(importing)) == ([], ["a.csv"], [])


def test_a_file_replaced_before_the_move_stays_and_the_next_run_reads_it(
    importing: Context, trigger: Trigger, inbound: Path, outbound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (inbound / "a.csv").write_text(suppliers(1))
    first = trigger()

    def replace() -> None:
        (inbound / "a.csv").write_text(suppliers(2))

    with monkeypatch.context() as patch:
        patch.setattr("datahub.crash_points.reach", at("after the last chunk", replace))
        import_run.run(importing, first, 1)
    assert look(importing.sessions, first)[:2] == (INTEGRATION_DONE, {"created": 1})
    assert warnings_of(importing, first) == [("a.csv", "replaced")]
    assert (names(inbound), names(outbound), ledger(importing)) == (["a.csv"], [], [])
    second = trigger()
    import_run.run(importing, second, 1)
    assert look(importing.sessions, second)[:2] == (INTEGRATION_DONE, {"created": 1, "unchanged": 1})
    assert names(outbound) == ["a.csv"]


def test_a_stopped_run_moves_nothing_and_the_next_one_reads_again(
    importing: Context, trigger: Trigger, inbound: Path, outbound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (inbound / "a.csv").write_text(suppliers(25))
    first = trigger()

    def stop() -> None:
        with importing.sessions.begin() as session:
            execution = session.get_one(Execution, first)
            if not execution.is_terminal:
                executions.stop(session, execution, actor="ada")

    with monkeypatch.context() as patch:
        patch.setattr("datahub.crash_points.reach", at("between chunks", stop))
        import_run.run(importing, first, 1)
    assert look(importing.sessions, first)[:2] == (JOB_STOPPED, {"created": 10})
    assert (names(inbound), names(outbound)) == (["a.csv"], [])
    second = trigger()
    import_run.run(importing, second, 1)
    assert look(importing.sessions, second)[:2] == (INTEGRATION_DONE, {"created": 15, "unchanged": 10})
    assert names(outbound) == ["a.csv"]
