"""What others call an incident, by which their imports name it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

NAME = op.f("ix_incidents_external_id")


def upgrade() -> None:
    op.add_column("incidents", sa.Column("external_id", sa.String(255)))
    op.create_index(NAME, "incidents", ["external_id"], unique=True)


def downgrade() -> None:
    op.drop_index(NAME, "incidents")
    op.drop_column("incidents", "external_id")
