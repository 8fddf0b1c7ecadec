"""General settings that operators change while the hub runs: one row."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from datahub.db import Base


class GeneralSettings(Base):
    """The row with id 1; the first migration inserts it."""

    __tablename__ = "general_settings"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    file_name_prefix: Mapped[str] = mapped_column(String(20), default="DJUST")
    multi_store: Mapped[bool] = mapped_column(default=False)
