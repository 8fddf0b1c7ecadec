"""The sample of an import file: what is fetched, what is kept, and what is said where nothing can be had."""

from __future__ import annotations

import dataclasses
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from datahub.jobs import import_sample
from datahub.jobs.import_sample import SAMPLE_BYTES, Place, Sample, kept_sample, read_sample
from datahub.models.connection import Connection
from datahub.settings import Settings
from datahub.vault import Vault
from tests.connections import connection_to
from tests.servers import SshServer
from tests.settings import make_settings

FILE = Place(path="in/a.csv")


@pytest.fixture
def spooling(tmp_path: Path) -> Settings:
    return make_settings(spool_folder=str(tmp_path / "spool"))


@pytest.fixture
def connection(sshd: SshServer, vault: Vault) -> Connection:
    (sshd.files / "in").mkdir()
    return connection_to(sshd, vault)


def age(spooling: Settings, seconds: float) -> None:
    """As if what is kept had been read so long ago."""
    (kept,) = (Path(spooling.spool_folder) / "samples").iterdir()
    then = time.time() - seconds
    os.utime(kept, (then, then))


def test_a_file_is_fetched_once_and_again_on_request(
    sshd: SshServer, connection: Connection, spooling: Settings, vault: Vault
) -> None:
    (sshd.files / "in/a.csv").write_bytes(b"id;name\n1;\n")
    assert kept_sample(connection, spooling, FILE) is None
    assert read_sample(connection, spooling, vault, FILE) == Sample("a.csv", b"id;name\n1;\n")
    (sshd.files / "in/a.csv").write_bytes(b"id\n2\n")
    assert read_sample(connection, spooling, vault, FILE).content == b"id;name\n1;\n"
    assert read_sample(connection, spooling, vault, FILE, afresh=True).content == b"id\n2\n"
    assert kept_sample(connection, spooling, FILE) == Sample("a.csv", b"id\n2\n")


def test_a_file_of_secrets_is_not_kept_but_that_it_cannot_be_read_is(
    sshd: SshServer, connection: Connection, spooling: Settings, vault: Vault
) -> None:
    assert read_sample(connection, spooling, vault, FILE, is_secret=True).problem
    assert kept_sample(connection, spooling, FILE) is not None
    (sshd.files / "in/a.csv").write_bytes(b"password\n1\n")
    assert read_sample(connection, spooling, vault, FILE, afresh=True, is_secret=True).content
    assert kept_sample(connection, spooling, FILE) is None
    assert not list((Path(spooling.spool_folder) / "samples").iterdir())


def test_a_file_that_was_kept_for_another_entity_is_forgotten_once_it_is_known_to_hold_secrets(
    sshd: SshServer, connection: Connection, spooling: Settings, vault: Vault
) -> None:
    (sshd.files / "in/a.csv").write_bytes(b"password\n1\n")
    read_sample(connection, spooling, vault, FILE)
    (sshd.files / "in/a.csv").write_bytes(b"password\n2\n")
    assert read_sample(connection, spooling, vault, FILE, is_secret=True).content == b"password\n2\n"
    assert kept_sample(connection, spooling, FILE) is None


def test_what_is_kept_is_readable_by_this_user_alone_and_forgotten_in_time(
    sshd: SshServer, connection: Connection, spooling: Settings, vault: Vault
) -> None:
    for name in ("a.csv", "b.csv"):
        (sshd.files / "in" / name).write_bytes(b"id\n1\n")
    read_sample(connection, spooling, vault, FILE)
    (kept,) = (Path(spooling.spool_folder) / "samples").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600
    age(spooling, import_sample.KEPT_SECONDS + 1)
    assert kept_sample(connection, spooling, FILE) is None
    read_sample(connection, spooling, vault, Place(path="in/b.csv"))
    assert not kept.exists()


def test_another_path_folder_or_change_of_the_connection_is_another_sample(
    sshd: SshServer, connection: Connection, spooling: Settings, vault: Vault
) -> None:
    (sshd.files / "in/a.csv").write_bytes(b"id\n1\n")
    read_sample(connection, spooling, vault, FILE)
    assert kept_sample(connection, spooling, Place(path="in/b.csv")) is None
    assert kept_sample(connection, spooling, Place(folder="in/a.csv")) is None
    connection.updated_at = connection.updated_at.replace(year=2030)
    assert kept_sample(connection, spooling, FILE) is None


def test_of_a_folder_the_first_csv_file_by_name_is_read(
    sshd: SshServer, connection: Connection, spooling: Settings, vault: Vault
) -> None:
    folder = Place(folder="in")
    assert "There is no .csv file in in yet." in read_sample(connection, spooling, vault, folder).problem
    (sshd.files / "in/1.csv").mkdir()
    for name in ("b.csv", "a.CSV", "0.txt", ".0.csv"):
        (sshd.files / "in" / name).write_text(name)
    assert read_sample(connection, spooling, vault, folder, afresh=True) == Sample("a.CSV", b"a.CSV")


def test_a_large_file_is_cut_after_a_line(
    sshd: SshServer, connection: Connection, spooling: Settings, vault: Vault
) -> None:
    line = "é" * 499 + "\n"
    (sshd.files / "in/a.csv").write_text(line * 1000)
    found = read_sample(connection, spooling, vault, FILE)
    assert found.is_cut and found.content == (line * (SAMPLE_BYTES // 999)).encode()
    (sshd.files / "in/a.csv").write_text("x" * SAMPLE_BYTES + "x\n")
    assert "is longer than 512 kB" in read_sample(connection, spooling, vault, FILE, afresh=True).problem


def test_a_file_that_cannot_be_had_is_told_and_not_asked_for_again_within_seconds(
    sshd: SshServer, connection: Connection, spooling: Settings, vault: Vault
) -> None:
    told = read_sample(connection, spooling, vault, FILE).problem
    assert told.startswith("There is no file in/a.csv on")
    (sshd.files / "in/a.csv").write_bytes(b"id\n")
    assert read_sample(connection, spooling, vault, FILE).problem == told
    age(spooling, import_sample.KEPT_FAILURE_SECONDS + 1)
    assert read_sample(connection, spooling, vault, FILE).problem == ""


def test_what_is_kept_says_when_it_was_read(
    sshd: SshServer, connection: Connection, spooling: Settings, vault: Vault
) -> None:
    (sshd.files / "in/a.csv").write_bytes(b"id\n")
    before = datetime.now(UTC)
    assert before <= read_sample(connection, spooling, vault, FILE).read_at <= datetime.now(UTC)
    age(spooling, 300)
    kept = kept_sample(connection, spooling, FILE)
    assert kept and before - timedelta(seconds=301) < kept.read_at < before - timedelta(seconds=250)


def test_a_silent_server_ends_in_time(
    sshd: SshServer, connection: Connection, spooling: Settings, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_sample, "SAMPLE_SECONDS", 0.0)
    assert "did not give the file within 0 s" in read_sample(connection, spooling, vault, FILE).problem


def test_a_spool_that_cannot_be_written_costs_the_keeping_only(
    sshd: SshServer, connection: Connection, spooling: Settings, vault: Vault, tmp_path: Path
) -> None:
    (sshd.files / "in/a.csv").write_bytes(b"id\n1\n")
    (tmp_path / "taken").touch()
    nowhere = dataclasses.replace(spooling, spool_folder=str(tmp_path / "taken"))
    assert read_sample(connection, nowhere, vault, FILE).content == b"id\n1\n"
    assert kept_sample(connection, nowhere, FILE) is None
