"""Imports of whole folders from a real sshd, called in this process."""

from __future__ import annotations

import csv
import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from datahub.db import database_now
from datahub.formats import rejected_sheet
from datahub.jobs import import_run, rejected_rows
from datahub.jobs.context import Context
from datahub.models.custom_field import CustomField
from datahub.models.execution import (
    INTEGRATION_DONE,
    INTEGRATION_DONE_WITH_ERRORS,
    JOB_FAILED,
    JOB_INITIALIZING,
    Execution,
)
from datahub.models.import_job import ImportJob
from datahub.models.import_run import RejectedRow
from datahub.models.party import Supplier
from datahub.models.setting import GeneralSettings
from tests.datahub.jobs.import_folders.seen import Trigger, files_of, ledger, names, stored, warnings_of
from tests.datahub.jobs.test_import_run import HEADER, look, suppliers, take_back
from tests.killed import Killed, at, die


def test_every_file_of_a_folder_is_read_in_order_and_moved(
    importing: Context, trigger: Trigger, inbound: Path, outbound: Path
) -> None:
    (inbound / "b.CSV").write_text(HEADER + "S-1;Second;2\n")
    (inbound / "a.csv").write_text(suppliers(25))
    (inbound / ".hidden.csv").write_text("x")
    (inbound / "notes.txt").write_text("x")
    (inbound / "sub.csv").mkdir()
    number = trigger()
    import_run.run(importing, number, 1)
    status, counts, error = look(importing.sessions, number)
    assert (status, sum(counts.values()), error) == (INTEGRATION_DONE, 26, None)
    assert stored(importing)["S-1"][0] == "Second", "files go by name"
    assert names(inbound) == [".hidden.csv", "notes.txt", "sub.csv"]
    assert names(outbound) == ["a.csv", "b.CSV"]
    found = files_of(importing, number)
    assert [(file["rows"], file["error"], file["moved_to"]) for file in found.values()] == [
        (25, None, "done/a.csv"),
        (1, None, "done/b.CSV"),
    ]
    assert ledger(importing) == []
    assert list(Path(importing.settings.spool_folder).iterdir()) == []


def test_an_empty_folder_is_a_success_without_rows(importing: Context, trigger: Trigger) -> None:
    number = trigger()
    import_run.run(importing, number, 1)
    assert look(importing.sessions, number) == (INTEGRATION_DONE, {}, None)
    assert files_of(importing, number) == {}


def test_files_without_rows_are_moved_too(importing: Context, trigger: Trigger, inbound: Path, outbound: Path) -> None:
    (inbound / "a.csv").write_text(HEADER)
    number = trigger()
    import_run.run(importing, number, 1)
    assert look(importing.sessions, number) == (INTEGRATION_DONE, {}, None)
    assert (names(inbound), names(outbound)) == ([], ["a.csv"])


def test_each_file_has_its_own_columns_and_what_it_lacks_is_kept(
    importing: Context, trigger: Trigger, inbound: Path
) -> None:
    (inbound / "a.csv").write_text("Supplier Name;Supplier External Id\nAcme;S-1\n")
    import_run.run(importing, trigger(), 1)
    (inbound / "b.csv").write_text("Supplier External Id;Supplier Rating;Supplier Name\nS-2;4;Brown\nS-3;bad;Cox\n")
    (inbound / "c.csv").write_text("Description;Supplier External Id\nTools;S-1\n")
    number = trigger()
    import_run.run(importing, number, 1)
    expected = {"created": 1, "updated": 1, "rejected": 1}
    assert look(importing.sessions, number)[:2] == (INTEGRATION_DONE_WITH_ERRORS, expected)
    assert stored(importing) == {"S-1": ("Acme", "Tools"), "S-2": ("Brown", None)}
    with importing.sessions() as session:
        text = "".join(rejected_rows.rejected_file(session, session.get_one(Execution, number)))
    (row,) = csv.DictReader(text.splitlines(), delimiter=";")
    assert (row["Supplier Name"], row["Supplier External Id"], row["Supplier Rating"]) == ("Cox", "S-3", "bad")
    assert (row["Description"], row["hub_file"], row["hub_line"]) == ("", "b.csv", "3")


def test_rows_of_files_that_name_a_field_differently_come_back_mended(
    importing: Context, trigger: Trigger, inbound: Path
) -> None:
    (inbound / "a.csv").write_text("externalId;name;Supplier Rating\nS-1;Acme;bad\n")
    (inbound / "b.csv").write_text("Supplier Name;supplierRating;Supplier External Id;Note\nBrown;worse;S-2;x\n")
    number = trigger()
    import_run.run(importing, number, 1)
    assert look(importing.sessions, number)[1] == {"rejected": 2}
    with importing.sessions() as session:
        text = "".join(rejected_rows.rejected_file(session, session.get_one(Execution, number)))
    assert text.splitlines()[0] == "externalId;name;Supplier Rating;Note;hub_file;hub_line;hub_reason"
    (inbound / "mended.csv").write_text(text.replace("bad", "4").replace("worse", "5"))
    number = trigger()
    import_run.run(importing, number, 1)
    assert look(importing.sessions, number) == (INTEGRATION_DONE, {"created": 2}, None)
    assert {key: name for key, (name, _) in stored(importing).items()} == {"S-1": "Acme", "S-2": "Brown"}


