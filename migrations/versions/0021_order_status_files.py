"""Jobs whose files are XML and have no delimiter; where the parcel of an order can be followed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

# A table that is built anew on SQLite would lose an index on an expression.
NAME = "uq_import_jobs_name_lower"


def upgrade() -> None:
    op.add_column("orders", sa.Column("shipping_tracking_url", sa.String(2000)))
    _alter_delimiter(nullable=True)


def downgrade() -> None:
    op.execute("update import_jobs set delimiter = ';' where delimiter is null")
    _alter_delimiter(nullable=False)
    op.drop_column("orders", "shipping_tracking_url")


def _alter_delimiter(*, nullable: bool) -> None:
    op.drop_index(NAME, "import_jobs")
    with op.batch_alter_table("import_jobs", reflect_kwargs={"resolve_fks": False}) as table:
        table.alter_column("delimiter", existing_type=sa.String(1), nullable=nullable)
    op.create_index(NAME, "import_jobs", [sa.literal_column("lower(name)")], unique=True)
