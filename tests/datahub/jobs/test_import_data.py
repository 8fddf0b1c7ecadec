"""Bad data is contained: a bad row costs the row, a bad file the run, and what is stored stays as it was."""

from __future__ import annotations

import codecs
import dataclasses
import json
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.jobs import import_run
from datahub.jobs.context import Context
from datahub.models.change import Change
from datahub.models.custom_field import CustomField
from datahub.models.execution import INTEGRATION_DONE, INTEGRATION_DONE_WITH_ERRORS, JOB_FAILED
from datahub.models.import_run import ImportRun, ImportWarning, RejectedRow
from datahub.models.party import Supplier
from tests.datahub.jobs.test_import_run import HEADER, Start, importing, look, start, suppliers
from tests.factories import make_supplier
from tests.settings import ENCRYPTION_KEY

__all__ = ["importing", "start"]

ROWS = 10_000
# What names alone would bind too.
MAPPING = [
    {"field": "externalId", "source": "Supplier External Id"},
    {"field": "name", "source": "Supplier Name"},
    {"field": "supplierRating", "source": "Supplier Rating"},
]
MEMORY = 130_000_000


@pytest.fixture
def stored(sessions: sessionmaker[Session]) -> None:
    """S-1 with a value that nobody may lose, in a field and in a custom field."""
    with sessions.begin() as session:
        now = database_now(session)
        stamps = {"created_at": now, "updated_at": now}
        for name, kind in (("zone", "TEXT"), ("since", "DATE")):
            given = {"public_id": name, "entity": "SUPPLIER", "external_id": name, "name": name, "type": kind}
            session.add(CustomField(**given, **stamps))
        make_supplier(session, "S-1", name="Acme", rating=Decimal(5), custom_fields={"zone": "north"})


def assert_nothing_changed(sessions: sessionmaker[Session]) -> None:
    with sessions() as session:
        (known,) = session.scalars(select(Supplier))
        assert (known.name, known.rating, known.custom_fields, known.deleted_at) == ("Acme", 5, {"zone": "north"}, None)
        assert session.scalar(select(func.count()).select_from(Change)) == 0


def test_a_byte_order_mark_of_utf_8_is_invisible(importing: Context, start: Start, folder: Path) -> None:
    (folder / "suppliers.csv").write_bytes(codecs.BOM_UTF8 + suppliers(3).encode())
    number = start()
    import_run.run(importing, number, 1)
    assert look(importing.sessions, number) == (INTEGRATION_DONE, {"created": 3}, None)


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("content", "start_of_error"),
    [
        ((suppliers(2) + "S-9;Café;1\n").encode("utf-16"), "Line 1 is not UTF-8: it holds the byte 0xFF"),
        ((suppliers(2) + "S-9;Café;1\n").encode("cp1252"), "Line 4 is not UTF-8: it holds the byte 0xE9"),
    ],
)
def test_another_encoding_fails_the_run_with_its_place(
    importing: Context, start: Start, folder: Path, content: bytes, start_of_error: str
) -> None:
    (folder / "suppliers.csv").write_bytes(content)
    number = start()
    import_run.run(importing, number, 1)
    status, counts, error = look(importing.sessions, number)
    assert (status, counts) == (JOB_FAILED, {}) and (error or "").startswith(start_of_error)
    assert_nothing_changed(importing.sessions)


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(
    ("content", "status", "told"),
    [
        (suppliers(2).replace(";", ","), JOB_FAILED, 'Choose ","'),
        ("Supplier Name;Supplier Rating\nAcme;1\n", JOB_FAILED, "lacks a column"),
        ("Supplier External Id;Supplier Name;Supplier Name\nS-1;A;B\n", JOB_FAILED, "Line 1: Column names must differ"),
        ("", JOB_FAILED, "The file is empty"),
        (HEADER, INTEGRATION_DONE, None),
        (HEADER + "S-1;Only two\nS-1;One;too;many\n", INTEGRATION_DONE_WITH_ERRORS, None),
    ],
    ids=["wrong delimiter", "missing column", "duplicate header", "empty", "header only", "ragged"],
)
def test_a_file_that_says_nothing_of_a_record_takes_nothing_from_it(
    importing: Context, start: Start, folder: Path, full: bool, content: str, status: str, told: str | None
) -> None:
    (folder / "suppliers.csv").write_text(content)
    for mapping in (None, MAPPING):
        number = start(import_full_mode=full, mapping=mapping)
        import_run.run(importing, number, 1)
        found, counts, error = look(importing.sessions, number)
        assert found == status, error
        assert told in error if told and error else error == told
        assert counts == ({"rejected": 2} if status == INTEGRATION_DONE_WITH_ERRORS else {})
        assert_nothing_changed(importing.sessions)