@pytest.mark.parametrize("kept", [3, 2, 1])
def test_full_mode_clears_by_the_columns_of_each_file(
    importing: Context, trigger: Trigger, inbound: Path, kept: int
) -> None:
    with importing.sessions.begin() as session:
        session.get_one(GeneralSettings, 1).locales = ["en-GB", "fr-FR"]
        now = database_now(session)
        kind = {"entity": "SUPPLIER", "type": "TEXT", "name": "x", "created_at": now, "updated_at": now}
        for name, localisable in (("zone", False), ("note", True)):
            field = {"public_id": name, "external_id": name, "localisable": localisable}
            session.add(CustomField(**kind, **field))
    rows = "".join(f"S-{number};x;north;Hello;Bonjour\n" for number in (1, 2, 3))
    (inbound / "a.csv").write_text("externalId;name;CF_zone;CF_note[en-GB];CF_note[fr-FR]\n" + rows)
    import_run.run(importing, trigger(), 1)
    with importing.sessions.begin() as session:
        session.scalars(select(ImportJob)).one().import_full_mode = True
    (inbound / "a.csv").write_text("externalId;CF_zone;CF_note[en-GB]\nS-1;;\n")
    (inbound / "b.csv").write_text("externalId;CF_note[fr-FR];CF_zone\nS-2;;south\n")
    # Who mends a sheet may take out the long reasons.
    mended = f"externalId;CF_zone;CF_note[en-GB];{';'.join(rejected_sheet.HUB_COLUMNS[:kept])}\n"
    (inbound / "c.csv").write_text(mended + ";".join(["S-3;;Hi", *("a.csv", "2", "x")[:kept]]) + "\n")
    number = trigger()
    import_run.run(importing, number, 1)
    assert look(importing.sessions, number)[:2] == (INTEGRATION_DONE, {"updated": 3})
    with importing.sessions() as session:
        found = {one.external_id: one.custom_fields for one in session.scalars(select(Supplier))}
    assert found["S-1"] == {"note": {"fr-FR": "Bonjour"}}, "the file has no French column"
    assert found["S-2"] == {"zone": "south", "note": {"en-GB": "Hello"}}
    assert found["S-3"] == {"zone": "north", "note": {"en-GB": "Hi", "fr-FR": "Bonjour"}}, "mended rows clear nothing"


def test_rejected_rows_of_several_files_keep_their_file_and_line(
    importing: Context, trigger: Trigger, inbound: Path, outbound: Path
) -> None:
    (inbound / "a.csv").write_text(suppliers(1) + "S-7;x;bad\n")
    (inbound / "b.csv").write_text(HEADER + ";x;1\n")
    number = trigger()
    import_run.run(importing, number, 1)
    assert look(importing.sessions, number)[:2] == (INTEGRATION_DONE_WITH_ERRORS, {"created": 1, "rejected": 2})
    with importing.sessions() as session:
        rows = session.scalars(select(RejectedRow).order_by(RejectedRow.sequence)).all()
        assert [(row.sequence, row.file, row.line) for row in rows] == [(2, "a.csv", 3), (3, "b.csv", 2)]
    assert names(outbound) == ["a.csv", "b.csv"], "moved also when rows were rejected"


def test_a_file_that_cannot_be_parsed_is_set_aside_and_the_others_run(
    importing: Context, trigger: Trigger, inbound: Path, outbound: Path
) -> None:
    (inbound / "a.csv").write_text(suppliers(2) + '"S-3;x;1\n')
    (inbound / "b.csv").write_text(suppliers(1, first=10))
    (inbound / "c.csv").write_text("Colour\nred\n")
    number = trigger()
    import_run.run(importing, number, 1)
    assert look(importing.sessions, number) == (INTEGRATION_DONE_WITH_ERRORS, {"created": 1}, None)
    assert list(stored(importing)) == ["S-10"]
    assert (names(inbound), names(outbound)) == ([], ["a.csv.error", "b.csv", "c.csv.error"])
    found = files_of(importing, number)
    assert found["a.csv"]["rows"] == 0 and found["a.csv"]["error"].startswith(
        "The quotes of the row that begins at line 4 "
    )
    assert "No column of the file is named like a field" in found["c.csv"]["error"]
    assert warnings_of(importing, number) == [("a.csv", "unusable_file"), ("c.csv", "unusable_file")]


