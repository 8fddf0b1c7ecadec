"""The declarative base, the column types, the engine, and what queries of every table have in common."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any, ClassVar, TypeVar

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    DateTime,
    Dialect,
    Engine,
    Integer,
    MetaData,
    Numeric,
    SQLColumnExpression,
    String,
    TableValuedAlias,
    bindparam,
    column,
    create_engine,
    event,
    func,
    or_,
    select,
    text,
)
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.types import TypeDecorator, TypeEngine

from datahub import crash_points
from datahub.errors import OutcomeUnknownError

NAMES = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
MILLIONTHS = Decimal(1_000_000)
# The database, and not what was asked of it, is the trouble; or no connection to it became free in time.
DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeoutError)
OUTCOME_UNKNOWN = (
    "The database went away before it said whether the change was made. Look whether it was, before you try again."
)
_CLOCK = "database clock"
# Databases take a limited number of parameters in a statement.
MOST_IN_ONE = 10_000

Item = TypeVar("Item")
# Marks of columns for the audit log: it says only that the one changed, and nothing of the other.
SECRET = {"audit": "secret"}
UNRECORDED = {"audit": "unrecorded"}
# A server that is gone without a word is noticed within seconds, not after the system's quarter of an hour.
SOON_GIVEN_UP = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
# The same on the server's side: a process whose host is gone, or that is frozen, must not keep its locks for hours.
SERVER_LIMITS = {
    "idle_in_transaction_session_timeout": 20_000,
    "lock_timeout": 20_000,
    "tcp_keepalives_idle": 10,
    "tcp_keepalives_interval": 5,
    "tcp_keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


class DecimalNumber(TypeDecorator[Decimal]):
    """Six decimals, exact on both databases: NUMERIC(18,6), or an integer of millionths on SQLite."""

    impl = Numeric(18, 6)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(BigInteger() if dialect.name == "sqlite" else Numeric(18, 6))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        if value is None or dialect.name != "sqlite":
            return value
        millionths = value * MILLIONTHS
        if millionths % 1:
            raise ValueError(f"{value} has more than six decimals")
        return int(millionths)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        if value is None:
            return None
        return Decimal(value) / MILLIONTHS if dialect.name == "sqlite" else Decimal(value)


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC time with microseconds; a naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone was given to the database")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Plain annotations suffice: every int is 64 bits wide, every time UTC, every Decimal exact."""

    metadata = MetaData(naming_convention=NAMES)
    # What the audit log calls a row whose changes it records; None for what keeps a history of its own, or needs none.
    audit_kind: ClassVar[str | None] = None
    # SQLite gives automatic numbers to an INTEGER primary key only; its INTEGER has 64 bits.
    type_annotation_map: ClassVar = {
        int: BigInteger().with_variant(Integer(), "sqlite"),
        datetime: UtcTime,
        Decimal: DecimalNumber,
    }


def make_engine(url: str) -> Engine:
    """An engine with the habits of each database: WAL, foreign keys and full sync on SQLite, pre-ping on PostgreSQL."""
    engine = create_engine(url, **engine_options(url))
    attach_habits(engine)
    return engine


def engine_options(url: str, *, statement_seconds: float = 0) -> dict[str, Any]:
    """What make_engine passes to create_engine, for callers whose framework creates the engine.

    PostgreSQL ends a statement that takes longer than `statement_seconds`; 0 lets it go on."""
    # Errors are logged, and parameters may be passwords' hashes or whole orders.
    if url.startswith("sqlite"):
        return {"pool_size": 20, "max_overflow": 20, "hide_parameters": True}
    limits = SERVER_LIMITS | {"statement_timeout": int(statement_seconds * 1000)}
    options = " ".join(f"-c {name}={value}" for name, value in limits.items())
    connect_args = SOON_GIVEN_UP | {"options": options}
    return {
        "pool_size": 10,
        "max_overflow": 20,
        "hide_parameters": True,
        "pool_pre_ping": True,
        "connect_args": connect_args,
    }


def attach_habits(engine: Engine) -> None:
    """Once per engine, before its first connection."""
    event.listen(engine, "handle_error", _retell)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)


def make_sessions(engine: Engine) -> sessionmaker[Session]:
    """Sessions whose transactions will write. Objects stay readable after a commit."""
    return sessionmaker(engine, expire_on_commit=False)


def commit(session: Session) -> None:
    """Raises OutcomeUnknownError where the database went away before it said whether the changes were made."""
    # What is wrong with a change itself shows here, while nothing is made.
    session.flush()
    try:
        session.commit()
    except DBAPIError as error:
        if _has_refused(error):
            raise
        raise OutcomeUnknownError(OUTCOME_UNKNOWN) from error


