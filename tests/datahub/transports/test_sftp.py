"""The SFTP transport against OpenSSH's sshd, and against a server with bad habits."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import asyncssh
import pytest

from datahub.errors import (
    ConfigError,
    HostKeyError,
    OutboundRefusedError,
    SourceMissingError,
    TransientError,
)
from datahub.transports.base import Entry, Facts, Transport, clean, join
from datahub.vault import Vault
from tests.connections import connection_to, make_connection
from tests.datahub.transports.used import connection_with_password, use, using
from tests.partner import PASSWORD, partner_server
from tests.servers import SshServer, free_port, start_sshd
from tests.settings import make_settings

IMPATIENT = make_settings(connect_seconds=1.0, step_seconds=0.5)
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="serves files as another user, which needs root")


async def nothing(transport: Transport) -> None:
    assert transport.is_alive


def test_a_file_is_written_measured_renamed_over_another_and_removed(sshd: SshServer, vault: Vault) -> None:
    (sshd.files / "out").mkdir()
    (sshd.files / "out/a.xml").write_text("old")
    content = os.urandom(300_001)

    async def deliver(transport: Transport) -> None:
        await transport.upload("out/.a.part", content)
        assert await transport.stat_size("out/.a.part") == len(content)
        await transport.rename("out/.a.part", "out/a.xml")
        assert await transport.stat_size("out/.a.part") is None
        assert await transport.list_folder("out") == [Entry("a.xml", False, len(content))]
        assert (sshd.files / "out/a.xml").read_bytes() == content
        assert await transport.remove("out/a.xml")
        assert not await transport.remove("out/a.xml")

    use(connection_to(sshd, vault), vault, deliver)
    assert list((sshd.files / "out").iterdir()) == []


def test_a_move_replaces_nothing(sshd: SshServer, vault: Vault) -> None:
    (sshd.files / "done").mkdir()
    (sshd.files / "a.csv").write_text("new")
    (sshd.files / "done/a.csv").write_text("old")
    os.utime(sshd.files / "a.csv", (1_700_000_000, 1_700_000_000))

    async def move(transport: Transport) -> None:
        assert await transport.stat("a.csv") == Facts(False, 3, datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC))
        assert (found := await transport.stat("done")) is not None and found.is_folder
        assert not await transport.move("a.csv", "done/a.csv")
        assert await transport.move("a.csv", "done/b.csv")
        assert await transport.stat("a.csv") is None
        for old, new in (("a.csv", "done/c.csv"), ("done/b.csv", "nowhere/b.csv")):
            with pytest.raises(TransientError, match=r"no longer has the file .*, or not the folder"):
                await transport.move(old, new)

    use(connection_to(sshd, vault), vault, move)
    contents = {path.name: path.read_text() for path in (sshd.files / "done").iterdir()}
    assert contents == {"a.csv": "old", "b.csv": "new"}


def test_an_upload_replaces_a_longer_left_over(sshd: SshServer, vault: Vault) -> None:
    (sshd.files / ".part").write_bytes(b"x" * 100)
    use(connection_to(sshd, vault), vault, lambda transport: transport.upload(".part", b"short"))
    assert (sshd.files / ".part").read_bytes() == b"short"


def test_an_empty_file_arrives(sshd: SshServer, vault: Vault) -> None:
    use(connection_to(sshd, vault), vault, lambda transport: transport.upload("empty", b""))
    assert (sshd.files / "empty").read_bytes() == b""


def test_absolute_folders_work_as_typed(sshd: SshServer, vault: Vault) -> None:
    path = join(str(sshd.files), "a")
    use(connection_to(sshd, vault), vault, lambda transport: transport.upload(path, b"1"))
    assert (sshd.files / "a").exists()


def test_many_files_are_in_flight_on_one_connection(sshd: SshServer, vault: Vault) -> None:
    async def deliver(transport: Transport) -> None:
        async def one(number: int) -> None:
            await transport.upload(f".{number}", str(number).encode())
            await transport.rename(f".{number}", f"{number}.xml")

        await asyncio.gather(*(one(number) for number in range(200)))

    use(connection_to(sshd, vault), vault, deliver)
    assert {path.name: path.read_text() for path in sshd.files.iterdir()} == {f"{n}.xml": str(n) for n in range(200)}


def test_the_head_of_a_file_is_read_and_no_more(sshd: SshServer, vault: Vault) -> None:
    content = os.urandom(300_000)
    (sshd.files / "a.csv").write_bytes(content)

    async def scenario(transport: Transport) -> None:
        assert await transport.read_head("a.csv", 200_000) == content[:200_000]
        assert await transport.read_head("a.csv", 400_000) == content
        with pytest.raises(SourceMissingError, match=r"There is no file gone\.csv"):
            await transport.read_head("gone.csv", 10)

    use(connection_to(sshd, vault), vault, scenario)


def test_a_folder_is_no_file_to_read(sshd: SshServer, vault: Vault, tmp_path: Path) -> None:
    (sshd.files / "in").mkdir()
    words = f"in on 127.0.0.1:{sshd.port} is a folder, not a file."
    with pytest.raises(ConfigError, match=words):
        use(connection_to(sshd, vault), vault, lambda transport: transport.download("in", tmp_path / "copy", 100, int))
    with pytest.raises(ConfigError, match=words):
        use(connection_to(sshd, vault), vault, lambda transport: transport.read_head("in", 100))


def test_a_file_over_the_limit_is_refused_before_any_of_it_is_fetched(
    sshd: SshServer, vault: Vault, tmp_path: Path
) -> None:
    (sshd.files / "large.csv").write_bytes(b"x" * 101)
    with pytest.raises(ConfigError, match=r"large.csv is larger than 100 bytes \(MAX_FILE_BYTES\)"):
        use(
            connection_to(sshd, vault),
            vault,
            lambda transport: transport.download("large.csv", tmp_path / "copy", 100, int),
        )
    assert not (tmp_path / "copy").exists()


def test_a_missing_folder_is_named(sshd: SshServer, vault: Vault) -> None:
    words = f"The folder out/orders does not exist on 127.0.0.1:{sshd.port}"
    with pytest.raises(TransientError, match=words):
        use(connection_to(sshd, vault), vault, lambda transport: transport.upload("out/orders/a", b"1"))
    with pytest.raises(TransientError, match=words):
        use(connection_to(sshd, vault), vault, lambda transport: transport.list_folder("out/orders"))


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that another user may enter, which tmp_path is not."""
    with tempfile.TemporaryDirectory(prefix="datahub-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@needs_root
def test_missing_permission_is_told_apart(open_folder: Path, vault: Vault) -> None:
    server = start_sshd(open_folder, username="nobody")
    try:
        with pytest.raises(TransientError, match=r"no permission to write in the folder \."):
            use(connection_to(server, vault), vault, lambda transport: transport.upload("a", b"1"))
    finally:
        server.stop(kill=True)


@needs_root
def test_a_full_disk_is_told_apart_and_recovered_from(sshd: SshServer, vault: Vault) -> None:
    full = sshd.files / "full"
    full.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(full)], check=False)
    if mounted.returncode:
        pytest.skip("this machine lets nobody mount a small disk")
    try:
        (full / "ballast").write_bytes(b"x" * 1_900_000)
        connection = connection_to(sshd, vault)
        with pytest.raises(TransientError, match="could not store the file in full: its disk is full"):
            use(connection, vault, lambda transport: transport.upload("full/.a", b"x" * 500_000))
        (full / "ballast").unlink()
        use(connection, vault, lambda transport: transport.upload("full/.a", b"x" * 500_000))
        assert (full / ".a").stat().st_size == 500_000
    finally:
        subprocess.run(["umount", "-l", str(full)], check=True)


