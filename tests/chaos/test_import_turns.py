"""Several clocks, several people and one slot per job: what is triggered at the same moment, and who comes next."""

from __future__ import annotations

import dataclasses
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import select, update

from datahub import crash_points
from datahub.db import database_now, read_only
from datahub.jobs import dispatch, import_executions
from datahub.models.execution import (
    INTEGRATION_DONE,
    JOB_FAILED,
    JOB_INITIALIZING,
    JOB_PENDING,
    JOB_SKIPPED,
    JOB_STARTED,
    JOB_STOPPED,
    SCHEDULE,
    Execution,
)
from datahub.models.import_job import RUN_IMMEDIATELY, WAIT_FOR_NEXT, ImportJob, Tick
from tests.background import in_background
from tests.chaos.imports import Imports, long, plain, starts
from tests.chaos.proxy import STALL, Habit, chaos_proxy
from tests.chaos.scene import Hold
from tests.servers import SshServer, wait_until
from worker.messages import OVERDUE

pytestmark = pytest.mark.chaos

TRIGGERS, SCHEDULED = 20, 15


def test_two_clocks_make_one_execution_of_each_tick(imports: Imports) -> None:
    scene = imports.scene
    scene.hub.settings = dataclasses.replace(scene.hub.settings, sweep_seconds=0.02)
    jobs = [imports.add_job(cron="* * * * *", schedule_enabled=False) for _ in range(SCHEDULED)]
    for name in ("clock-1", "clock-2"):
        scene.hub.start_clock(name)
    # Both are at work once each has taken a turn in starting something.
    first = imports.trigger(jobs[0])
    wait_until(lambda: scene.execution(first).handed_out_at, what="a clock at work")
    with scene.hub.sessions.begin() as session:
        long_ago = database_now(session) - timedelta(minutes=3)
        session.execute(update(ImportJob).values(schedule_enabled=True, ticked_until=long_ago))
    wait_until(lambda: len(set(scheduled(imports).values())) >= SCHEDULED, what="an execution of every job")
    with scene.hub.sessions() as session:
        ticks = read_only(session).execute(select(Tick.import_job_id, Tick.at, Tick.execution_id)).all()
    assert len({(job, at) for job, at, _ in ticks}) == len(ticks)
    assert {job for job, _, execution in ticks if execution is None} == set(jobs), "the ticks before are missed ones"
    made = [execution for _, _, execution in ticks if execution is not None]
    assert sorted(made) == sorted(scheduled(imports)), "one execution for each tick that was due, and none besides"
    for name in ("clock-1", "clock-2"):
        assert "sweep failed" not in (scene.hub.folder / f"{name}.log").read_text()


def scheduled(imports: Imports) -> dict[int, int | None]:
    """Executions and their jobs."""
    query = select(Execution.id, Execution.import_job_id).where(Execution.origin == SCHEDULE)
    with imports.scene.hub.sessions() as session:
        return {row.id: row.import_job_id for row in read_only(session).execute(query)}


@pytest.mark.parametrize(
    ("policy", "statuses"),
    [
        (RUN_IMMEDIATELY, {JOB_INITIALIZING: 1, JOB_PENDING: 1, JOB_SKIPPED: TRIGGERS - 2}),
        (WAIT_FOR_NEXT, {JOB_INITIALIZING: 1, JOB_SKIPPED: TRIGGERS - 1}),
    ],
)
def test_of_twenty_triggers_at_once_one_runs_and_the_policy_decides_on_the_others(
    imports: Imports, policy: str, statuses: dict[str, int]
) -> None:
    job = imports.add_job(simultaneous_execution=policy)
    together = threading.Barrier(TRIGGERS)

    def press(_: int) -> int:
        together.wait(30)
        return imports.trigger(job)

    with ThreadPoolExecutor(TRIGGERS) as people:
        ids = set(people.map(press, range(TRIGGERS)))
    assert len(ids) == TRIGGERS
    assert Counter(execution.status for execution in imports.scene.executions(sorted(ids))) == statuses


def succeeds(imports: Imports, _: int, place: Hold) -> None:
    place.release()


def fails(imports: Imports, _: int, place: Hold) -> None:
    imports.write("nothing that an import could use\n")
    place.release()


def is_stopped(imports: Imports, execution_id: int, place: Hold) -> None:
    imports.stop(execution_id)
    place.release()


def crashes(imports: Imports, _: int, place: Hold) -> None:
    imports.scene.hub.crash("importer-1")
    place.release()


@pytest.mark.usefixtures("brief_lease")
@pytest.mark.parametrize(
    ("end", "status"),
    [(succeeds, INTEGRATION_DONE), (fails, JOB_FAILED), (is_stopped, JOB_STOPPED), (crashes, INTEGRATION_DONE)],
)
def test_what_waits_for_its_turn_starts_once_however_the_one_before_it_ends(
    imports: Imports, hold: Callable[[str], Hold], end: Callable[[Imports, int, Hold], None], status: str
) -> None:
    imports.write(plain(6))
    place = hold(crash_points.AFTER_CLAIM)
    imports.start(place.arms)
    job = imports.add_job(simultaneous_execution=RUN_IMMEDIATELY)
    first = imports.trigger(job)
    place.wait()
    second = imports.trigger(job)
    assert imports.scene.execution(second).status == JOB_PENDING
    end(imports, first, place)
    follower = imports.ended(second)
    before = imports.scene.execution(first)
    assert before.status == status
    assert follower.status == (JOB_FAILED if end is fails else INTEGRATION_DONE)
    assert_one_turn(before, follower)
    assert len(starts(before)) == (2 if end is crashes else 1)


