"""One-time links by which a user sets a password: shown once, kept as SHA-256, valid for 72 hours."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, contains_eager

from datahub.access import users
from datahub.db import database_now
from datahub.models.access import PasswordLink, User

# Logs hide whatever begins so.
PREFIX = "dh_"
LIFETIME = timedelta(hours=72)


def create(session: Session, *, user: User) -> str:
    """The secret, which nothing can show again. An earlier link of the user is void."""
    users.lock(session, user)
    void(session, user=user)
    text, now = PREFIX + secrets.token_urlsafe(32), database_now(session)
    session.add(PasswordLink(user_id=user.id, secret_hash=_hash(text), created_at=now, expires_at=now + LIFETIME))
    session.flush()
    return text


def void(session: Session, *, user: User) -> None:
    session.execute(delete(PasswordLink).where(PasswordLink.user_id == user.id))


def find(session: Session, text: str) -> User | None:
    """Whose password the link sets; None for one that is wrong, used, replaced or too old, or of a disabled user."""
    link = _find(session, text)
    return link.user if link else None


def redeem(session: Session, text: str, *, password: str) -> User | None:
    """Sets the password, which uses the link up; None as `find`. Raises InvalidError at `password`."""
    user = find(session, text)
    if user is None:
        return None
    # Before the link, as whoever replaces it does.
    users.lock(session, user)
    link = _find(session, text, lock=True)
    if link is None:
        return None
    users.set_password(session, user=user, password=password)
    session.delete(link)
    session.flush()
    return user


def _find(session: Session, text: str, *, lock: bool = False) -> PasswordLink | None:
    by_text = (
        select(PasswordLink)
        .join(PasswordLink.user)
        .options(contains_eager(PasswordLink.user))
        .where(
            PasswordLink.secret_hash == _hash(text),
            PasswordLink.expires_at > database_now(session),
            User.active.is_(True),
        )
    )
    return session.scalar(by_text.with_for_update() if lock else by_text)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
