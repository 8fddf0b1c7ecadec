"""Moves of incidents are told by the change ledger, as those of orders are."""

from __future__ import annotations

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

# Times are copied as they are stored.
MOVES = """
    insert into changes (actor, entity, record_key, part, part_key, action, changes, at)
    select moved.actor, 'INCIDENT', incidents.incident_id, '', '',
        case when moved.from_status is null then 'created' else 'updated' end,
        cast('{"incidentStatus": ["' || moved.from_status || '", "' || moved.to_status || '"]}' as KIND),
        moved.at
    from incident_status_changes moved join incidents on incidents.id = moved.incident_id
    order by moved.id
"""


def upgrade() -> None:
    op.execute(MOVES.replace("KIND", "json" if op.get_bind().dialect.name == "postgresql" else "text"))


def downgrade() -> None:
    op.execute("delete from changes where entity = 'INCIDENT'")
