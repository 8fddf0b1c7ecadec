"""Customer users: who buys for which accounts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "customer_users",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("external_id", sa.String(255), nullable=False),
        sa.Column("civility", sa.String(10), nullable=False),
        sa.Column("first_name", sa.String(255), nullable=False),
        sa.Column("last_name", sa.String(255), nullable=False),
        sa.Column("email", sa.String(255), nullable=False),
        sa.Column("phone", sa.String(255), nullable=False),
        sa.Column("groups", sa.JSON(), nullable=False),
        sa.Column("accounts", sa.JSON(), nullable=False),
        sa.Column("organisations", sa.JSON(), nullable=False),
        sa.Column("main_organisation", sa.String(255)),
        sa.Column("password", sa.JSON(), nullable=False),
        sa.Column("inactive", sa.Boolean(), nullable=False),
        sa.Column("stores", sa.JSON(), nullable=False),
        sa.Column("custom_fields", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("civility in ('MR', 'MRS', 'MISS', '')", name=op.f("ck_customer_users_civility")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_users")),
        sa.UniqueConstraint("external_id", name=op.f("uq_customer_users_external_id")),
    )
    op.create_index("ix_customer_users_email", "customer_users", ["email"])


def downgrade() -> None:
    op.drop_table("customer_users")