@pytest.mark.usefixtures("stored")
def test_of_ten_thousand_rows_exactly_the_bad_ones_are_rejected_with_their_lines(
    importing: Context, start: Start, folder: Path
) -> None:
    header = "Supplier External Id;Supplier Name;Supplier Rating;Account External Id;CF_since\n"
    rows = [f"K-{number:05};Supplier {number};3;;31/12/2026" for number in range(ROWS)]
    chunk = 1_000
    bad = {
        0: ("three;;", "supplierRating"),
        chunk - 1: (";;31/02/2026", "CF_since"),
        chunk: ("3\0;;", "Supplier Rating"),
        4_242: ("3;NOBODY;", "accountExternalId"),
        5 * chunk - 1: ("1e99;;", "supplierRating"),
        5 * chunk: (";;yesterday", "CF_since"),
        ROWS - 1: ("3;;;", ""),
    }
    for number, (cells, _) in bad.items():
        rows[number] = f"K-{number:05};Supplier {number};{cells}"
    rows[7_777] = f"K-07777;{'x' * 300};3;;"
    bad[7_777] = ("", "name")
    (folder / "suppliers.csv").write_text(header + "\n".join(rows) + "\n")
    number = start()
    import_run.run(with_chunks(importing, chunk), number, 1)
    expected = {"created": ROWS - len(bad), "rejected": len(bad)}
    assert look(importing.sessions, number)[:2] == (INTEGRATION_DONE_WITH_ERRORS, expected)
    with importing.sessions() as session:
        kept = session.scalars(select(RejectedRow).order_by(RejectedRow.line)).all()
        assert {row.line - 2: row.field or row.faults[0]["column"] for row in kept} == {
            at: field for at, (_, field) in bad.items()
        }
        assert session.scalar(select(func.count()).select_from(Supplier)) == 1 + ROWS - len(bad)


def test_of_a_key_that_comes_again_chunks_later_the_last_row_counts(
    importing: Context, start: Start, folder: Path
) -> None:
    (folder / "suppliers.csv").write_text(suppliers(35) + "S-1;Last of all;1\nS-20;Last too;2\n")
    number = start()
    import_run.run(importing, number, 1)
    assert look(importing.sessions, number)[:2] == (INTEGRATION_DONE, {"created": 35, "unchanged": 2})
    with importing.sessions() as session:
        named = select(Supplier.name).where(Supplier.external_id.in_(["S-1", "S-20"])).order_by(Supplier.external_id)
        assert session.scalars(named).all() == ["Last of all", "Last too"]
        warned = session.scalars(select(ImportWarning).order_by(ImportWarning.line)).all()
        assert [(one.line, one.code) for one in warned] == [(2, "superseded"), (21, "superseded")]
        lines = select(Change.record_key, Change.line).where(Change.record_key.in_(["S-1", "S-20"]))
        assert sorted(session.execute(lines).all()) == [("S-1", 37), ("S-20", 38)]


