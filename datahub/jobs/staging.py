"""Loading rows into a temporary table as fast as each database can: COPY on PostgreSQL, executemany on SQLite."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Table


def load(
    connection: Connection, table: Table, rows: Iterable[Sequence[Any]], columns: Sequence[str] | None = None
) -> None:
    """`rows` hold Python values in the order of the columns, all of the table's unless named. In the caller's
    transaction."""
    chosen = [table.c[name] for name in columns or table.c.keys()]
    dialect = connection.dialect
    processors = [column.type.dialect_impl(dialect).bind_processor(dialect) for column in chosen]
    names = ", ".join(column.name for column in chosen)
    if any(processors):
        rows = _processed(rows, processors)
    if connection.dialect.name == "postgresql":
        _copy(connection, f"copy {table.name} ({names}) from stdin", rows)
        return
    marks = ", ".join("?" * len(chosen))
    driver: Any = connection.connection.driver_connection
    driver.executemany(f"insert into {table.name} ({names}) values ({marks})", rows)  # noqa: S608 - our own name


def _copy(connection: Connection, statement: str, rows: Iterable[Sequence[Any]]) -> None:
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _processed(rows: Iterable[Sequence[Any]], processors: Sequence[Callable[[Any], Any] | None]) -> Iterator[Any]:
    changing = [(place, process) for place, process in enumerate(processors) if process is not None]
    for row in rows:
        cells = list(row)
        for place, process in changing:
            cells[place] = process(cells[place])
        yield cells
