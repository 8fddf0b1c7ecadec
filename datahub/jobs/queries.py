"""Reads of executions that several lists have in common, in few statements however long the history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, select, union_all
from sqlalchemy.orm import Session, joinedload

from datahub.access import store_limits
from datahub.models.execution import EXPORT, Execution
from datahub.models.export_job import ExportJob
from datahub.models.import_job import ImportJob

# A compound SELECT of SQLite has at most 500.
TERMS = 100
# What an execution belongs to, and the time by which the history of such a job is indexed.
OF_JOB = {
    ExportJob: (Execution.export_job_id, Execution.executed_at),
    ImportJob: (Execution.import_job_id, Execution.created_at),
}
Ordering = tuple[ColumnElement[Any], ColumnElement[Any]]


def newest_executions(
    session: Session,
    kind: type[ExportJob] | type[ImportJob],
    job_ids: Sequence[int],
    *,
    count: int,
    conditions: Sequence[ColumnElement[bool]] = (),
) -> dict[int, list[Execution]]:
    """Of each job by its key, newest first: at most `count`, only those that meet all conditions."""
    of_job, at = OF_JOB[kind]
    order = by_time(at, Execution.id, descending=True)
    newest_of_job: Any = select(Execution.id, at.label("at")).where(*conditions).order_by(*order).limit(count)
    newest_of_job = newest_of_job.correlate(kind)
    ranges = [newest_of_job.where(*of_its_own) for of_its_own in _of_job(session, kind)]
    # A look-up in the index for each: a window function would read the whole history of every job.
    every = [first_of(ranges, 1, number).subquery() for number in range(count)]
    places = [select(row.c.id).scalar_subquery() for row in every]
    found = session.execute(select(*places).where(kind.id.in_(job_ids))).all()
    ids = [row_id for row in found for row_id in row if row_id is not None]
    query = select(of_job, Execution).where(Execution.id.in_(ids)).order_by(*order)
    newest: dict[int, list[Execution]] = {}
    for job_id, execution in session.execute(query.options(joinedload(Execution.import_run))):
        newest.setdefault(job_id or 0, []).append(execution)
    return newest


def first_of(found: Sequence[Select[Any]], limit: int, offset: int = 0, *, descending: bool = True) -> Select[Any]:
    """Of several statements that give `id` and `at` in this order, each at most limit + offset, what comes first."""
    while len(found) > TERMS:
        pieces = [found[start : start + TERMS] for start in range(0, len(found), TERMS)]
        found = [first_of(piece, limit + offset, descending=descending) for piece in pieces]
    every = union_all(*(select(each.subquery()) for each in found)).subquery()
    order = by_time(every.c.at, every.c.id, descending=descending)
    return select(every).order_by(*order).limit(limit).offset(offset)


def by_time(at: Any, row_id: Any, *, descending: bool) -> Ordering:
    return (at.desc(), row_id.desc()) if descending else (at.asc(), row_id.asc())


def is_known_job(session: Session, public_id: str) -> bool:
    """Of export jobs; true for a deleted one as well, as long as its history is there."""
    known = select(ExportJob.id).where(ExportJob.public_id == public_id)
    history = select(Execution.id).where(*_of_export_job(public_id)).limit(1)
    return session.scalar(known) is not None or session.scalar(history) is not None


def _of_job(session: Session, kind: type[ExportJob] | type[ImportJob]) -> list[list[ColumnElement[bool]]]:
    """The conditions of each range of an index that holds executions of a job."""
    limit = store_limits.of_session(session)
    if limit is None or kind is ImportJob:
        return [[OF_JOB[kind][0] == kind.id]]
    return [[Execution.store_id == store_id, Execution.job_public_id == kind.public_id] for store_id in limit.ids]


def _of_export_job(public_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Execution.job_public_id == public_id, Execution.kind == EXPORT
