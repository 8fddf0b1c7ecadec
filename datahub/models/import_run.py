"""What an import execution has beyond an execution: its recipe, progress and counts, and what it has to say of rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from datahub.db import Base

COUNTS = ("created", "updated", "deleted", "unchanged", "rejected")


class ImportRun(Base):
    """`recipe` is the job's configuration as the run began to read; `files` what was read: name, size, sha256,
    modified_at, rows, and error where the file could not be used; of a folder also moved_to, once it is moved.

    They are known from the moment that it is, which files to fetch; until all are fetched sha256 is None, and size and
    modified_at are what the server tells.

    `rows` is what the spool holds; the chunks up to `last_key` are applied. Until reading is over,
    `rows`, `bytes_fetched` and `bytes_read` are what the last beat knew of. `crashes` counts the tries in a row that
    came to nothing: their worker died, or the source could not be fetched."""

    __tablename__ = "import_runs"

    execution_id: Mapped[int] = mapped_column(ForeignKey("executions.id", ondelete="CASCADE"), primary_key=True)
    family: Mapped[str] = mapped_column(String(20))
    recipe: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    upload_name: Mapped[str | None] = mapped_column(String(255))
    files: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    started_at: Mapped[datetime | None]
    rows: Mapped[int] = mapped_column(default=0)
    bytes_fetched: Mapped[int] = mapped_column(default=0)
    bytes_read: Mapped[int] = mapped_column(default=0)
    rows_done: Mapped[int] = mapped_column(default=0)
    last_key: Mapped[str | None] = mapped_column(Text)
    created: Mapped[int] = mapped_column(default=0)
    updated: Mapped[int] = mapped_column(default=0)
    deleted: Mapped[int] = mapped_column(default=0)
    unchanged: Mapped[int] = mapped_column(default=0)
    rejected: Mapped[int] = mapped_column(default=0)
    removed: Mapped[int] = mapped_column(default=0)
    warnings: Mapped[int] = mapped_column(default=0)
    crashes: Mapped[int] = mapped_column(default=0)


class ImportFile(Base):
    """The names of what a run takes, to be searched for."""

    __tablename__ = "import_files"

    execution_id: Mapped[int] = mapped_column(ForeignKey("executions.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)


Index("ix_import_files_name", func.lower(ImportFile.name).label("name"), postgresql_ops={"name": "text_pattern_ops"})


class UploadChunk(Base):
    """A file given by hand, in pieces: any worker on any host can read it. Gone when its execution ends."""

    __tablename__ = "upload_chunks"

    execution_id: Mapped[int] = mapped_column(ForeignKey("executions.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class SettledKeys(Base):
    """What the rows of a run call records: pairs of a key and another name, as they were found before the first chunk.
    Gone when its execution ends."""

    __tablename__ = "settled_keys"

    execution_id: Mapped[int] = mapped_column(ForeignKey("executions.id", ondelete="CASCADE"), primary_key=True)
    page: Mapped[int] = mapped_column(primary_key=True)
    pairs: Mapped[list[tuple[str, str]]] = mapped_column(JSON)


class RejectedRow(Base):
    """One row of the source that was not applied: `cells` are its original ones, `cause` its first fault's code."""

    __tablename__ = "rejected_rows"
    __table_args__ = (
        Index("ix_rejected_rows_execution_id_sequence", "execution_id", "sequence", unique=True),
        Index("ix_rejected_rows_execution_id_cause", "execution_id", "cause", "field"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    execution_id: Mapped[int] = mapped_column(ForeignKey("executions.id", ondelete="CASCADE"))
    sequence: Mapped[int]
    file: Mapped[str] = mapped_column(Text)
    line: Mapped[int]
    record_key: Mapped[str | None] = mapped_column(Text)
    cause: Mapped[str] = mapped_column(String(40))
    field: Mapped[str] = mapped_column(String(300), default="")
    # A list of {code, field, column, value, message}, the cause first.
    faults: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    cells: Mapped[list[str]] = mapped_column(JSON)


class ImportWarning(Base):
    """Something that a person should know of a row, or of the whole file (then without a line)."""

    __tablename__ = "import_warnings"

    id: Mapped[int] = mapped_column(primary_key=True)
    execution_id: Mapped[int] = mapped_column(ForeignKey("executions.id", ondelete="CASCADE"), index=True)
    file: Mapped[str] = mapped_column(Text)
    line: Mapped[int | None]
    record_key: Mapped[str | None] = mapped_column(Text)
    code: Mapped[str] = mapped_column(String(40))
    field: Mapped[str] = mapped_column(String(300), default="")
    message: Mapped[str] = mapped_column(Text)
