"""What the kernel tells about folders, in the order in which it happened. Linux only; nothing is polled."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MODIFIED, MOVED_FROM, MOVED_TO, CREATED, DELETED = 0x2, 0x40, 0x80, 0x100, 0x200
OVERFLOWED = 0x4000
_WANTED = MODIFIED | MOVED_FROM | MOVED_TO | CREATED | DELETED
_HEAD = struct.Struct("iIII")


@dataclass(frozen=True)
class Change:
    """The two halves of one rename share a `cookie`. An overflow has neither folder nor name."""

    folder: Path | None
    name: str
    what: int
    cookie: int


class FolderChanges:
    def __init__(self, folders: list[Path]) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor = self._checked(self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        self._folders = {
            self._checked(self._libc.inotify_add_watch(self.descriptor, os.fsencode(folder), _WANTED)): folder
            for folder in folders
        }

    def read(self) -> Iterator[Change]:
        """What has happened since the last time; ends when there is no more."""
        while True:
            try:
                block = os.read(self.descriptor, 65_536)
            except BlockingIOError:
                return
            while block:
                watch, what, cookie, length = _HEAD.unpack_from(block)
                name = block[_HEAD.size : _HEAD.size + length].rstrip(b"\0")
                block = block[_HEAD.size + length :]
                yield Change(self._folders.get(watch), os.fsdecode(name), what, cookie)

    def close(self) -> None:
        os.close(self.descriptor)

    @staticmethod
    def _checked(result: int) -> int:
        if result < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return result
