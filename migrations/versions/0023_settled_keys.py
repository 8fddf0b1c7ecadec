"""What the rows of a running import call records, so that a lost spool can be put in its order again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "settled_keys",
        sa.Column("execution_id", NUMBER, nullable=False),
        sa.Column("page", NUMBER, nullable=False),
        sa.Column("pairs", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["execution_id"],
            ["executions.id"],
            name=op.f("fk_settled_keys_execution_id_executions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("execution_id", "page", name=op.f("pk_settled_keys")),
    )


def downgrade() -> None:
    op.drop_table("settled_keys")
