"""Export jobs: which orders, in which status, go where and how."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import JSON, CheckConstraint, Column, ForeignKey, Index, String, Table, Text, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from datahub.db import UNRECORDED, Base
from datahub.models.connection import Connection
from datahub.models.party import Supplier

XML, JSON_FORMAT = "XML", "JSON"
EXPORT_FORMATS = (XML, JSON_FORMAT)
SHORT, STANDARD = "SHORT", "STANDARD"
FILE_NAME_FORMATS = (SHORT, STANDARD)

export_job_suppliers = Table(
    "export_job_suppliers",
    Base.metadata,
    Column("export_job_id", ForeignKey("export_jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("supplier_id", ForeignKey("suppliers.id", ondelete="CASCADE"), primary_key=True, index=True),
)


class ExportJob(Base):
    """No supplier chosen means the orders of every supplier."""

    __tablename__ = "export_jobs"
    audit_kind: ClassVar = "export job"
    __table_args__ = (
        CheckConstraint("entity = 'ORDER'", name="entity"),
        CheckConstraint("method = 'SFTP'", name="method"),
        CheckConstraint(f"export_format in {EXPORT_FORMATS}", name="export_format"),
        CheckConstraint(f"file_name_format in {FILE_NAME_FORMATS}", name="file_name_format"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(36), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    entity: Mapped[str] = mapped_column(String(20))
    method: Mapped[str] = mapped_column(String(10))
    connection_id: Mapped[int] = mapped_column(ForeignKey("connections.id"), index=True)
    output_folder: Mapped[str] = mapped_column(Text)
    export_format: Mapped[str] = mapped_column(String(10))
    file_name_format: Mapped[str] = mapped_column(String(10))
    trigger_statuses: Mapped[list[str]] = mapped_column(JSON)
    reexport_on_hold: Mapped[bool] = mapped_column(default=False)
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(info=UNRECORDED)
    updated_at: Mapped[datetime] = mapped_column(info=UNRECORDED)

    connection: Mapped[Connection] = relationship()
    suppliers: Mapped[list[Supplier]] = relationship(secondary=export_job_suppliers, order_by=Supplier.external_id)


Index("uq_export_jobs_name_lower", func.lower(ExportJob.name), unique=True)
