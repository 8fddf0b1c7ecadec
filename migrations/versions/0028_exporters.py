"""Export workers are called EXPORTER beside IMPORTER: a worker is a process of either kind."""

from __future__ import annotations

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("update heartbeats set role = 'EXPORTER' where role = 'WORKER'")


def downgrade() -> None:
    op.execute("update heartbeats set role = 'WORKER' where role = 'EXPORTER'")
