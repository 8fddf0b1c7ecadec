"""What administrators do to users: list, invite, change the role, reset the password, disable, enable, lock out."""

from __future__ import annotations

import builtins
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from datahub.access import audit, password_links, sessions, tokens, users
from datahub.db import database_now
from datahub.errors import ConflictError, InvalidError, NotFoundError
from datahub.models.access import ADMIN, ROLES, ApiToken, PasswordLink, User, UserSession


@dataclass(frozen=True)
class Account:
    """`link_until` is None without an open link to set a password; `tokens` are those not revoked."""

    user: User
    sessions: int
    tokens: int
    link_until: datetime | None


@dataclass(frozen=True)
class LockOut:
    sessions: int
    tokens: int


def list(session: Session, *, idle_seconds: float, max_seconds: float) -> builtins.list[Account]:
    """By name, those who may sign in first."""
    now = database_now(session)
    signed_in = _count_by_user(
        session, UserSession, sessions.is_valid(now, idle_seconds=idle_seconds, max_seconds=max_seconds)
    )
    valid = _count_by_user(session, ApiToken, ApiToken.revoked_at.is_(None))
    open_links = select(PasswordLink.user_id, PasswordLink.expires_at).where(PasswordLink.expires_at > now)
    links = dict(session.execute(open_links).all())
    found = session.scalars(select(User).order_by(User.active.desc(), User.name_key).options(selectinload(User.stores)))
    return [
        Account(user, signed_in.get(user.id, 0), valid.get(user.id, 0), links.get(user.id) if user.active else None)
        for user in found
    ]


def get(session: Session, user_id: int) -> User:
    user = session.get(User, user_id)
    if user is None:
        raise NotFoundError("There is no such user.")
    return user


def open_link_until(session: Session, user: User) -> datetime | None:
    now = database_now(session)
    until = session.scalar(select(PasswordLink.expires_at).where(PasswordLink.user_id == user.id))
    return until if until and until > now and user.active else None


def invite(session: Session, *, name: str, role: str) -> tuple[User, str]:
    """The user and the secret of the link. Raises InvalidError, and FieldConflictError at `name`."""
    user = users.create_without_password(session, name=name, role=role)
    _note(session, audit.INVITED, user)
    return user, password_links.create(session, user=user)


def reset_password(session: Session, user: User, *, by: User) -> str:
    """The secret of a new link. The password and earlier links are void, every session has ended; tokens stay."""
    if user.id == by.id:
        raise ConflictError("Change your own password under Password and sessions.")
    _keep_an_admin(session, user, "have no password")
    users.lock(session, user)
    if not user.active:
        raise ConflictError(f"{user.name} is disabled. Enable the user first.")
    _note(session, audit.RESET if user.password_hash else audit.INVITED, user)
    user.password_hash = ""
    sessions.close_others(session, user=user)
    return password_links.create(session, user=user)


def change_role(session: Session, user: User, *, role: str) -> None:
    """Takes effect with the next request of the user. Raises InvalidError, ConflictError for the last admin."""
    if role not in ROLES:
        raise InvalidError("The role was not changed.", {"role": [f"Choose one of {', '.join(ROLES)}."]})
    if role != ADMIN:
        _keep_an_admin(session, user, "become another role")
    user.role = role
    session.flush()


def disable(session: Session, user: User, *, by: User) -> int:
    """How many sessions it ended. Tokens refuse while the user is disabled, and work again with enabling."""
    if user.id == by.id:
        raise ConflictError("Nobody can disable themselves. Ask another administrator.")
    _keep_an_admin(session, user, "be disabled")
    user.active = False
    password_links.void(session, user=user)
    session.flush()
    return sessions.close_others(session, user=user)


def enable(session: Session, user: User) -> None:
    user.active = True
    session.flush()


def lock_out(session: Session, user: User, *, by: User) -> LockOut:
    """For an account that leaked: disabled, signed out, its tokens revoked for good, its password void."""
    ended = disable(session, user, by=by)
    user.password_hash = ""
    done = LockOut(sessions=ended, tokens=tokens.revoke_all(session, user=user))
    _note(session, audit.LOCKED_OUT, user)
    return done


def _note(session: Session, action: str, user: User) -> None:
    audit.note(session, action, kind="user", object_id=str(user.id), name=user.name)


def _keep_an_admin(session: Session, user: User, what: str) -> None:
    """Two who do it to each other at once wait for each other here, so that one admin stays."""
    able = select(User).where(User.role == ADMIN, User.active.is_(True), User.password_hash != "")
    locked = able.order_by(User.id).with_for_update().execution_options(populate_existing=True)
    admins = [admin.id for admin in session.scalars(locked)]
    if admins == [user.id]:
        raise ConflictError(f"{user.name} is the only administrator who can sign in and cannot {what}.")


def _count_by_user(session: Session, model: type[ApiToken] | type[UserSession], which: object) -> dict[int, int]:
    counted = select(model.user_id, func.count()).where(which).group_by(model.user_id)  # type: ignore[arg-type]
    return dict(session.execute(counted).all())
