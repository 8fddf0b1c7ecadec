"""Incidents of orders, with the lines they are about and the statuses they reached."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "incidents",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("incident_id", sa.String(36), nullable=False),
        sa.Column("order_id", NUMBER, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(100), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status in ('OPEN', 'ON_GOING', 'CLOSED')", name=op.f("ck_incidents_status")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_incidents_order_id_orders"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incidents")),
        sa.UniqueConstraint("incident_id", name=op.f("uq_incidents_incident_id")),
    )
    op.create_index(op.f("ix_incidents_order_id"), "incidents", ["order_id"])
    op.create_index("ix_incidents_status_id", "incidents", ["status", "id"])
    op.create_table(
        "incident_lines",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("incident_id", NUMBER, nullable=False),
        sa.Column("order_line_id", NUMBER, nullable=False),
        sa.Column("quantity", NUMBER, nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_incident_lines_incident_id_incidents"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["order_line_id"],
            ["order_lines.id"],
            name=op.f("fk_incident_lines_order_line_id_order_lines"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident_lines")),
        sa.UniqueConstraint("incident_id", "order_line_id", name=op.f("uq_incident_lines_incident_id_order_line_id")),
    )
    op.create_index(op.f("ix_incident_lines_order_line_id"), "incident_lines", ["order_line_id"])
    op.create_table(
        "incident_status_changes",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("incident_id", NUMBER, nullable=False),
        sa.Column("from_status", sa.String(20), nullable=True),
        sa.Column("to_status", sa.String(20), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(150), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"],
            ["incidents.id"],
            name=op.f("fk_incident_status_changes_incident_id_incidents"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident_status_changes")),
    )
    op.create_index(op.f("ix_incident_status_changes_incident_id"), "incident_status_changes", ["incident_id"])


def downgrade() -> None:
    op.drop_table("incident_status_changes")
    op.drop_table("incident_lines")
    op.drop_table("incidents")