def test_nothing_that_can_be_parsed_fails_the_job(
    importing: Context, trigger: Trigger, inbound: Path, outbound: Path
) -> None:
    (inbound / "a.csv").write_text("")
    (inbound / "b.csv").write_text("Colour\nred\n")
    number = trigger()
    import_run.run(importing, number, 1)
    status, counts, error = look(importing.sessions, number)
    assert (status, counts) == (JOB_FAILED, {})
    assert (error or "").startswith("None of the 2 files can be read. a.csv: The file is empty.")
    assert (names(inbound), names(outbound)) == ([], ["a.csv.error", "b.csv.error"])
    assert [bool(file["error"]) for file in files_of(importing, number).values()] == [True, True]


def test_a_crash_while_unusable_files_are_moved_still_fails_the_job(
    importing: Context, trigger: Trigger, inbound: Path, outbound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (inbound / "a.csv").write_text("")
    number = trigger()
    with monkeypatch.context() as patch:
        patch.setattr("datahub.crash_points.reach", at("after moving files", die))
        with pytest.raises(Killed):
            import_run.run(importing, number, 1)
    take_back(importing)
    assert look(importing.sessions, number)[0] == JOB_INITIALIZING
    import_run.run(importing, number, 2)
    status, _, error = look(importing.sessions, number)
    assert status == JOB_FAILED and (error or "").startswith("a.csv: The file is empty.")
    assert (names(inbound), names(outbound), ledger(importing)) == ([], ["a.csv.error"], [])


def test_a_name_that_is_taken_gets_the_time_added(
    importing: Context, trigger: Trigger, inbound: Path, outbound: Path
) -> None:
    (outbound / "a.csv").write_text("old")
    (outbound / "b.csv.error").write_text("old")
    (inbound / "a.csv").write_text(suppliers(1))
    (inbound / "b.csv").write_text("")
    import_run.run(importing, trigger(), 1)
    moved = names(outbound)
    assert [name for name in moved if name in ("a.csv", "b.csv.error")] == ["a.csv", "b.csv.error"]
    assert (outbound / "a.csv").read_text() == "old"
    (added,) = outbound.glob("a-*Z.csv")
    assert added.read_text() == suppliers(1)
    assert len(list(outbound.glob("b-*Z.csv.error"))) == 1 and len(moved) == 4


def test_a_file_that_appears_again_is_applied_again(
    importing: Context, trigger: Trigger, inbound: Path, outbound: Path
) -> None:
    for expected in ({"created": 2}, {"unchanged": 2}):
        (inbound / "a.csv").write_text(suppliers(2))
        os.utime(inbound / "a.csv", (1_700_000_000, 1_700_000_000))
        number = trigger()
        import_run.run(importing, number, 1)
        assert look(importing.sessions, number)[:2] == (INTEGRATION_DONE, expected)
    assert len(names(outbound)) == 2


@pytest.mark.parametrize("missing", ["in", "done"])
def test_a_missing_folder_is_named_before_anything_is_read(
    importing: Context, trigger: Trigger, inbound: Path, outbound: Path, missing: str
) -> None:
    (inbound.parent / missing).rmdir()
    number = trigger()
    import_run.run(importing, number, 1)
    status, _, error = look(importing.sessions, number)
    assert status == JOB_FAILED and f"The folder {missing} does not exist" in (error or "")


def test_more_files_bytes_or_rows_than_the_limit_fail_the_run_and_name_it(
    importing: Context, trigger: Trigger, inbound: Path
) -> None:
    for name in "abc":
        (inbound / f"{name}.csv").write_text(suppliers(4))
    for limit, value in (("max_files", 2), ("max_file_bytes", 200), ("max_rows", 11)):
        number = trigger()
        changes: dict[str, Any] = {limit: value}
        strict = dataclasses.replace(importing, settings=dataclasses.replace(importing.settings, **changes))
        import_run.run(strict, number, 1)
        status, _, error = look(importing.sessions, number)
        assert status == JOB_FAILED and limit.upper() in (error or "")
    assert names(inbound) == ["a.csv", "b.csv", "c.csv"]


def test_a_name_that_cannot_be_shown_is_left_and_warned_of(importing: Context, trigger: Trigger, inbound: Path) -> None:
    (inbound / "a\n.csv").write_text(suppliers(1))
    (inbound / os.fsdecode(b"b\xff.csv")).write_text(suppliers(1))
    number = trigger()
    import_run.run(importing, number, 1)
    assert look(importing.sessions, number)[:2] == (INTEGRATION_DONE, {})
    assert warnings_of(importing, number) == [("a .csv", "unusable_name"), ("b .csv", "unusable_name")]
    assert len(names(inbound)) == 2
