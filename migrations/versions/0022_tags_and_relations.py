"""Tags of products, and the products that a product leads to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "product_tags",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("product_id", NUMBER, nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_product_tags_product_id_products")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product_tags")),
        sa.UniqueConstraint("product_id", "name", name=op.f("uq_product_tags_product_id_name")),
    )
    op.create_table(
        "related_products",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("product_id", NUMBER, nullable=False),
        sa.Column("related_id", NUMBER, nullable=False),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_related_products_product_id_products")),
        sa.ForeignKeyConstraint(["related_id"], ["products.id"], name=op.f("fk_related_products_related_id_products")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_related_products")),
        sa.UniqueConstraint("product_id", "related_id", name=op.f("uq_related_products_product_id_related_id")),
    )
    op.create_index(op.f("ix_related_products_related_id"), "related_products", ["related_id"])


def downgrade() -> None:
    op.drop_table("related_products")
    op.drop_table("product_tags")
