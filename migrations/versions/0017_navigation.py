"""Navigation categories, and the store that a change of one belongs to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "navigation_categories",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("store_id", NUMBER, nullable=False),
        sa.Column("external_id", sa.String(255), nullable=False),
        sa.Column("names", sa.JSON(), nullable=False),
        sa.Column("parent_id", NUMBER),
        sa.Column("categories", sa.JSON(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("position", NUMBER),
        sa.Column("custom_fields", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_navigation_categories_store_id_stores")),
        sa.ForeignKeyConstraint(
            ["parent_id"],
            ["navigation_categories.id"],
            name=op.f("fk_navigation_categories_parent_id_navigation_categories"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_navigation_categories")),
        sa.UniqueConstraint("store_id", "external_id", name=op.f("uq_navigation_categories_store_id_external_id")),
    )
    for column in ("external_id", "parent_id"):
        op.create_index(op.f(f"ix_navigation_categories_{column}"), "navigation_categories", [column])
    op.add_column("changes", sa.Column("store_id", NUMBER))


def downgrade() -> None:
    op.drop_column("changes", "store_id")
    op.drop_table("navigation_categories")
