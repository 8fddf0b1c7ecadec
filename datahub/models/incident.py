"""Incidents: what a buyer found wrong with an order, or with some of its lines."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from datahub.db import Base
from datahub.models.order import Order, OrderLine

OPEN, ON_GOING, CLOSED = "OPEN", "ON_GOING", "CLOSED"
INCIDENT_STATUSES = (OPEN, ON_GOING, CLOSED)
OF_ORDER, OF_LINES = "ORDER", "ORDERLINES"


class Incident(Base):
    """About the whole order where it has no lines. `incident_id` is a UUID, `external_id` what others call it;
    `custom_fields` is keyed by external id."""

    __tablename__ = "incidents"
    __table_args__ = (
        CheckConstraint(f"status in {INCIDENT_STATUSES}", name="status"),
        Index("ix_incidents_status_id", "status", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[str] = mapped_column(String(36), unique=True)
    external_id: Mapped[str | None] = mapped_column(String(255), unique=True, index=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    status: Mapped[str] = mapped_column(String(20), default=OPEN)
    reason: Mapped[str] = mapped_column(String(100))
    custom_fields: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    order: Mapped[Order] = relationship()
    lines: Mapped[list[IncidentLine]] = relationship(order_by="IncidentLine.id", cascade="all, delete-orphan")
    status_changes: Mapped[list[IncidentStatusChange]] = relationship(order_by="IncidentStatusChange.id")

    @property
    def linked_type(self) -> str:
        return OF_LINES if self.lines else OF_ORDER


class IncidentLine(Base):
    """How much of a line of the order is affected."""

    __tablename__ = "incident_lines"
    __table_args__ = (UniqueConstraint("incident_id", "order_line_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id", ondelete="CASCADE"))
    order_line_id: Mapped[int] = mapped_column(ForeignKey("order_lines.id", ondelete="CASCADE"), index=True)
    quantity: Mapped[int]

    order_line: Mapped[OrderLine] = relationship()


class IncidentStatusChange(Base):
    """One status reached; the first one has nothing before it."""

    __tablename__ = "incident_status_changes"

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id", ondelete="CASCADE"), index=True)
    from_status: Mapped[str | None] = mapped_column(String(20))
    to_status: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(150))
