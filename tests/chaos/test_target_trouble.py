"""The partner's server is down, dies, fills up or falls silent in the middle of something."""

from __future__ import annotations

import dataclasses
import itertools
import os
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from datahub import crash_points
from datahub.jobs import dispatch, executions, home, orders
from datahub.models.execution import ERROR, JOB_PENDING, SUCCESS, Event, Execution
from datahub.settings import Settings
from tests.background import in_background
from tests.chaos.proxy import CUT, RESET, STALL, Habit, chaos_proxy
from tests.chaos.scene import ACCEPTED, SHIPPED, Hold, Scene, ends, starts
from tests.partner import PASSWORD, USERNAME, partner_server, silent_listener
from tests.servers import start_sshd, wait_until

pytestmark = pytest.mark.chaos

LARGE: dict[str, Any] = {"customer_snapshot": {"lastName": "L" * 1_000_000}}
# Of which so much has passed when the connection breaks.
HALF = 300_000


def test_a_target_that_stays_down_gets_six_attempts_across_restarts_and_then_a_person(scene: Scene) -> None:
    settings = scene.hub.settings = dataclasses.replace(scene.hub.settings, retry_seconds=1.5)
    scene.sshd.stop(kill=True)
    scene.add_job()
    (execution_id,) = scene.owe()
    scene.hub.start_worker()
    scene.hub.start_clock()
    for failures in range(1, 6):
        waiting = wait_for_failures(scene, execution_id, failures)
        assert (waiting.status, waiting.attempts) == (JOB_PENDING, failures)
        assert waiting.next_attempt_at >= waiting.executed_at + timedelta(seconds=settings.retry_seconds)
        if failures in (2, 4):
            dispatch.make_redis(settings.redis_url).flushall()
            for name in ("worker-1", "clock-1"):
                scene.hub.restart(name)
    scene.wait_for(execution_id, ERROR)
    failed = scene.execution(execution_id)
    times = [event.at for event in starts(failed)]
    assert len(times) == 6
    assert min(later - earlier for earlier, later in itertools.pairwise(times)).total_seconds() >= 1.5
    assert f"port {scene.sshd.port}: 127.0.0.1: Connection refused" in (failed.error or "")
    with scene.hub.sessions() as session:
        assert [row.id for row in home.read(session).failed] == [execution_id], "shown for review"
    start_again(scene)
    with scene.hub.sessions.begin() as session:
        retried = executions.retry(session, session.get_one(Execution, execution_id), actor="ada").id
    scene.wait_for(retried, SUCCESS)
    with scene.hub.sessions() as session:
        assert home.read(session).failed == []
    assert scene.execution(execution_id).status == ERROR
    scene.observer.finish()
    assert list(scene.observer.deliveries.values()) == [1]


def test_attempts_are_a_quarter_of_an_hour_apart_as_shipped(scene: Scene, tmp_path: Path) -> None:
    shipped = Settings.retry_seconds
    scene.hub.settings = dataclasses.replace(scene.hub.settings, retry_seconds=shipped, connect_seconds=0.5)
    clock = tmp_path / "clock"
    clock.write_text("0")
    scene.sshd.stop(kill=True)
    scene.add_job()
    (execution_id,) = scene.owe()
    for start in (scene.hub.start_worker, scene.hub.start_clock):
        start(environment={"CLOCK_FILE": str(clock)})
    for failures in range(1, Settings.max_attempts + 1):
        assert len(starts(wait_for_failures(scene, execution_id, failures))) == failures
        # Written beside and renamed: nobody reads half a number.
        (tmp_path / "next").write_text(str(failures * shipped))
        (tmp_path / "next").replace(clock)
    failed = scene.execution(execution_id)
    assert failed.status == ERROR
    gaps = [later.at - earlier.at for earlier, later in itertools.pairwise(starts(failed))]
    assert len(gaps) == 5
    assert min(gaps) >= timedelta(minutes=15)


