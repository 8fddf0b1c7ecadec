"""What an export knows of a broken connection and of its temporary file; the rest of a connection that did not open."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("executions", reflect_kwargs={"resolve_fks": False}) as table:
        table.add_column(
            sa.Column("rename_source", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        table.add_column(sa.Column("alone", sa.Boolean(), nullable=False, server_default=sa.false()))
    # A marker used to name the attempt whose file it was, or a later one that had taken it over.
    op.execute("update executions set rename_source = rename_attempt")
    with op.batch_alter_table("executions", reflect_kwargs={"resolve_fks": False}) as table:
        table.alter_column("alone", existing_type=sa.Boolean(), server_default=None)
    op.add_column("connections", sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("connections", "paused_until")
    with op.batch_alter_table("executions", reflect_kwargs={"resolve_fks": False}) as table:
        table.drop_column("alone")
        table.drop_column("rename_source")
