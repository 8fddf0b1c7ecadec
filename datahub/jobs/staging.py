"""Loading rows into a temporary table as fast as each database can: COPY on PostgreSQL, executemany on SQLite."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Table


def load(connection: Connection, table: Table, rows: Iterable[Sequence[Any]]) -> None:
    """`rows` hold Python values in the order of the table's columns. In the caller's transaction."""
    processors = [column.type.dialect_impl(connection.dialect).bind_processor(connection.dialect) for column in table.c]
    if any(processors):
        rows = _processed(rows, processors)
    if connection.dialect.name == "postgresql":
        _copy(connection, table, rows)
        return
    marks = ", ".join("?" * len(table.c))
    driver: Any = connection.connection.driver_connection
    driver.executemany(f"insert into {table.name} values ({marks})", rows)  # noqa: S608 - our own name


def _copy(connection: Connection, table: Table, rows: Iterable[Sequence[Any]]) -> None:
    names = ", ".join(column.name for column in table.c)
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"copy {table.name} ({names}) from stdin") as copy:
        for row in rows:
            copy.write_row(row)


def _processed(rows: Iterable[Sequence[Any]], processors: Sequence[Callable[[Any], Any] | None]) -> Iterator[Any]:
    changing = [(place, process) for place, process in enumerate(processors) if process is not None]
    for row in rows:
        cells = list(row)
        for place, process in changing:
            cells[place] = process(cells[place])
        yield cells