def test_a_wrong_password_is_tried_once_and_not_shown(tmp_path: Path, vault: Vault) -> None:
    async def scenario() -> list[str]:
        async with partner_server(tmp_path / "files") as partner:
            with pytest.raises(TransientError, match="refused the sign-in of hub") as caught:
                await using(connection_with_password(partner, vault, password="wrong!"), vault, nothing)
            assert "wrong!" not in f"{caught.value}{caught.value.__cause__}"
            return partner.passwords

    assert asyncio.run(scenario()) == ["wrong!"]


@pytest.mark.parametrize("asks_by_keyboard", [False, True])
def test_a_password_signs_in(tmp_path: Path, vault: Vault, asks_by_keyboard: bool) -> None:
    async def scenario() -> list[str]:
        async with partner_server(tmp_path / "files", asks_by_keyboard=asks_by_keyboard) as partner:
            await using(connection_with_password(partner, vault), vault, nothing)
            return partner.passwords

    assert asyncio.run(scenario()) == [PASSWORD]


def test_a_password_is_sent_to_no_other_address_than_it_was_entered_for(tmp_path: Path, vault: Vault) -> None:
    async def sign_in() -> list[str]:
        async with partner_server(tmp_path / "files") as partner:
            connection = connection_with_password(partner, vault)
            connection.password_origin = "sftp.example.com:22"
            with pytest.raises(ConfigError, match=r"entered for sftp\.example\.com:22 and is not sent to 127"):
                await using(connection, vault, nothing)
            return partner.passwords

    assert asyncio.run(sign_in()) == []


