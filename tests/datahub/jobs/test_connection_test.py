"""The steps of a connection test, and what they leave behind: nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from datahub.errors import TransientError
from datahub.jobs.connection_test import Folder, Report, list_names, run_test, run_test_blocking
from datahub.transports.sftp import SftpTransport
from datahub.vault import Vault
from tests.connections import connection_to, make_connection
from tests.partner import PASSWORD, USERNAME, partner_server
from tests.servers import SshServer, free_port
from tests.settings import make_settings

SETTINGS = make_settings()


def outcome(report: Report) -> list[tuple[str, bool]]:
    return [(step.name, step.ok) for step in report.steps]


def passed(*names: str) -> list[tuple[str, bool]]:
    return [(name, True) for name in names]


def test_without_a_folder_the_four_opening_steps_pass(sshd: SshServer, vault: Vault) -> None:
    report = run_test_blocking(connection_to(sshd, vault), SETTINGS, vault)
    assert report.ok
    assert outcome(report) == passed("resolve", "connect", "host key", "sign in")
    assert report.steps[2].fingerprint


def test_with_a_folder_a_probe_is_written_renamed_and_removed(sshd: SshServer, vault: Vault) -> None:
    (sshd.files / "out").mkdir()
    report = run_test_blocking(connection_to(sshd, vault), SETTINGS, vault, "out")
    assert report.ok
    assert outcome(report)[4:] == passed("list", "write", "rename", "delete")
    assert list((sshd.files / "out").iterdir()) == []


def test_a_missing_folder_fails_at_list(sshd: SshServer, vault: Vault) -> None:
    report = run_test_blocking(connection_to(sshd, vault), SETTINGS, vault, "out")
    assert not report.ok
    assert outcome(report)[4:] == [("list", False)]
    assert "The folder out does not exist" in report.steps[-1].message


def test_an_unknown_host_key_is_shown_and_no_password_sent(tmp_path: Path, vault: Vault) -> None:
    async def scenario() -> None:
        async with partner_server(tmp_path / "files") as partner:
            connection = make_connection(vault, port=partner.port, username=USERNAME, password=PASSWORD)
            report = await run_test(connection, SETTINGS, vault, "")
            assert outcome(report) == [*passed("resolve", "connect"), ("host key", False)]
            assert report.steps[-1].host_key == partner.host_key
            assert (report.steps[-1].fingerprint or "").startswith("SHA256:")
            assert partner.passwords == []

    asyncio.run(scenario())


def test_a_wrong_password_fails_at_sign_in(tmp_path: Path, vault: Vault) -> None:
    async def scenario() -> None:
        async with partner_server(tmp_path / "files") as partner:
            connection = make_connection(vault, port=partner.port, password="wrong", host_key=partner.host_key)
            report = await run_test(connection, SETTINGS, vault)
            assert outcome(report)[3:] == [("sign in", False)]

    asyncio.run(scenario())


def test_an_unreachable_host_fails_at_connect_and_an_unknown_one_at_resolve(vault: Vault) -> None:
    for fields, failing in (({"port": free_port()}, "connect"), ({"host": "nowhere.invalid"}, "resolve")):
        connection = make_connection(vault, password="x", **fields)
        report = run_test_blocking(connection, SETTINGS, vault)
        assert outcome(report)[-1] == (failing, False)
        assert "Check" in report.steps[-1].message


def test_a_refused_address_names_the_setting(vault: Vault) -> None:
    report = run_test_blocking(make_connection(vault, host="10.0.0.1", password="x"), SETTINGS, vault)
    assert outcome(report) == [("resolve", False)]
    assert "OUTBOUND_ALLOW" in report.steps[0].message


def test_a_slow_server_ends_the_test_at_its_deadline(tmp_path: Path, vault: Vault) -> None:
    async def scenario() -> None:
        async with partner_server(tmp_path / "files", silent_at="write") as partner:
            connection = make_connection(
                vault, port=partner.port, username=USERNAME, password=PASSWORD, host_key=partner.host_key
            )
            report = await run_test(connection, SETTINGS, vault, "", seconds=1.5)
            assert outcome(report)[4:] == [("list", True), ("write", False)]
            assert "longer than 1.5 s" in report.steps[-1].message

    asyncio.run(scenario())


def test_a_server_that_cannot_rename_keeps_no_probe(
    sshd: SshServer, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_args: object) -> None:
        raise TransientError("no renaming today")

    monkeypatch.setattr(SftpTransport, "rename", refuse)
    report = run_test_blocking(connection_to(sshd, vault), SETTINGS, vault, "")
    assert outcome(report)[4:] == [("list", True), ("write", True), ("rename", False)]
    assert list(sshd.files.iterdir()) == []


def test_folders_and_csv_files_are_listed_without_hostile_names(sshd: SshServer, vault: Vault) -> None:
    for name in ("out", "in", "in/orders", "evil\nname", "folder.csv"):
        (sshd.files / name).mkdir()
    for name in ("file", "b.CSV", "a.csv", ".a.csv", "evil\n.csv"):
        (sshd.files / name).touch()
    found = asyncio.run(list_names(connection_to(sshd, vault), SETTINGS, vault, ""))
    assert found == Folder(folders=["folder.csv", "in", "out"], files=["a.csv", "b.CSV"])
