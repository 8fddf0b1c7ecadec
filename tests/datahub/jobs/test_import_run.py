"""Imports from a real sshd, called in this process."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.errors import IllegalMoveError
from datahub.formats import rejected_sheet
from datahub.jobs import executions, import_claims, import_executions, import_run, rejected_rows
from datahub.jobs.context import Context
from datahub.jobs.import_executions import MOST_TRIES
from datahub.models.execution import (
    INTEGRATION_DONE,
    INTEGRATION_DONE_WITH_ERRORS,
    INTEGRATION_FAILED,
    INTEGRATION_STARTED,
    INTEGRATION_WAITING,
    JOB_FAILED,
    JOB_INITIALIZING,
    JOB_PENDING,
    JOB_SKIPPED,
    JOB_STARTED,
    JOB_STOPPED,
    MANUAL,
    Execution,
)
from datahub.models.import_job import RUN_IMMEDIATELY, WAIT_FOR_NEXT, ImportJob
from datahub.models.import_run import COUNTS, ImportRun, ImportWarning, RejectedRow, UploadChunk
from datahub.models.party import Supplier
from datahub.vault import Vault
from tests.factories import add_connection
from tests.killed import Killed, at, die
from tests.servers import SshServer

HEADER = "Supplier External Id;Supplier Name;Supplier Rating\n"
Start = Callable[..., int]


@pytest.fixture
def importing(context: Context) -> Context:
    small = dataclasses.replace(context.settings, chunk_rows=10)
    return dataclasses.replace(context, settings=small)


@pytest.fixture
def start(sessions: sessionmaker[Session], vault: Vault, sshd: SshServer) -> Start:
    """Triggers a new job; returns the execution's id."""

    def start(upload: tuple[str, bytes] | None = None, **fields: object) -> int:
        given_file = upload and (upload[0], io.BytesIO(upload[1]))
        with sessions.begin() as session:
            now = database_now(session)
            given: dict[str, object] = {
                "public_id": f"job-{now.timestamp()}",
                "name": f"Suppliers {now.timestamp()}",
                "entity": "SUPPLIER",
                "method": "SFTP",
                "connection": add_connection(session, vault, sshd, name=f"ERP {now.timestamp()}"),
                "file_path": "out/suppliers.csv",
                "delimiter": ";",
                "ticked_until": now,
                "created_at": now,
                "updated_at": now,
            }
            job = ImportJob(**{**given, **fields})
            session.add(job)
            session.flush()
            return import_executions.trigger(session, job, origin=MANUAL, actor="ada", upload=given_file).id

    return start


def look(sessions: sessionmaker[Session], execution_id: int) -> tuple[str, dict[str, int], str | None]:
    with sessions() as session:
        execution = session.get_one(Execution, execution_id)
        run = session.get_one(ImportRun, execution_id)
        counts = {name: getattr(run, name) for name in COUNTS if getattr(run, name)}
        return execution.status, counts, execution.error


def suppliers(count: int, *, first: int = 1) -> str:
    return HEADER + "".join(f"S-{number};Supplier {number};3\n" for number in range(first, first + count))


def test_a_file_becomes_records_and_a_second_run_changes_nothing(
    importing: Context, start: Start, folder: Path
) -> None:
    (folder / "suppliers.csv").write_text(suppliers(25))
    first, second = start(), start()
    import_run.run(importing, first, 1)
    import_run.run(importing, second, 1)
    assert look(importing.sessions, first) == (INTEGRATION_DONE, {"created": 25}, None)
    assert look(importing.sessions, second) == (INTEGRATION_DONE, {"unchanged": 25}, None)
    with importing.sessions() as session:
        assert len(session.scalars(select(Supplier)).all()) == 25
        execution = session.get_one(Execution, first)
        passed = [JOB_INITIALIZING, JOB_STARTED, INTEGRATION_WAITING, INTEGRATION_STARTED, INTEGRATION_DONE]
        assert [event.to_status for event in execution.events] == passed
        run = session.get_one(ImportRun, first)
        assert (run.rows, run.rows_done) == (25, 25)
        assert [(file["name"], file["rows"]) for file in run.files] == [("suppliers.csv", 25)]
    assert list(Path(importing.settings.spool_folder).iterdir()) == [], "nothing of it stays on the worker"


