"""Users, their names and passwords. What administrators do to them is in accounts."""

from __future__ import annotations

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from datahub.access import audit
from datahub.db import database_now
from datahub.errors import FieldConflictError, InvalidError, NotFoundError
from datahub.models.access import ROLES, User, name_key

MIN_PASSWORD, MAX_PASSWORD = 10, 200
MAX_NAME = 100

_hasher = PasswordHasher()
# Checked when the name is unknown, so that the answer takes as long as for a wrong password.
_NOBODY = _hasher.hash(secrets.token_hex())


def hash_password(password: str) -> str:
    """Slow on purpose."""
    return _hasher.hash(password)


def create(session: Session, *, name: str, password: str, role: str) -> User:
    """Raises InvalidError with the faulty fields, FieldConflictError when the name is taken in any spelling."""
    faults = _password_faults(password)
    user = _add(session, name, role, faults)
    user.password_hash = hash_password(password)
    session.flush()
    return user


def create_without_password(session: Session, *, name: str, role: str) -> User:
    """Nobody can sign in until a password is set. Raises as `create` does."""
    return _add(session, name, role, {})


def look_up(session: Session, name: str) -> User | None:
    return session.scalar(select(User).where(User.name_key == name_key(name)))


def find(session: Session, name: str) -> User:
    """By its name in any spelling. Raises NotFoundError."""
    user = look_up(session, name)
    if user is None:
        raise NotFoundError(f"There is no user {name}.")
    return user


def lock(session: Session, user: User) -> None:
    """Until the end of the transaction; what is known of the user is fresh then."""
    query = select(User).where(User.id == user.id).with_for_update(key_share=True)
    session.scalar(query.execution_options(populate_existing=True))


def set_password(session: Session, *, user: User, password: str) -> None:
    """Whoever calls has made sure that it may be set. Raises InvalidError at `password`."""
    faults = _password_faults(password)
    if faults:
        raise InvalidError("The password was not set.", faults)
    user.password_hash = hash_password(password)
    session.flush()


def change_password(session: Session, *, user: User, current: str, password: str) -> None:
    """Raises InvalidError at `current` or `password`."""
    if not _verifies(user.password_hash, current):
        raise InvalidError("The password was not changed.", {"current": ["This is not your current password."]})
    faults = _password_faults(password)
    if faults:
        raise InvalidError("The password was not changed.", faults)
    user.password_hash = hash_password(password)
    session.flush()


def check_password(session: Session, *, name: str, password: str) -> User | None:
    """The active user whom both fit, or None; takes the same time either way. Only reads."""
    user = look_up(session, name)
    is_able = user is not None and user.active and bool(user.password_hash)
    stored = user.password_hash if user and is_able else _NOBODY
    return user if _verifies(stored, password) and is_able else None


def renew_hash(session: Session, *, user_id: int, password: str) -> None:
    """After a successful sign-in: stores the password anew if the parameters of the hash have changed since."""
    stored = session.get_one(User, user_id).password_hash
    if _hasher.check_needs_rehash(stored):
        # Only where it is the same still: a password that was set or voided meanwhile stays as it is.
        same = update(User).where(User.id == user_id, User.password_hash == stored)
        session.execute(same.values(password_hash=hash_password(password)), execution_options=audit.UNLOGGED)


def _add(session: Session, name: str, role: str, faults: dict[str, list[str]]) -> User:
    name = name.strip()
    faults = _name_faults(name) | faults
    if role not in ROLES:
        faults["role"] = [f"Choose one of {', '.join(ROLES)}."]
    if faults:
        raise InvalidError("The user was not created.", faults)
    if look_up(session, name):
        raise FieldConflictError("name", f"The name {name} is taken.")
    user = User(name=name, password_hash="", role=role, created_at=database_now(session))
    try:
        with session.begin_nested():
            session.add(user)
    except IntegrityError as error:
        raise FieldConflictError("name", f"The name {name} is taken.") from error
    return user


def _verifies(stored: str, password: str) -> bool:
    if len(password) > MAX_PASSWORD:
        return False
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def _name_faults(name: str) -> dict[str, list[str]]:
    if not name:
        return {"name": ["Enter a name."]}
    if len(name) > MAX_NAME or not name.isprintable():
        return {"name": [f"Use at most {MAX_NAME} printable characters."]}
    return {}


def _password_faults(password: str) -> dict[str, list[str]]:
    if len(password) < MIN_PASSWORD:
        return {"password": [f"Use at least {MIN_PASSWORD} characters."]}
    if len(password) > MAX_PASSWORD:
        return {"password": [f"Use at most {MAX_PASSWORD} characters."]}
    return {}
