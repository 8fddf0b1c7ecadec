"""Decimals and times come back from both databases exactly as they went in."""

from __future__ import annotations

import sqlite3
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import psycopg
import pytest
from sqlalchemy import Connection, Engine, create_engine, insert, select, text
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import DATABASE_AWAY, SERVER_LIMITS, Base, commit, database_now, engine_options, make_engine, read_only
from datahub.errors import OutcomeUnknownError
from datahub.jobs.merging import staging
from datahub.models.party import Store, Supplier
from tests.background import in_background
from tests.idle_transaction import let_it_be_ended
from tests.partner import silent_listener
from tests.servers import Server

OURS = "of-nobody-else"
NOON = datetime(2026, 3, 29, 12, 0, 0, 123456, tzinfo=UTC)


def add_supplier(session: Session, *, external_id: str = "SUP-1", rating: Decimal | None = None) -> Supplier:
    supplier = Supplier(external_id=external_id, name="Supplier", rating=rating, created_at=NOON, updated_at=NOON)
    session.add(supplier)
    session.flush()
    session.expire_all()
    return supplier


@pytest.mark.parametrize("number", ["0.1", "-0.000001", "999999999999.999999", "12.340000", "0", "100"])
def test_a_decimal_comes_back_exactly(session: Session, number: str) -> None:
    assert add_supplier(session, rating=Decimal(number)).rating == Decimal(number)


def test_decimals_add_up_exactly_in_the_database(session: Session) -> None:
    add_supplier(session, external_id="A", rating=Decimal("0.1"))
    add_supplier(session, external_id="B", rating=Decimal("0.2"))
    assert session.scalars(select(Supplier.external_id).where(Supplier.rating > Decimal("0.1"))).all() == ["B"]


def test_no_decimal_stays_none(session: Session) -> None:
    assert add_supplier(session).rating is None


def test_a_time_comes_back_aware_in_utc_with_microseconds(session: Session) -> None:
    supplier = add_supplier(session)
    supplier.updated_at = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))
    session.flush()
    session.expire_all()
    assert supplier.updated_at == NOON
    assert supplier.updated_at.utcoffset() == timedelta(0)


def test_a_time_without_zone_is_refused(session: Session) -> None:
    supplier = add_supplier(session)
    supplier.updated_at = NOON.replace(tzinfo=None)
    with pytest.raises(StatementError, match="without a zone"):
        session.flush()


def test_the_clock_of_the_database_is_aware_utc(session: Session) -> None:
    add_supplier(session)
    now = database_now(session)
    assert now.utcoffset() == timedelta(0)
    assert abs(now - datetime.now(UTC)) < timedelta(minutes=1)


def test_every_database_starts_with_the_default_store(session: Session) -> None:
    assert session.scalars(select(Store.external_id)).all() == ["default_store"]


def test_a_reading_session_does_not_wait_for_a_writing_one(sessions: sessionmaker[Session]) -> None:
    with sessions() as writer, sessions() as reader:
        add_supplier(writer)
        assert read_only(reader).scalars(select(Supplier.id)).all() == []


def test_sqlite_makes_foreign_keys_hold(session: Session) -> None:
    if session.get_bind().dialect.name == "sqlite":
        assert session.scalar(text("pragma foreign_keys")) == 1
        assert session.scalar(text("pragma journal_mode")) == "wal"


def test_postgresql_ends_a_statement_that_takes_too_long(postgres_server: Server) -> None:
    options = engine_options(postgres_server.url, statement_seconds=0.1)
    engine = create_engine(f"{postgres_server.url}/postgres", **options)
    with engine.connect() as connection, pytest.raises(OperationalError, match="statement timeout"):
        connection.execute(text("select pg_sleep(60)"))
    engine.dispose()


def test_a_database_that_takes_the_connection_and_says_nothing_is_given_up() -> None:
    with in_background(silent_listener()) as port:
        engine = make_engine(f"postgresql+psycopg://hub@127.0.0.1:{port}/hub")
        with pytest.raises(OperationalError, match="timeout"):
            engine.connect()
        engine.dispose()


def test_postgresql_takes_the_locks_from_a_process_that_went_silent_in_a_transaction(postgres_server: Server) -> None:
    engine = make_engine(f"{postgres_server.url}/postgres")
    with engine.connect() as connection:
        limits = {name: connection.scalar(text(f"show {name}")) for name in SERVER_LIMITS}
    engine.dispose()
    assert limits["idle_in_transaction_session_timeout"] == limits["lock_timeout"] == "20s"
    assert (limits["tcp_keepalives_idle"], limits["tcp_keepalives_count"]) == ("10", "3")


def ask(connection: Connection) -> None:
    connection.execute(text("select 1"))


def copy(connection: Connection) -> None:
    """Too little for a row, by the driver alone."""
    staging.load(connection, Base.metadata.tables["stores"], [[OURS]], ["external_id"])


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("use", [ask, copy])
def test_a_transaction_that_was_ended_as_idle_means_that_the_database_is_away(
    engine: Engine, use: Callable[[Connection], None]
) -> None:
    """psycopg itself calls it an internal error."""
    with engine.connect() as connection:
        let_it_be_ended(connection)
        with pytest.raises(DATABASE_AWAY):
            use(connection)
        connection.rollback()
        ask(connection)


def insert_twice(connection: Connection) -> None:
    now = datetime.now(UTC)
    for _ in range(2):
        connection.execute(insert(Store).values(external_id=OURS, name="Store", created_at=now, updated_at=now))


@pytest.mark.parametrize("offend", [insert_twice, copy])
def test_an_error_of_the_database_quotes_no_row(engine: Engine, offend: Callable[[Connection], None]) -> None:
    with engine.connect() as connection, pytest.raises(IntegrityError) as raised:
        offend(connection)
    told = "".join(traceback.format_exception(raised.value))
    assert OURS not in told
    assert "stores" in told, "what it is about is said"


def refusal(error: type[Exception], **marks: object) -> Exception:
    raised = error("no")
    for name, value in marks.items():
        setattr(raised, name, value)
    return raised


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (psycopg.errors.SerializationFailure("no"), OperationalError),
        (psycopg.OperationalError("server closed the connection unexpectedly"), OutcomeUnknownError),
        (psycopg.errors.CrashShutdown("no"), OutcomeUnknownError),
        (refusal(sqlite3.OperationalError, sqlite_errorcode=sqlite3.SQLITE_FULL), OperationalError),
    ],
)
def test_a_commit_that_was_refused_is_told_from_one_that_got_no_answer(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, raised: Exception, expected: type[Exception]
) -> None:
    def fail(_connection: object) -> None:
        raise raised

    if not isinstance(raised, engine.dialect.loaded_dbapi.Error):
        return
    with Session(engine) as session:
        session.execute(text("select 1"))
        monkeypatch.setattr(engine.dialect, "do_commit", fail)
        with pytest.raises(expected):
            commit(session)