def test_bad_rows_are_kept_and_the_rest_is_written(importing: Context, start: Start, folder: Path) -> None:
    rows = suppliers(12) + "S-13;Bad rating;three\n;No key;1\nS-14;Ragged\n"
    (folder / "suppliers.csv").write_text(rows)
    number = start()
    import_run.run(importing, number, 1)
    status, counts, _ = look(importing.sessions, number)
    assert (status, counts) == (INTEGRATION_DONE_WITH_ERRORS, {"created": 12, "rejected": 3})
    with importing.sessions() as session:
        kept = session.scalars(select(RejectedRow).order_by(RejectedRow.line)).all()
        assert [(row.line, row.record_key, row.field) for row in kept] == [
            (14, "S-13", "supplierRating"),
            (15, None, "externalId"),
            (16, "S-14", ""),
        ]
        assert kept[0].cells == ["S-13", "Bad rating", "three"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (suppliers(3).replace(";", ","), "delimiter"),
        ("Name;Colour\nAcme;red\n", "lacks a column"),
        (suppliers(1) + '"S-2;x;1\n', "quote"),
        (HEADER.replace("\n", ";CF_zone\n") + "S-1;x;1;north\n", "CF_zone"),
    ],
)
def test_a_file_that_cannot_be_used_fails_the_run_before_anything_is_written(
    importing: Context, start: Start, folder: Path, content: str, told: str
) -> None:
    (folder / "suppliers.csv").write_text(content)
    number = start()
    import_run.run(importing, number, 1)
    status, counts, error = look(importing.sessions, number)
    assert (status, counts) == (JOB_FAILED, {})
    assert told in (error or "")
    with importing.sessions() as session:
        assert session.scalars(select(Supplier)).all() == []


def test_a_missing_file_and_a_disabled_connection_are_said(importing: Context, start: Start) -> None:
    missing, disabled = start(), start()
    with importing.sessions.begin() as session:
        execution = session.get_one(Execution, disabled)
        assert execution.import_job is not None
        execution.import_job.connection.active = False
    import_run.run(importing, missing, 1)
    import_run.run(importing, disabled, 1)
    assert "There is no file out/suppliers.csv" in (look(importing.sessions, missing)[2] or "")
    assert "is disabled" in (look(importing.sessions, disabled)[2] or "")


@pytest.mark.parametrize("mapped", [False, True])
def test_without_a_column_that_each_row_needs_the_run_fails(
    importing: Context, start: Start, folder: Path, mapped: bool
) -> None:
    (folder / "suppliers.csv").write_text("Store External Id;storeName\nS-1;Paris\n")
    names = {"storeExternalId": "storeExternalId", "storeName": "storeName", "storeDescription": "Told"}
    mapping = [{"field": field, "source": source} for field, source in names.items()]
    number = start(entity="STORE", mapping=mapping if mapped else None)
    import_run.run(importing, number, 1)
    status, counts, error = look(importing.sessions, number)
    assert (status, counts) == (JOB_FAILED, {})
    assert f'"{"Told" if mapped else "Store Description"}" for storeDescription' in (error or "")


def test_a_missing_optional_column_is_a_warning(importing: Context, start: Start, folder: Path) -> None:
    (folder / "suppliers.csv").write_text("Id;Name\nS-1;Acme\n")
    mapping = [("externalId", "Id"), ("name", "Name"), ("supplierRating", "Stars")]
    number = start(mapping=[{"field": field, "source": source} for field, source in mapping])
    import_run.run(importing, number, 1)
    assert look(importing.sessions, number)[:2] == (INTEGRATION_DONE, {"created": 1})
    with importing.sessions() as session:
        (warning,) = session.scalars(select(ImportWarning))
        assert (warning.code, warning.field, warning.line) == ("missing_column", "supplierRating", None)


def test_of_two_columns_for_one_field_the_warning_names_both(importing: Context, start: Start, folder: Path) -> None:
    header = "Supplier External Id;Supplier Name;Supplier name;Colour\n"
    (folder / "suppliers.csv").write_text(f"{header}S-1;Acme;Other;red\n")
    number = start()
    import_run.run(importing, number, 1)
    with importing.sessions() as session:
        query = select(ImportWarning).where(ImportWarning.code == "unused_column").order_by(ImportWarning.id)
        told = [(warning.field, warning.message) for warning in session.scalars(query)]
    assert told == [
        ("name", "“Supplier name” also fits name; “Supplier Name” is used."),
        ("", "No field has the name of these columns, which are not imported: Colour."),
    ]


