"""General settings that operators change while the hub runs: one row."""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy import JSON, CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from datahub.db import Base

MAIN_LOCALE = "en-GB"


class GeneralSettings(Base):
    """The row with id 1; the first migration inserts it."""

    __tablename__ = "general_settings"
    audit_kind: ClassVar = "general settings"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    file_name_prefix: Mapped[str] = mapped_column(String(20), default="DJUST")
    multi_store: Mapped[bool] = mapped_column(default=False)
    # IETF tags; the main one is among them. A value without a locale is one in the main locale.
    locales: Mapped[list[str]] = mapped_column(JSON, default=lambda: [MAIN_LOCALE])
    main_locale: Mapped[str] = mapped_column(String(35), default=MAIN_LOCALE)
    currency: Mapped[str] = mapped_column(String(3), default="EUR")
