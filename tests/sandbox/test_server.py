"""The sandbox SFTP server as a process: one user, one folder that cannot be left."""

from __future__ import annotations

import asyncio

import asyncssh
import pytest

from sandbox.place import HOST, USER, Place


async def _list(place: Place, password: str, folder: str) -> list[str]:
    known = asyncssh.import_known_hosts(f"[{HOST}]:{place.port} {place.public_host_key()}\n")
    options = {"username": USER, "password": password, "known_hosts": known, "client_keys": None, "config": None}
    async with (
        asyncssh.connect(HOST, place.port, **options) as connection,
        connection.start_sftp_client() as sftp,
    ):
        return sorted(str(name) for name in await sftp.listdir(folder))


def test_its_user_sees_the_export_folders_and_nothing_above(place: Place) -> None:
    (place.folder.parent / "outside").touch()
    assert asyncio.run(_list(place, place.password, "/exports")) == [".", "..", "announcements", "orders"]
    assert "outside" not in asyncio.run(_list(place, place.password, "/../.."))


def test_wrong_password_is_refused(place: Place) -> None:
    with pytest.raises(asyncssh.PermissionDenied):
        asyncio.run(_list(place, "another password", "/"))


def test_host_key_stays_the_same_and_private(place: Place) -> None:
    before = place.public_host_key()
    assert Place(place.port, place.password, place.folder, place.host_key).public_host_key() == before
    assert place.host_key.stat().st_mode & 0o077 == 0
