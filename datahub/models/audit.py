"""The audit log: who changed what of the configuration, when; kept for ever."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from datahub.db import Base

PAGE, API, COMMAND = "PAGE", "API", "COMMAND"
SOURCES = (PAGE, API, COMMAND)
CREATED, CHANGED, DELETED = "created", "changed", "deleted"
# What `changes` says of a secret, instead of its old and new value.
WITHHELD = "changed"


class AuditEntry(Base):
    """`changes` maps a field to [old, new], a secret to "changed"; None where no row changed. `actor` is empty for
    somebody who is not signed in."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        CheckConstraint(f"source in {SOURCES}", name="source"),
        Index("ix_audit_entries_user", "user_id", "id"),
        Index("ix_audit_entries_object", "kind", "object_id", "id"),
        Index("ix_audit_entries_action", "action", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(String(150))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    source: Mapped[str] = mapped_column(String(10))
    address: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(30))
    kind: Mapped[str] = mapped_column(String(30))
    object_id: Mapped[str] = mapped_column(String(64))
    object_name: Mapped[str] = mapped_column(String(255))
    changes: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
