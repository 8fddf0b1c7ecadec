"""Where a worker is about to move a file of a folder that it has applied."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("consumed_files", reflect_kwargs={"resolve_fks": False}) as table:
        table.add_column(sa.Column("moving_to", sa.Text()))


def downgrade() -> None:
    with op.batch_alter_table("consumed_files", reflect_kwargs={"resolve_fks": False}) as table:
        table.drop_column("moving_to")
