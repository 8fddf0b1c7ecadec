"""Stop means stop, in every status, whatever a worker is doing at that moment."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import inspect

from datahub import crash_points
from datahub.errors import IllegalMoveError
from datahub.jobs import executions
from datahub.jobs.lease import LEASE_LOST
from datahub.models.execution import ERROR, JOB_PENDING, JOB_STARTED, JOB_STOPPED, SUCCESS, Execution
from tests.chaos.scene import SHIPPED, Hold, Scene, starts
from tests.servers import wait_until

pytestmark = pytest.mark.chaos

WAITING_SHIPMENT = "WAITING_SHIPMENT"
# So that a neighbour can fail for as long as a busy machine needs.
MANY = 100


def test_a_stop_is_obeyed_before_the_end_in_either_status_and_refused_after_it_in_each(
    scene: Scene, hold: Callable[[str], Hold]
) -> None:
    # One place on the connection: whatever is stopped must make room.
    scene.hub.settings = dataclasses.replace(scene.hub.settings, in_flight=1, max_attempts=MANY)
    half_way = hold(crash_points.MID_UPLOAD)
    half_way.release()
    scene.add_job()
    scene.add_job(trigger_statuses=[SHIPPED], connection={"host_key": None})
    scene.add_job(trigger_statuses=[WAITING_SHIPMENT], connection={"port": 1})
    scene.hub.start_worker("worker-1", half_way.arms)
    scene.hub.start_clock()
    scene.hub.start_web()
    (delivered,), (refused,) = scene.owe(), scene.owe(status=SHIPPED)
    (waiting,), (retried,) = scene.owe(status=WAITING_SHIPMENT), scene.owe(status=WAITING_SHIPMENT)
    scene.wait_for(delivered, SUCCESS)
    scene.wait_for(refused, ERROR)
    wait_until(lambda: scene.execution(waiting).error and scene.execution(waiting).status == JOB_PENDING)
    scene.hub.wait_for_web()
    assert stop_answers(scene, delivered) == (409, SUCCESS)
    assert stop_answers(scene, refused) == (409, ERROR)
    assert stop_answers(scene, waiting) == (204, JOB_STOPPED)
    assert stop_answers(scene, waiting) == (409, JOB_STOPPED)
    half_way.arm()
    (running,) = scene.owe()
    half_way.wait()
    assert scene.execution(running).status == JOB_STARTED
    assert stop_answers(scene, running) == (204, JOB_STOPPED)
    assert stop_answers(scene, running) == (409, JOB_STOPPED)
    half_way.release()
    (later,) = scene.owe()
    scene.wait_for(later, SUCCESS)
    let_two_retries_pass(scene, retried)
    for stopped, attempts in ((waiting, len(starts(scene.execution(waiting)))), (running, 1)):
        execution = scene.execution(stopped)
        assert (execution.status, execution.attempts) == (JOB_STOPPED, attempts)
        assert execution.events[-1].to_status == JOB_STOPPED
        assert execution.events[-1].actor == "admin"
    scene.observer.finish()
    assert set(scene.observer.contents) == {name_of(scene, delivered), name_of(scene, later)}


def test_an_upload_that_is_stopped_leaves_no_file_and_is_not_tried_again(
    scene: Scene, hold: Callable[[str], Hold]
) -> None:
    half_way = hold(crash_points.MID_UPLOAD)
    execution_id, retried = upload_and_hold(scene, half_way)
    wait_until(lambda: scene.names() != [], what="the temporary file")
    stop(scene, execution_id)
    half_way.release()
    wait_until(lambda: scene.names() == [], what="an empty folder")
    let_two_retries_pass(scene, retried)
    assert_stopped_without_trace(scene, execution_id)
    assert scene.hub.endings == []


@pytest.mark.usefixtures("brief_lease")
def test_what_a_stopped_upload_left_when_its_worker_could_not_let_go_is_swept_later(
    scene: Scene, hold: Callable[[str], Hold]
) -> None:
    execution_id, _ = upload_and_hold(scene, hold(crash_points.MID_UPLOAD))
    stop(scene, execution_id)
    wait_until(lambda: scene.hub.endings, what="the end of a worker that does not let go")
    assert scene.hub.endings == [("worker-1", LEASE_LOST)]
    (later,) = scene.owe()
    scene.wait_for(later, SUCCESS)
    wait_until(lambda: scene.names() == [name_of(scene, later)], what="nothing but the later file")
    stopped = scene.execution(execution_id)
    assert (stopped.status, stopped.attempts, stopped.events[-1].to_status) == (JOB_STOPPED, 1, JOB_STOPPED)
    assert scene.observer.temporary, "the half file that is gone now was there"


def test_a_stopped_wait_for_a_retry_is_never_delivered(scene: Scene) -> None:
    scene.hub.settings = dataclasses.replace(scene.hub.settings, max_attempts=MANY)
    scene.add_job(connection={"port": 1})
    (execution_id,), (retried,) = scene.owe(), scene.owe()
    scene.hub.start_worker()
    scene.hub.start_clock()
    wait_until(lambda: scene.execution(execution_id).error, what="the first failure")
    wait_until(lambda: scene.execution(execution_id).status == JOB_PENDING, what="waiting for the retry")
    stop(scene, execution_id)
    stopped = scene.execution(execution_id)
    let_two_retries_pass(scene, retried)
    scene.redirect(port=scene.sshd.port)
    scene.wait_for(retried, SUCCESS)
    assert row_of(scene.execution(execution_id)) == row_of(stopped)
    scene.observer.finish()
    assert list(scene.observer.contents) == scene.names() == [name_of(scene, retried)]


def test_a_stop_between_marker_and_rename_is_refused_and_the_file_arrives(
    scene: Scene, hold: Callable[[str], Hold]
) -> None:
    marked = hold(crash_points.BEFORE_RENAME)
    scene.add_job()
    (execution_id,) = scene.owe()
    scene.hub.start_worker("worker-1", marked.arms)
    scene.hub.start_clock()
    marked.wait()
    with pytest.raises(IllegalMoveError, match="being delivered"):
        stop(scene, execution_id)
    marked.release()
    scene.wait_for(execution_id, SUCCESS)
    scene.assert_each_delivered_once()


@pytest.mark.usefixtures("brief_lease")
def test_a_wait_after_a_marker_can_be_stopped_and_says_that_the_file_may_have_arrived(
    scene: Scene, hold: Callable[[str], Hold]
) -> None:
    renamed = hold(crash_points.AFTER_RENAME)
    scene.add_job()
    (execution_id,) = scene.owe()
    scene.hub.start_worker("worker-1", renamed.arms)
    scene.hub.start_clock()
    renamed.wait()
    scene.hub.kill("worker-1")
    scene.wait_for(execution_id, JOB_PENDING)
    stop(scene, execution_id)
    stopped = scene.execution(execution_id)
    assert "may have arrived" in (stopped.error or "")
    assert "may have arrived" in stopped.events[-1].reason
    scene.hub.start_worker("worker-2")
    (later,) = scene.owe()
    scene.wait_for(later, SUCCESS)
    assert row_of(scene.execution(execution_id)) == row_of(stopped)
    scene.observer.finish()
    assert scene.observer.deliveries == dict.fromkeys(scene.names(), 1), "the stopped one was not sent again"


def upload_and_hold(scene: Scene, half_way: Hold) -> tuple[int, int]:
    """Returns the execution that is held, and one that fails again and again at a dead port."""
    scene.hub.settings = dataclasses.replace(scene.hub.settings, max_attempts=MANY)
    scene.add_job()
    scene.add_job(trigger_statuses=[SHIPPED], connection={"port": 1})
    (retried,), (execution_id,) = scene.owe(status=SHIPPED), scene.owe()
    scene.hub.start_worker("worker-1", half_way.arms)
    scene.hub.start_clock()
    scene.hub.supervise()
    half_way.wait()
    assert scene.execution(execution_id).status == JOB_STARTED
    return execution_id, retried


def assert_stopped_without_trace(scene: Scene, execution_id: int) -> None:
    stopped = scene.execution(execution_id)
    assert (stopped.status, stopped.attempts, stopped.next_attempt_at) == (JOB_STOPPED, 1, None)
    assert [event.to_status for event in stopped.events] == [JOB_PENDING, JOB_STARTED, JOB_STOPPED]
    scene.observer.finish()
    assert (scene.names(), dict(scene.observer.contents)) == ([], {})


def let_two_retries_pass(scene: Scene, retried: int) -> None:
    """What would have been tried again is, by the time that a neighbour has failed twice more."""
    before = len(starts(scene.execution(retried)))
    wait_until(lambda: len(starts(scene.execution(retried))) >= before + 2, what="two more retries of a neighbour")


def stop(scene: Scene, execution_id: int) -> None:
    with scene.hub.sessions.begin() as session:
        executions.stop(session, session.get_one(Execution, execution_id), actor="ada")


def stop_answers(scene: Scene, execution_id: int) -> tuple[int, str]:
    """The answer to a script that stops it, and the status then; a refusal must leave everything as it was."""
    before = scene.execution(execution_id)
    with scene.hub.api as api:
        answer = api.post(f"/v2/jobouts/{before.job_public_id}/executions/{before.public_id}/stop")
    after = scene.execution(execution_id)
    if answer.status_code == 409:
        assert row_of(after) == row_of(before)
        assert len(after.events) == len(before.events)
    return answer.status_code, after.status


def row_of(execution: Execution) -> dict[str, Any]:
    """Without the note for the sweep of temporary files, which comes after the end."""
    names = {column.key for column in inspect(Execution).column_attrs} - {"left_behind"}
    return {name: getattr(execution, name) for name in names}


def name_of(scene: Scene, execution_id: int) -> str:
    payload = scene.execution(execution_id).payload
    assert payload is not None
    return payload.file_name
