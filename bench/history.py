"""Reads of the history: milliseconds of each kind of page and search among a million executions, on both databases."""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, event, select, text
from sqlalchemy.orm import Session

from bench.databases import databases
from bench.history_rows import SEED, SMALL, Job, fill
from datahub.access import store_limits
from datahub.access.store_limits import StoreLimit
from datahub.db import make_engine, make_sessions, read_only
from datahub.jobs import execution_list, export_job_list, home
from datahub.jobs.execution_list import Wanted
from datahub.models.execution import (
    ERROR,
    EXPORT,
    IMPORT,
    INTEGRATION_FAILED,
    JOB_FAILED,
    JOB_STOPPED,
    RESEND,
    SUCCESS,
    Execution,
)
from datahub.models.party import DEFAULT_STORE, Store

SAMPLES = 60
DEEPEST = 9900

Read = Callable[[Session], object]


def run(rows: int, *, plans: bool) -> None:
    print(f"{rows:,} executions of ten jobs, one of them with {round(rows * 0.6):,}")
    for kind, (url,) in databases("bench"):
        engine = make_engine(url)
        started = time.perf_counter()
        jobs = fill(engine, rows)
        print(f"\n{kind}, filled in {time.perf_counter() - started:,.0f} s\n{'':<50}{'p50 ms':>10}{'p95 ms':>10}")
        for title, read in readings(engine, rows, jobs):
            spent = sorted(_milliseconds(engine, read) for _ in range(SAMPLES))
            slow = statistics.quantiles(spent, n=20)[-1]
            print(f"{title:<50}{statistics.median(spent):>10.1f}{slow:>10.1f}")
            if plans:
                print(_plans(engine, read))
            sys.stdout.flush()
        engine.dispose()


def _milliseconds(engine: Engine, read: Read) -> float:
    with make_sessions(engine)() as session:
        read_only(session)
        started = time.perf_counter()
        read(session)
        return (time.perf_counter() - started) * 1000


class Questions:
    """What the readings look for, another one of the same kind each time they are asked."""

    def __init__(self, session: Session, rows: int) -> None:
        self._chance = random.Random(SEED)  # noqa: S311
        self._rows = rows
        ids = [self._chance.randint(1, rows) for _ in range(SAMPLES)]
        self._known = [row.public_id for row in session.execute(_some(ids))]

    def part(self, length: int) -> str:
        start = self._chance.randint(0, 36 - length)
        return self._chance.choice(self._known)[start : start + length]

    def search(self, length: int, **wanted: Any) -> Read:
        return lambda session: execution_list.read_page(session, Wanted(search=self.part(length), names=True, **wanted))

    def name(self, form: str) -> Read:
        return lambda session: execution_list.read_page(
            session, Wanted(search=form.format(self._chance.randint(1, self._rows)), names=True)
        )


def page(**wanted: Any) -> Read:
    return lambda session: execution_list.read_page(session, Wanted(names=True, **wanted))


def by_number(number: int, sort: str = "executed_at", **wanted: Any) -> Read:
    return lambda session: execution_list.find(session, Wanted(**wanted), sort=sort, page=number, size=100)


def limited(session: Session, external_id: str) -> Callable[[Read], Read]:
    """The same as somebody who sees one store reads it."""
    store = session.scalars(select(Store).where(Store.external_id == external_id)).one()
    limit = StoreLimit((store.id,), (external_id,))

    def by(read: Read) -> Read:
        def read_limited(session: Session) -> object:
            store_limits.limit(session, limit)
            return read(session)

        return read_limited

    return by


def read_home(session: Session) -> object:
    return home.read(session), home.read_hours(session)


Named = list[tuple[str, Read]]