@pytest.mark.parametrize(
    ("limit", "content"),
    [
        ({"max_file_bytes": 1_000}, suppliers(100)),
        ({"max_rows": 50}, suppliers(51)),
        ({}, ";".join(f"Column {number}" for number in range(10_000)) + "\n"),
    ],
    ids=["MAX_FILE_BYTES", "MAX_ROWS", "MAX_COLUMNS"],
)
def test_a_file_over_a_limit_fails_the_run_and_the_limit_is_named(
    importing: Context, start: Start, folder: Path, request: pytest.FixtureRequest, limit: dict[str, int], content: str
) -> None:
    (folder / "suppliers.csv").write_text(content)
    number = start()
    import_run.run(dataclasses.replace(importing, settings=dataclasses.replace(importing.settings, **limit)), number, 1)
    status, counts, error = look(importing.sessions, number)
    assert (status, counts) == (JOB_FAILED, {})
    assert request.node.callspec.id.rpartition("-")[2] in (error or "")


def test_more_rows_of_one_record_than_memory_holds_fail_the_run_and_say_what_to_look_at(
    importing: Context, start: Start, folder: Path
) -> None:
    (folder / "suppliers.csv").write_text(suppliers(1) + "ACME;Acme;1\n" * 3)
    number = start()
    settings = dataclasses.replace(importing.settings, max_record_rows=2)
    import_run.run(dataclasses.replace(importing, settings=settings), number, 1)
    assert look(importing.sessions, number) == (
        JOB_FAILED,
        {},
        "3 rows are of one record, ACME: at most 2 can be (MAX_RECORD_ROWS). Look which column is mapped to Supplier "
        "External Id.",
    )


def test_a_cell_of_five_megabytes_costs_its_row(importing: Context, start: Start, folder: Path) -> None:
    (folder / "suppliers.csv").write_text(suppliers(1) + f"S-2;{'x' * 5_000_000};1\n")
    number = start()
    import_run.run(importing, number, 1)
    assert look(importing.sessions, number)[:2] == (INTEGRATION_DONE_WITH_ERRORS, {"created": 1, "rejected": 1})
    with importing.sessions() as session:
        (kept,) = session.scalars(select(RejectedRow))
        assert (kept.line, kept.cause) == (3, "cell_over_limit") and "MAX_CELL" in kept.faults[0]["message"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_memory_is_bounded_by_bytes_and_not_by_rows(importing: Context, start: Start, folder: Path) -> None:
    with (folder / "suppliers.csv").open("w") as file:
        file.write(HEADER.replace("\n", ";Note\n"))
        file.writelines(long_rows(240))
    number = start()
    settings = dataclasses.asdict(with_chunks(importing, 5_000).settings) | {"outbound_allow": []}
    child = [sys.executable, "-c", CHILD, json.dumps(settings), ENCRYPTION_KEY, str(number)]
    grown = int(subprocess.run(child, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
    assert look(importing.sessions, number) == (INTEGRATION_DONE, {"created": 240}, None)
    with importing.sessions() as session:
        assert session.get_one(ImportRun, number).files[0]["size"] > MEMORY
    assert grown < MEMORY


CHILD = """
import ipaddress, json, re, sys
from pathlib import Path
from datahub import storage
from datahub.db import make_engine, make_sessions
from datahub.jobs import import_read, import_run
from datahub.jobs.context import Context
from datahub.settings import Settings
from datahub.vault import Vault

given = json.loads(sys.argv[1]) | {"outbound_allow": (ipaddress.ip_network("127.0.0.0/8"),)}
settings = Settings(**given)
sessions = make_sessions(make_engine(settings.database_url))
storage.PIECE_CHARACTERS = import_read.PIECE_CHARACTERS = 1_000_000

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024

before = peak()
import_run.run(Context(sessions, settings, Vault({"test": sys.argv[2]}), "child"), int(sys.argv[3]), 1)
print(peak() - before)
"""


def long_rows(count: int) -> Iterator[str]:
    return (f"S-{number};Supplier {number};3;{'x' * 700_000}\n" for number in range(count))


def with_chunks(context: Context, rows: int) -> Context:
    return dataclasses.replace(context, settings=dataclasses.replace(context.settings, chunk_rows=rows))
