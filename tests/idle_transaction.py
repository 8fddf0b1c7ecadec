"""A transaction that PostgreSQL has ended because nothing was asked in it for too long."""

from __future__ import annotations

from sqlalchemy import Connection, text

from tests.servers import wait_until

IS_THERE = text("select count(*) from pg_stat_activity where pid = :number")


def let_it_be_ended(connection: Connection) -> None:
    """In the transaction of this connection. It learns of it when it asks for the next thing."""
    number = connection.scalar(text("select pg_backend_pid()"))
    connection.execute(text("set local idle_in_transaction_session_timeout = 1"))
    with connection.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as other:
        wait_until(lambda: not other.scalar(IS_THERE, {"number": number}), what="the end of the transaction")