def readings(engine: Engine, rows: int, jobs: list[Job]) -> Named:
    with make_sessions(engine)() as session:
        questions = Questions(session, rows)
        middle = session.get_one(Execution, rows // 2)
        deep = f"{int(middle.executed_at.timestamp() * 1_000_000)}-{middle.id}"
        small, large = limited(session, SMALL), limited(session, DEFAULT_STORE)
    big, other = jobs[0][0].public_id, {"job_public_id": jobs[-1][0].public_id, "job_kind": IMPORT}
    return [
        *_pages(deep, big, other),
        *_searches(questions, big),
        *_calls(big, other),
        *_of_almost_nothing(small, questions, big),
        *_of_almost_all(large, big),
    ]


def _rare(big: str) -> dict[str, Any]:
    return {"job_public_id": big, "statuses": [JOB_STOPPED]}


def _pages(deep: str, big: str, other: dict[str, Any]) -> Named:
    day = (datetime.now(UTC) - timedelta(days=180)).date()
    week = {"since": day, "until": day + timedelta(days=6)}
    return [
        ("newest page", page()),
        ("page in the middle, by key", lambda session: execution_list.read_page(session, Wanted(), before=deep)),
        ("oldest page", lambda session: execution_list.read_page(session, Wanted(), newest_first=False)),
        ("of one job", page(**other)),
        ("of the big job", page(job_public_id=big)),
        ("imports", page(kinds=[IMPORT])),
        ("a frequent status", page(statuses=[SUCCESS])),
        ("a rare status", page(statuses=[INTEGRATION_FAILED])),
        ("four statuses", page(statuses=[ERROR, JOB_FAILED, INTEGRATION_FAILED, JOB_STOPPED])),
        ("a rare status of the big job", page(**_rare(big))),
        ("a rare trigger", page(origins=[RESEND])),
        ("a week", page(**week)),
        ("a week, one job, one status", page(**week, **other, statuses=[JOB_FAILED])),
    ]


def _searches(questions: Questions, big: str) -> Named:
    search, name = questions.search, questions.name
    return [
        ("search, 1 character", search(1)),
        ("search, 2 characters", search(2)),
        ("search, 3 characters", search(3)),
        ("search, 4 characters", search(4)),
        ("search, 8 characters", search(8)),
        ("search, whole id", search(36)),
        ("search, 8 characters that are in no id", page(search="00f00f00f00")),
        ("search, 3 characters, the big job", search(3, job_public_id=big)),
        ("search, 4 characters, the big job", search(4, job_public_id=big)),
        ("search, 8 characters, the big job", search(8, job_public_id=big)),
        ("search, 3 characters, a rare status", search(3, statuses=[INTEGRATION_FAILED])),
        ("search, a reference", name("172-189-{}-1")),
        ("search, the name of a file", name("offers-{}.csv")),
        ("search, what all files begin with", page(search="offers-")),
        ("search, what no row of the job begins with", page(search="offers-", job_public_id=big)),
    ]


def _calls(big: str, other: dict[str, Any]) -> Named:
    return [
        ("API, page 0", by_number(0)),
        (f"API, from row {DEEPEST:,}", by_number(DEEPEST // 100)),
        (f"API, from row {DEEPEST:,}, the big job", by_number(DEEPEST // 100, job_public_id=big)),
        (f"API, from row {DEEPEST:,}, an import job", by_number(DEEPEST // 100, "created_at", **other)),
        (f"API, from row {DEEPEST:,}, two statuses", by_number(DEEPEST // 100, statuses=[SUCCESS, ERROR])),
        ("API, by creation", by_number(0, "created_at")),
        ("API, by creation, a frequent status", by_number(0, "created_at", statuses=[SUCCESS])),
        ("API, by creation, a rare status", by_number(0, "created_at", statuses=[INTEGRATION_FAILED])),
        ("API, by creation, the big job", by_number(0, "created_at", job_public_id=big)),
        ("API, by creation, the big job, a rare status", by_number(0, "created_at", **_rare(big))),
        ("API, by start, an import job", by_number(0, **other)),
        ("API, by start, an import job, one status", by_number(0, **other, statuses=[JOB_FAILED])),
        ("Home", read_home),
        ("list of export jobs", export_job_list.find_rows),
    ]


def _of_almost_nothing(small: Callable[[Read], Read], questions: Questions, big: str) -> Named:
    return [
        ("almost nothing: newest page", small(page())),
        ("almost nothing: exports", small(page(kinds=[EXPORT]))),
        ("almost nothing: of the big job", small(page(job_public_id=big))),
        ("almost nothing: a frequent status", small(page(statuses=[SUCCESS]))),
        ("almost nothing: a rare status of the big job", small(page(**_rare(big)))),
        ("almost nothing: search, 3 characters", small(questions.search(3))),
        ("almost nothing: search, a reference", small(questions.name("172-189-{}-1"))),
        ("almost nothing: search, what all begin with", small(page(search="172-"))),
        ("almost nothing: API, by creation", small(by_number(0, "created_at", job_public_id=big))),
        ("almost nothing: Home", small(read_home)),
        ("almost nothing: list of export jobs", small(export_job_list.find_rows)),
    ]


def _of_almost_all(large: Callable[[Read], Read], big: str) -> Named:
    return [
        ("almost all: newest page", large(page())),
        ("almost all: a frequent status", large(page(statuses=[SUCCESS]))),
        ("almost all: a rare status of the big job", large(page(**_rare(big)))),
        ("almost all: a rare trigger", large(page(origins=[RESEND]))),
        ("almost all: API, by creation", large(by_number(0, "created_at", job_public_id=big))),
        ("almost all: Home", large(read_home)),
        ("almost all: list of export jobs", large(export_job_list.find_rows)),
    ]


def _some(ids: list[int]) -> Any:
    return select(Execution.id, Execution.public_id).where(Execution.id.in_(ids))


def _plans(engine: Engine, read: Read) -> str:
    """Of each statement that reads executions."""
    noted: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_rest: object) -> None:
        if "execution" in statement:
            noted.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    with make_sessions(engine)() as session:
        read_only(session)
        read(session)
    event.remove(engine, "before_cursor_execute", note)
    is_sqlite = engine.dialect.name == "sqlite"
    lines = []
    with engine.connect() as connection:
        if not is_sqlite:
            connection.execute(text("set local enable_seqscan = off"))
        for statement, parameters in noted:
            how = "explain query plan" if is_sqlite else "explain (analyze, buffers, timing off)"
            lines += [f"    {row[-1]}" for row in connection.exec_driver_sql(f"{how} {statement}", parameters)]
            lines.append("")
    return "\n".join(lines)
