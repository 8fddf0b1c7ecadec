"""Searches and filters of executions: parts of ids, beginnings of references and file names, indexes for each choice.

A later migration that copies `executions` on SQLite drops the three triggers with the old table: it must make them anew.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ADVICE = (
    "Data Hub searches execution ids with the extension pg_trgm of PostgreSQL, and could not create it here. Install "
    "the package that holds it (often postgresql-contrib), let a superuser of this database run CREATE EXTENSION "
    "pg_trgm, and start again."
)
# Of one kind only: what the history of a job is ordered by differs.
KINDS = (("EXPORT", "executed_at"), ("IMPORT", "created_at"))
NAMES = (
    ("ix_executions_reference", "executions", "entity_reference"),
    ("ix_payloads_file_name", "payloads", "file_name"),
    ("ix_import_files_name", "import_files", "name"),
)
# By whether it is SQLite.
FILL = {
    True: "insert into import_files (execution_id, name) select distinct execution_id, json_extract(file.value, '$.name') from import_runs, json_each(files) file",
    False: "insert into import_files (execution_id, name) select distinct execution_id, file ->> 'name' from import_runs, json_array_elements(files) file",
}
ID_PARTS = (
    "create virtual table execution_ids using fts5("
    "public_id, content='executions', content_rowid='id', columnsize=0, tokenize='trigram')",
    "create trigger execution_ids_insert after insert on executions begin "
    "insert into execution_ids (rowid, public_id) values (new.id, new.public_id); end",
    "create trigger execution_ids_delete after delete on executions begin "
    "insert into execution_ids (execution_ids, rowid, public_id) values ('delete', old.id, old.public_id); end",
    "create trigger execution_ids_update after update of public_id on executions begin "
    "insert into execution_ids (execution_ids, rowid, public_id) values ('delete', old.id, old.public_id); "
    "insert into execution_ids (rowid, public_id) values (new.id, new.public_id); end",
    "insert into execution_ids (execution_ids) values ('rebuild')",
)


def upgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    op.create_table(
        "import_files",
        sa.Column("execution_id", NUMBER, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["execution_id"],
            ["executions.id"],
            name=op.f("fk_import_files_execution_id_executions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("execution_id", "name", name=op.f("pk_import_files")),
    )
    op.execute(FILL[is_sqlite])
    op.create_index("ix_executions_chosen", "executions", ["origin", "status", "executed_at", "id"])
    op.create_index("ix_executions_created", "executions", ["created_at", "id"])
    for kind, at in KINDS:
        where = sa.text(f"kind = '{kind}'")
        for index, columns in (
            (f"{kind.lower()}s", ["executed_at", "id"]),
            (f"of_{kind.lower()}", ["job_public_id", at, "id"]),
            (f"chosen_of_{kind.lower()}", ["job_public_id", "origin", "status", at, "id"]),
        ):
            op.create_index(
                f"ix_executions_{index}",
                "executions",
                columns,
                sqlite_where=where,
                postgresql_where=where,
            )
    for index, table, column in NAMES:
        op.create_index(index, table, [sa.text(f"lower({column}){'' if is_sqlite else ' text_pattern_ops'}")])
    if is_sqlite:
        for statement in ID_PARTS:
            op.execute(statement)
        return
    try:
        op.execute("create extension if not exists pg_trgm")
    except sa.exc.DBAPIError as error:
        raise RuntimeError(ADVICE) from error
    op.execute(
        "create index ix_executions_id_parts on executions using gin (public_id gin_trgm_ops) "
        "with (gin_pending_list_limit = 256)"
    )


def downgrade() -> None:
    """The extension stays: others may use it by now."""
    if op.get_bind().dialect.name == "sqlite":
        for trigger in ("insert", "delete", "update"):
            op.execute(f"drop trigger execution_ids_{trigger}")
        op.execute("drop table execution_ids")
    else:
        op.drop_index("ix_executions_id_parts", "executions")
    for index, table, _ in NAMES:
        op.drop_index(index, table)
    for kind, _ in KINDS:
        for index in (f"{kind.lower()}s", f"of_{kind.lower()}", f"chosen_of_{kind.lower()}"):
            op.drop_index(f"ix_executions_{index}", "executions")
    op.drop_index("ix_executions_created", "executions")
    op.drop_index("ix_executions_chosen", "executions")
    op.drop_table("import_files")
