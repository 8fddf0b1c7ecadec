"""Personal API tokens: shown once, kept as SHA-256, revocable at once. A token may do what its user may do."""

from __future__ import annotations

import builtins
import hashlib
import secrets
import uuid
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session, joinedload

from datahub.access import audit
from datahub.db import database_now
from datahub.errors import InvalidError, NotFoundError
from datahub.models.access import ApiToken, User

PREFIX = "dh_"
SHOWN_CHARACTERS = 10
MAX_NAME = 100
TOUCH_EVERY = timedelta(minutes=1)


def create(session: Session, *, user: User, name: str) -> tuple[ApiToken, str]:
    """The row and the token's text, which nothing can show again. Raises InvalidError at `name`."""
    name = name.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise InvalidError("The token was not created.", {"name": [f"Enter 1 to {MAX_NAME} printable characters."]})
    text = PREFIX + secrets.token_urlsafe(32)
    row = ApiToken(public_id=str(uuid.uuid4()), user_id=user.id, name=name, token_hash=_hash(text))
    row.prefix, row.created_at = text[:SHOWN_CHARACTERS], database_now(session)
    session.add(row)
    session.flush()
    return row, text


def revoke(session: Session, *, user: User, public_id: str) -> ApiToken:
    """Safe to repeat. Raises NotFoundError for the token of somebody else."""
    own = select(ApiToken).where(ApiToken.public_id == public_id, ApiToken.user_id == user.id)
    token = session.scalar(own)
    if token is None:
        raise NotFoundError("There is no such token.")
    token.revoked_at = token.revoked_at or database_now(session)
    session.flush()
    return token


def revoke_all(session: Session, *, user: User) -> int:
    """How many were valid until now."""
    valid = [token for token in list(session, user=user) if token.revoked_at is None]
    for token in valid:
        token.revoked_at = database_now(session)
    session.flush()
    return len(valid)


def find(session: Session, text: str) -> ApiToken | None:
    """With its user; None for a token that is unknown or revoked, or whose user is not active."""
    by_text = select(ApiToken).where(ApiToken.token_hash == _hash(text)).options(joinedload(ApiToken.user))
    token = session.scalar(by_text)
    return token if token and token.revoked_at is None and token.user.active else None


def needs_touch(session: Session, token: ApiToken) -> bool:
    return token.last_used_at is None or database_now(session) - token.last_used_at >= TOUCH_EVERY


def touch(session: Session, token_id: int) -> None:
    """Notes that the token is in use, and with it its user."""
    now = database_now(session)
    used = update(ApiToken).where(ApiToken.id == token_id).values(last_used_at=now)
    session.execute(used, execution_options=audit.UNLOGGED)
    whose = select(ApiToken.user_id).where(ApiToken.id == token_id).scalar_subquery()
    seen = update(User).where(User.id == whose).values(last_seen_at=now)
    session.execute(seen, execution_options=audit.UNLOGGED)


def list(session: Session, *, user: User) -> builtins.list[ApiToken]:
    """The user's tokens, newest first, revoked ones too."""
    own = select(ApiToken).where(ApiToken.user_id == user.id).order_by(ApiToken.id.desc())
    return builtins.list(session.scalars(own))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
