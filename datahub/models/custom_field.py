"""The custom fields that this installation defines for its entities."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import JSON, CheckConstraint, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from datahub.db import UNRECORDED, Base

CUSTOM_FIELD_TYPES = (
    "TEXT",
    "LONG_TEXT",
    "NUMBER",
    "METRIC",
    "DATE",
    "LIST_TEXT",
    "LIST_METRIC",
    "BOOLEAN",
    "MEDIA",
)
TEXT_TYPES = ("TEXT", "LONG_TEXT")
LIST_TYPES = ("LIST_TEXT", "LIST_METRIC")
METRIC_TYPES = ("METRIC", "LIST_METRIC")


class CustomField(Base):
    """`options` are the values that a list takes; `unit` belongs to metric types."""

    __tablename__ = "custom_fields"
    audit_kind: ClassVar = "custom field"
    __table_args__ = (
        UniqueConstraint("entity", "external_id"),
        CheckConstraint(f"type in {CUSTOM_FIELD_TYPES}", name="type"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(36), unique=True)
    entity: Mapped[str] = mapped_column(String(30))
    external_id: Mapped[str] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(255))
    type: Mapped[str] = mapped_column(String(20))
    required: Mapped[bool] = mapped_column(default=False)
    multi: Mapped[bool] = mapped_column(default=False)
    localisable: Mapped[bool] = mapped_column(default=False)
    options: Mapped[list[str]] = mapped_column(JSON, default=list)
    unit: Mapped[str | None] = mapped_column(String(20))
    created_at: Mapped[datetime] = mapped_column(info=UNRECORDED)
    updated_at: Mapped[datetime] = mapped_column(info=UNRECORDED)