def assert_one_turn(before: Execution, follower: Execution) -> None:
    """The one that waited began once, when the one before it had ended."""
    turns = [event for event in follower.events if event.from_status == JOB_PENDING]
    assert len(turns) == len(starts(follower)) == 1
    assert before.ended_at and turns[0].at >= before.ended_at


def test_what_waits_for_its_turn_starts_once_when_the_source_of_the_one_before_it_times_out(
    imports: Imports, sshd: SshServer
) -> None:
    hub = imports.scene.hub
    hub.settings = dataclasses.replace(hub.settings, step_seconds=2)
    imports.write(long(100))
    # Enough for the sign-in, and for a part of the file.
    with in_background(chaos_proxy(sshd.port, Habit(at_end=STALL, after=8_000))) as proxy:
        job = imports.add_job(connection={"port": proxy.port}, simultaneous_execution=RUN_IMMEDIATELY)
        first, second = imports.trigger(job), imports.trigger(job)
        imports.start()
        wait_until(lambda: proxy.opened == import_executions.MOST_TRIES, what="the last try")
        proxy.habit = Habit()
        follower = imports.ended(second)
    before = imports.scene.execution(first)
    assert before.status == JOB_FAILED
    assert before.error and "fell silent for 2 s" in before.error and "Given up after 3 tries" in before.error
    assert len(starts(before)) == import_executions.MOST_TRIES
    assert (follower.status, imports.counts(second)) == (INTEGRATION_DONE, {"created": 100})
    assert_one_turn(before, follower)
    assert hub.endings == [], "the worker lived through it"


@pytest.mark.usefixtures("brief_lease")
def test_an_import_past_its_time_limit_ends_its_worker_and_goes_on_with_another_before_what_waits_starts_once(
    imports: Imports, hold: Callable[[str], Hold], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = imports.scene.hub
    imports.write(plain(10))
    job = imports.add_job(simultaneous_execution=RUN_IMMEDIATELY)
    first, second = imports.trigger(job), imports.trigger(job)
    monkeypatch.setitem(dispatch.MESSAGE_SECONDS, dispatch.RUN_IMPORT, 4)
    with hub.sessions() as session:
        assert dispatch.hand_out(session, dispatch.make_queue(hub.settings.redis_url), hub.settings) == 1
    # Whoever gets there first never goes on: only its time limit ends it.
    imports.start(hold(crash_points.BETWEEN_CHUNKS).arms)
    follower = imports.ended(second)
    before = imports.scene.execution(first)
    assert hub.endings == [("importer-1", OVERDUE)]
    assert "a message took longer than 4 s" in (hub.folder / "importer-1.log").read_text()
    assert (before.status, before.error, imports.counts(first)) == (INTEGRATION_DONE, None, {"created": 10})
    assert any("stopped answering" in event.reason for event in before.events), "its lease ran out"
    assert (follower.status, imports.counts(second)) == (INTEGRATION_DONE, {"unchanged": 10})
    assert_one_turn(before, follower)


def test_no_more_imports_read_over_one_connection_at_once_than_may_however_many_workers_there_are(
    imports: Imports, hold: Callable[[str], Hold]
) -> None:
    scene, place = imports.scene, hold(crash_points.AFTER_DOWNLOAD)
    scene.hub.settings = dataclasses.replace(scene.hub.settings, max_runs_per_connection=1)
    imports.write(plain(6))
    ids = [imports.trigger(job) for job in imports.add_jobs(3)]
    for number in range(3):
        scene.hub.start_importer(f"importer-{number + 1}", place.arms)
    for name in ("clock-1", "clock-2"):
        scene.hub.start_clock(name)
    place.wait()
    wait_until(lambda: all(notes(waiting) for waiting in scene.executions(ids[1:])), what="a note of each that waits")
    assert [scene.execution(number).status for number in ids] == [JOB_STARTED, JOB_INITIALIZING, JOB_INITIALIZING]
    place.release()
    scene.wait_until_all_ended()
    ended = scene.executions(ids)
    assert [execution.status for execution in ended] == [INTEGRATION_DONE] * 3
    assert [len(notes(execution)) for execution in ended] == [0, 1, 1]
    spans = [span for execution in ended for span in reading(execution)]
    assert spans == sorted(spans) and all(before[1] < after[0] for before, after in pairwise(spans))


def notes(execution: Execution) -> list[str]:
    """Why it waits for a place."""
    return [event.reason for event in execution.events if event.from_status == event.to_status == JOB_INITIALIZING]


def reading(execution: Execution) -> list[tuple[int, int]]:
    """From which event to which. The log's own order, since the clocks of two workers differ by moments."""
    begun = [event.id for event in execution.events if event.to_status == JOB_STARTED]
    over = [event.id for event in execution.events if event.from_status == JOB_STARTED]
    return list(zip(begun, over, strict=True))
