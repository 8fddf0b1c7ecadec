"""Executions of imports beside those of exports."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

OLD_UNENDED = "status in ('JOB_PENDING', 'JOB_STARTED')"
RUNNING = "status in ('JOB_INITIALIZING', 'JOB_STARTED', 'INTEGRATION_WAITING', 'INTEGRATION_STARTED')"
UNENDED = RUNNING.replace("(", "('JOB_PENDING', ")
OLD_CHECKS = {
    "kind": "kind = 'EXPORT'",
    "status": "status in ('JOB_PENDING', 'JOB_STARTED', 'SUCCESS', 'ERROR', 'JOB_STOPPED')",
    "origin": "origin in ('TRIGGER', 'RUN', 'RETRY', 'RESEND')",
    "lease": "(status = 'JOB_STARTED') <= (lease_until is not null)",
}
CHECKS = {
    "kind": "kind in ('EXPORT', 'IMPORT')",
    "status": "status in ('JOB_PENDING', 'JOB_STARTED', 'SUCCESS', 'ERROR', 'JOB_STOPPED', 'JOB_INITIALIZING', "
    "'INTEGRATION_WAITING', 'INTEGRATION_STARTED', 'INTEGRATION_DONE', 'INTEGRATION_DONE_WITH_ERRORS', 'JOB_FAILED', "
    "'INTEGRATION_FAILED', 'JOB_SKIPPED')",
    "origin": "origin in ('TRIGGER', 'RUN', 'RETRY', 'RESEND', 'MANUAL', 'API', 'SCHEDULE', 'UPLOAD')",
    "lease": "status not in ('JOB_STARTED', 'INTEGRATION_STARTED') or lease_until is not null",
}
# Their names, columns and whether they are unique.
REDRAWN = (
    ("uq_executions_unended_successor", ["predecessor_id"], True),
    ("ix_executions_due", ["next_attempt_at", "id"], False),
    ("ix_executions_turn", ["export_job_id", "order_id", "id"], False),
)
ADDED = (
    ("uq_executions_running_import", ["import_job_id"], True, RUNNING),
    ("uq_executions_pending_import", ["import_job_id"], True, "status = 'JOB_PENDING'"),
    ("uq_executions_integrating", ["family"], True, "status = 'INTEGRATION_STARTED'"),
    ("ix_executions_unended_import", ["status", "next_attempt_at", "id"], False, f"kind = 'IMPORT' and {UNENDED}"),
)


def upgrade() -> None:
    for name, _, _ in REDRAWN:
        op.drop_index(name, "executions")
    with op.batch_alter_table("executions", reflect_kwargs={"resolve_fks": False}) as table:
        table.add_column(
            sa.Column("import_job_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        table.add_column(sa.Column("family", sa.String(length=20), nullable=True))
        table.alter_column("entity", existing_type=sa.String(length=20), type_=sa.String(length=30))
        table.create_foreign_key(
            "fk_executions_import_job_id_import_jobs", "import_jobs", ["import_job_id"], ["id"], ondelete="SET NULL"
        )
        _replace_checks(table, CHECKS)
    for name, columns, unique in REDRAWN:
        _create_index(name, columns, unique, UNENDED)
    for name, columns, unique, where in ADDED:
        _create_index(name, columns, unique, where)
    op.create_index("ix_executions_import_history", "executions", ["import_job_id", "created_at", "id"])


def downgrade() -> None:
    op.execute("delete from executions where kind = 'IMPORT'")
    op.drop_index("ix_executions_import_history", "executions")
    for name, *_ in (*ADDED, *REDRAWN):
        op.drop_index(name, "executions")
    with op.batch_alter_table("executions", reflect_kwargs={"resolve_fks": False}) as table:
        table.drop_constraint("fk_executions_import_job_id_import_jobs", type_="foreignkey")
        table.drop_column("family")
        table.drop_column("import_job_id")
        table.alter_column("entity", existing_type=sa.String(length=30), type_=sa.String(length=20))
        _replace_checks(table, OLD_CHECKS)
    for name, columns, unique in REDRAWN:
        _create_index(name, columns, unique, OLD_UNENDED)


def _replace_checks(table, checks) -> None:
    for name, condition in checks.items():
        table.drop_constraint(op.f(f"ck_executions_{name}"), type_="check")
        table.create_check_constraint(op.f(f"ck_executions_{name}"), sa.text(condition))


def _create_index(name, columns, unique, where) -> None:
    condition = sa.text(where)
    op.create_index(name, "executions", columns, unique=unique, sqlite_where=condition, postgresql_where=condition)
