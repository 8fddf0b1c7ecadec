"""An SFTP server with one user and one folder, which nobody can leave."""

from __future__ import annotations

import asyncio
import hmac
import logging
import signal

import asyncssh

from sandbox.place import HOST, USER, Place

log = logging.getLogger(__name__)
FIRST_FOLDERS = ("exports/orders", "exports/announcements")


class OneUser(asyncssh.SSHServer):
    def __init__(self, password: str) -> None:
        self._password = password

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return username == USER and hmac.compare_digest(password.encode(), self._password.encode())


async def serve(place: Place) -> None:
    """Until SIGTERM or SIGINT."""
    for folder in FIRST_FOLDERS:
        (place.folder / folder).mkdir(parents=True, exist_ok=True)

    def open_folder(channel: asyncssh.SSHServerChannel[bytes]) -> asyncssh.SFTPServer:
        return asyncssh.SFTPServer(channel, chroot=str(place.folder).encode())

    server = await asyncssh.listen(
        HOST,
        place.port,
        server_factory=lambda: OneUser(place.password),
        server_host_keys=[place.read_host_key()],
        sftp_factory=open_folder,
        allow_scp=False,
        agent_forwarding=False,
    )
    log.info("sandbox SFTP server on %s:%d", HOST, place.port)
    done = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, done.set)
    await done.wait()
    server.close()
