"""Passwords in a file: what is kept of them is a hash and a fingerprint, and what was given is nowhere."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from cryptography.fernet import Fernet
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import Base
from datahub.jobs import import_executions, import_run, record_reads, rejected_rows
from datahub.jobs.context import Context
from datahub.jobs.rows import secret_values
from datahub.models.change import Change
from datahub.models.execution import JOB_FAILED, MANUAL, Execution
from datahub.models.import_run import ImportWarning, RejectedRow
from datahub.models.party import CustomerUser
from datahub.vault import Vault
from tests.factories import add_connection, add_import_job, make_account
from tests.importer import Importer, causes, counts, customer_user
from tests.killed import Killed, at, die

Sessions = sessionmaker[Session]
SECRET, OTHER = "Correct-h0rse", "Battery-5taple"


@pytest.fixture(autouse=True)
def account(sessions: Sessions) -> None:
    with sessions.begin() as session:
        make_account(session, "ACC-1")


@pytest.fixture
def importing(context: Context, tmp_path: Path) -> Context:
    return replace(context, settings=replace(context.settings, spool_folder=str(tmp_path / "spool")))


@pytest.fixture(autouse=True)
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that were hashed, in little time."""
    quick, done = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1), []

    def hash_password(password: str) -> str:
        done.append(password)
        return quick.hash(password)

    monkeypatch.setattr(secret_values, "hash_password", hash_password)
    return done


def kept(sessions: Sessions, key: str = "U") -> dict[str, str]:
    with sessions() as session:
        return session.scalars(select(CustomerUser.password).where(CustomerUser.external_id == key)).one()


def test_a_password_is_stored_as_a_hash_and_an_equal_one_changes_nothing(
    load: Importer, sessions: Sessions, hashed: list[str]
) -> None:
    row = customer_user("U", Password=SECRET)
    done = load("CUSTOMER_USER", row)
    assert (counts(done), done.warnings) == ({"created": 1}, [])
    before = kept(sessions)
    assert PasswordHasher().verify(before["hash"], SECRET)
    assert counts(load("CUSTOMER_USER", row)) == {"unchanged": 1}
    assert counts(load("CUSTOMER_USER", row | {"customerUserPassword": ""})) == {"unchanged": 1}
    assert (kept(sessions), hashed) == (before, [SECRET])
    assert counts(load("CUSTOMER_USER", row | {"customerUserPassword": OTHER})) == {"updated": 1}
    assert PasswordHasher().verify(kept(sessions)["hash"], OTHER)
    with sessions() as session:
        told = session.scalars(select(Change.changes).where(Change.action == "updated")).one()
        (shown,) = record_reads.describe_fields(
            session, "CUSTOMER_USER", [record_reads.get(session, "CUSTOMER_USER", "U")]
        )
    assert told == {"customerUserPassword": ["••••••••", "••••••••"]}
    assert shown["customerUserPassword"] is True


def test_equal_passwords_of_two_users_have_nothing_in_common(load: Importer, sessions: Sessions) -> None:
    load("CUSTOMER_USER", customer_user("U", Password=SECRET), customer_user("V", Password=SECRET))
    assert set(kept(sessions).values()).isdisjoint(kept(sessions, "V").values())


@pytest.mark.parametrize("password", ["Abcdef1", "abcdefg1", "ABCDEFG1", "Abcdefgh", "Aa1" + "x" * 253])
def test_a_weak_password_rejects_the_row_and_is_not_told(
    load: Importer, sessions: Sessions, hashed: list[str], password: str
) -> None:
    done = load("CUSTOMER_USER", customer_user("U", Password=password))
    assert causes(done) == [(2, "malformed", "customerUserPassword")]
    ((row, (fault,)),) = done.rejected
    assert fault["value"] == "••••••••"
    assert (password in f"{row}{fault}", hashed) == (False, [])


def test_the_longest_and_the_shortest_password_are_taken(load: Importer) -> None:
    rows = customer_user("U", Password="Aa1" + "x" * 252), customer_user("V", Password=" Abcdef12 ")
    assert counts(load("CUSTOMER_USER", *rows)) == {"created": 2}


def test_a_user_made_without_a_password_is_warned_of_where_the_file_has_a_column_for_it(load: Importer) -> None:
    done = load("CUSTOMER_USER", customer_user("U", Password=""), customer_user("V", Password=SECRET))
    assert [(warned.row.line, warned.code, warned.field) for warned in done.warnings] == [
        (2, "no_password", "customerUserPassword")
    ]
    assert load("CUSTOMER_USER", customer_user("U", Password="")).warnings == []
    assert load("CUSTOMER_USER", customer_user("W")).warnings == []


