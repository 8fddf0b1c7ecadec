"""Who may sign in: users, their browser sessions, their API tokens."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, Column, ForeignKey, String, Table, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from datahub.db import SECRET, UNRECORDED, Base
from datahub.models.party import Store

ADMIN, OPERATOR, VIEWER = "ADMIN", "OPERATOR", "VIEWER"
ROLES = (ADMIN, OPERATOR, VIEWER)

# A store that somebody is limited to cannot go: without a row they would see everything.
user_stores = Table(
    "user_stores",
    Base.metadata,
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("store_id", ForeignKey("stores.id"), primary_key=True, index=True),
)


class User(Base):
    """`password_hash` is empty until a password is set, and after it was voided; then nobody can sign in. `stores` are
    those that the user is limited to; none means all. An ADMIN sees all whatever they are."""

    __tablename__ = "users"
    audit_kind: ClassVar = "user"
    __table_args__ = (CheckConstraint(f"role in {ROLES}", name="role"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    # What makes two names the same; databases differ in what they call lower case.
    name_key: Mapped[str] = mapped_column(Text, unique=True, info=UNRECORDED)
    password_hash: Mapped[str] = mapped_column(String(255), info=SECRET)
    role: Mapped[str] = mapped_column(String(20))
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(info=UNRECORDED)
    # By page or by script.
    last_seen_at: Mapped[datetime | None] = mapped_column(info=UNRECORDED)

    stores: Mapped[list[Store]] = relationship(secondary=user_stores, order_by=Store.external_id)

    @validates("name")
    def _keep_key(self, _field: str, name: str) -> str:
        self.name_key = name_key(name)
        return name


def name_key(name: str) -> str:
    """Equal for names that people would take for the same: case, width and composition do not count."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name.strip()).casefold())


class PasswordLink(Base):
    """Lets whoever holds its secret set the user's password, once. A user has one at most."""

    __tablename__ = "password_links"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), unique=True)
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]

    user: Mapped[User] = relationship()


class UserSession(Base):
    """One signed-in browser. The cookie holds the token, the row only its SHA-256."""

    __tablename__ = "user_sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    source: Mapped[str] = mapped_column(String(64), default="")
    agent: Mapped[str] = mapped_column(String(255), default="")

    user: Mapped[User] = relationship()


class ApiToken(Base):
    """A personal token for scripts: shown once, kept as SHA-256, recognised by its first characters."""

    __tablename__ = "api_tokens"
    audit_kind: ClassVar = "token"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(36), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True, info=SECRET)
    prefix: Mapped[str] = mapped_column(String(12))
    created_at: Mapped[datetime] = mapped_column(info=UNRECORDED)
    last_used_at: Mapped[datetime | None] = mapped_column(info=UNRECORDED)
    revoked_at: Mapped[datetime | None]

    user: Mapped[User] = relationship()
