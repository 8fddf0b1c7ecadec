"""Processes of the hub die, at any place, and come back or not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from signal import SIGCONT, SIGKILL

import httpx
import pytest
from sqlalchemy import select, update

from datahub import crash_points
from datahub.jobs.lease import LEASE_LOST
from datahub.models.execution import JOB_PENDING, JOB_STARTED, SUCCESS, Execution
from datahub.models.order import Order
from tests.background import in_background
from tests.chaos.points import EXPORT_POINTS
from tests.chaos.proxy import STALL, Habit, chaos_proxy
from tests.chaos.scene import ACCEPTED, Hold, Scene, starts
from tests.factories import make_order
from tests.servers import SshServer, wait_until

pytestmark = [pytest.mark.chaos, pytest.mark.usefixtures("brief_lease")]

BY_THE_CLOCK = (crash_points.AFTER_MARKING, crash_points.AFTER_HAND_OUT)
BY_THE_WORKER = [point for point in EXPORT_POINTS if point not in (crash_points.AFTER_OUTBOX_COMMIT, *BY_THE_CLOCK)]
# One new attempt takes a lease, a sweep and the start of a worker on a busy machine.
SLACK = timedelta(seconds=5)


def test_a_worker_killed_in_the_middle_of_an_upload_costs_one_attempt_and_no_half_file(
    scene: Scene, sshd: SshServer
) -> None:
    with in_background(chaos_proxy(sshd.port, Habit(STALL, after=300_000))) as proxy:
        scene.add_job(connection={"port": proxy.port})
        (execution_id,) = scene.owe(customer_snapshot={"lastName": "L" * 1_000_000})
        scene.hub.start_worker()
        scene.hub.start_clock()
        scene.hub.supervise()
        wait_until(lambda: any(path.stat().st_size > 0 for path in scene.folder.glob(".*")), what="half a file")
        assert scene.execution(execution_id).status == JOB_STARTED
        proxy.habit = Habit()
        killed_at = datetime.now(UTC)
        scene.hub.crash("worker-1")
        scene.wait_until_all_ended()
    (execution,) = scene.executions()
    (given_up,) = [event for event in execution.events if event.to_status == JOB_PENDING and event.attempt]
    settings = scene.hub.settings
    assert given_up.at - killed_at < timedelta(seconds=settings.lease_seconds + settings.sweep_seconds) + SLACK
    assert execution.attempts == 2
    assert scene.observer.temporary, "the half file was there"
    scene.assert_each_delivered_once()


@pytest.mark.parametrize("point", [*BY_THE_CLOCK, *BY_THE_WORKER])
def test_after_a_crash_at_any_point_everything_is_as_without_a_crash(scene: Scene, point: str, tmp_path: Path) -> None:
    arms = {"CRASH_POINT": point, "CRASH_FILE": str(tmp_path / "crashed")}
    # The long name holds the time of the first attempt: another name would be another delivery.
    scene.add_job(file_name_format="STANDARD")
    scene.owe(3)
    scene.hub.start_worker(environment=arms)
    scene.hub.start_clock(environment=arms)
    scene.hub.supervise()
    wait_until((tmp_path / "crashed").exists, what=f"the crash {point}")
    scene.wait_until_all_ended()
    crashed = "clock-1" if point in BY_THE_CLOCK else "worker-1"
    wait_until(lambda: scene.hub.endings, what="the supervisor's notice")
    # Where the machine is slow a worker also ends itself as it should.
    deaths = [ending for ending in scene.hub.endings if ending[1] != LEASE_LOST]
    assert deaths == [(crashed, -SIGKILL)], "nothing else died, and nothing died again"
    assert {execution.attempts for execution in scene.executions()} <= {1, 2}
    scene.assert_each_delivered_once()


def test_a_web_process_that_dies_after_the_commit_owes_the_files_all_the_same(scene: Scene, tmp_path: Path) -> None:
    scene.add_job()
    with scene.hub.sessions.begin() as session:
        references = [make_order(session).reference for _ in range(3)]
    arms = {"CRASH_POINT": crash_points.AFTER_OUTBOX_COMMIT, "CRASH_FILE": str(tmp_path / "crashed")}
    scene.hub.start_worker()
    scene.hub.start_clock()
    scene.hub.start_web(arms)
    scene.hub.wait_for_web()
    with scene.hub.api as api:
        for reference in references:
            change = {"status": ACCEPTED}
            try:
                answer = api.patch(f"/v1/orders/{reference}", json=change)
            except httpx.TransportError:
                assert (tmp_path / "crashed").exists()
                with scene.hub.sessions() as session:
                    order = session.scalars(select(Order).where(Order.reference == reference)).one()
                    assert order.status == ACCEPTED, "committed before the crash"
                scene.hub.wait_for_web()
                answer = api.patch(f"/v1/orders/{reference}", json=change)
            assert answer.status_code == 200, answer.text
    assert (tmp_path / "crashed").exists()
    scene.wait_until_all_ended()
    assert len(scene.executions()) == 3
    scene.assert_each_delivered_once()


def test_a_worker_that_dies_for_good_is_replaced_by_the_other(scene: Scene, hold: Callable[[str], Hold]) -> None:
    scene.add_job()
    half_way = hold(crash_points.MID_UPLOAD)
    scene.hub.start_worker("worker-1", half_way.arms)
    scene.hub.start_clock()
    scene.owe(5)
    half_way.wait()
    scene.hub.start_worker("worker-2")
    wait_until(lambda: scene.count(JOB_STARTED) == 5, what="one worker holding everything")
    scene.hub.kill("worker-1")
    scene.wait_until_all_ended()
    for execution in scene.executions():
        first, second = starts(execution)
        assert first.worker != second.worker
        assert (execution.status, execution.worker) == (SUCCESS, second.worker)
    scene.assert_each_delivered_once()


def test_a_frozen_worker_that_wakes_after_its_lease_sends_nothing_more(
    scene: Scene, hold: Callable[[str], Hold]
) -> None:
    scene.add_job()
    before_the_rename = hold(crash_points.BEFORE_RENAME)
    scene.hub.start_worker("worker-1", before_the_rename.arms)
    scene.hub.start_clock()
    (execution_id,) = scene.owe()
    before_the_rename.wait()
    frozen = scene.hub.processes["worker-1"]
    with scene.hub.sessions.begin() as session:
        # SQLite has one writer at a time: whoever is frozen while writing keeps all others from it for as long.
        session.execute(update(Execution).where(Execution.id == 0).values(attempts=0))
        scene.hub.freeze("worker-1")
    scene.hub.start_worker("worker-2")
    scene.wait_until_all_ended()
    delivered = {path: path.stat().st_mtime_ns for path in scene.folder.iterdir()}
    before_the_rename.release()
    scene.hub.signal("worker-1", SIGCONT)
    # Whichever of its threads wakes first finds its lease to be another's and stops the attempt, or too old to go on.
    log = scene.hub.folder / "worker-1.log"
    gave_up = "the attempt ends without effect"
    wait_until(lambda: frozen.exitcode is not None or gave_up in log.read_text(), what="the worker giving up")
    assert frozen.exitcode != 0
    execution = scene.execution(execution_id)
    assert (execution.status, execution.attempts) == (SUCCESS, 2)
    assert {path: path.stat().st_mtime_ns for path in scene.folder.iterdir()} == delivered
    scene.assert_each_delivered_once()
