"""Watches a target folder as a partner's poller would: lists it all the time and opens every final name at once."""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from pathlib import Path

PAUSE = 0.005


class Observer:
    """`contents` has what each final name ever held, in turn; `deliveries` how often another file came to stand
    behind it; `temporary` the names with a leading dot, which are not for partners."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.contents: defaultdict[str, list[bytes]] = defaultdict(list)
        self.deliveries: defaultdict[str, int] = defaultdict(int)
        self.temporary: set[str] = set()
        self._seen: dict[str, tuple[int, int, int]] = {}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="observer", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Takes a last look. Safe to repeat."""
        self._done.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._done.wait(PAUSE):
            self._look()

    def _look(self) -> None:
        names = [path.name for path in self.folder.iterdir()]
        for name in names:
            if name.startswith("."):
                self.temporary.add(name)
            else:
                self._open(name)
        for gone in self._seen.keys() - set(names):
            del self._seen[gone]

    def _open(self, name: str) -> None:
        try:
            with (self.folder / name).open("rb") as file:
                stat = os.fstat(file.fileno())
                seen = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
                before = self._seen.get(name)
                if seen == before:
                    return
                content = file.read()
        except FileNotFoundError:
            return
        if before is None or before[0] != stat.st_ino:
            self.deliveries[name] += 1
        self._seen[name] = seen
        if not self.contents[name] or self.contents[name][-1] != content:
            self.contents[name].append(content)
