"""The change ledger names its execution without a foreign key: PostgreSQL would look it up for each line."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("changes", reflect_kwargs={"resolve_fks": False}) as table:
        table.drop_constraint(op.f("fk_changes_execution_id_executions"), type_="foreignkey")


def downgrade() -> None:
    with op.batch_alter_table("changes", reflect_kwargs={"resolve_fks": False}) as table:
        table.create_foreign_key(op.f("fk_changes_execution_id_executions"), "executions", ["execution_id"], ["id"])