def test_an_upload_is_imported_instead_of_the_jobs_file_and_then_forgotten(importing: Context, start: Start) -> None:
    number = start(upload=("mine.csv", suppliers(2).encode()))
    import_run.run(importing, number, 1)
    assert look(importing.sessions, number)[:2] == (INTEGRATION_DONE, {"created": 2})
    with importing.sessions() as session:
        assert session.scalars(select(UploadChunk)).all() == []


def test_rejected_rows_are_downloaded_mended_and_imported(importing: Context, start: Start, folder: Path) -> None:
    rows = suppliers(2) + "S-13;=Sum;three\n;No key;1\n"
    (folder / "suppliers.csv").write_text(rows)
    number = start()
    import_run.run(importing, number, 1)
    with importing.sessions() as session:
        text = "".join(rejected_rows.rejected_file(session, session.get_one(Execution, number)))
    assert "S-13;'=Sum;three;suppliers.csv;4;" in text
    mended = start(upload=("mended.csv", text.replace("three", "3").replace("\n;No", "\nS-14;No").encode()))
    import_run.run(importing, mended, 1)
    assert look(importing.sessions, mended)[:2] == (INTEGRATION_DONE, {"created": 2})
    with importing.sessions() as session:
        names = session.scalars(select(Supplier.name).order_by(Supplier.external_id))
        assert list(names) == ["Supplier 1", "=Sum", "No key", "Supplier 2"]


def rejected_of(importing: Context, execution_id: int) -> list[dict[str, str]]:
    with importing.sessions() as session:
        text = "".join(rejected_rows.rejected_file(session, session.get_one(Execution, execution_id)))
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";", strict=True))