def test_a_server_killed_in_the_middle_of_a_file_costs_an_attempt_and_the_next_one_completes(scene: Scene) -> None:
    with in_background(chaos_proxy(scene.sshd.port, Habit(STALL, after=HALF))) as proxy:
        execution_id = start_large_upload(scene, proxy.port)
        wait_until(lambda: any(path.stat().st_size for path in scene.folder.glob(".*")), what="half a file")
        proxy.habit = Habit()
        scene.sshd.stop(kill=True)
        start_again(scene)
        assert_completed_by_a_later_attempt(scene, execution_id)


@pytest.mark.parametrize("how", [CUT, RESET])
def test_a_connection_lost_in_the_middle_of_a_file_costs_an_attempt_and_the_next_one_completes(
    scene: Scene, how: str
) -> None:
    with in_background(chaos_proxy(scene.sshd.port, Habit(how, after=HALF))) as proxy:
        execution_id = start_large_upload(scene, proxy.port)
        wait_until(lambda: proxy.sent > HALF, what="the cut")
        proxy.habit = Habit()
        assert_completed_by_a_later_attempt(scene, execution_id)


@pytest.fixture
def small_disk(folder: Path) -> Iterator[Path]:
    """The target folder as a disk of 2 MB."""
    if os.getuid() != 0:
        pytest.skip("only root may mount a small disk")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], check=False)
    if mounted.returncode:
        pytest.skip("this machine lets nobody mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_said_clearly_and_the_file_arrives_once_there_is_room(small_disk: Path, scene: Scene) -> None:
    (small_disk / ".ballast").write_bytes(b"x" * 1_900_000)
    scene.add_job()
    (execution_id,) = scene.owe(**LARGE)
    scene.hub.start_worker()
    scene.hub.start_clock()
    waiting = wait_for_failures(scene, execution_id, 2)
    assert "its disk is full" in (waiting.error or "")
    assert set(scene.names()) <= {".ballast", f".{waiting.public_id}-1.part", f".{waiting.public_id}-2.part"}
    (small_disk / ".ballast").unlink()
    scene.wait_for(execution_id, SUCCESS)
    scene.assert_each_delivered_once()


@pytest.mark.parametrize("operation", ["banner", "login", "write", "close", "stat", "rename"])
def test_a_silent_server_costs_one_attempt_in_bounded_time_and_the_worker_goes_on(
    scene: Scene, operation: str, tmp_path: Path
) -> None:
    settings = dataclasses.replace(scene.hub.settings, connect_seconds=2.0, step_seconds=1.5, retry_seconds=60.0)
    scene.hub.settings = settings
    scene.add_job(trigger_statuses=[SHIPPED])
    with in_background(silent_server(tmp_path / "partner", operation)) as silent:
        scene.add_job(connection=silent, output_folder=".")
        (execution_id,) = scene.owe()
        scene.hub.start_worker()
        scene.hub.start_clock()
        wait_until(lambda: starts(scene.execution(execution_id)), what="the attempt")
        (other,) = scene.owe(status=SHIPPED)
        scene.wait_for(other, SUCCESS)
        waiting = wait_for_failures(scene, execution_id, 1)
    assert "fell silent" in (waiting.error or "")
    assert duration(starts(waiting)[0], ends(waiting)[0]) < settings.attempt_seconds
    assert scene.execution(other).worker == waiting.worker
    assert scene.hub.processes["worker-1"].exitcode is None
    visible = [path.name for path in (tmp_path / "partner").glob("[!.]*")]
    assert visible == []


def test_a_server_that_drips_ends_with_the_attempts_own_deadline(scene: Scene) -> None:
    scene.hub.settings = dataclasses.replace(scene.hub.settings, attempt_seconds=2)
    with in_background(chaos_proxy(scene.sshd.port, Habit(block=32, latency=0.05))) as proxy:
        scene.add_job(connection={"port": proxy.port})
        (execution_id,) = scene.owe()
        scene.hub.start_worker()
        scene.hub.start_clock()
        waiting = wait_for_failures(scene, execution_id, 1)
        assert "ATTEMPT_SECONDS" in (waiting.error or "")
        assert duration(starts(waiting)[0], ends(waiting)[0]) >= 2
        proxy.habit = Habit()
        scene.wait_for(execution_id, SUCCESS)
        assert scene.execution(execution_id).attempts == 2, "the retry did not go over the slow connection"
    scene.assert_each_delivered_once()


def test_a_rename_that_arrives_after_its_execution_failed_cannot_put_old_news_over_newer(
    scene: Scene, hold: Callable[[str], Hold]
) -> None:
    scene.hub.settings = dataclasses.replace(scene.hub.settings, max_attempts=1, step_seconds=1.0)
    before_rename, after_success = hold(crash_points.BEFORE_RENAME), hold(crash_points.AFTER_SUCCESS)
    with in_background(chaos_proxy(scene.sshd.port)) as proxy:
        scene.add_job(connection={"port": proxy.port}, trigger_statuses=[ACCEPTED, SHIPPED])
        scene.hub.start_worker("worker-1", before_rename.arms)
        scene.hub.start_clock()
        (first,) = scene.owe()
        before_rename.wait()
        proxy.withheld = proxy.opened
        before_rename.release()
        scene.wait_for(first, ERROR)
        scene.hub.kill("worker-1")
        scene.hub.start_worker("worker-2", after_success.arms)
        with scene.hub.sessions.begin() as session:
            order = session.get_one(Execution, first).order
            assert order is not None
            (second,) = [execution.id for execution in orders.change_status(session, order, SHIPPED, actor="ada")]
        after_success.wait()
        assert proxy.open_now == 2, "the worker is in the middle of its batch, the old rename is still on its way"
        proxy.withheld = 0
        wait_until(lambda: proxy.open_now == 1, what="the end of the old connection")
        after_success.release()
        scene.wait_for(second, SUCCESS)
    (delivered,) = scene.folder.iterdir()
    assert b"<status>SHIPPED</status>" in delivered.read_bytes()


@asynccontextmanager
async def silent_server(folder: Path, operation: str) -> AsyncIterator[dict[str, Any]]:
    """Yields the fields of a connection to it."""
    folder.mkdir()
    async with AsyncExitStack() as stack:
        if operation == "banner":
            yield {"port": await stack.enter_async_context(silent_listener())}
            return
        partner = await stack.enter_async_context(partner_server(folder, silent_at=operation))
        secrets = {"username": USERNAME, "password": PASSWORD, "private_key": None}
        yield {"port": partner.port, "host_key": partner.host_key} | secrets


def start_large_upload(scene: Scene, port: int) -> int:
    scene.add_job(connection={"port": port})
    (execution_id,) = scene.owe(**LARGE)
    scene.hub.start_worker()
    scene.hub.start_clock()
    return execution_id


def assert_completed_by_a_later_attempt(scene: Scene, execution_id: int) -> None:
    scene.wait_for(execution_id, SUCCESS)
    execution = scene.execution(execution_id)
    assert "lost" in ends(execution)[0].reason
    assert execution.attempts == len(starts(execution)) > 1
    assert scene.hub.processes["worker-1"].exitcode is None
    scene.assert_each_delivered_once()


def wait_for_failures(scene: Scene, execution_id: int, count: int) -> Execution:
    """Returns the execution as it is once that many attempts have failed."""
    wait_until(lambda: len(ends(scene.execution(execution_id))) >= count, what=f"{count} failed attempts")
    return scene.execution(execution_id)


def duration(start: Event, end: Event) -> float:
    return (end.at - start.at).total_seconds()


def start_again(scene: Scene) -> None:
    scene.sshd.process = start_sshd(scene.sshd.folder, scene.sshd.port).process
