"""Client connections: create, change, pin the host key, switch on and off, delete. Testing them: connection_test.py."""

from __future__ import annotations

import ipaddress
import re
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy
import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now, read_only
from datahub.errors import ConflictError, FieldConflictError, NotFoundError
from datahub.faults import Faults
from datahub.models.connection import CONNECTION_TYPES, SFTP, Connection
from datahub.models.execution import JOB_PENDING, Execution
from datahub.models.export_job import ExportJob
from datahub.models.import_job import ImportJob
from datahub.transports.ssh_keys import format_host_key, read_host_key, read_private_key
from datahub.vault import Vault

log = structlog.stdlib.get_logger(__name__)

NAME_LENGTH = USERNAME_LENGTH = 100
PASSWORD_LENGTH = 1000
DEFAULT_PORT = 22
MISSING = "Must not be empty."
SORT_COLUMNS = {"name": func.lower(Connection.name), "created_at": Connection.created_at}
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\.?\Z")
_SECRETS = ("password", "private_key", "private_key_passphrase")
_NAMED_JOBS = 5


@dataclass(frozen=True)
class _Given:
    name: str
    host: str
    port: int
    username: str
    password: str
    private_key: str
    private_key_passphrase: str
    host_key: str
    active: bool


def create(
    session: Session,
    vault: Vault,
    *,
    name: str,
    host: str,
    username: str,
    port: int = DEFAULT_PORT,
    password: str | None = None,
    private_key: str | None = None,
    private_key_passphrase: str | None = None,
    host_key: str | None = None,
    active: bool = True,
    type: str = SFTP,
) -> Connection:
    """Needs a password or a private key, not both. Raises InvalidError with every fault, or FieldConflictError."""
    faults = Faults()
    faults.choice("type", type, CONNECTION_TYPES)
    given = _read(name, host, port, username, password, private_key, private_key_passphrase, host_key, active)
    now = database_now(session)
    connection = Connection(public_id=str(uuid.uuid4()), type=type, created_at=now)
    _check(given, connection, vault, faults)
    faults.raise_any("connection")
    _fill(session, connection, given, vault)
    with _claimed(session, given.name):
        session.add(connection)
    return connection


def update(
    session: Session,
    vault: Vault,
    connection: Connection,
    *,
    name: str,
    host: str,
    port: int,
    username: str,
    active: bool,
    password: str | None = None,
    private_key: str | None = None,
    private_key_passphrase: str | None = None,
    host_key: str | None = None,
) -> Connection:
    """A blank secret keeps the stored one; a password replaces a private key and the other way round.

    A new host or port drops the accepted host key, unless the call brings the new one; a stored password is kept but
    sent only to the address it was entered for.
    """
    faults = Faults()
    given = _read(name, host, port, username, password, private_key, private_key_passphrase, host_key, active)
    _check(given, connection, vault, faults)
    faults.raise_any("connection")
    with _claimed(session, given.name, connection):
        _fill(session, connection, given, vault)
    return connection


def accept_host_key(session: Session, connection: Connection, host_key: str) -> None:
    """A person has compared the fingerprint. Raises InvalidError at `host_key` for anything but a public key."""
    connection.host_key = format_host_key(read_host_key(host_key))
    connection.updated_at = database_now(session)
    session.flush()


def activate(session: Session, connection: Connection) -> None:
    _switch(session, connection, active=True)


def disable(session: Session, connection: Connection) -> None:
    """Exports that wait go on waiting, without using an attempt, until it is active again."""
    _switch(session, connection, active=False)


def delete(session: Session, connection: Connection) -> None:
    """Raises ConflictError, naming the jobs, while one uses it."""
    users = used_by(session, connection)
    if users:
        names = ", ".join(job.name for job in users[:_NAMED_JOBS]) + (", …" if len(users) > _NAMED_JOBS else "")
        raise ConflictError(f"The connection {connection.name} is used by: {names}. Change or delete these jobs first.")
    try:
        with session.begin_nested():
            session.delete(connection)
    except IntegrityError as error:
        raise ConflictError(f"The connection {connection.name} has just been chosen by a job.") from error


def used_by(session: Session, connection: Connection) -> list[ExportJob | ImportJob]:
    """Exports first, each kind by name."""
    exports = select(ExportJob).where(ExportJob.connection_id == connection.id)
    imports = select(ImportJob).where(ImportJob.connection_id == connection.id)
    return [
        *session.scalars(exports.order_by(func.lower(ExportJob.name))),
        *session.scalars(imports.order_by(func.lower(ImportJob.name))),
    ]


def job_counts(session: Session) -> dict[int, int]:
    """Number of jobs by the id of the connection they use; connections without one are absent."""
    counts: Counter[int] = Counter()
    for kind in (ExportJob, ImportJob):
        users = select(kind.connection_id, func.count()).group_by(kind.connection_id)
        counts.update(dict(session.execute(users).all()))
    return counts


def count_waiting(session: Session, connection: Connection) -> int:
    """Executions that wait for an attempt; while the connection is disabled they go on waiting."""
    waiting = select(func.count()).select_from(Execution).join(ExportJob, ExportJob.id == Execution.export_job_id)
    return session.scalars(
        waiting.where(ExportJob.connection_id == connection.id, Execution.status == JOB_PENDING)
    ).one()


def get(session: Session, public_id: str) -> Connection:
    connection = session.scalar(select(Connection).where(Connection.public_id == public_id))
    if connection is None:
        raise NotFoundError(f"There is no connection with the id {public_id}.")
    return connection


