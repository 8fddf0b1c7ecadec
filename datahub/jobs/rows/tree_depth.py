"""How deep the records of a tree lie below each other, and which would be their own ancestors.

Worked out in a SQLite file of its own, so that it takes as little memory for a million records as for ten."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

# Counted down from here, and not from the deepest, which may be gone already when a lost spool is read again.
DELETIONS = 1_000_000_000
_TABLES = """
    create table records (
        key text primary key, stored text, said text, is_said integer not null default 0,
        leaves integer not null default 0
    ) without rowid;
    create table parents (key text primary key, parent text not null) without rowid;
    create index by_parent on parents (parent);
    create table depths (key text primary key, depth integer not null) without rowid;
    create table walked (key text primary key, walk integer not null, is_cyclic integer not null default 0)
        without rowid;
"""
# The last word counts.
_SAY = """
    insert into records (key, leaves, said, is_said) values (:key, coalesce(:remove, 0), :parent, 1)
    on conflict (key) do update set leaves = coalesce(:remove, leaves), said = coalesce(:parent, said)
"""
_STORE = """
    insert into records (key, stored) select :key, :parent
    where :is_live or exists (select 1 from records where key = :key)
    on conflict (key) do update set stored = excluded.stored
"""
# What goes has only the parent that is stored.
_LINK = """
    insert into parents select key, iif(leaves, stored, coalesce(said, stored)) as parent from records
    where parent is not null
"""
_MEASURE = """
    insert into depths with recursive found (key, depth) as (
        select key, 0 from parents where parent not in (select key from parents)
        union all select parents.key, depth + 1 from parents join found on parents.parent = found.key
    ) select key, depth from found
"""
_NEXT_UNREACHED = """
    select key from parents where key > ? and key not in (select key from depths)
        and key not in (select key from walked) order by key limit 1
"""
_CYCLIC = """
    select key, said from records join walked using (key) where is_cyclic and not leaves and said is not null
"""
_FORGET = "update records set said = null where key in (select key from walked where is_cyclic) and not leaves"
_PLACES = f"""
    select iif(leaves, {DELETIONS} - coalesce(depth, 0), coalesce(depth, 0)) as place, key
    from records left join depths using (key) where is_said and place > 0
"""  # noqa: S608 - a number of ours


class Tree:
    """Tell it what the file says first, then what is stored. Parents of nothing are "". Belongs to one thread; the file
    must not be there and is left to the caller."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode=off", "synchronous=off", "temp_store=file"):
            self._database.execute(f"pragma {pragma}")
        self._database.executescript(_TABLES)
        self._database.execute("begin")

    def close(self) -> None:
        self._database.close()

    def say(self, rows: Iterable[tuple[str, bool | None, str | None]]) -> None:
        """Keys with whether they go and their parents, None where a row says nothing of it, in the order of the file.
        The last word counts."""
        self._database.executemany(
            _SAY, ({"key": key, "remove": remove, "parent": parent} for key, remove, parent in rows)
        )

    def store(self, rows: Iterable[tuple[str, str, bool]]) -> None:
        """Keys with their parents and whether they are live. Others count where the file names them."""
        self._database.executemany(
            _STORE, ({"key": key, "parent": parent, "is_live": is_live} for key, parent, is_live in rows)
        )

    def measure(self) -> None:
        """After all is told."""
        for table in ("parents", "depths", "walked"):
            self._database.execute(f"delete from {table}")  # noqa: S608 - names of ours
        self._database.execute(_LINK)
        self._database.execute(_MEASURE)

    def take_back(self) -> Iterator[tuple[str, str]]:
        """What the file would make its own ancestor, with the parents that it gives. They are as if it had not, which
        may make others their own ancestors. To be read to its end."""
        self._walk_circles()
        while self._database.execute(f"select exists ({_CYCLIC})").fetchone()[0]:
            yield from self._database.execute(_CYCLIC)
            self._database.execute(_FORGET)
            self.measure()
            self._walk_circles()

    def places(self) -> Iterator[tuple[int, str]]:
        """Where the records of the file come in the order of writing, with their keys; what has no place comes first.
        Parents come before their children, and last what goes, deepest first."""
        yield from self._database.execute(_PLACES)

    def _walk_circles(self) -> None:
        """From what no root leads down to, every way up ends in a circle."""
        start, walk = "", 0
        while found := self._database.execute(_NEXT_UNREACHED, (start,)).fetchone():
            start, walk = found[0], walk + 1
            key, met = start, None
            while met is None:
                self._database.execute("insert into walked (key, walk) values (?, ?)", (key, walk))
                key = self._parent(key)
                met = self._database.execute("select walk from walked where key = ?", (key,)).fetchone()
            if met[0] == walk:
                self._mark_circle(key)

    def _mark_circle(self, first: str) -> None:
        key = first
        while True:
            self._database.execute("update walked set is_cyclic = 1 where key = ?", (key,))
            key = self._parent(key)
            if key == first:
                return

    def _parent(self, key: str) -> str:
        row = self._database.execute("select parent from parents where key = ?", (key,)).fetchone()
        return str(row[0])
