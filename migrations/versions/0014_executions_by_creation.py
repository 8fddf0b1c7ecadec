"""Executions by the time that they were made, and those of one job by either time, whatever else is chosen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

BEFORE = {
    "ix_executions_created": (["created_at", "id"], None),
    "ix_executions_of_export": (["job_public_id", "executed_at", "id"], sa.text("kind = 'EXPORT'")),
    "ix_executions_of_import": (["job_public_id", "created_at", "id"], sa.text("kind = 'IMPORT'")),
    "ix_executions_job_public_id": (["job_public_id"], None),
}
AFTER = {
    "ix_executions_created": ["created_at", "id", "status", "kind", "store_id"],
    "ix_executions_of_job": ["job_public_id", "executed_at", "id", "kind"],
    "ix_executions_of_job_created": ["job_public_id", "created_at", "id", "status", "kind", "store_id"],
}


def upgrade() -> None:
    for name in BEFORE:
        op.drop_index(name, "executions")
    for name, columns in AFTER.items():
        op.create_index(name, "executions", columns)


def downgrade() -> None:
    for name in AFTER:
        op.drop_index(name, "executions")
    for name, (columns, where) in BEFORE.items():
        op.create_index(name, "executions", columns, sqlite_where=where, postgresql_where=where)
