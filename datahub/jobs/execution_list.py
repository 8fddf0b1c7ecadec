"""Executions in lists: chosen by job, kind, origin, status and day, searched, a page at a time.

Each choice is read from one range of an index per origin and status, newest rows first, so that no filter walks past
what it does not want, save in orders other than a list's own; for whoever is limited to stores, exports are read from
one range per store. docs/operation.md says how fast that is, `bin/bench history` measures it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, literal, literal_column, select, text, tuple_
from sqlalchemy.orm import Session, joinedload

from datahub.access import store_limits
from datahub.access.store_limits import StoreLimit
from datahub.db import is_one_of
from datahub.jobs import execution_search, queries
from datahub.jobs.queries import Ordering
from datahub.models.execution import (
    EXPORT,
    EXPORT_ORIGINS,
    EXPORT_STATUSES,
    IMPORT,
    IMPORT_ORIGINS,
    IMPORT_STATUSES,
    KINDS,
    ORIGINS,
    STATUSES,
    Execution,
)
from datahub.models.export_job import ExportJob
from datahub.models.import_job import ImportJob
from datahub.paging import PAGE_SIZE, Slice

CURSOR = re.compile("([0-9]{1,17})-([0-9]{1,18})")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ORIGINS_OF = {EXPORT: EXPORT_ORIGINS, IMPORT: IMPORT_ORIGINS}
STATUSES_OF = {EXPORT: EXPORT_STATUSES, IMPORT: IMPORT_STATUSES}
# A search that finds more than it lists looks through the newest only, so many at a time.
WINDOW = 5000

Key = tuple[datetime, int]


@dataclass(frozen=True)
class Wanted:
    """Empty means all. `search` is part of an id and, with `names`, also the beginning of a reference or of a file's
    name. `job_kind` goes with `job_public_id`; the history of an import job is ordered by created_at, all else by
    executed_at. `since` and `until` are UTC days, both included; `hour` is the beginning of one."""

    search: str = ""
    names: bool = False
    statuses: Sequence[str] = ()
    kinds: Sequence[str] = ()
    origins: Sequence[str] = ()
    job_public_id: str | None = None
    job_kind: str = EXPORT
    since: date | None = None
    until: date | None = None
    hour: datetime | None = None

    @property
    def at(self) -> str:
        """The column that the list is ordered by."""
        return "created_at" if self.job_public_id is not None and self.job_kind == IMPORT else "executed_at"

    def __post_init__(self) -> None:
        """Unknown names are passed over; every kind is no choice."""
        for field, known in (("statuses", STATUSES), ("kinds", KINDS), ("origins", ORIGINS)):
            object.__setattr__(self, field, tuple(name for name in known if name in getattr(self, field)))
        if len(self.kinds) == len(KINDS):
            object.__setattr__(self, "kinds", ())

    @property
    def is_narrowed(self) -> bool:
        """Something was chosen beside the job."""
        return any((self.search, self.statuses, self.kinds, self.origins, self.since, self.until, self.hour))


@dataclass(frozen=True)
class Page:
    """`newer` and `older` are cursors of the neighbour pages, or None. `searched_to` is set where the search looked
    through a part only, and ended there without filling the page."""

    items: list[Execution]
    newer: str | None = None
    older: str | None = None
    searched_to: datetime | None = None


@dataclass(frozen=True)
class Job:
    name: str
    kind: str


def job_of(session: Session, public_id: str) -> Job | None:
    """A deleted one is known by its executions."""
    for kind, table in ((EXPORT, ExportJob), (IMPORT, ImportJob)):
        name = session.scalar(select(table.name).where(table.public_id == public_id))
        if name is not None:
            return Job(name, kind)
    left = select(Execution.job_name, Execution.kind).where(Execution.job_public_id == public_id).limit(1)
    found = session.execute(left).one_or_none()
    return Job(*found) if found else None


def read_page(
    session: Session,
    wanted: Wanted,
    *,
    newest_first: bool = True,
    before: str = "",
    after: str = "",
    size: int = PAGE_SIZE,
) -> Page:
    """What is older than the cursor `before`, or newer than `after`. A malformed cursor counts as none."""
    older_than, newer_than = _key(before), None if _key(before) else _key(after)
    descending = newer_than is None if older_than or newer_than else newest_first
    with _steered(session):
        keys = _Keys(session, wanted, at=wanted.at, descending=descending, beyond=older_than or newer_than)
        rows = keys.rows(size + 1)
        end = keys.end_of_window() if len(rows) <= size else None
    has_come = older_than is not None or newer_than is not None
    has_ended = len(rows) <= size and end is None
    if has_come and has_ended and (not rows or descending != newest_first):
        # Back at the first page, which is to be a whole one.
        return read_page(session, wanted, newest_first=newest_first, size=size)
    shown = rows[:size]
    last = _cursor_of(shown[-1], wanted.at) if len(rows) > size else _written(end) if end else None
    back = (_cursor_of(shown[0], wanted.at) if shown else before or after) if has_come else None
    newer, older = (back, last) if descending else (last, back)
    items = shown if descending == newest_first else shown[::-1]
    return Page(items, newer, older, end[0] if end else None)


def find(
    session: Session,
    wanted: Wanted,
    *,
    sort: str = "executed_at",
    descending: bool = True,
    page: int = 0,
    size: int = PAGE_SIZE,
) -> Slice[Execution]:
    """By number of the page, for scripts."""
    with _steered(session):
        rows = _Keys(session, wanted, at=sort, descending=descending).rows(size + 1, offset=page * size)
    return Slice(rows[:size], has_more=len(rows) > size)


class _Keys:
    """The rows of one list in its order, beyond a key if one is given."""

    def __init__(
        self, session: Session, wanted: Wanted, *, at: str, descending: bool, beyond: Key | None = None
    ) -> None:
        self._session, self._wanted, self._at = session, wanted, at
        self._descending, self._beyond = descending, beyond
        self._hits = execution_search.hits(session, wanted.search, names=wanted.names)

    def rows(self, limit: int, offset: int = 0) -> list[Execution]:
        keys = self._found(limit, offset)
        if keys is None:
            return []
        query = select(Execution).join(keys, keys.c.id == Execution.id)
        loads = joinedload(Execution.payload), joinedload(Execution.predecessor), joinedload(Execution.import_run)
        return list(self._session.scalars(query.options(*loads).order_by(*self._order(keys.c))))

    def end_of_window(self) -> Key | None:
        """Where a search that looks through a part only has ended; None where it saw all there is."""
        if self._hits.are_exact:
            return None
        window = self._merged(WINDOW)
        if window is None:
            return None
        last = select(window.c.at, window.c.id).order_by(*self._order(window.c)).offset(WINDOW - 1).limit(1)
        found = self._session.execute(last).one_or_none()
        return (found.at, found.id) if found else None

    def _found(self, limit: int, offset: int) -> Subquery | None:
        if self._hits.ids is not None:
            return self._of_hits(self._hits.ids, limit, offset)
        if not self._hits.are_exact:
            return self._of_window(limit, offset)
        return self._merged(limit, offset)

    def _of_hits(self, ids: Sequence[int], limit: int, offset: int) -> Subquery | None:
        """The few rows of the search, from which the filter then chooses."""
        if not ids:
            return None
        names = ("id", "executed_at", "created_at", "kind", "origin", "status", "job_public_id")
        is_hit = is_one_of(Execution.id, ids, self._session.get_bind().dialect.name)
        known = select(*(getattr(Execution, name) for name in names)).where(is_hit)
        found = known.cte("found").prefix_with("materialized")
        conditions = _conditions(found.c, self._wanted, _kinds(self._wanted))
        query = select(found.c.id, getattr(found.c, self._at).label("at")).where(*conditions, *self._bounds(found.c))
        order = self._order_of(getattr(found.c, self._at), found.c.id)
        return query.order_by(*order).limit(limit).offset(offset).subquery("page")

    def _of_window(self, limit: int, offset: int) -> Subquery | None:
        window = self._merged(WINDOW)
        if window is None:
            return None
        query = select(window.c.id, window.c.at).join(Execution, Execution.id == window.c.id)
        query = query.where(execution_search.matches(self._session, self._wanted.search, names=self._wanted.names))
        return query.order_by(*self._order(window.c)).limit(limit).offset(offset).subquery("page")

    def _merged(self, limit: int, offset: int = 0) -> Subquery | None:
        """The first rows of each range, in one order. None where nothing can fit."""
        ranges = _ranges(self._wanted, self._at, store_limits.of_session(self._session))
        found = [self._of_range(conditions, limit + offset) for conditions in ranges]
        if not found:
            return None
        return queries.first_of(found, limit, offset, descending=self._descending).subquery()

    def _of_range(self, conditions: Sequence[ColumnElement[bool]], limit: int) -> Select[Any]:
        at = getattr(Execution, self._at)
        query = select(Execution.id, at.label("at")).where(*conditions, *self._bounds(Execution))
        return query.order_by(*self._order_of(at, Execution.id)).limit(limit)

    def _bounds(self, columns: Any) -> list[ColumnElement[bool]]:
        at, wanted = getattr(columns, self._at), self._wanted
        bounds: list[ColumnElement[bool]] = [at >= _start(wanted.since)] if wanted.since else []
        if wanted.until and wanted.until < date.max:
            bounds.append(at < _start(wanted.until + timedelta(days=1)))
        if wanted.hour:
            bounds += [at >= wanted.hour, at < wanted.hour + timedelta(hours=1)]
        if self._beyond:
            moment, number = self._beyond
            key, place = tuple_(at, columns.id), tuple_(literal(moment, at.type), literal(number))
            bounds.append(key < place if self._descending else key > place)
        return bounds

    def _order(self, columns: Any) -> Ordering:
        return self._order_of(columns.at, columns.id)

    def _order_of(self, at: Any, row_id: Any) -> Ordering:
        return queries.by_time(at, row_id, descending=self._descending)


def _ranges(wanted: Wanted, at: str, limit: StoreLimit | None) -> Iterator[list[ColumnElement[bool]]]:
    """The conditions of each range of an index that the filter takes in."""
    kinds = _kinds(wanted)
    if at != wanted.at:
        yield _conditions(Execution, wanted, kinds)
        return
    if limit is None:
        yield from _of_all_stores(wanted, kinds)
        return
    if EXPORT in (kinds or KINDS):
        yield from _of_stores(wanted, limit.ids)
    if IMPORT in (kinds or KINDS):
        yield from _of_all_stores(wanted, [IMPORT])


def _of_stores(wanted: Wanted, store_ids: Sequence[int]) -> Iterator[list[ColumnElement[bool]]]:
    """Exports of each store by itself."""
    for store_id in store_ids:
        yield [Execution.store_id == store_id, *_conditions(Execution, wanted, ())]


def _kinds(wanted: Wanted) -> Sequence[str]:
    return [wanted.job_kind] if wanted.job_public_id is not None else wanted.kinds


def _conditions(columns: Any, wanted: Wanted, kinds: Sequence[str]) -> list[ColumnElement[bool]]:
    chosen = ((columns.kind, kinds), (columns.origin, wanted.origins), (columns.status, wanted.statuses))
    conditions: list[ColumnElement[bool]] = [column.in_(values) for column, values in chosen if values]
    if wanted.job_public_id is not None:
        conditions.append(columns.job_public_id == wanted.job_public_id)
    return conditions


def _of_all_stores(wanted: Wanted, kinds: Sequence[str]) -> Iterator[list[ColumnElement[bool]]]:
    # Said as the partial indexes say it.
    of_kind = {kind: Execution.kind == literal_column(f"'{kind}'") for kind in KINDS}
    of_job: list[ColumnElement[bool]] = []
    if wanted.job_public_id is not None:
        of_job = [Execution.job_public_id == wanted.job_public_id, of_kind[wanted.job_kind]]
    if not wanted.statuses and not wanted.origins:
        yield of_job or [of_kind[kind] for kind in kinds]
        return
    for kind in kinds or KINDS:
        origins = [origin for origin in ORIGINS_OF[kind] if not wanted.origins or origin in wanted.origins]
        statuses = [status for status in STATUSES_OF[kind] if not wanted.statuses or status in wanted.statuses]
        for origin, status in product(origins, statuses):
            yield [*of_job, Execution.origin == origin, Execution.status == status]


@contextmanager
def _steered(session: Session) -> Iterator[None]:
    """PostgreSQL plans each statement for its own values, and takes the indexes: guesses of how many rows a search
    finds are off by orders of magnitude."""
    if session.get_bind().dialect.name != "postgresql":
        yield
        return
    steer = "select set_config('plan_cache_mode', :mode, true), set_config('enable_seqscan', :scan, true)"
    session.execute(text(steer), {"mode": "force_custom_plan", "scan": "off"})
    yield
    session.execute(text(steer), {"mode": "auto", "scan": "on"})


def _start(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def _cursor_of(execution: Execution, at: str) -> str:
    return _written((getattr(execution, at), execution.id))


def _written(key: Key) -> str:
    return f"{(key[0] - EPOCH) // timedelta(microseconds=1)}-{key[1]}"


def _key(cursor: str) -> Key | None:
    found = CURSOR.fullmatch(cursor)
    return (EPOCH + timedelta(microseconds=int(found[1])), int(found[2])) if found else None
