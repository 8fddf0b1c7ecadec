"""Custom fields of incidents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("incidents", reflect_kwargs={"resolve_fks": False}) as table:
        table.add_column(sa.Column("custom_fields", sa.JSON(), nullable=False, server_default="{}"))
    with op.batch_alter_table("incidents", reflect_kwargs={"resolve_fks": False}) as table:
        table.alter_column("custom_fields", existing_type=sa.JSON(), server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("incidents", reflect_kwargs={"resolve_fks": False}) as table:
        table.drop_column("custom_fields")
