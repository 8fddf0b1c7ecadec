"""Imports that are stopped in the middle, and sources that break off, fall silent or change while they are read."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from datahub import crash_points
from datahub.models.execution import (
    INTEGRATION_DONE,
    INTEGRATION_STARTED,
    JOB_INITIALIZING,
    JOB_STARTED,
    JOB_STOPPED,
    Execution,
)
from tests.background import in_background
from tests.chaos.imports import CHUNK, Imports, long, plain, starts
from tests.chaos.proxy import Habit, Proxy, chaos_proxy
from tests.chaos.scene import Hold
from tests.servers import SshServer, wait_until

pytestmark = pytest.mark.chaos

SLOWLY = Habit(latency=0.01)


def fall_silent_half_way(imports: Imports, proxy: Proxy) -> None:
    """Once a part of the file has come over the proxy's first connection."""
    parts = imports.spool.glob
    wait_until(lambda: any(path.stat().st_size > 0 for path in parts("*.source")), what="a part of the file")
    proxy.withheld = 1


def postponements(execution: Execution) -> list[str]:
    """Why it went back to be read again, each time."""
    return [event.reason for event in execution.events if event.to_status == JOB_INITIALIZING and event.attempt]


def test_a_stop_during_a_download_ends_it_and_frees_the_worker(imports: Imports, sshd: SshServer) -> None:
    # Long enough that only the stop can end the silence.
    imports.scene.hub.settings = dataclasses.replace(imports.scene.hub.settings, step_seconds=120)
    imports.write(long(100))
    with in_background(chaos_proxy(sshd.port, SLOWLY)) as proxy:
        job = imports.add_job(connection={"port": proxy.port})
        imports.start()
        execution_id = imports.trigger(job)
        fall_silent_half_way(imports, proxy)
        assert imports.scene.execution(execution_id).status == JOB_STARTED
        imports.stop(execution_id)
        wait_until(lambda: list(imports.spool.iterdir()) == [], what="an empty spool")
    assert imports.suppliers() == []
    imports.write(plain(3))
    later = imports.ended(imports.trigger(imports.add_job()))
    assert (later.status, imports.counts(later.id)) == (INTEGRATION_DONE, {"created": 3})
    stopped = imports.scene.execution(execution_id)
    assert (stopped.status, stopped.attempts, stopped.events[-1].to_status) == (JOB_STOPPED, 1, JOB_STOPPED)
    assert imports.scene.hub.endings == [], "the worker lived through it"


def test_a_stop_between_chunks_keeps_and_counts_what_is_written_and_writes_no_more(
    imports: Imports, hold: Callable[[str], Hold]
) -> None:
    imports.write(plain(10))
    place = hold(crash_points.BETWEEN_CHUNKS)
    imports.start(place.arms)
    execution_id = imports.trigger(imports.add_job())
    place.wait()
    assert imports.scene.execution(execution_id).status == INTEGRATION_STARTED
    imports.stop(execution_id)
    place.release()
    wait_until(lambda: list(imports.spool.iterdir()) == [], what="an empty spool")
    written = [f"S-{number:02}" for number in range(1, CHUNK + 1)]
    assert (imports.suppliers(), imports.counts(execution_id)) == (written, {"created": CHUNK})
    imports.write(plain(CHUNK + 1))
    later = imports.ended(imports.trigger(imports.add_job()))
    assert imports.counts(later.id) == {"created": 1, "unchanged": CHUNK}, "the family was free at once"
    stopped = imports.scene.execution(execution_id)
    assert (stopped.status, stopped.events[-1].to_status) == (JOB_STOPPED, JOB_STOPPED)
    assert [row[0] for row in imports.outcome(execution_id)["ledger"]] == written


def test_a_file_that_is_replaced_while_it_is_read_is_read_again_as_one_version(
    imports: Imports, sshd: SshServer
) -> None:
    imports.write(long(100))
    with in_background(chaos_proxy(sshd.port, SLOWLY)) as proxy:
        job = imports.add_job(connection={"port": proxy.port})
        imports.start()
        execution_id = imports.trigger(job)
        fall_silent_half_way(imports, proxy)
        proxy.habit = Habit()
        imports.write(plain(7))
        proxy.withheld = 0
        execution = imports.ended(execution_id)
    assert (execution.status, imports.counts(execution_id)) == (INTEGRATION_DONE, {"created": 7})
    (why,) = postponements(execution)
    assert "is still being written" in why and "Next try" in why
    assert len(starts(execution)) == 2


def test_a_file_that_its_sender_still_writes_is_imported_later_and_whole(imports: Imports) -> None:
    # Long enough that a row comes between the looks, however busy the machine.
    imports.scene.hub.settings = dataclasses.replace(imports.scene.hub.settings, settle_seconds=2)
    rows = iter(plain(9_999).splitlines(keepends=True))
    imports.write(next(rows) + next(rows))
    file = imports.file
    imports.start()
    execution_id = imports.trigger(imports.add_job())

    def is_postponed_while_it_grows() -> bool:
        with file.open("a") as more:
            more.write(next(rows))
        return bool(postponements(imports.scene.execution(execution_id)))

    wait_until(is_postponed_while_it_grows, what="the end of a try")
    whole = file.read_text().count("\n") - 1
    execution = imports.ended(execution_id)
    assert (execution.status, imports.counts(execution_id)) == (INTEGRATION_DONE, {"created": whole})
    assert "is still being written" in postponements(execution)[0]


def test_a_connection_that_breaks_off_during_a_download_costs_one_try(imports: Imports, sshd: SshServer) -> None:
    imports.write(long(100))
    with in_background(chaos_proxy(sshd.port, SLOWLY)) as proxy:
        job = imports.add_job(connection={"port": proxy.port})
        imports.start()
        execution_id = imports.trigger(job)
        fall_silent_half_way(imports, proxy)
        proxy.habit = Habit()
        sshd.cut_sessions()
        proxy.withheld = 0
        execution = imports.ended(execution_id)
    assert (execution.status, execution.error) == (INTEGRATION_DONE, None)
    assert imports.counts(execution_id) == {"created": 100}
    assert len(starts(execution)) == 2
