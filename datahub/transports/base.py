"""What every transport can do, and how text from the other side is made fit to show. No protocol lives here."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from datahub.models.connection import Connection
from datahub.settings import Settings
from datahub.vault import Vault

RESOLVE, CONNECT, HOST_KEY, SIGN_IN = "resolve", "connect", "host key", "sign in"
OPENING_STEPS = (RESOLVE, CONNECT, HOST_KEY, SIGN_IN)
LIST_LIMIT = 10_000
_TEXT_LIMIT = 200


@dataclass(frozen=True)
class Entry:
    """One name in a remote folder. `size` is None where the server does not tell it."""

    name: str
    is_folder: bool
    size: int | None


@dataclass(frozen=True)
class Facts:
    """What a server tells of one path, links followed. None is what it does not tell."""

    is_folder: bool
    size: int | None
    modified_at: datetime | None


@dataclass(frozen=True)
class Fetched:
    size: int
    sha256: str
    modified_at: datetime | None


class Transport(Protocol):
    """One signed-in connection. Any number of operations may be in flight at once.

    Every operation has its own time-out and raises TransientError for what may work later, ConfigError for what a
    person must change, ConnectionLostError once nothing more can be sent.
    """

    @property
    def is_alive(self) -> bool: ...

    async def stat(self, path: str) -> Facts | None:
        """None when there is nothing under this path."""

    async def stat_size(self, path: str) -> int | None:
        """None when there is no such file."""

    async def upload(self, path: str, content: bytes) -> None:
        """Replaces what is there; returns when the server has closed the file."""

    async def rename(self, old: str, new: str) -> None:
        """Replaces `new` in one step; ConfigError where the server cannot do that and `new` exists."""

    async def move(self, old: str, new: str) -> bool:
        """Replaces nothing: False when `new` exists. A missing `old` is a TransientError."""

    async def download(self, path: str, target: Path, max_bytes: int, came: Callable[[int], None]) -> Fetched:
        """Writes `target`; `came` is called with the size of each piece. SourceMissingError when there is no such file,
        SourceChangedError when it changed meanwhile; ConfigError when it may not be read or is longer than
        `max_bytes`."""

    async def read_head(self, path: str, max_bytes: int) -> bytes:
        """The first `max_bytes` of a file, or all of one that is shorter. The file may be changing meanwhile."""

    async def remove(self, path: str) -> bool:
        """Safe to repeat: False when there is no such file."""

    async def list_folder(self, folder: str) -> list[Entry]:
        """Sorted by name, without `.` and `..`; ConfigError for more than LIST_LIMIT entries."""


# Called with each of OPENING_STEPS as it is passed.
Passed = Callable[[str], None]
Opener = Callable[[Connection, Settings, Vault, Passed], AbstractAsyncContextManager[Transport]]


def join(folder: str, name: str) -> str:
    """The folder as the operator typed it, empty or `.` for the one a session starts in."""
    if folder in ("", ".", "./"):
        return name
    return f"{folder.rstrip('/')}/{name}"


def has_ending(name: str, *endings: str) -> bool:
    """Whether a folder that is imported as a whole takes the file. A leading dot hides what is still being written."""
    return name.lower().endswith(endings) and not name.startswith(".") and name.isprintable()


def clean(text: str) -> str:
    """Text from outside on one line: control characters become spaces, the length is capped."""
    flat = " ".join("".join(char if char.isprintable() else " " for char in text[: 4 * _TEXT_LIMIT]).split())
    return flat if len(flat) <= _TEXT_LIMIT else f"{flat[: _TEXT_LIMIT - 1]}…"
