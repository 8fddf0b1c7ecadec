"""Files of a folder that others take the place of, while they are read or moved, and moves that a crash comes between:
nothing is moved unread, nothing is read as half of two files, nothing is applied twice."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from datahub.crash_points import AFTER_RENAME, BEFORE_RENAME, MID_DOWNLOAD
from datahub.errors import ConfigError, ConnectionLostError
from datahub.jobs import import_run
from datahub.jobs.context import Context
from datahub.models.execution import INTEGRATION_DONE, INTEGRATION_DONE_WITH_ERRORS
from datahub.models.import_run import ImportWarning
from datahub.transports import sftp
from datahub.transports.base import Facts, Fetched
from datahub.transports.sftp import SftpTransport
from tests.datahub.jobs.import_folders.seen import Trigger, files_of, ledger, names, stored, warnings_of
from tests.datahub.jobs.test_import_run import HEADER, look, suppliers, take_back
from tests.killed import Killed, at, die

LONG_AGO = 1_700_000_000
OF_SAME_SIZE = suppliers(1, first=9)


def text(name: str) -> str:
    """Seven suppliers of that name, from S-2 on."""
    return HEADER + "".join(f"S-{number};{name};3\n" for number in range(2, 9))


def in_place(file: Path, content: str) -> None:
    file.write_text(content)


def by_renaming(file: Path, content: str) -> None:
    file.with_suffix(".new").write_text(content)
    file.with_suffix(".new").rename(file)


def told(context: Context, execution_id: int) -> str:
    with context.sessions() as session:
        query = select(ImportWarning.message).where(ImportWarning.execution_id == execution_id)
        return " ".join(session.scalars(query))


def old_file(inbound: Path) -> Path:
    file = inbound / "a.csv"
    file.write_text(suppliers(1))
    os.utime(file, (LONG_AGO, LONG_AGO))
    return file


def moved_to(context: Context, execution_id: int) -> dict[str, str | None]:
    return {name: file.get("moved_to") for name, file in files_of(context, execution_id).items()}


@pytest.mark.parametrize(("replace", "name"), [(in_place, "New"), (by_renaming, "As new")])
def test_a_file_replaced_in_the_middle_of_its_download_is_left_to_the_next_run(
    importing: Context,
    trigger: Trigger,
    inbound: Path,
    outbound: Path,
    monkeypatch: pytest.MonkeyPatch,
    replace: Callable[[Path, str], None],
    name: str,
) -> None:
    (inbound / "a.csv").write_text(suppliers(1))
    (inbound / "b.csv").write_text(text("Old"))
    os.utime(inbound / "b.csv", (LONG_AGO, LONG_AGO))
    pieces = []

    def act(place: str) -> None:
        if place == MID_DOWNLOAD:
            pieces.append(place)
            # The first one is all of a.csv.
            if len(pieces) == 2:
                replace(inbound / "b.csv", text(name))

    first = trigger()
    with monkeypatch.context() as patch:
        patch.setattr(sftp, "_PIECE", 80)
        patch.setattr("datahub.crash_points.reach", act)
        import_run.run(importing, first, 1)
    assert len(pieces) > 2, "more of it was read after it was replaced"
    assert look(importing.sessions, first)[:2] == (INTEGRATION_DONE, {"created": 1})
    assert warnings_of(importing, first) == [("b.csv", "postponed")]
    assert (names(inbound), names(outbound)) == (["b.csv"], ["a.csv"])
    second = trigger()
    import_run.run(importing, second, 1)
    assert look(importing.sessions, second)[:2] == (INTEGRATION_DONE, {"created": 7})
    assert {told for told, _ in stored(importing).values()} == {"Supplier 1", name}
    assert (names(inbound), names(outbound)) == ([], ["a.csv", "b.csv"])


@pytest.mark.parametrize("comes_again", [False, True])
def test_what_takes_the_place_of_a_file_as_it_is_moved_is_put_back_and_read_by_the_next_run(
    importing: Context,
    trigger: Trigger,
    inbound: Path,
    outbound: Path,
    monkeypatch: pytest.MonkeyPatch,
    comes_again: bool,
) -> None:
    (inbound / "a.csv").write_text(suppliers(1))
    move = SftpTransport.move

    async def too_late(self: SftpTransport, old: str, new: str) -> bool:
        if old == "in/a.csv":
            by_renaming(inbound / "a.csv", text("New"))
        is_moved = await move(self, old, new)
        if comes_again and old == "in/a.csv":
            (inbound / "a.csv").write_text(suppliers(2))
        return is_moved

    first = trigger()
    with monkeypatch.context() as patch:
        patch.setattr(SftpTransport, "move", too_late)
        import_run.run(importing, first, 1)
    assert look(importing.sessions, first)[:2] == (INTEGRATION_DONE, {"created": 1})
    assert warnings_of(importing, first) == [("a.csv", "replaced")]
    assert (moved_to(importing, first), ledger(importing)) == ({"a.csv": None}, [])
    assert names(inbound) == ["a.csv"]
    assert names(outbound) == (["a.csv"] if comes_again else []), "said in the warning, and left where it is"
    second = trigger()
    import_run.run(importing, second, 1)
    expected = {"created": 1, "unchanged": 1} if comes_again else {"created": 7}
    assert look(importing.sessions, second)[:2] == (INTEGRATION_DONE, expected)
    assert names(inbound) == []


def test_after_a_crash_between_two_moves_the_rest_is_moved_and_nothing_applied_twice(
    importing: Context, trigger: Trigger, inbound: Path, outbound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, name in enumerate(("a.csv", "b.csv", "c.csv")):
        (inbound / name).write_text(suppliers(1, first=number))
    move, moves = SftpTransport.move, []

    async def move_one(self: SftpTransport, old: str, new: str) -> bool:
        moves.append(old)
        return await move(self, old, new) if len(moves) == 1 else die()

    number = trigger()
    with monkeypatch.context() as patch:
        patch.setattr(SftpTransport, "move", move_one)
        with pytest.raises(Killed):
            import_run.run(importing, number, 1)
    assert (names(inbound), names(outbound)) == (["b.csv", "c.csv"], ["a.csv"])
    # A sender does not wait for us.
    (inbound / "a.csv").write_text(suppliers(2, first=8))
    take_back(importing)
    import_run.run(importing, number, 3)
    assert look(importing.sessions, number)[:2] == (INTEGRATION_DONE, {"created": 3})
    assert (warnings_of(importing, number), ledger(importing)) == ([], [])
    assert moved_to(importing, number) == {name: f"done/{name}" for name in ("a.csv", "b.csv", "c.csv")}
    second = trigger()
    import_run.run(importing, second, 1)
    assert look(importing.sessions, second)[:2] == (INTEGRATION_DONE, {"created": 2})


@pytest.mark.parametrize("text_of_new", [text("New"), OF_SAME_SIZE], ids=["other size", "same size"])
def test_what_took_the_place_of_a_file_as_it_was_moved_is_put_back_by_the_attempt_after_a_crash(
    importing: Context,
    trigger: Trigger,
    inbound: Path,
    outbound: Path,
    monkeypatch: pytest.MonkeyPatch,
    text_of_new: str,
) -> None:
    file = old_file(inbound)

    def act(place: str) -> None:
        if place == BEFORE_RENAME:
            by_renaming(file, text_of_new)
        elif place == AFTER_RENAME:
            die()

    number = trigger()
    with monkeypatch.context() as patch:
        patch.setattr("datahub.crash_points.reach", act)
        with pytest.raises(Killed):
            import_run.run(importing, number, 1)
    assert (names(inbound), names(outbound)) == ([], ["a.csv"])
    take_back(importing)
    import_run.run(importing, number, 3)
    assert look(importing.sessions, number)[:2] == (INTEGRATION_DONE, {"created": 1})
    assert (warnings_of(importing, number), ledger(importing)) == ([("a.csv", "replaced")], [])
    assert (file.read_text(), names(outbound)) == (text_of_new, [])
    second = trigger()
    import_run.run(importing, second, 1)
    assert look(importing.sessions, second)[:2] == (INTEGRATION_DONE, {"created": text_of_new.count("\n") - 1})


@pytest.mark.parametrize("comes_again", [False, True])
def test_what_cannot_be_put_back_is_told_with_its_place_and_put_back_by_the_next_run_if_nothing_has_come_since(
    importing: Context,
    trigger: Trigger,
    inbound: Path,
    outbound: Path,
    monkeypatch: pytest.MonkeyPatch,
    comes_again: bool,
) -> None:
    file = old_file(inbound)
    move = SftpTransport.move

    async def cut(self: SftpTransport, old: str, new: str) -> bool:
        if old == "done/a.csv":
            raise ConnectionLostError("The connection was cut.")
        by_renaming(file, text("New"))
        return await move(self, old, new)

    first = trigger()
    with monkeypatch.context() as patch:
        patch.setattr(SftpTransport, "move", cut)
        import_run.run(importing, first, 1)
    assert look(importing.sessions, first)[:2] == (INTEGRATION_DONE_WITH_ERRORS, {"created": 1})
    assert (warnings_of(importing, first), ledger(importing)) == ([("a.csv", "replaced")], ["in/a.csv"])
    assert "is in done/a.csv, not read. It could not be put back: The connection was cut." in told(importing, first)
    if comes_again:
        file.write_text(suppliers(2, first=20))
    second = trigger()
    import_run.run(importing, second, 1)
    assert look(importing.sessions, second)[:2] == (INTEGRATION_DONE, {"created": 2} if comes_again else {})
    assert (warnings_of(importing, second), ledger(importing)) == ([("a.csv", "replaced")], [])
    assert "is in done/a.csv, not read. Put it back to import it." in told(importing, second) or not comes_again
    assert (names(inbound), len(names(outbound))) == (([], 2) if comes_again else (["a.csv"], 0))
    if comes_again:
        (outbound / "a.csv").rename(file)
    third = trigger()
    import_run.run(importing, third, 1)
    assert look(importing.sessions, third)[:2] == (INTEGRATION_DONE, {"created": 7})


def test_after_a_crash_a_file_is_found_under_the_name_that_it_was_given_because_its_own_was_taken(
    importing: Context, trigger: Trigger, inbound: Path, outbound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (inbound / "a.csv").write_text(suppliers(1))
    (outbound / "a.csv").write_text("Of yesterday")
    number = trigger()
    with monkeypatch.context() as patch:
        patch.setattr("datahub.crash_points.reach", at(AFTER_RENAME, die))
        with pytest.raises(Killed):
            import_run.run(importing, number, 1)
    take_back(importing)
    import_run.run(importing, number, 3)
    assert look(importing.sessions, number)[:2] == (INTEGRATION_DONE, {"created": 1})
    (other,) = set(names(outbound)) - {"a.csv"}
    assert moved_to(importing, number) == {"a.csv": f"done/{other}"}
    assert (warnings_of(importing, number), ledger(importing), names(inbound)) == ([], [], [])


def test_after_a_crash_before_the_move_what_the_outbound_folder_had_before_stays_there(
    importing: Context, trigger: Trigger, inbound: Path, outbound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (inbound / "a.csv").write_text(suppliers(1))
    (outbound / "a.csv").write_text("Of yesterday")
    number = trigger()
    with monkeypatch.context() as patch:
        patch.setattr("datahub.crash_points.reach", at(BEFORE_RENAME, die))
        with pytest.raises(Killed):
            import_run.run(importing, number, 1)
    (inbound / "a.csv").unlink()
    take_back(importing)
    import_run.run(importing, number, 3)
    assert look(importing.sessions, number)[:2] == (INTEGRATION_DONE, {"created": 1})
    assert (names(inbound), names(outbound), ledger(importing)) == ([], ["a.csv"], [])


@pytest.mark.parametrize("may_read", [True, False])
def test_a_file_that_has_a_new_time_after_its_move_is_known_by_its_content_where_that_may_be_read(
    importing: Context,
    trigger: Trigger,
    inbound: Path,
    outbound: Path,
    monkeypatch: pytest.MonkeyPatch,
    may_read: bool,
) -> None:
    old_file(inbound)
    move, download = SftpTransport.move, SftpTransport.download

    async def copy(self: SftpTransport, old: str, new: str) -> bool:
        is_moved = await move(self, old, new)
        os.utime(outbound / "a.csv")
        return is_moved

    async def read(self: SftpTransport, path: str, *rest: Any) -> Fetched:
        if path == "done/a.csv" and not may_read:
            raise ConfigError("It gives no permission to read.")
        return await download(self, path, *rest)

    monkeypatch.setattr(SftpTransport, "move", copy)
    monkeypatch.setattr(SftpTransport, "download", read)
    number = trigger()
    import_run.run(importing, number, 1)
    assert look(importing.sessions, number)[:2] == (INTEGRATION_DONE, {"created": 1})
    assert moved_to(importing, number) == {"a.csv": "done/a.csv"}
    assert (warnings_of(importing, number), names(inbound)) == ([], [])


def test_a_moved_file_that_could_not_be_looked_at_is_told_as_such_and_looked_at_by_the_next_run(
    importing: Context, trigger: Trigger, inbound: Path, outbound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (inbound / "a.csv").write_text(suppliers(1))
    stat = SftpTransport.stat

    async def cut(self: SftpTransport, path: str) -> Facts | None:
        if path == "done/a.csv" and names(outbound):
            raise ConnectionLostError("The connection was cut.")
        return await stat(self, path)

    first = trigger()
    with monkeypatch.context() as patch:
        patch.setattr(SftpTransport, "stat", cut)
        import_run.run(importing, first, 1)
    assert look(importing.sessions, first)[:2] == (INTEGRATION_DONE_WITH_ERRORS, {"created": 1})
    assert (warnings_of(importing, first), ledger(importing)) == ([("a.csv", "not_checked")], ["in/a.csv"])
    second = trigger()
    import_run.run(importing, second, 1)
    assert look(importing.sessions, second)[:2] == (INTEGRATION_DONE, {})
    assert (warnings_of(importing, second), ledger(importing)) == ([], [])
    assert moved_to(importing, first) == {"a.csv": "done/a.csv"}