def list_connections(
    session: Session, *, sort: str = "name", descending: bool = False, offset: int = 0, limit: int | None = None
) -> list[Connection]:
    columns = (SORT_COLUMNS[sort], Connection.id)
    order = [column.desc() if descending else column.asc() for column in columns]
    return list(session.scalars(select(Connection).order_by(*order).offset(offset).limit(limit)))


def rotate_secrets(session: Session, vault: Vault) -> int:
    """Encrypts with the current key what an older one encrypted; answers how many secrets. Safe to repeat."""
    rotated = 0
    for connection in session.scalars(select(Connection).order_by(Connection.id).with_for_update()):
        for column in _SECRETS:
            stored = getattr(connection, column)
            if stored and not vault.is_current(stored):
                setattr(connection, column, vault.encrypt(vault.decrypt(stored)))
                rotated += 1
    session.flush()
    return rotated


def check_secrets(session: Session, vault: Vault) -> None:
    """Raises SettingError when one of them cannot be read with the keys of this installation."""
    for stored in session.execute(select(*(getattr(Connection, column) for column in _SECRETS))):
        for secret in filter(None, stored):
            vault.decrypt(secret)


def check_at_start(sessions: sessionmaker[Session], vault: Vault) -> None:
    """As check_secrets, of a process that starts; all is well where the database is away or not prepared yet."""
    try:
        with sessions() as session:
            check_secrets(read_only(session), vault)
    except SQLAlchemyError as error:
        log.warning("the stored secrets could not be checked", error=type(error).__name__)


def _read(
    name: str,
    host: str,
    port: int,
    username: str,
    password: str | None,
    private_key: str | None,
    private_key_passphrase: str | None,
    host_key: str | None,
    active: bool,
) -> _Given:
    # Browsers send a pasted key with CR LF.
    key = (private_key or "").replace("\r\n", "\n").strip()
    return _Given(
        name=name.strip(),
        host=host.strip(),
        port=port,
        username=username.strip(),
        password=password or "",
        private_key=f"{key}\n" if key else "",
        private_key_passphrase=private_key_passphrase or "",
        host_key=(host_key or "").strip(),
        active=active,
    )


def _check(given: _Given, connection: Connection, vault: Vault, faults: Faults) -> None:
    faults.text("name", given.name, NAME_LENGTH, missing=MISSING)
    faults.text("username", given.username, USERNAME_LENGTH, missing=MISSING)
    if not _is_host(given.host):
        faults.add("host", "Give a host name or an IP address alone, such as sftp.example.com.")
    if not 1 <= given.port <= 65535:
        faults.add("port", "Must be between 1 and 65535.")
    if given.host_key:
        with faults.collect():
            read_host_key(given.host_key)
    _check_sign_in(given, connection, vault, faults)


def _check_sign_in(given: _Given, connection: Connection, vault: Vault, faults: Faults) -> None:
    if given.password and given.private_key:
        faults.add("private_key", "Give a password or a private key, not both.")
    elif given.password:
        faults.line("password", given.password, PASSWORD_LENGTH)
    elif given.private_key:
        with faults.collect():
            read_private_key(given.private_key, given.private_key_passphrase)
    elif given.private_key_passphrase and connection.private_key:
        with faults.collect():
            read_private_key(vault.decrypt(connection.private_key), given.private_key_passphrase)
    elif given.private_key_passphrase:
        faults.add("private_key_passphrase", "There is no private key for this passphrase.")
    elif not connection.password and not connection.private_key:
        faults.add("password", "Give a password or a private key.")


def _is_host(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return _HOST_NAME.match(text) is not None
    return "%" not in text


def _fill(session: Session, connection: Connection, given: _Given, vault: Vault) -> None:
    if (connection.host, connection.port) != (given.host, given.port):
        connection.host_key = None
    if given.host_key:
        connection.host_key = format_host_key(read_host_key(given.host_key))
    connection.name, connection.host, connection.port = given.name, given.host, given.port
    connection.username, connection.active = given.username, given.active
    if given.password:
        connection.password = vault.encrypt(given.password)
        connection.password_origin = connection.origin
        connection.private_key = connection.private_key_passphrase = None
    elif given.private_key:
        connection.private_key = vault.encrypt(given.private_key)
        connection.password = connection.password_origin = connection.private_key_passphrase = None
    if given.private_key_passphrase and connection.private_key:
        connection.private_key_passphrase = vault.encrypt(given.private_key_passphrase)
    connection.updated_at = database_now(session)
    connection.paused_until = None


@contextmanager
def _claimed(session: Session, name: str, connection: Connection | None = None) -> Iterator[None]:
    """Flushes the changes made inside; the database's unique index decides who has the name."""
    with session.no_autoflush:
        others = select(Connection.name)
        if connection is not None:
            others = others.where(Connection.id != connection.id)
        # Folded here, since SQLite's lower() knows ASCII only.
        if name.casefold() in {other.casefold() for other in session.scalars(others)}:
            raise _name_taken(name)
    try:
        with session.begin_nested():
            yield
    except IntegrityError as error:
        raise _name_taken(name) from error


def _name_taken(name: str) -> FieldConflictError:
    return FieldConflictError("name", f"There is already a connection named {name}.")


def _switch(session: Session, connection: Connection, *, active: bool) -> None:
    connection.active = active
    connection.paused_until = None
    connection.updated_at = database_now(session)
    session.flush()


def note_success(session: Session, connection_id: int) -> None:
    """That files went over it just now, in either direction."""
    noted = sqlalchemy.update(Connection).where(Connection.id == connection_id)
    session.execute(noted.values(last_success_at=database_now(session)))
