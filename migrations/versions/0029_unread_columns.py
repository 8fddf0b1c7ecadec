"""Two columns go that nothing reads: the supplier of a snapshot is in its document, and spools have names of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("order_snapshots", "supplier_external_id")
    op.drop_column("import_runs", "spool_host")


def downgrade() -> None:
    op.add_column("order_snapshots", sa.Column("supplier_external_id", sa.String(255)))
    op.add_column("import_runs", sa.Column("spool_host", sa.String(255)))
