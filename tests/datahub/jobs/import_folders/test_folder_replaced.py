"""Files of a folder that others take the place of, while they are read or moved, and moves that a crash comes between:
nothing is moved unread, nothing is read as half of two files, nothing is applied twice."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from datahub.crash_points import MID_DOWNLOAD
from datahub.jobs import import_run
from datahub.jobs.export_run import Context
from datahub.models.execution import INTEGRATION_DONE
from datahub.transports import sftp
from datahub.transports.sftp import SftpTransport
from tests.datahub.jobs.import_folders.seen import Trigger, files_of, ledger, names, stored, warnings_of
from tests.datahub.jobs.test_import_run import HEADER, look, suppliers, take_back
from tests.killed import Killed, die

LONG_AGO = 1_700_000_000


def text(name: str) -> str:
    """Seven suppliers of that name, from S-2 on."""
    return HEADER + "".join(f"S-{number};{name};3\n" for number in range(2, 9))


def in_place(file: Path, content: str) -> None:
    file.write_text(content)


def by_renaming(file: Path, content: str) -> None:
    file.with_suffix(".new").write_text(content)
    file.with_suffix(".new").rename(file)


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
