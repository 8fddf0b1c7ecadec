"""Users: names without regard to case, when each was last seen, links to set a password."""

from __future__ import annotations

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("users", reflect_kwargs={"resolve_fks": False}) as table:
        table.add_column(sa.Column("name_key", sa.Text(), nullable=True))
        table.add_column(sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True))
    _fill_keys()
    with op.batch_alter_table("users", reflect_kwargs={"resolve_fks": False}) as table:
        table.alter_column("name_key", existing_type=sa.Text(), nullable=False)
        table.create_unique_constraint(op.f("uq_users_name_key"), ["name_key"])
    op.create_table(
        "password_links",
        sa.Column("id", BIG, nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_password_links_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_password_links")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_password_links_secret_hash")),
        sa.UniqueConstraint("user_id", name=op.f("uq_password_links_user_id")),
    )


def _fill_keys() -> None:
    """Two names that were told apart until now stay two: the later one is found by its exact spelling no more."""
    connection, taken = op.get_bind(), set()
    for user_id, name in connection.execute(sa.text("select id, name from users order by id")).all():
        key = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name.strip()).casefold())
        key = f"{key} #{user_id}" if key in taken else key
        taken.add(key)
        connection.execute(sa.text("update users set name_key = :key where id = :id"), {"key": key, "id": user_id})


def downgrade() -> None:
    op.drop_table("password_links")
    with op.batch_alter_table("users", reflect_kwargs={"resolve_fks": False}) as table:
        table.drop_constraint(op.f("uq_users_name_key"), type_="unique")
        table.drop_column("last_seen_at")
        table.drop_column("name_key")
