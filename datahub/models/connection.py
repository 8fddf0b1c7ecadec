"""Client connections: the address and the credentials of one external system."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, Index, String, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from datahub.db import SECRET, UNRECORDED, Base

SFTP = "SFTP"
CONNECTION_TYPES = (SFTP,)


class Connection(Base):
    """Secrets are stored as the vault encrypts them. `host_key` is one line of OpenSSH public key, or None.

    `password_origin` is the host:port that the password was entered for; it is sent to no other."""

    __tablename__ = "connections"
    audit_kind: ClassVar = "connection"
    __table_args__ = (
        CheckConstraint("type = 'SFTP'", name="type"),
        CheckConstraint("port between 1 and 65535", name="port"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(36), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    type: Mapped[str] = mapped_column(String(10))
    host: Mapped[str] = mapped_column(String(255))
    port: Mapped[int]
    username: Mapped[str] = mapped_column(String(100))
    password: Mapped[str | None] = mapped_column(Text, info=SECRET)
    password_origin: Mapped[str | None] = mapped_column(String(270), info=UNRECORDED)
    private_key: Mapped[str | None] = mapped_column(Text, info=SECRET)
    private_key_passphrase: Mapped[str | None] = mapped_column(Text, info=SECRET)
    host_key: Mapped[str | None] = mapped_column(Text)
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(info=UNRECORDED)
    updated_at: Mapped[datetime] = mapped_column(info=UNRECORDED)
    last_success_at: Mapped[datetime | None] = mapped_column(info=UNRECORDED)
    # It could not be opened: until then nobody tries again.
    paused_until: Mapped[datetime | None] = mapped_column(info=UNRECORDED)

    @property
    def origin(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def is_usable(self) -> bool:
        """Active, and its server is known by its key."""
        return self.active and self.host_key is not None


Index("uq_connections_name_lower", func.lower(Connection.name), unique=True)
