from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, event, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.errors import LostClaimError
from datahub.jobs.group_commit import GroupCommit
from datahub.models.heartbeat import EXPORTER, Heartbeat


@pytest.fixture
def commits(engine: Engine) -> Iterator[list[object]]:
    seen: list[object] = []
    note = seen.append
    event.listen(engine, "commit", note)
    yield seen
    event.remove(engine, "commit", note)


def write(name: str, session: Session) -> str:
    session.add(Heartbeat(name=name, role=EXPORTER, seen_at=database_now(session)))
    session.flush()
    return name


def run_all(sessions: sessionmaker[Session], *steps: object) -> list[object]:
    async def gather() -> list[object]:
        ledger = GroupCommit(sessions)
        try:
            return await asyncio.gather(*(ledger.run(step) for step in steps), return_exceptions=True)  # type: ignore[arg-type]
        finally:
            ledger.close()

    return asyncio.run(gather())


def count(sessions: sessionmaker[Session]) -> int:
    with sessions() as session:
        return session.scalar(select(func.count()).select_from(Heartbeat)) or 0


def test_steps_that_arrive_together_share_a_commit(sessions: sessionmaker[Session], commits: list[object]) -> None:
    names = [f"worker-{number}" for number in range(20)]
    assert run_all(sessions, *[lambda session, name=name: write(name, session) for name in names]) == names
    assert len(commits) <= 2
    assert count(sessions) == 20


def test_a_step_that_fails_takes_only_itself_back(sessions: sessionmaker[Session]) -> None:
    def lose(session: Session) -> None:
        write("lost", session)
        raise LostClaimError("not mine")

    first, lost, last = run_all(
        sessions, lambda session: write("first", session), lose, lambda session: write("last", session)
    )
    assert (first, last) == ("first", "last")
    assert isinstance(lost, LostClaimError)
    assert count(sessions) == 2


def test_a_database_error_of_one_step_leaves_the_others_committed(sessions: sessionmaker[Session]) -> None:
    run_all(sessions, lambda session: write("taken", session))
    first, taken, last = run_all(
        sessions,
        lambda session: write("first", session),
        lambda session: write("taken", session),
        lambda session: write("last", session),
    )
    assert (first, last) == ("first", "last")
    assert isinstance(taken, IntegrityError)
    assert count(sessions) == 3


def test_the_victim_of_a_deadlock_is_run_again(sessions: sessionmaker[Session]) -> None:
    if sessions.kw["bind"].dialect.name == "sqlite":
        return  # one writer at a time: nobody waits for two
    run_all(sessions, lambda session: write("one", session), lambda session: write("two", session))
    met = threading.Barrier(2, timeout=5)

    def touch(first: str, second: str, session: Session) -> None:
        for name in (first, second):
            session.execute(update(Heartbeat).where(Heartbeat.name == name).values(role=EXPORTER))
            with contextlib.suppress(threading.BrokenBarrierError):
                met.wait()

    outcomes: list[object] = []

    def work(first: str, second: str) -> None:
        outcomes.extend(run_all(sessions, lambda session: touch(first, second, session)))

    threads = [threading.Thread(target=work, args=names) for names in (("one", "two"), ("two", "one"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [None, None]


def test_a_fault_of_ours_in_one_step_costs_that_step_alone(sessions: sessionmaker[Session]) -> None:
    def stumble(_: Session) -> None:
        raise KeyError("a fault of ours")

    good, bad = run_all(sessions, lambda session: write("good", session), stumble)
    assert good == "good"
    assert isinstance(bad, KeyError)
    assert count(sessions) == 1
