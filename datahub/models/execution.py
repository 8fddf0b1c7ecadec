"""Executions with their event log and, for exports, the bytes that were sent."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    Connection,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Table,
    Text,
    TextClause,
    bindparam,
    event,
    func,
    literal_column,
    or_,
    text,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from datahub.db import Base
from datahub.models.export_job import ExportJob
from datahub.models.import_job import ImportJob
from datahub.models.import_run import ImportRun
from datahub.models.order import Order, OrderSnapshot

EXPORT, IMPORT = "EXPORT", "IMPORT"
KINDS = (EXPORT, IMPORT)

JOB_PENDING = "JOB_PENDING"
JOB_STARTED = "JOB_STARTED"
JOB_STOPPED = "JOB_STOPPED"
SUCCESS = "SUCCESS"
ERROR = "ERROR"
EXPORT_STATUSES = (JOB_PENDING, JOB_STARTED, SUCCESS, ERROR, JOB_STOPPED)

JOB_INITIALIZING = "JOB_INITIALIZING"
INTEGRATION_WAITING = "INTEGRATION_WAITING"
INTEGRATION_STARTED = "INTEGRATION_STARTED"
JOB_SKIPPED = "JOB_SKIPPED"
JOB_FAILED = "JOB_FAILED"
INTEGRATION_FAILED = "INTEGRATION_FAILED"
INTEGRATION_DONE = "INTEGRATION_DONE"
INTEGRATION_DONE_WITH_ERRORS = "INTEGRATION_DONE_WITH_ERRORS"
IMPORT_RUNNING = (JOB_INITIALIZING, JOB_STARTED, INTEGRATION_WAITING, INTEGRATION_STARTED)
IMPORT_STATUSES = (
    JOB_PENDING,
    *IMPORT_RUNNING,
    INTEGRATION_DONE,
    INTEGRATION_DONE_WITH_ERRORS,
    JOB_FAILED,
    INTEGRATION_FAILED,
    JOB_SKIPPED,
    JOB_STOPPED,
)
STATUSES = tuple(dict.fromkeys((*EXPORT_STATUSES, *IMPORT_STATUSES)))
UNENDED = (JOB_PENDING, *IMPORT_RUNNING)
HELD = (JOB_STARTED, INTEGRATION_STARTED)

TRIGGER, RUN, RETRY, RESEND = "TRIGGER", "RUN", "RETRY", "RESEND"
MANUAL, API, SCHEDULE, UPLOAD = "MANUAL", "API", "SCHEDULE", "UPLOAD"
EXPORT_ORIGINS = (TRIGGER, RUN, RETRY, RESEND)
IMPORT_ORIGINS = (MANUAL, API, SCHEDULE, UPLOAD)
ORIGINS = (*EXPORT_ORIGINS, *IMPORT_ORIGINS)

_UNENDED_SQL = text(f"status in {UNENDED}")
# What a trigger fires once for.
REACHED = ("export_job_id", "order_id", "trigger_status")
_RUNNING_SQL = text(f"status in {IMPORT_RUNNING}")
UNENDED_IMPORT = text(f"kind = 'IMPORT' and status in {UNENDED}")
FIRST_REACHED = text("origin = 'TRIGGER' and not repeats")
OF_EXPORT, OF_IMPORT = text(f"kind = '{EXPORT}'"), text(f"kind = '{IMPORT}'")
OF_STORE = text("store_id is not null")
WAITING_REPEAT = text("repeats and status = 'JOB_PENDING' and attempts = 0")


def _partial(name: str, *columns: str, where: TextClause, unique: bool = False) -> Index:
    return Index(name, *columns, unique=unique, sqlite_where=where, postgresql_where=where)


class Execution(Base):
    """One run of one job. An export execution delivers one order that reached one status; an import execution (see
    ImportRun) reads files and has neither order nor status. `family` is of imports: those of one family take turns.
    `store_id` is that of the order, which keeps its store for good; imports have none.

    `token` and `lease_until` belong to the worker that claimed it. `rename_attempt` is the number of the attempt
    that was last about to give the file its final name, on `sent_server` (user@host:port) in `sent_folder`, and
    `rename_source` that of the attempt whose temporary file it took; another target clears both. `left_behind` means
    that temporary files may lie there, `alone` that a connection broke while this was under way: the next attempt
    goes without company, or it might break the connection for others again. `unfit_reason` is of an export that waits:
    why the last worker that looked could not use its connection (see jobs.unfit).
    """

    __tablename__ = "executions"
    __table_args__ = (
        CheckConstraint(f"kind in {KINDS}", name="kind"),
        CheckConstraint(f"status in {STATUSES}", name="status"),
        CheckConstraint(f"origin in {ORIGINS}", name="origin"),
        CheckConstraint(f"status not in {HELD} or lease_until is not null", name="lease"),
        _partial("uq_executions_trigger", *REACHED, where=FIRST_REACHED, unique=True),
        _partial("uq_executions_repeat", *REACHED, where=WAITING_REPEAT, unique=True),
        _partial("uq_executions_unended_successor", "predecessor_id", where=_UNENDED_SQL, unique=True),
        _partial("ix_executions_due", "next_attempt_at", "id", where=_UNENDED_SQL),
        _partial("ix_executions_turn", "export_job_id", "order_id", "id", where=_UNENDED_SQL),
        _partial("ix_executions_started", "export_job_id", "lease_until", where=text("status = 'JOB_STARTED'")),
        _partial("uq_executions_running_import", "import_job_id", where=_RUNNING_SQL, unique=True),
        _partial("uq_executions_pending_import", "import_job_id", where=text(f"status = '{JOB_PENDING}'"), unique=True),
        _partial("uq_executions_integrating", "family", where=text(f"status = '{INTEGRATION_STARTED}'"), unique=True),
        _partial("ix_executions_unended_import", "status", "next_attempt_at", "id", where=UNENDED_IMPORT),
        _partial("ix_executions_left_behind", "sent_server", where=text("left_behind")),
        _partial("ix_executions_unfit", "export_job_id", "id", where=text("unfit_reason is not null")),
        _partial("ix_executions_failed", "export_job_id", "id", where=text("status = 'ERROR'")),
        # With the status, so that what happened in an hour is counted from the index alone.
        Index("ix_executions_history", "executed_at", "id", "status"),
        # One range for each choice of a job, origins and statuses, in the order of the lists.
        Index("ix_executions_chosen", "origin", "status", "executed_at", "id"),
        _partial("ix_executions_exports", "executed_at", "id", where=OF_EXPORT),
        _partial("ix_executions_imports", "executed_at", "id", where=OF_IMPORT),
        # By creation there is no range for each choice: all that scripts choose by follows in the index.
        Index("ix_executions_created", "created_at", "id", "status", "kind", "store_id"),
        Index("ix_executions_of_job", "job_public_id", "executed_at", "id", "kind"),
        Index("ix_executions_of_job_created", "job_public_id", "created_at", "id", "status", "kind", "store_id"),
        _partial(
            "ix_executions_chosen_of_export",
            *("job_public_id", "origin", "status", "executed_at", "id"),
            where=OF_EXPORT,
        ),
        _partial(
            "ix_executions_chosen_of_import",
            *("job_public_id", "origin", "status", "created_at", "id"),
            where=OF_IMPORT,
        ),
        # What a user who is limited to stores sees beside imports: chosen by what follows the order without the rows.
        _partial("ix_executions_of_store", "store_id", "executed_at", "id", "status", "origin", where=OF_STORE),
        _partial(
            "ix_executions_of_store_and_job",
            *("store_id", "job_public_id", "executed_at", "id", "status", "origin"),
            where=OF_STORE,
        ),
        # Searches look for any three characters of an id. SQLite has a table for that, see below.
        Index(
            "ix_executions_id_parts",
            "public_id",
            postgresql_using="gin",
            postgresql_ops={"public_id": "gin_trgm_ops"},
            # What was written last is read from end to end by each search.
            postgresql_with={"gin_pending_list_limit": 256},
        ).ddl_if(dialect="postgresql"),
        Index("ix_executions_job_history", "export_job_id", "executed_at", "id"),
        Index("ix_executions_import_history", "import_job_id", "created_at", "id"),
        Index("ix_executions_order", "order_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(36), unique=True)
    kind: Mapped[str] = mapped_column(String(10))
    export_job_id: Mapped[int | None] = mapped_column(ForeignKey("export_jobs.id", ondelete="SET NULL"))
    import_job_id: Mapped[int | None] = mapped_column(ForeignKey("import_jobs.id", ondelete="SET NULL"))
    family: Mapped[str | None] = mapped_column(String(20))
    job_public_id: Mapped[str] = mapped_column(String(36))
    job_name: Mapped[str] = mapped_column(String(200))
    entity: Mapped[str] = mapped_column(String(30))
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id"))
    store_id: Mapped[int | None]
    entity_reference: Mapped[str] = mapped_column(String(255))
    trigger_status: Mapped[str] = mapped_column(String(40))
    snapshot_id: Mapped[int | None] = mapped_column(ForeignKey("order_snapshots.id"), index=True)
    origin: Mapped[str] = mapped_column(String(20))
    repeats: Mapped[bool] = mapped_column(default=False)
    predecessor_id: Mapped[int | None] = mapped_column(ForeignKey("executions.id"), index=True)
    actor: Mapped[str] = mapped_column(String(150))

    status: Mapped[str] = mapped_column(String(40))
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    executed_at: Mapped[datetime]
    next_attempt_at: Mapped[datetime | None]
    handed_out_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)
    unfit_reason: Mapped[str | None] = mapped_column(Text)
    may_have_arrived_twice: Mapped[bool] = mapped_column(default=False)

    token: Mapped[str | None] = mapped_column(String(36))
    worker: Mapped[str | None] = mapped_column(String(150))
    lease_until: Mapped[datetime | None]
    rename_attempt: Mapped[int | None]
    rename_source: Mapped[int | None]
    alone: Mapped[bool] = mapped_column(default=False)
    left_behind: Mapped[bool] = mapped_column(default=False)
    sent_server: Mapped[str | None] = mapped_column(String(400))
    sent_folder: Mapped[str | None] = mapped_column(Text)

    export_job: Mapped[ExportJob | None] = relationship()
    import_job: Mapped[ImportJob | None] = relationship()
    import_run: Mapped[ImportRun | None] = relationship()
    order: Mapped[Order | None] = relationship()
    snapshot: Mapped[OrderSnapshot | None] = relationship()
    predecessor: Mapped[Execution | None] = relationship(remote_side=[id])
    payload: Mapped[Payload | None] = relationship(back_populates="execution")
    events: Mapped[list[Event]] = relationship(order_by="Event.id")

    @hybrid_property
    def may_have_arrived(self) -> bool:
        """Some attempt, or the execution before this one, was about to give the file its final name, and whether it
        arrived is not known. Of what ended as SUCCESS this says nothing."""
        return self.rename_attempt is not None or self.may_have_arrived_twice

    @may_have_arrived.inplace.expression
    @classmethod
    def _may_have_arrived(cls) -> ColumnElement[bool]:
        return or_(cls.rename_attempt.is_not(None), cls.may_have_arrived_twice)

    @property
    def is_terminal(self) -> bool:
        return self.status not in UNENDED


class Payload(Base):
    """What an export sends: rendered by the first attempt, sent again unchanged by every later one."""

    __tablename__ = "payloads"

    execution_id: Mapped[int] = mapped_column(ForeignKey("executions.id", ondelete="CASCADE"), primary_key=True)
    file_name: Mapped[str] = mapped_column(String(255))
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]

    execution: Mapped[Execution] = relationship(back_populates="payload")


class Event(Base):
    """One move of an execution, or a finding on the way (then both statuses are equal)."""

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(primary_key=True)
    execution_id: Mapped[int] = mapped_column(ForeignKey("executions.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime]
    from_status: Mapped[str | None] = mapped_column(String(40))
    to_status: Mapped[str] = mapped_column(String(40))
    actor: Mapped[str] = mapped_column(String(150))
    attempt: Mapped[int]
    worker: Mapped[str | None] = mapped_column(String(150))
    reason: Mapped[str] = mapped_column(Text, default="")


Index(
    "ix_executions_reference",
    func.lower(Execution.entity_reference).label("reference"),
    postgresql_ops={"reference": "text_pattern_ops"},
)
Index("ix_payloads_file_name", func.lower(Payload.file_name).label("name"), postgresql_ops={"name": "text_pattern_ops"})
# The ids of executions by their trigrams; triggers keep them, whoever writes.
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
)


@event.listens_for(Execution.metadata.tables["executions"], "before_create")
def _add_trigrams(_table: Table, connection: Connection, **_rest: object) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("create extension if not exists pg_trgm"))


@event.listens_for(Execution.metadata.tables["executions"], "after_create")
def _add_id_parts(_table: Table, connection: Connection, **_rest: object) -> None:
    if connection.dialect.name == "sqlite":
        for statement in ID_PARTS:
            connection.exec_driver_sql(statement)


def is_unended(execution: type[Execution] = Execution) -> ColumnElement[bool]:
    """Said as the partial indexes say it: with bound values SQLite would not use them."""
    return execution.status.in_(bindparam("unended", UNENDED, expanding=True, literal_execute=True))


def is_started(execution: type[Execution] = Execution) -> ColumnElement[bool]:
    """Said as its partial index says it."""
    return execution.status == literal_column(f"'{JOB_STARTED}'")