def _has_refused(error: DBAPIError) -> bool:
    """Whether the database itself said no; not so where it was lost, or said that it ends the connection."""
    state = getattr(error.orig, "sqlstate", None)
    return hasattr(error.orig, "sqlite_errorcode") or (state is not None and not state.startswith(("08", "57")))


def read_only(session: Session) -> Session:
    """Marks a session, before its first statement, as one that only reads: SQLite then takes no write lock."""
    session.connection(execution_options={"reads_only": True})
    return session


def only_reads(connection: Connection) -> bool:
    return bool(connection.get_execution_options().get("reads_only", False))


@contextmanager
def driver(connection: Connection) -> Iterator[Any]:
    """The driver's own connection, for what SQLAlchemy has no words for. Its errors are raised as SQLAlchemy's."""
    driven: Any = connection.connection.driver_connection
    base: Any = connection.dialect.loaded_dbapi.Error
    try:
        yield driven
    except base as error:
        is_gone = connection.dialect.is_disconnect(error, driven, None)
        if is_gone:
            connection.invalidate(error)
        raised = DBAPIError.instance(None, None, error, base, connection_invalidated=is_gone)
        raise _told(raised) from error


def is_one_of(number: SQLColumnExpression[Any], ids: Collection[int], dialect: str) -> ColumnElement[bool]:
    """One parameter however many ids."""
    if dialect == "postgresql":
        return number == func.any(bindparam(None, list(ids), type_=ARRAY(BigInteger)))
    return number.in_(select(column("value")).select_from(func.json_each(json.dumps(list(ids)))))


def elements_of(texts: SQLColumnExpression[Any], dialect: str) -> TableValuedAlias:
    """A row for each text of a JSON list, in its column `value`."""
    elements = func.json_array_elements_text if dialect == "postgresql" else func.json_each
    return elements(texts).table_valued(column("value", String))


def holds(columns: Iterable[SQLColumnExpression[Any]], text: str, dialect: str) -> ColumnElement[bool]:
    """Whether the text is a part of what one of them has, in any case."""
    if dialect == "sqlite" and not text.isascii():
        # It folds the case of ASCII letters only.
        return or_(*(func.holds_folded(column, text.casefold(), type_=Boolean()) for column in columns))
    return or_(*(column.icontains(text, autoescape=True) for column in columns))


def database_now(session: Session) -> datetime:
    """The database's clock, aware UTC. Leases, due times and hand-outs are compared on it alone.

    Asked once per transaction; later calls add the time that has passed since."""
    transaction = session.connection().get_transaction()
    known = session.info.get(_CLOCK)
    if known is None or known[0] is not transaction:
        clock = _read_clock(session) + timedelta(seconds=crash_points.clock_is_fast_by())
        known = session.info[_CLOCK] = (transaction, time.monotonic(), clock)
    _, read_at, clock = known
    return clock + timedelta(seconds=time.monotonic() - read_at)


def _read_clock(session: Session) -> datetime:
    if session.get_bind().dialect.name == "sqlite":
        value = session.execute(text("select strftime('%Y-%m-%d %H:%M:%f', 'now')")).scalar_one()
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    now: datetime = session.execute(text("select clock_timestamp()")).scalar_one()
    return now.astimezone(UTC)


def _retell(context: ExceptionContext) -> DBAPIError | None:
    error = context.sqlalchemy_exception
    return _told(error) if isinstance(error, DBAPIError) else None


def _told(error: DBAPIError) -> DBAPIError:
    """Without PostgreSQL's DETAIL and CONTEXT, which quote rows. Where the connection is gone, as one of DATABASE_AWAY:
    of a transaction that was ended because it was idle, psycopg makes an internal error."""
    brief = getattr(getattr(error.orig, "diag", None), "message_primary", None)
    if error.orig is not None and brief:
        error.orig.args = (brief,)
    is_away = error.connection_invalidated and not isinstance(error, DATABASE_AWAY)
    kind = OperationalError if is_away else type(error)
    return kind(
        error.statement,
        error.params,
        error.orig or error,
        hide_parameters=error.hide_parameters,
        connection_invalidated=error.connection_invalidated,
        code=kind.code,
        ismulti=error.ismulti,
    )


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver must not begin transactions by itself: _begin_sqlite decides how each one begins.
    connection.isolation_level = None
    connection.create_function("holds_folded", 2, _holds_folded, deterministic=True)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        connection.execute(f"pragma {pragma}")


def _holds_folded(text: str | None, folded: str) -> bool:
    return text is not None and folded in text.casefold()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("begin deferred" if only_reads(connection) else "begin immediate")


def in_batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Each as long as one `in` may be."""
    remaining = iter(items)
    while batch := list(islice(remaining, MOST_IN_ONE)):
        yield batch
