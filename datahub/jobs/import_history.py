"""Reads of import executions: those of one job, their progress and counts, what was rejected and why, and warnings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from datahub.db import database_now
from datahub.entities import ENTITIES
from datahub.entities.extras import ATTRIBUTE, CUSTOM_FIELD
from datahub.errors import NotFoundError
from datahub.jobs import execution_list
from datahub.jobs.execution_list import Wanted
from datahub.jobs.rows.faults import OTHER_ROW, REFUSED
from datahub.models.execution import (
    IMPORT,
    INTEGRATION_DONE,
    INTEGRATION_DONE_WITH_ERRORS,
    INTEGRATION_STARTED,
    INTEGRATION_WAITING,
    JOB_FAILED,
    JOB_INITIALIZING,
    JOB_PENDING,
    JOB_SKIPPED,
    JOB_STARTED,
    JOB_STOPPED,
    Event,
    Execution,
)
from datahub.models.import_job import ImportJob
from datahub.models.import_run import COUNTS, ImportWarning, RejectedRow
from datahub.paging import PAGE_SIZE, Slice

# What has not started comes where it was created: executed_at says so.
SORTS = {"created_at": "created_at", "started_at": "executed_at"}
# A job has at most two under way; before one that was skipped lie few that were queued later and have been stopped.
LOOK_BACK = 20

FOR_OTHERS = (OTHER_ROW, REFUSED)

# By file and field.
Columns = Mapping[tuple[str, str], str]


@dataclass(frozen=True)
class Cause:
    """Rejected rows with the same first fault, or warnings of one kind; `values` is the number of distinct values that
    caused the fault, empty ones not counted: warnings have none."""

    code: str
    field: str
    rows: int
    values: int


def get(session: Session, public_id: str, *, job_public_id: str) -> Execution:
    """Raises NotFoundError, also when the execution is no import or belongs to another job."""
    wanted = Execution.public_id == public_id, Execution.job_public_id == job_public_id, Execution.kind == IMPORT
    execution = session.scalar(select(Execution).where(*wanted))
    if execution is None:
        raise NotFoundError(f"The import job {job_public_id!r} has no execution with the id {public_id!r}.")
    return execution


def require_job(session: Session, public_id: str) -> None:
    """Raises NotFoundError; a deleted job counts as long as its history is there."""
    job = select(ImportJob.id).where(ImportJob.public_id == public_id)
    history = select(Execution.id).where(Execution.job_public_id == public_id, Execution.kind == IMPORT).limit(1)
    if session.scalar(job) is None and session.scalar(history) is None:
        raise NotFoundError(f"There is no import job with the id {public_id!r}.")


def find(
    session: Session,
    job_public_id: str,
    *,
    search: str = "",
    statuses: Sequence[str] = (),
    sort: str = "created_at",
    descending: bool = True,
    page: int = 0,
    size: int = PAGE_SIZE,
) -> Slice[Execution]:
    """`search` is part of an id; unknown statuses are passed over."""
    wanted = Wanted(search=search, statuses=statuses, job_public_id=job_public_id, job_kind=IMPORT)
    return execution_list.find(session, wanted, sort=SORTS[sort], descending=descending, page=page, size=size)


def in_the_way(session: Session, execution: Execution) -> list[Execution]:
    """What was under way or queued as the execution was skipped, oldest first."""
    others = (
        select(Execution)
        .where(Execution.job_public_id == execution.job_public_id, Execution.kind == IMPORT)
        .where(Execution.created_at <= execution.created_at, Execution.id < execution.id)
        .where(Execution.status != JOB_SKIPPED)
        .order_by(Execution.created_at.desc(), Execution.id.desc())
        .limit(LOOK_BACK)
    )
    found = session.scalars(others).all()
    return [other for other in reversed(found) if other.ended_at is None or other.ended_at >= execution.created_at]


def never_began(execution: Execution) -> bool:
    """It was skipped, or stopped before anything was read."""
    has_read = execution.import_run is not None and execution.import_run.started_at is not None
    return execution.status == JOB_SKIPPED or (execution.status == JOB_STOPPED and not has_read)


def counts_of(execution: Execution) -> dict[str, int]:
    """`read` and the five that it is made of. None ever falls: a row counts once it is known what became of it."""
    run = execution.import_run
    counts = {name: getattr(run, name) if run else 0 for name in COUNTS}
    return {"read": sum(counts.values())} | counts


def count_unread(execution: Execution) -> int:
    """Of its files, those that could not be used."""
    return sum(1 for file in execution.import_run.files if file.get("error")) if execution.import_run else 0


def has_rejected_all(execution: Execution) -> bool:
    """Of the rows that it read; not so where there were none."""
    counts = counts_of(execution)
    return counts["rejected"] > 0 and counts["rejected"] == counts["read"]


def is_retrying(execution: Execution) -> bool:
    """Its last try came to nothing, and it waits for the next one."""
    return execution.status in (JOB_INITIALIZING, INTEGRATION_WAITING) and execution.error is not None


def took(execution: Execution) -> timedelta | None:
    """From its first read on; None until it has ended, and for one that never began."""
    began = execution.import_run.started_at if execution.import_run else None
    return execution.ended_at - began if execution.ended_at and began else None


def progress_of(execution: Execution) -> float:
    """The written share of the rows, from 0 to 1."""
    if execution.status in (INTEGRATION_DONE, INTEGRATION_DONE_WITH_ERRORS):
        return 1.0
    run = execution.import_run
    return min(run.rows_done / run.rows, 1.0) if run and run.rows else 0.0


def size_of(execution: Execution) -> int | None:
    """Of all its files; None while nobody knows it."""
    sizes = [file.get("size") for file in execution.import_run.files] if execution.import_run else []
    known = [size for size in sizes if size is not None]
    return sum(known) if sizes and len(known) == len(sizes) else None


def is_fetching(execution: Execution) -> bool:
    """It is at work, and not all of what it is to read is on the worker yet."""
    run, size = execution.import_run, size_of(execution)
    if execution.status != JOB_STARTED or run is None or run.upload_name is not None:
        return False
    return size is None or run.bytes_fetched < size


def share_fetched(execution: Execution) -> float | None:
    """From 0 to 1, by the bytes; None while nobody knows how many there are."""
    run, size = execution.import_run, size_of(execution)
    if run is None or execution.status in (JOB_PENDING, JOB_INITIALIZING):
        return 0.0
    if execution.status not in (JOB_STARTED, JOB_FAILED, JOB_STOPPED) or run.bytes_read:
        return 1.0
    if size:
        return min(run.bytes_fetched / size, 1.0)
    return None if is_fetching(execution) else float(size == 0)


def share_read(execution: Execution) -> float | None:
    """From 0 to 1, by the bytes; None while nobody knows how many there are."""
    run, size = execution.import_run, size_of(execution)
    return min(run.bytes_read / size, 1.0) if run and size else None


def bytes_per_second(session: Session, execution: Execution) -> float | None:
    """While it fetches; None where nothing has come yet."""
    return _per_second(session, execution, execution.import_run.bytes_fetched if execution.import_run else 0)


def rows_per_second(session: Session, execution: Execution) -> float | None:
    """While it reads, and while and after it writes; None where there are no rows yet."""
    run = execution.import_run
    rows = (run.rows if execution.status == JOB_STARTED else run.rows_done) if run else 0
    return _per_second(session, execution, rows)


def _per_second(session: Session, execution: Execution, number: int) -> float | None:
    """Each try reads from the start, but writing goes on."""
    is_reading = execution.status == JOB_STARTED
    begun = func.max(Event.at) if is_reading else func.min(Event.at)
    moves = Event.execution_id == execution.id, Event.to_status == (JOB_STARTED if is_reading else INTEGRATION_STARTED)
    since = session.scalar(select(begun).where(*moves)) if number else None
    if since is None:
        return None
    took = (execution.ended_at or database_now(session)) - since
    return number / max(took, timedelta(milliseconds=1)).total_seconds()


def causes(session: Session, execution: Execution) -> list[Cause]:
    """Those of the most rows first, behind them what rejected rows for the sake of others alone."""
    value = RejectedRow.faults[(0, "value")].as_string()
    counted = (
        select(RejectedRow.cause, RejectedRow.field, func.count(), func.count(func.nullif(value, "").distinct()))
        .where(RejectedRow.execution_id == execution.id)
        .group_by(RejectedRow.cause, RejectedRow.field)
        .order_by(RejectedRow.cause.in_(FOR_OTHERS), func.count().desc(), RejectedRow.cause, RejectedRow.field)
    )
    return [Cause(*row) for row in session.execute(counted)]


def rejections(
    session: Session, execution: Execution, *, page: int = 0, size: int = PAGE_SIZE, cause: str = "", field: str = ""
) -> Slice[RejectedRow]:
    """In the order of the files, but of a file that is taken as a whole those at fault first; with `cause` only the
    rows that it rejected for this field."""
    query = select(RejectedRow).where(RejectedRow.execution_id == execution.id)
    if cause:
        query = query.where(RejectedRow.cause == cause, RejectedRow.field == field)
    entity = ENTITIES.get(execution.entity)
    if entity and entity.replaced_whole:
        query = query.order_by(RejectedRow.cause == REFUSED)
    rows = session.scalars(query.order_by(RejectedRow.sequence).offset(page * size).limit(size + 1))
    return _slice(list(rows), size)


def columns_of(execution: Execution) -> Columns:
    """What the files call the columns of the fields that one column feeds, and, as `field[locale]`, of each locale."""
    recipe: dict[str, Any] = execution.import_run.recipe if execution.import_run else {}
    found: dict[tuple[str, str], str] = {}
    for file, header in recipe.get("headers", {}).items():
        bound = bound_in(execution, file)
        fed = Counter(field for _, field, _ in bound)
        # A column that names the main locale goes before one that names none.
        for at, field, locale in sorted(bound, key=lambda one: one[2] is not None):
            if at < len(header):
                found[file, f"{field}[{locale or recipe.get('main_locale')}]"] = header[at]
                if fed[field] == 1:
                    found[file, field] = header[at]
    return found


def bound_in(execution: Execution, file: str) -> list[tuple[int, str, str | None]]:
    """The place of each column of the file, the field or CF_ or attribute that it feeds, and in which locale."""
    recipe: dict[str, Any] = execution.import_run.recipe if execution.import_run else {}
    entity = ENTITIES.get(execution.entity)
    prefix = ATTRIBUTE if entity and entity.has_attributes else CUSTOM_FIELD
    extras = recipe.get("extra_columns", {}).get(file, ())
    own = [(at, field, locale) for at, field, locale in recipe.get("bound", {}).get(file, ())]
    return [*own, *((at, f"{prefix}{code}", locale) for at, code, locale in extras)]


def labels_of(entity: str) -> dict[str, str]:
    """What people call each field, by its key."""
    kind = ENTITIES.get(entity)
    return {key: item.label for key, item in kind.named().items()} if kind else {}


def faults_of(row: RejectedRow, columns: Columns) -> list[dict[str, str]]:
    """Each with the column that it is about; empty where it is about none."""
    return [fault | {"column": fault.get("column") or _column_of(row.file, fault, columns)} for fault in row.faults]


def _column_of(file: str, fault: dict[str, str], columns: Columns) -> str:
    field = fault["field"]
    named = columns.get((file, f"{field}[{fault['locale']}]")) if "locale" in fault else None
    return named or columns.get((file, field), "")


def warning_causes(session: Session, execution: Execution) -> list[Cause]:
    """Those of the most warnings first."""
    kind = ImportWarning.code, ImportWarning.field
    counted = select(*kind, func.count()).where(ImportWarning.execution_id == execution.id).group_by(*kind)
    found = session.execute(counted.order_by(func.count().desc(), *kind))
    return [Cause(code, field, rows, values=0) for code, field, rows in found]


def warnings(
    session: Session, execution: Execution, *, page: int = 0, size: int = PAGE_SIZE, cause: str = "", field: str = ""
) -> Slice[ImportWarning]:
    """Those that are told first, first; with `cause` only the ones of that code about this field."""
    query = select(ImportWarning).where(ImportWarning.execution_id == execution.id)
    if cause:
        query = query.where(ImportWarning.code == cause, ImportWarning.field == field)
    return _slice(list(session.scalars(query.order_by(ImportWarning.id).offset(page * size).limit(size + 1))), size)


def _slice(rows: list[Any], size: int) -> Slice[Any]:
    return Slice(rows[:size], has_more=len(rows) > size)
