"""How much of its files an import has fetched from their server."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("import_runs", reflect_kwargs={"resolve_fks": False}) as table:
        table.add_column(
            sa.Column("bytes_fetched", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0")
        )
    with op.batch_alter_table("import_runs", reflect_kwargs={"resolve_fks": False}) as table:
        table.alter_column("bytes_fetched", existing_type=sa.BigInteger(), nullable=False, server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("import_runs", reflect_kwargs={"resolve_fks": False}) as table:
        table.drop_column("bytes_fetched")
