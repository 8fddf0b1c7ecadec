"""The store of an export, with indexes for users who are limited to stores."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OF_STORE = sa.text("store_id is not null")
INDEXES = {
    "ix_executions_of_store": ["store_id", "executed_at", "id", "status", "origin"],
    "ix_executions_of_store_and_job": ["store_id", "job_public_id", "executed_at", "id", "status", "origin"],
}


def upgrade() -> None:
    op.add_column("executions", sa.Column("store_id", NUMBER))
    op.execute(
        "update executions set store_id = (select store_id from orders where orders.id = executions.order_id) "
        "where order_id is not null"
    )
    for name, columns in INDEXES.items():
        op.create_index(name, "executions", columns, sqlite_where=OF_STORE, postgresql_where=OF_STORE)


def downgrade() -> None:
    for name in INDEXES:
        op.drop_index(name, "executions")
    op.drop_column("executions", "store_id")
