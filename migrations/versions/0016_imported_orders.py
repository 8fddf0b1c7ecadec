"""What imports of orders keep: who made an order, the ids and gross prices of lines, and moves in the change ledger."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

# Times and JSON are copied as they are stored.
MOVES = """
    insert into changes (actor, entity, record_key, part, part_key, action, changes, at)
    select moved.actor, 'ORDER', orders.reference, '', '',
        case when moved.from_status is null then 'created' else 'updated' end,
        cast('{"orderStatus": ["' || moved.from_status || '", "' || moved.to_status || '"]}' as KIND),
        moved.at
    from order_status_changes moved join orders on orders.id = moved.order_id
    order by moved.id
"""


def upgrade() -> None:
    kind = "json" if op.get_bind().dialect.name == "postgresql" else "text"
    with op.batch_alter_table("orders", reflect_kwargs={"resolve_fks": False}) as table:
        table.add_column(sa.Column("is_external", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("orders", reflect_kwargs={"resolve_fks": False}) as table:
        table.alter_column("is_external", existing_type=sa.Boolean(), server_default=None)
    money = sa.Numeric(18, 6).with_variant(sa.BigInteger(), "sqlite")
    op.add_column("order_lines", sa.Column("external_id", sa.String(255)))
    op.add_column("order_lines", sa.Column("gross_unit_price", money))
    op.create_index("ix_order_lines_external", "order_lines", ["order_id", "external_id"], unique=True)
    op.execute(MOVES.replace("KIND", kind))


def downgrade() -> None:
    op.execute("delete from changes where entity = 'ORDER'")
    op.drop_index("ix_order_lines_external", "order_lines")
    op.drop_column("order_lines", "gross_unit_price")
    op.drop_column("order_lines", "external_id")
    with op.batch_alter_table("orders", reflect_kwargs={"resolve_fks": False}) as table:
        table.drop_column("is_external")