def as_csv(rows: list[dict[str, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=";")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def test_rows_with_too_few_or_too_many_cells_come_whole_and_stay_rejected_until_mended(
    importing: Context, start: Start
) -> None:
    surplus, short = 'S-1;Screw; M4;"=galvanised; ""A"""', "S-2;Tool"
    number = start(upload=("bad.csv", f"{HEADER}{surplus}\n{short}\nS-3;Cox;bad\n".encode()))
    import_run.run(importing, number, 1)
    rows = rejected_of(importing, number)
    assert list(rows[0])[-4:] == [*rejected_sheet.HUB_COLUMNS, "hub_cells"]
    assert [row["hub_cells"] for row in rows] == [surplus, short, ""]
    for _ in range(2):
        number = start(upload=("mended.csv", as_csv(rows)))
        import_run.run(importing, number, 1)
        assert look(importing.sessions, number)[:2] == (INTEGRATION_DONE_WITH_ERRORS, {"rejected": 3})
        rows = rejected_of(importing, number)
        assert [row["hub_cells"] for row in rows] == [surplus, short, ""]
        assert rows[0]["hub_reason"] == (
            "This row had 4 cells, not one for each column. Put each cell under its column, then empty hub_cells."
        )
    for row in rows:
        row |= {"Supplier Rating": "4", "hub_cells": ""}
    number = start(upload=("mended.csv", as_csv(rows)))
    import_run.run(importing, number, 1)
    assert look(importing.sessions, number)[:2] == (INTEGRATION_DONE, {"created": 3})


@pytest.mark.parametrize(
    ("policy", "statuses"),
    [(WAIT_FOR_NEXT, [JOB_SKIPPED, JOB_SKIPPED]), (RUN_IMMEDIATELY, [JOB_PENDING, JOB_SKIPPED])],
)
def test_one_execution_runs_and_others_wait_or_are_skipped(
    importing: Context, start: Start, folder: Path, policy: str, statuses: list[str]
) -> None:
    (folder / "suppliers.csv").write_text(suppliers(1))
    first = start(simultaneous_execution=policy)
    with importing.sessions.begin() as session:
        job = session.get_one(Execution, first).import_job
        assert job is not None
        later = [import_executions.trigger(session, job, origin=MANUAL, actor="ada") for _ in range(2)]
        ids = [execution.id for execution in later]
        assert [execution.status for execution in later] == statuses
    import_run.run(importing, first, 1)
    if policy == RUN_IMMEDIATELY:
        assert look(importing.sessions, ids[0])[0] == JOB_INITIALIZING, "its turn comes at once"
        import_run.run(importing, ids[0], 1)
        assert look(importing.sessions, ids[0])[:2] == (INTEGRATION_DONE, {"unchanged": 1})


def test_executions_of_one_family_write_in_turns(importing: Context, start: Start, folder: Path) -> None:
    (folder / "suppliers.csv").write_text(suppliers(3))
    first, second = start(), start()
    hold_family(importing, first)
    import_run.run(importing, second, 1)
    assert look(importing.sessions, second)[0] == INTEGRATION_WAITING
    let_go(importing, first)
    import_run.run(importing, second, 2)
    assert look(importing.sessions, second)[:2] == (INTEGRATION_DONE, {"created": 3})


def test_a_stop_between_chunks_keeps_what_is_written_and_writes_no_more(
    importing: Context, start: Start, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "suppliers.csv").write_text(suppliers(35))
    number = start()

    def stop(place: str) -> None:
        if place == "between chunks":
            with importing.sessions.begin() as session:
                execution = session.get_one(Execution, number)
                if not execution.is_terminal:
                    executions.stop(session, execution, actor="ada")

    monkeypatch.setattr("datahub.crash_points.reach", stop)
    import_run.run(importing, number, 1)
    assert look(importing.sessions, number)[:2] == (JOB_STOPPED, {"created": 10})
    with importing.sessions() as session:
        assert len(session.scalars(select(Supplier)).all()) == 10
        assert session.get_one(Execution, number).token is None, "pages would say that it is winding down"
        with pytest.raises(IllegalMoveError):
            executions.stop(session, session.get_one(Execution, number), actor="ada")


def test_a_crash_between_chunks_goes_on_without_applying_one_twice(
    importing: Context, start: Start, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "suppliers.csv").write_text(suppliers(35))
    number = start()

    with monkeypatch.context() as patch:
        patch.setattr("datahub.crash_points.reach", at("between chunks", die))
        with pytest.raises(Killed):
            import_run.run(importing, number, 1)
    take_back(importing)
    assert look(importing.sessions, number)[0] == INTEGRATION_WAITING
    import_run.run(importing, number, 3)
    assert look(importing.sessions, number)[:2] == (INTEGRATION_DONE, {"created": 35})


def test_without_its_spool_it_reads_again_and_refuses_a_changed_file(
    importing: Context, start: Start, folder: Path, tmp_path: Path
) -> None:
    (folder / "suppliers.csv").write_text(suppliers(15))
    writing, same, changed = start(), start(), start()
    hold_family(importing, writing)
    for number in (same, changed):
        import_run.run(importing, number, 1)
    let_go(importing, writing)
    elsewhere = dataclasses.replace(importing.settings, spool_folder=str(tmp_path / "other"))
    other = dataclasses.replace(importing, settings=elsewhere)
    import_run.run(other, same, 2)
    (folder / "suppliers.csv").write_text(suppliers(16))
    import_run.run(other, changed, 2)
    assert look(importing.sessions, same)[:2] == (INTEGRATION_DONE, {"created": 15})
    status, counts, error = look(importing.sessions, changed)
    assert (status, counts) == (INTEGRATION_FAILED, {})
    assert "has changed since" in (error or "")


def test_an_import_that_kills_its_workers_fails_in_the_end(importing: Context, start: Start) -> None:
    number = start()
    for attempt in range(1, MOST_TRIES + 1):
        with importing.sessions.begin() as session:
            assert import_claims.claim(session, number, attempt=attempt, worker="doomed", settings=importing.settings)
        take_back(importing)
    status, _, error = look(importing.sessions, number)
    assert status == JOB_FAILED and "3 tries in a row" in (error or "")


def take_back(context: Context) -> None:
    with context.sessions.begin() as session:
        past = database_now(session) - timedelta(seconds=1)
        session.execute(update(Execution).where(Execution.lease_until.is_not(None)).values(lease_until=past))
    with context.sessions.begin() as session:
        import_executions.reap(session)


def hold_family(context: Context, execution_id: int) -> None:
    """As if another worker were writing it."""
    with context.sessions.begin() as session:
        values = {"status": INTEGRATION_STARTED, "lease_until": database_now(session)}
        session.execute(update(Execution).where(Execution.id == execution_id).values(values))


def let_go(context: Context, execution_id: int) -> None:
    with context.sessions.begin() as session:
        executions.stop(session, session.get_one(Execution, execution_id), actor="ada")