def test_a_password_that_somebody_changed_since_the_file_was_read_rejects_the_row(
    load: Importer, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = customer_user("U", Password=SECRET)
    load("CUSTOMER_USER", row)

    def seal_and_change(sealer: Any, *given: Any) -> Iterator[Any]:
        rows = list(seal(sealer, *given))
        with sessions.begin() as session:
            session.scalars(select(CustomerUser)).one().password = {}
        return iter(rows)

    seal = secret_values.Sealer.seal
    monkeypatch.setattr(secret_values.Sealer, "seal", seal_and_change)
    assert causes(load("CUSTOMER_USER", row)) == [(2, "changed_meanwhile", "customerUserPassword")]
    monkeypatch.undo()
    assert counts(load("CUSTOMER_USER", row)) == {"updated": 1}


def test_of_two_files_read_before_either_is_written_the_second_changes_nothing(
    load: Importer, sessions: Sessions, hashed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = customer_user("U", Password=SECRET)
    load("CUSTOMER_USER", row)
    before = kept(sessions)
    monkeypatch.setattr(secret_values, "stored_values", lambda *_: {})
    assert counts(load("CUSTOMER_USER", row)) == {"unchanged": 1}
    assert (kept(sessions), hashed) == (before, [SECRET, SECRET])


def test_a_row_that_deletes_hashes_nothing(load: Importer, hashed: list[str]) -> None:
    load("CUSTOMER_USER", customer_user("U", Password=SECRET))
    row = customer_user("U", Password=OTHER, Deleted="TRUE")
    assert (counts(load("CUSTOMER_USER", row)), hashed) == ({"deleted": 1}, [SECRET])


def test_a_key_that_was_taken_out_costs_one_more_hash(
    load: Importer, engine: Engine, sessions: Sessions, hashed: list[str]
) -> None:
    row = customer_user("U", Password=SECRET)
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    done = []
    for keys in ({"a": old}, {"b": new, "a": old}, {"b": new}, {"b": new}):
        load._sealer = secret_values.Sealer(engine, Vault(keys))
        done.append((counts(load("CUSTOMER_USER", row)), kept(sessions)["fingerprint"][:2]))
    assert done == [({"created": 1}, "a:"), ({"unchanged": 1}, "a:"), ({"updated": 1}, "b:"), ({"unchanged": 1}, "b:")]
    assert hashed == [SECRET, SECRET]


FILE = """\
customerUserExternalId;customerUserCivility;customerUserFirstName;customerUserLastName;customerUserEmail;\
customerUserPhone;customerUserGroups;customerUserAccountIds;customerUserPassword;Old password
good;MR;Al;Good;al@example.com;1;FOC_User;ACC-1;S3cret-one;S3cret-two
weak;MR;Al;Weak;weak@example.com;1;FOC_User;ACC-1;s3cret-three;S3cret-four
lost;MR;Al;Lost;lost@example.com;1;FOC_User;ACC-9;S3cret-five;
S3cret-six;lost;a cell;and its key
S3cret-seven;MR;Al;S3cret-eight;one@example.com;1;FOC_User;ACC-1;S3cret-nine;S3cret-ten;S3cret-eleven
"""


def run(context: Context, content: bytes) -> int:
    with context.sessions.begin() as session:
        job = add_import_job(session, add_connection(session, context.vault), entity="CUSTOMER_USER")
        number = import_executions.trigger(
            session, job, origin=MANUAL, actor="ada", upload=("users.csv", io.BytesIO(content))
        ).id
    import_run.run(context, number, 1)
    return number


def everything(engine: Engine) -> str:
    """Of the database, but for what was uploaded, which goes when the execution ends."""
    with engine.connect() as connection:
        tables = [table for table in Base.metadata.sorted_tables if table.name != "upload_chunks"]
        return "".join(repr(row) for table in tables for row in connection.execute(select(table)))


def test_nothing_keeps_a_password_that_a_file_has(
    importing: Context, engine: Engine, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = Path(importing.settings.spool_folder)
    with monkeypatch.context() as patch:
        patch.setattr("datahub.crash_points.reach", at("after parse", die))
        with pytest.raises(Killed):
            run(importing, FILE.encode())
    spooled = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert b"argon2" in spooled
    assert b"3cret-" not in spooled
    assert "3cret-" not in everything(engine)
    with importing.sessions() as session:
        number = session.scalars(select(Execution.id)).one()
    import_run.run(importing, number, 2)
    assert "3cret-" not in everything(engine) + "".join(capfd.readouterr())
    with importing.sessions() as session:
        assert session.get_one(Execution, number).status != JOB_FAILED
        rejected = session.scalars(select(RejectedRow.cause).order_by(RejectedRow.sequence)).all()
        assert rejected == ["malformed", "unknown_reference", "too_few_cells", "too_many_cells"]
        text = "".join(rejected_rows.rejected_file(session, session.get_one(Execution, number)))
    assert "3cret-" not in text
    assert "•" not in text
    assert text.count("Its password is not kept: fill it in again.") == 2
    assert text.count("Its cells are not kept, as any of them may be a password") == 2


def test_a_file_without_a_header_is_refused_without_a_word_of_what_it_holds(
    importing: Context, engine: Engine, capfd: pytest.CaptureFixture[str]
) -> None:
    number = run(importing, b"al;al@example.com;S3cret-one;MR;Al;Good;1;FOC_User;ACC-1\n")
    with importing.sessions() as session:
        execution = session.get_one(Execution, number)
        assert execution.status == JOB_FAILED
        assert execution.error == (
            "No column of the file is named like a field: map the columns in the job. Is the delimiter right, and does "
            "the first line name the columns?"
        )
    assert "3cret-" not in everything(engine) + "".join(capfd.readouterr())


def test_mended_rows_come_back_with_the_password_filled_in_or_left_empty(
    importing: Context, sessions: Sessions
) -> None:
    header, _, weak, lost, *_ = FILE.splitlines(keepends=True)
    number = run(importing, (header + weak + lost.replace("lost;MR", "lost;DR")).encode())
    with sessions() as session:
        text = "".join(rejected_rows.rejected_file(session, session.get_one(Execution, number)))
    mended = text.replace("ACC-1;;;", "ACC-1;S3cret-three;;").replace("ACC-9", "ACC-1").replace("DR", "MR")
    number = run(importing, mended.encode())
    with sessions() as session:
        warned = session.scalars(select(ImportWarning.record_key).where(ImportWarning.code == "no_password")).all()
        users_ = session.scalars(select(CustomerUser).order_by(CustomerUser.external_id)).all()
    assert warned == ["lost"]
    assert [(user.external_id, bool(user.password)) for user in users_] == [("lost", False), ("weak", True)]
