"""Which worker and clock processes are alive, and how the clocks' sweeps go."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from datahub.db import Base

EXPORTER, IMPORTER, CLOCK = "EXPORTER", "IMPORTER", "CLOCK"


class Heartbeat(Base):
    """An EXPORTER sends exports, an IMPORTER reads and writes imports; both are workers. `swept_at` is the end of a
    clock's last good sweep, `failed_sweeps` how many have failed since."""

    __tablename__ = "heartbeats"

    name: Mapped[str] = mapped_column(String(150), primary_key=True)
    role: Mapped[str] = mapped_column(String(20))
    seen_at: Mapped[datetime]
    swept_at: Mapped[datetime | None]
    failed_sweeps: Mapped[int] = mapped_column(default=0)