@pytest.mark.parametrize("accepted", ["none", "another"])
def test_an_unaccepted_host_key_is_shown_before_any_secret_is_sent(tmp_path: Path, vault: Vault, accepted: str) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()

    async def scenario() -> None:
        async with partner_server(tmp_path / "files") as partner:
            host_key = None if accepted == "none" else other
            with pytest.raises(HostKeyError, match="accept the key on the connection's page") as caught:
                await using(connection_with_password(partner, vault, host_key=host_key), vault, nothing)
            assert caught.value.host_key == partner.host_key
            assert caught.value.fingerprint.startswith("SHA256:")
            assert caught.value.fingerprint in str(caught.value)
            assert partner.passwords == []

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"])
def test_host_keys_of_each_kind_can_be_accepted(tmp_path: Path, vault: Vault, kind: str) -> None:
    async def scenario() -> None:
        async with partner_server(tmp_path / "files", host_key_kind=kind) as partner:
            await using(connection_with_password(partner, vault), vault, nothing)

    asyncio.run(scenario())


def test_a_server_with_another_kind_of_key_beside_the_accepted_one_is_the_same_server(
    tmp_path: Path, vault: Vault
) -> None:
    async def scenario() -> None:
        keys = [asyncssh.generate_private_key(kind) for kind in ("ssh-ed25519", "ecdsa-sha2-nistp256")]
        async with partner_server(tmp_path / "files") as partner:
            server = await asyncssh.listen("127.0.0.1", 0, server_host_keys=keys, password_auth=True)
            accepted = keys[1].export_public_key().decode()
            connection = connection_with_password(partner, vault, port=server.get_port(), host_key=accepted)
            with pytest.raises(TransientError, match="refused the sign-in"):
                await using(connection, vault, nothing)
            server.close()
            await server.wait_closed()

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"])
@pytest.mark.parametrize("passphrase", [None, "a passphrase"])
def test_private_keys_of_each_kind_sign_in(sshd: SshServer, vault: Vault, kind: str, passphrase: str | None) -> None:
    key = asyncssh.generate_private_key(kind)
    (sshd.folder / "client_key.pub").write_bytes(key.export_public_key())
    connection = connection_to(
        sshd,
        vault,
        private_key=key.export_private_key(passphrase=passphrase).decode(),
        private_key_passphrase=passphrase,
    )
    use(connection, vault, nothing)


def test_a_private_key_that_its_passphrase_does_not_open_needs_a_person(sshd: SshServer, vault: Vault) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519").export_private_key(passphrase="right").decode()
    connection = connection_to(sshd, vault, private_key=key, private_key_passphrase="wrong")
    with pytest.raises(ConfigError, match="passphrase does not open"):
        use(connection, vault, nothing)


def test_keys_of_the_machine_are_never_used(sshd: SshServer, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    home = sshd.folder / "home/.ssh"
    home.mkdir(parents=True)
    (home / "id_ed25519").write_text(sshd.private_key)
    (home / "config").write_text("Host *\n  User someone-else\n")
    (home / "known_hosts").write_text(f"[127.0.0.1]:{sshd.port} {sshd.host_key}\n127.0.0.1 {sshd.host_key}\n")
    monkeypatch.setenv("HOME", str(home.parent))
    with pytest.raises(HostKeyError):
        use(connection_to(sshd, vault, host_key=None), vault, nothing)
    stranger = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    with pytest.raises(TransientError, match="refused the sign-in"):
        use(connection_to(sshd, vault, private_key=stranger), vault, nothing)


def test_a_private_address_is_refused_before_a_byte_is_sent(vault: Vault) -> None:
    connection = make_connection(vault, host="127.0.0.1", port=free_port(), password="x")
    with pytest.raises(OutboundRefusedError, match="OUTBOUND_ALLOW"):
        use(connection, vault, nothing, make_settings(outbound_allow=()))


def test_errors_hold_no_control_characters_and_end() -> None:
    assert clean("a\x1b[31m\r\nb\x00\u2028c") == "a [31m b c"
    assert len(clean("x" * 100_000)) == 200


@pytest.mark.parametrize(
    ("folder", "path"),
    [("", "a"), (".", "a"), ("out", "out/a"), ("out/x/", "out/x/a"), ("/", "/a"), ("/out", "/out/a")],
)
def test_a_folder_and_a_name_make_a_path(folder: str, path: str) -> None:
    assert join(folder, "a") == path
