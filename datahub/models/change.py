"""The change ledger: what changed on a record, when, and by what."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from datahub.db import Base

CREATED, UPDATED, DELETED = "created", "updated", "deleted"
ACTIONS = (CREATED, UPDATED, DELETED)


class Change(Base):
    """`changes` maps a field to [old, new], and is None for what was created. `part` and `part_key` name the part of
    the record, empty for the record itself. `execution_id` is None for a change by page or API; it has no foreign key,
    which would be looked up for each line: what writes a line holds the execution, and executions are never deleted.
    `store_id` is that of the store whose records have this key, of an entity that is scoped by it."""

    __tablename__ = "changes"
    __table_args__ = (
        CheckConstraint(f"action in {ACTIONS}", name="action"),
        Index("ix_changes_record", "entity", "record_key", "id"),
        Index("ix_changes_execution", "execution_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    execution_id: Mapped[int | None]
    actor: Mapped[str] = mapped_column(String(150))
    entity: Mapped[str] = mapped_column(String(30))
    record_key: Mapped[str] = mapped_column(String(255))
    part: Mapped[str] = mapped_column(String(30), default="")
    part_key: Mapped[str] = mapped_column(String(255), default="")
    action: Mapped[str] = mapped_column(String(10))
    changes: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    file: Mapped[str | None] = mapped_column(Text)
    line: Mapped[int | None]
    store_id: Mapped[int | None]
    at: Mapped[datetime]
