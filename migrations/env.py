"""Runs the migrations: all of them in one transaction, one process at a time, on SQLite and PostgreSQL alike."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from flask import current_app
from sqlalchemy import BigInteger, Connection, Engine

from datahub.db import DecimalNumber, UtcTime
from datahub.models.setting import GeneralSettings

METADATA = GeneralSettings.metadata
# Any number will do, as long as no other program on the same database uses it.
ADVISORY_LOCK = 7_291_034


def engine_in_charge() -> Engine:
    """A caller's own engine, or that of the Flask application."""
    given: Engine | None = context.config.attributes.get("engine")
    return given or current_app.extensions["migrate"].db.engine


def render_item(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """Migrations name plain types: what they build must not change with the application's code."""
    if kind != "type":
        return False
    if isinstance(item, DecimalNumber):
        return 'sa.Numeric(18, 6).with_variant(sa.BigInteger(), "sqlite")'
    if isinstance(item, UtcTime):
        return "sa.DateTime(timezone=True)"
    if isinstance(item, BigInteger):
        return 'sa.BigInteger().with_variant(sa.Integer(), "sqlite")'
    return False


def run(connection: Connection) -> None:
    is_sqlite = connection.dialect.name == "sqlite"
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        render_item=render_item,
        render_as_batch=is_sqlite,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        if not is_sqlite:
            connection.exec_driver_sql(f"select pg_advisory_xact_lock({ADVISORY_LOCK})")
        context.run_migrations()
        if is_sqlite and (broken := connection.exec_driver_sql("pragma foreign_key_check").all()):
            raise RuntimeError(f"the migration would leave rows that point nowhere: {broken[:5]}")


def main() -> None:
    with engine_in_charge().connect() as connection:
        if connection.dialect.name != "sqlite":
            run(connection)
            return
        # SQLite changes a table by copying it; dropping the old one must not delete what refers to it.
        driver: Any = connection.connection.driver_connection
        driver.execute("pragma foreign_keys=off")
        try:
            run(connection)
        finally:
            driver.execute("pragma foreign_keys=on")


main()
