"""python -m soak.observer: the partner. Opens each final name at once, notes what it holds, takes a share away.

Writes one JSON line per finding. A file's temporary name says which attempt of which execution it came from; its
content is read through a descriptor opened under that name, so that a file which is replaced at once is read too."""

from __future__ import annotations

import hashlib
import heapq
import json
import os
import random
import select
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from soak import inotify
from soak.inotify import Change, FolderChanges

WATCHING, ARRIVED, MODIFIED, TAKEN, OVERFLOWED = "watching", "arrived", "modified", "taken", "overflowed"
LONGEST_WAIT = 0.5


class Partner:
    """`share` of the arrived files is moved to `taken` within LONGEST_WAIT seconds after they were read."""

    def __init__(self, folders: list[Path], taken: Path, share: float, number: int, report: TextIO) -> None:
        self._changes = FolderChanges(folders)
        self._taken = taken
        self._share = share
        self._chance = random.Random(number)
        self._report = report
        self._temporary: dict[Path, int] = {}
        self._moving: dict[int, Path] = {}
        self._to_take: list[tuple[float, Path]] = []
        self.is_over = False
        self._write(WATCHING)

    def run(self) -> None:
        while not self.is_over:
            select.select([self._changes.descriptor], [], [], 0.05)
            self.look()
            self.take_due()
        self.look()
        self._changes.close()

    def look(self) -> None:
        for change in self._changes.read():
            if change.what & inotify.OVERFLOWED or change.folder is None:
                self._write(OVERFLOWED)
            elif change.name.startswith("."):
                self._follow_temporary(change, change.folder / change.name)
            else:
                self._follow_final(change, change.folder / change.name)

    def _follow_temporary(self, change: Change, path: Path) -> None:
        if change.what & inotify.CREATED:
            with suppress(OSError):
                self._keep(path, os.open(path, os.O_RDONLY))
        elif change.what & inotify.MOVED_FROM:
            self._moving[change.cookie] = path
        elif change.what & inotify.DELETED and path in self._temporary:
            os.close(self._temporary.pop(path))

    def _keep(self, path: Path, descriptor: int) -> None:
        if path in self._temporary:
            os.close(self._temporary[path])
        self._temporary[path] = descriptor

    def _follow_final(self, change: Change, path: Path) -> None:
        if change.what & inotify.MODIFIED:
            self._write(MODIFIED, folder=path.parent.name, name=path.name)
        elif change.what & (inotify.MOVED_TO | inotify.CREATED):
            temporary = self._moving.pop(change.cookie, None)
            content = self._read(temporary, path)
            self._write(
                ARRIVED,
                folder=path.parent.name,
                name=path.name,
                temporary=temporary.name if temporary else None,
                sha256=None if content is None else hashlib.sha256(content).hexdigest(),
            )
            if self._chance.random() < self._share:
                heapq.heappush(self._to_take, (time.monotonic() + self._chance.uniform(0, LONGEST_WAIT), path))

    def _read(self, temporary: Path | None, path: Path) -> bytes | None:
        descriptor = self._temporary.pop(temporary, None) if temporary else None
        try:
            if descriptor is None:
                descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            return file.read()

    def take_due(self) -> None:
        while self._to_take and self._to_take[0][0] <= time.monotonic():
            _, path = heapq.heappop(self._to_take)
            try:
                path.rename(self._free_name(path))
            except FileNotFoundError:
                continue
            except PermissionError:
                heapq.heappush(self._to_take, (time.monotonic() + LONGEST_WAIT, path))
                return
            self._write(TAKEN, folder=path.parent.name, name=path.name)

    def _free_name(self, path: Path) -> Path:
        """The file keeps its name; what arrives under it again gets a number behind it."""
        chosen = self._taken / path.parent.name / path.name
        number = 1
        while chosen.exists():
            number += 1
            chosen = chosen.with_name(f"{path.name}.{number}")
        return chosen

    def _write(self, kind: str, **more: Any) -> None:
        self._report.write(json.dumps({"kind": kind, "at": time.time(), **more}) + "\n")
        self._report.flush()


def main() -> int:
    root, taken, report, share, number = sys.argv[1:]
    folders = sorted(path for path in Path(root).iterdir() if path.is_dir())
    with Path(report).open("a") as lines:
        partner = Partner(folders, Path(taken), float(share), int(number), lines)

        def end(*_: object) -> None:
            partner.is_over = True

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        partner.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
