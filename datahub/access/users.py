"""Users and their passwords."""

from __future__ import annotations

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from datahub.db import database_now
from datahub.errors import FieldConflictError, InvalidError
from datahub.models.access import ROLES, User

MIN_PASSWORD, MAX_PASSWORD = 10, 200
MAX_NAME = 100

_hasher = PasswordHasher()
# Checked when the name is unknown, so that the answer takes as long as for a wrong password.
_NOBODY = _hasher.hash(secrets.token_hex())


def create(session: Session, *, name: str, password: str, role: str) -> User:
    """Raises InvalidError with the faulty fields, FieldConflictError when the name is taken in any spelling."""
    name = name.strip()
    faults = _name_faults(name) | _password_faults(password)
    if role not in ROLES:
        faults["role"] = [f"Choose one of {', '.join(ROLES)}."]
    if faults:
        raise InvalidError("The user was not created.", faults)
    if session.scalar(select(User.id).where(func.lower(User.name) == name.lower())):
        raise FieldConflictError("name", f"The name {name} is taken.")
    user = User(name=name, password_hash=_hasher.hash(password), role=role, created_at=database_now(session))
    session.add(user)
    session.flush()
    return user


def change_password(session: Session, *, user: User, current: str, password: str) -> None:
    """Raises InvalidError at `current` or `password`."""
    if not _verifies(user.password_hash, current):
        raise InvalidError("The password was not changed.", {"current": ["This is not your current password."]})
    faults = _password_faults(password)
    if faults:
        raise InvalidError("The password was not changed.", faults)
    user.password_hash = _hasher.hash(password)
    session.flush()


def check_password(session: Session, *, name: str, password: str) -> User | None:
    """The active user whom both fit, or None; takes the same time either way. Only reads."""
    user = session.scalar(select(User).where(func.lower(User.name) == name.strip().lower()))
    stored = user.password_hash if user and user.active else _NOBODY
    return user if _verifies(stored, password) and user and user.active else None


def renew_hash(session: Session, *, user_id: int, password: str) -> None:
    """After a successful sign-in: stores the password anew if the parameters of the hash have changed since."""
    user = session.get_one(User, user_id)
    if _hasher.check_needs_rehash(user.password_hash):
        user.password_hash = _hasher.hash(password)
        session.flush()


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
