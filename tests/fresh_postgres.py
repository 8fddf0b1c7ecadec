"""A PostgreSQL database for each test, as fresh as a new one: emptied where it can be, in a tenth of the time."""

from __future__ import annotations

import psycopg

from tests.servers import POSTGRES_USER, Server, postgres_admin

TEMPLATE, NAME = "datahub_template", "test"
# What makes a database another than its template: tables, indexes and columns that came, went or were renamed.
_SHAPE = """
    select string_agg(concat_ws(' ', relname, relkind, relnatts), ',' order by relname)
    from pg_class where relnamespace = 'public'::regnamespace
"""
_TABLES = "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'"
_USED = f"{_TABLES} and pg_relation_size(oid) > 0"
_SEQUENCES = "select sequencename, coalesce(last_value, start_value), last_value is not null from pg_sequences"


class FreshPostgres:
    """Of one server, which has the template already."""

    def __init__(self, server: Server) -> None:
        self._server = server
        with self._connect(TEMPLATE) as template:
            self._shape = self._first(template, _SHAPE)
            self._sequences = [tuple(row) for row in template.execute(_SEQUENCES)]
            self._rows = {
                str(name): self._copied(template, str(name)) for (name,) in template.execute(_USED).fetchall()
            }

    def make(self) -> str:
        """Its address. Whoever is still connected to the one before is cut off."""
        with postgres_admin(self._server) as admin:
            there = admin.execute("select 1 from pg_database where datname = %s", [NAME]).fetchone()
            admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [NAME])
        if there is None or not self._emptied():
            self._create()
        return f"{self._server.url}/{NAME}"

    def _create(self) -> None:
        with postgres_admin(self._server) as admin:
            admin.execute(f"drop database if exists {NAME} with (force)")
            admin.execute(f"create database {NAME} template {TEMPLATE}")

    def _emptied(self) -> bool:
        with self._connect(NAME) as database:
            if self._first(database, _SHAPE) != self._shape:
                return False
            used = [str(name) for (name,) in database.execute(_USED).fetchall()]
            with database.transaction():
                # Foreign keys are not looked at meanwhile.
                database.execute("set local session_replication_role = replica")
                for name in used:
                    database.execute(f'delete from "{name}"')  # noqa: S608 - names of our own tables
                for name, rows in self._rows.items():
                    with database.cursor() as cursor, cursor.copy(f'copy "{name}" from stdin') as copy:
                        copy.write(rows)
                for name, value, is_used in self._sequences:
                    database.execute("select setval(%s::regclass, %s, %s)", [f'"{name}"', value, is_used])
            if used:
                database.execute("vacuum " + ", ".join(f'"{name}"' for name in used))
            # Nor may the planner know what was there.
            database.execute("delete from pg_statistic where starelid >= 16384")
            database.execute("update pg_class set reltuples = -1, relpages = 0 where oid >= 16384 and relkind = 'r'")
        return True

    def _connect(self, name: str) -> psycopg.Connection[tuple[object, ...]]:
        server = self._server
        return psycopg.connect(host=server.host, port=server.port, user=POSTGRES_USER, dbname=name, autocommit=True)

    @staticmethod
    def _copied(database: psycopg.Connection[tuple[object, ...]], name: str) -> bytes:
        with database.cursor() as cursor, cursor.copy(f'copy "{name}" to stdout') as copy:
            return b"".join(bytes(block) for block in copy)

    @staticmethod
    def _first(database: psycopg.Connection[tuple[object, ...]], query: str) -> object:
        row = database.execute(query).fetchone()
        assert row is not None
        return row[0]
