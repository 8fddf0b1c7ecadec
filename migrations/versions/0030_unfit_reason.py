"""Why the last worker that looked could not use the connection of an export that waits: beside its error, not in it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("executions", sa.Column("unfit_reason", sa.Text))
    noted = sa.text("unfit_reason is not null")
    op.create_index(
        "ix_executions_unfit", "executions", ["export_job_id", "id"], sqlite_where=noted, postgresql_where=noted
    )


def downgrade() -> None:
    op.drop_index("ix_executions_unfit", "executions")
    op.drop_column("executions", "unfit_reason")
