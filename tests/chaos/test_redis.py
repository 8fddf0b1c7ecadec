"""Redis loses messages, everything, or itself; it costs time, never work."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from signal import SIGCONT, SIGSTOP

import httpx
import pytest
import redis
from sqlalchemy import select, update

from datahub import crash_points
from datahub.db import database_now
from datahub.jobs import dispatch, orders
from datahub.models.execution import JOB_PENDING, JOB_STARTED, SUCCESS, Execution
from datahub.models.order import Order
from tests.chaos.scene import ACCEPTED, SHIPPED, Hold, Scene, starts
from tests.factories import add_connection, make_job, make_order, make_supplier
from tests.journeys.hub import PASSWORD
from tests.servers import Server, start_redis, wait_until

pytestmark = pytest.mark.chaos


def test_redis_emptied_with_work_queued_running_and_waiting_loses_and_doubles_nothing(
    scene: Scene, hold: Callable[[str], Hold]
) -> None:
    settings = dataclasses.replace(scene.hub.settings, in_flight=2, retry_seconds=900.0)
    scene.hub.settings = settings
    scene.add_job(trigger_statuses=[SHIPPED], connection={"port": 1})
    half_way = hold(crash_points.MID_UPLOAD)
    scene.hub.start_worker("worker-1", half_way.arms)
    scene.hub.start_clock()
    scene.hub.supervise()
    waiting = scene.owe(10, status=SHIPPED)
    wait_until(lambda: sum(len(starts(row)) for row in scene.executions()) == 10, what="ten first attempts")
    wait_until(lambda: scene.count(JOB_PENDING) == 10, what="ten waiting for their retry")
    scene.redirect(port=scene.sshd.port)
    owe_to_many_jobs(scene, jobs=11, orders_each=5)
    half_way.wait()
    queue = dispatch.make_queue(settings.redis_url)
    wait_until(lambda: len(queue) >= 50 and scene.count(JOB_STARTED) == 2, what="fifty messages in Redis, two at work")
    assert {execution.attempts for execution in scene.executions(waiting)} == {1}, "their retry is still to come"
    queue.connection.flushall()
    half_way.release()
    scene.hub.start_worker("worker-2")
    with scene.hub.sessions.begin() as session:
        come = {"next_attempt_at": database_now(session)}
        session.execute(update(Execution).where(Execution.id.in_(waiting)).values(come))
    scene.wait_until_all_ended()
    assert len(scene.executions()) == 10 + 55
    scene.assert_each_delivered_once()


@pytest.mark.parametrize("away", ["dead", "silent"])
def test_an_order_moves_and_a_job_is_run_while_redis_is_away_and_the_work_starts_when_it_is_back(
    scene: Scene, own_redis: Server, away: str
) -> None:
    with scene.hub.sessions.begin() as session:
        never_exported = make_order(session, status=ACCEPTED).reference
        moving = make_order(session).reference
    job_id = scene.add_job()
    scene.hub.start()
    scene.hub.supervise()
    with httpx.Client(base_url=scene.hub.url, timeout=30) as page, scene.hub.api as api:
        if away == "dead":
            own_redis.stop(kill=True)
        else:
            own_redis.process.send_signal(SIGSTOP)
        sign_in(page)
        answered(api.patch(f"/v1/orders/{moving}", json={"status": ACCEPTED}), 200)
        run_page = answered(page.get(f"/export-jobs/{job_id}/run"), 200)
        form = {"csrf_token": csrf_token(run_page)}
        answered(page.post(f"/export-jobs/{job_id}/run", data=form), 303)
    with scene.hub.sessions() as session:
        statuses = session.execute(select(Order.reference, Order.status)).all()
    assert {tuple(row) for row in statuses} == {(never_exported, ACCEPTED), (moving, ACCEPTED)}
    owed = {(row.entity_reference, row.origin, row.status, row.attempts) for row in scene.executions()}
    assert owed == {(moving, "TRIGGER", JOB_PENDING, 0), (never_exported, "RUN", JOB_PENDING, 0)}
    if away == "dead":
        own_redis.process = start_redis(own_redis.folder, own_redis.port).process
    else:
        own_redis.process.send_signal(SIGCONT)
    scene.wait_until_all_ended()
    scene.assert_each_delivered_once()


def test_redis_gone_between_rename_and_success_and_back_empty_delivers_nothing_twice(
    scene: Scene, own_redis: Server, hold: Callable[[str], Hold]
) -> None:
    scene.add_job()
    renamed = hold(crash_points.AFTER_RENAME)
    scene.hub.start_worker("worker-1", renamed.arms)
    scene.hub.start_clock()
    scene.hub.supervise()
    (execution_id,) = scene.owe()
    renamed.wait()
    own_redis.stop(kill=True)
    renamed.release()
    scene.wait_for(execution_id, SUCCESS)
    own_redis.process = start_redis(own_redis.folder, own_redis.port).process
    (later,) = scene.owe()
    scene.wait_for(later, SUCCESS)
    assert [execution.attempts for execution in scene.executions()] == [1, 1]
    scene.assert_each_delivered_once()


def test_a_message_taken_from_the_queue_and_lost_is_handed_out_again(scene: Scene) -> None:
    scene.add_job()
    (execution_id,) = scene.owe()
    scene.hub.start_clock()
    queue = dispatch.make_queue(scene.hub.settings.redis_url)
    wait_until(lambda: len(queue) == 1, what="the message")
    handed_out = scene.execution(execution_id).handed_out_at
    assert handed_out is not None
    with queue.connection as client:
        lose_all_messages(client)
        wait_until(lambda: len(queue) == 1, what="the message once more")
    again = scene.execution(execution_id)
    assert again.handed_out_at is not None
    assert (again.handed_out_at - handed_out).total_seconds() >= scene.hub.settings.hand_out_again_seconds
    scene.hub.start_worker()
    scene.wait_for(execution_id, SUCCESS)
    assert scene.execution(execution_id).attempts == 1
    scene.assert_each_delivered_once()


def owe_to_many_jobs(scene: Scene, *, jobs: int, orders_each: int) -> None:
    """Each job takes the orders of its own supplier, all over one connection: a job gets few messages at a time."""
    with scene.hub.sessions.begin() as session:
        connection = add_connection(session, scene.vault, scene.sshd)
        for number in range(jobs):
            supplier = make_supplier(session, f"SUP-OF-JOB-{number}")
            make_job(session, connection, suppliers=[supplier])
            for _ in range(orders_each):
                orders.change_status(session, make_order(session, supplier=supplier), ACCEPTED, actor="ada")


def lose_all_messages(client: redis.Redis) -> None:
    for key in client.scan_iter("rq:*"):
        client.delete(key)


def sign_in(page: httpx.Client) -> None:
    token = csrf_token(answered(page.get("/sign-in"), 200))
    form = {"csrf_token": token, "name": "admin", "password": PASSWORD}
    answered(page.post("/sign-in", data=form), 303)
    answered(page.get("/"), 200)


def csrf_token(response: httpx.Response) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', response.text)
    assert found, response.text
    return found[1]


def answered(response: httpx.Response, status: int) -> httpx.Response:
    assert response.status_code == status, response.text
    return response
