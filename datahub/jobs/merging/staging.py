"""Temporary tables: loaded as fast as each database can, by COPY on PostgreSQL, executemany on SQLite; emptied."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Boolean, Column, Connection, Table, delete, text

from datahub.db import driver

# For the rest of the transaction. Whatever a chunk is joined to has an index, and the chunk is small beside it. Left to
# itself, PostgreSQL reads whole tables: it knows the size of no temporary one, nor of one that an import is filling.
_LOOKUPS_ONLY = text(
    "select set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true), "
    "set_config('enable_material', 'off', true), set_config('enable_seqscan', 'off', true), "
    "set_config('jit', 'off', true)"
)


def empty(connection: Connection, *tables: Table) -> None:
    """Makes room for the next chunk. What is joined to these tables in this transaction is looked up by index."""
    if connection.dialect.name == "postgresql":
        # Deleted rows would stay and be read by every later chunk: nothing vacuums temporary tables.
        connection.execute(text("truncate " + ", ".join(table.name for table in tables)))
        connection.execute(_LOOKUPS_ONLY)
        return
    for table in tables:
        connection.execute(delete(table))


def load(
    connection: Connection, table: Table, rows: Iterable[Sequence[Any]], columns: Sequence[str] | None = None
) -> None:
    """`rows` hold Python values in the order of the columns, all of the table's unless named. In the caller's
    transaction."""
    chosen = [table.c[name] for name in columns or table.c.keys()]
    processors = [_processor(connection, column) for column in chosen]
    names = ", ".join(column.name for column in chosen)
    if any(processors):
        rows = _processed(rows, processors)
    if connection.dialect.name == "postgresql":
        _copy(connection, f"copy {table.name} ({names}) from stdin", rows)
        return
    marks = ", ".join("?" * len(chosen))
    with driver(connection) as driven:
        driven.executemany(f"insert into {table.name} ({names}) values ({marks})", rows)  # noqa: S608 - our own name


def _processor(connection: Connection, column: Column[Any]) -> Callable[[Any], Any] | None:
    """None where the driver takes the value as it is. SQLAlchemy's for booleans only checks them."""
    if isinstance(column.type, Boolean):
        return None
    return column.type.dialect_impl(connection.dialect).bind_processor(connection.dialect)


def _copy(connection: Connection, statement: str, rows: Iterable[Sequence[Any]]) -> None:
    with driver(connection) as driven, driven.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _processed(rows: Iterable[Sequence[Any]], processors: Sequence[Callable[[Any], Any] | None]) -> Iterator[Any]:
    changing = [(place, process) for place, process in enumerate(processors) if process is not None]
    for row in rows:
        cells = list(row)
        for place, process in changing:
            cells[place] = process(cells[place])
        yield cells
