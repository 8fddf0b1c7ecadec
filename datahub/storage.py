"""The spool of an import: every row of its source, converted, in one SQLite file on this host until it is written."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import orjson

# Rows are held in memory by about so many at a time, however many they are allowed to be.
PIECE_CHARACTERS = 8_000_000
# Goes up with each change of what a spool holds: nobody goes on with the spool of another version.
LAYOUT = 5
# JSON is kept as text, and as '' where there is none: for bytes and for None, Python's sqlite3 looks for an adapter
# each time, which takes as long as all the rest.
_TABLE = """
    create table rows (
        sequence integer primary key, key text not null, file text not null, line integer not null,
        row_values text not null, cells text not null, faults text not null, depth integer not null,
        called text not null default ''
    )
"""
# What reading knows of a row: all but the last.
_INSERT = """
    insert into rows (sequence, key, file, line, row_values, cells, faults, depth) values (?, ?, ?, ?, ?, ?, ?, ?)
"""
_as_read = itemgetter(slice(8))

# What the keys of rows begin with that have none.
KEYLESS, AFTER_KEYLESS = "\0", "\1"
# What they begin with while the record is known by another field alone.
BY_OTHER, AFTER_BY_OTHER = "\2", "\3"


class SpooledRow(NamedTuple):
    """`values` and `cells` are JSON of lists; `faults`, of a row that cannot be applied, of a list of objects, else
    empty.

    `depth` comes before `key` in the order of writing, so that parents are there before their children. `called` is
    what the row names its record by, where that is not the key and was found to mean it."""

    sequence: int
    key: str
    file: str
    line: int
    values: str
    cells: str
    faults: str = ""
    depth: int = 0
    called: str = ""


class Spool:
    """Readable by this user alone. Belongs to one thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        self._database = sqlite3.connect(path, isolation_level=None)
        # Losing it costs reading the source again.
        for pragma in ("journal_mode=off", "synchronous=off", "temp_store=file"):
            self._database.execute(f"pragma {pragma}")

    def close(self) -> None:
        self._database.close()

    def begin(self) -> None:
        """Empties it."""
        self._database.execute("drop table if exists rows")
        self._database.execute("pragma user_version = 0")
        self._database.execute(_TABLE)

    def add(self, rows: Iterable[SpooledRow]) -> None:
        self._database.execute("begin")
        # Python's sqlite3 takes nothing as fast as plain tuples.
        self._database.executemany(_INSERT, map(_as_read, rows))
        self._database.execute("commit")

    def forget(self, file: str) -> None:
        """All rows of one file; before `finish`."""
        self._database.execute("delete from rows where file = ?", (file,))

    def finish(self) -> None:
        """After the last row: from now on it can be read by record."""
        self._database.execute("create index by_record on rows (depth, key, sequence)")

    @property
    def is_ordered(self) -> bool:
        """Whether the depths or the keys are set."""
        return bool(self._database.execute("pragma user_version").fetchone()[0])

    def set_depths(self, depths: Iterable[tuple[int, str]]) -> None:
        """Pairs of a depth and a record key; after `finish`. A crash meanwhile costs the spool."""
        self._database.execute("create index if not exists by_key on rows (key)")
        self._database.execute("begin")
        self._database.executemany("update rows set depth = ? where key = ?", depths)
        self._database.execute("pragma user_version = 1")
        self._database.execute("commit")

    def other_keys(self, after: str, size: int) -> list[str]:
        """In order, by what the next records after this one are called; after `finish`."""
        query = "select distinct key from rows where depth = 0 and key > ? and key < ? order by key limit ?"
        found = self._database.execute(query, (BY_OTHER + after, AFTER_BY_OTHER, size))
        return [key.removeprefix(BY_OTHER) for (key,) in found.fetchall()]

    def set_keys(self, keys: Iterable[tuple[str, str]]) -> None:
        """Pairs of a record key and what rows call the record; after `finish`. A crash meanwhile costs the spool."""
        self._database.execute("begin")
        for key, name in keys:
            query = "update rows set key = ?, called = ? where depth = 0 and key = ?"
            self._database.execute(query, (key, name, BY_OTHER + name))
        self._database.execute("pragma user_version = 1")
        self._database.execute("commit")

    def reject(self, key: str, faults: str) -> None:
        """All rows of a record that has no other faults. A crash meanwhile costs the spool."""
        self._database.execute("create index if not exists by_key on rows (key)")
        self._database.execute("update rows set faults = ? where key = ? and faults = ''", (faults, key))

    def each_value(self) -> Iterator[tuple[str, Any]]:
        """Key and values of every row without faults, as they were read."""
        query = "select key, row_values from rows where faults = '' order by sequence"
        for key, values in self._database.execute(query):
            yield key, orjson.loads(values)

    def first_without_key(self) -> tuple[str, int] | None:
        """File and line of the first row that does not say which record it is about."""
        query = "select file, line from rows where key < ? order by sequence limit 1"
        found = self._database.execute(query, (AFTER_KEYLESS,)).fetchone()
        return (str(found[0]), int(found[1])) if found else None

    def largest_record(self) -> tuple[str, int]:
        """A key that no other one has more rows of, and how many; after `finish`. The rows must not be none."""
        query = "select key, count(*) from rows group by depth, key order by 2 desc limit 1"
        key, rows = self._database.execute(query).fetchone()
        return str(key), int(rows)

    def chunk(self, after: tuple[int, str] | None, size: int) -> list[SpooledRow]:
        """The next rows in order of depth, key and sequence, of one depth and of whole records: at least `size`, fewer
        where they are long."""
        depth, last = after if after is not None else (-1, "")
        cursor = self._database.execute(
            "select * from rows where (depth, key) > (?, ?) order by depth, key, sequence",
            (depth, last),
        )
        rows: list[SpooledRow] = []
        weight, is_full = 0, False
        for row in map(SpooledRow._make, cursor):
            # Taking a tuple apart is faster than asking it for its parts.
            _, key, _, _, values, cells, _, own_depth, _ = row
            if rows and (own_depth != depth or (is_full and key != last)):
                break
            rows.append(row)
            depth, last = own_depth, key
            weight += len(values) + len(cells)
            is_full = len(rows) >= size or weight >= PIECE_CHARACTERS
        cursor.close()
        return rows


def is_ordered(path: Path) -> bool:
    """Of a spool that nobody else has open."""
    with closing(Spool(path)) as spool:
        return spool.is_ordered


@contextmanager
def rewritten(path: Path) -> Iterator[Spool]:
    """A copy that takes the place of the spool in the end: one that is changed itself does not survive a crash."""
    unfinished = path.with_suffix(".ordering")
    try:
        shutil.copy(path, unfinished)
        with closing(Spool(unfinished)) as spool:
            yield spool
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
