"""Import jobs: which file becomes records of which entity, how and when; and the ticks of their schedules."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from datahub.db import UNRECORDED, Base
from datahub.models.connection import Connection

RUN_IMMEDIATELY, WAIT_FOR_NEXT = "RUN_IMMEDIATELY", "WAIT_FOR_NEXT"
POLICIES = (RUN_IMMEDIATELY, WAIT_FOR_NEXT)
DELIMITERS = (",", ";")


class ImportJob(Base):
    """`mapping` is a list of {field, source}, or None where columns are matched by name; `transcoding` a list of
    {field, from, to}. A bulk job reads `inbound_directory`, any other `file_path`. Only files of columns
    have a `delimiter`."""

    __tablename__ = "import_jobs"
    audit_kind: ClassVar = "import job"
    __table_args__ = (
        CheckConstraint("method = 'SFTP'", name="method"),
        CheckConstraint(f"simultaneous_execution in {POLICIES}", name="simultaneous_execution"),
        CheckConstraint(f"delimiter in {DELIMITERS}", name="delimiter"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(36), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    entity: Mapped[str] = mapped_column(String(30))
    method: Mapped[str] = mapped_column(String(10))
    connection_id: Mapped[int] = mapped_column(ForeignKey("connections.id"), index=True)
    bulk: Mapped[bool] = mapped_column(default=False)
    file_path: Mapped[str | None] = mapped_column(Text)
    inbound_directory: Mapped[str | None] = mapped_column(Text)
    outbound_directory: Mapped[str | None] = mapped_column(Text)
    delimiter: Mapped[str | None] = mapped_column(String(1))
    mapping: Mapped[list[dict[str, str]] | None] = mapped_column(JSON(none_as_null=True))
    transcoding: Mapped[list[dict[str, str]]] = mapped_column(JSON, default=list)
    cron: Mapped[str | None] = mapped_column(String(200))
    schedule_enabled: Mapped[bool] = mapped_column(default=False)
    # Ticks up to here are settled: a schedule that is new or changed counts from the change.
    ticked_until: Mapped[datetime] = mapped_column(info=UNRECORDED)
    simultaneous_execution: Mapped[str] = mapped_column(String(20), default=WAIT_FOR_NEXT)
    import_full_mode: Mapped[bool] = mapped_column(default=False)
    # For entities with a store scope; none has one so far.
    store_external_ids: Mapped[list[str]] = mapped_column(JSON, default=list)
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(info=UNRECORDED)
    updated_at: Mapped[datetime] = mapped_column(info=UNRECORDED)

    connection: Mapped[Connection] = relationship()


Index("uq_import_jobs_name_lower", func.lower(ImportJob.name), unique=True)


class Tick(Base):
    """One moment at which a schedule fired. Without an execution it was missed, or the job could not run."""

    __tablename__ = "ticks"
    __table_args__ = (UniqueConstraint("import_job_id", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    import_job_id: Mapped[int] = mapped_column(ForeignKey("import_jobs.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    execution_id: Mapped[int | None] = mapped_column(ForeignKey("executions.id", ondelete="SET NULL"), index=True)


class ConsumedFile(Base):
    """A file of an inbound folder that was applied and is still to be moved away; moving it ends the row.

    `moving_to` is where a worker was last about to move it, under a name that nothing had there."""

    __tablename__ = "consumed_files"

    id: Mapped[int] = mapped_column(primary_key=True)
    import_job_id: Mapped[int] = mapped_column(ForeignKey("import_jobs.id", ondelete="CASCADE"), index=True)
    execution_id: Mapped[int] = mapped_column(ForeignKey("executions.id"), index=True)
    path: Mapped[str] = mapped_column(Text)
    moves_to: Mapped[str] = mapped_column(Text)
    moving_to: Mapped[str | None] = mapped_column(Text)
    size: Mapped[int]
    modified_at: Mapped[datetime | None]
    sha256: Mapped[str] = mapped_column(String(64))
