"""Assortments, with the products and variants that are in them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "assortments",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("external_id", sa.String(255), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assortments")),
        sa.UniqueConstraint("external_id", name=op.f("uq_assortments_external_id")),
    )
    for one, many in (("product", "products"), ("variant", "variants")):
        table, column = f"assortment_{many}", f"{one}_id"
        op.create_table(
            table,
            sa.Column("id", NUMBER, nullable=False),
            sa.Column("assortment_id", NUMBER, nullable=False),
            sa.Column(column, NUMBER, nullable=False),
            sa.ForeignKeyConstraint(
                ["assortment_id"],
                ["assortments.id"],
                name=op.f(f"fk_{table}_assortment_id_assortments"),
                ondelete="CASCADE",
            ),
            sa.ForeignKeyConstraint([column], [f"{many}.id"], name=op.f(f"fk_{table}_{column}_{many}")),
            sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
            sa.UniqueConstraint("assortment_id", column, name=op.f(f"uq_{table}_assortment_id_{column}")),
        )
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])


def downgrade() -> None:
    for table in ("assortment_variants", "assortment_products", "assortments"):
        op.drop_table(table)
