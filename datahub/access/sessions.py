"""Signed-in browsers. The cookie holds a random token, the table its SHA-256, so that each can be ended here."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, ScalarSelect, and_, delete, select, update
from sqlalchemy.orm import Session, joinedload

from datahub.access import audit
from datahub.db import database_now
from datahub.errors import ConflictError, NotFoundError
from datahub.models.access import User, UserSession

TOUCH_EVERY = timedelta(minutes=1)


def open(session: Session, *, user: User, source: str, agent: str, max_seconds: float) -> str:
    """The token for the cookie. Clears away the sessions of this user that are older than `max_seconds`."""
    token = secrets.token_urlsafe(32)
    now = database_now(session)
    too_old = UserSession.created_at < now - timedelta(seconds=max_seconds)
    session.execute(delete(UserSession).where(UserSession.user_id == user.id, too_old))
    row = UserSession(token_hash=_hash(token), user_id=user.id, created_at=now, last_seen_at=now)
    row.source, row.agent = source[:64], agent[:255]
    session.add(row)
    session.flush()
    _see(session, user.id, now)
    return token


def find(session: Session, token: str, *, idle_seconds: float, max_seconds: float) -> UserSession | None:
    """With its user; None for an unknown token, an ended session, a user who was deactivated."""
    by_token = select(UserSession).where(UserSession.token_hash == _hash(token)).options(joinedload(UserSession.user))
    found = session.scalar(by_token)
    if found is None or not found.user.active:
        return None
    now = database_now(session)
    idle_since, began = timedelta(seconds=idle_seconds), timedelta(seconds=max_seconds)
    if now - found.last_seen_at > idle_since or now - found.created_at > began:
        return None
    return found


def needs_touch(session: Session, row: UserSession) -> bool:
    return database_now(session) - row.last_seen_at >= TOUCH_EVERY


def touch(session: Session, session_id: int) -> None:
    """Notes that the session is in use, and with it its user."""
    now = database_now(session)
    session.execute(update(UserSession).where(UserSession.id == session_id).values(last_seen_at=now))
    whose = select(UserSession.user_id).where(UserSession.id == session_id).scalar_subquery()
    _see(session, whose, now)


def is_valid(now: datetime, *, idle_seconds: float, max_seconds: float) -> ColumnElement[bool]:
    return and_(
        UserSession.last_seen_at >= now - timedelta(seconds=idle_seconds),
        UserSession.created_at >= now - timedelta(seconds=max_seconds),
    )


def of_user(session: Session, *, user: User, idle_seconds: float, max_seconds: float) -> list[UserSession]:
    """Those still valid, the one used last first."""
    valid = is_valid(database_now(session), idle_seconds=idle_seconds, max_seconds=max_seconds)
    own = select(UserSession).where(UserSession.user_id == user.id, valid)
    return list(session.scalars(own.order_by(UserSession.last_seen_at.desc(), UserSession.id.desc())))


def close(session: Session, token: str) -> None:
    """Safe to repeat."""
    session.execute(delete(UserSession).where(UserSession.token_hash == _hash(token)))


def close_one(session: Session, *, user: User, session_id: int, token: str) -> None:
    """`token` is that of whoever asks, who signs out instead. Raises NotFoundError for a session of somebody else."""
    row = session.scalar(select(UserSession).where(UserSession.id == session_id, UserSession.user_id == user.id))
    if row is None:
        raise NotFoundError("This session has ended already.")
    if row.token_hash == _hash(token):
        raise ConflictError("This is the browser that you use now. Sign out instead.")
    session.delete(row)
    session.flush()
    _note_end(session, user, 1)


def close_others(session: Session, *, user: User, token: str = "") -> int:
    """Ends every session of the user but the one of this token, and says how many."""
    others = delete(UserSession).where(UserSession.user_id == user.id, UserSession.token_hash != _hash(token))
    ended = len(session.scalars(others.returning(UserSession.id)).all())
    if ended:
        _note_end(session, user, ended)
    return ended


def _note_end(session: Session, user: User, ended: int) -> None:
    changes = {"sessions ended": [None, ended]}
    audit.note(session, audit.SESSIONS_ENDED, kind="user", object_id=str(user.id), name=user.name, changes=changes)


def _see(session: Session, user_id: int | ScalarSelect[int], now: datetime) -> None:
    session.execute(update(User).where(User.id == user_id).values(last_seen_at=now), execution_options=audit.UNLOGGED)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
