"""Several clocks, several workers, several people at the same moment."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import pytest

from datahub.models.execution import SUCCESS
from datahub.models.order import Order
from tests.chaos.scene import ACCEPTED, SHIPPED, Scene, starts
from tests.factories import make_order

pytestmark = pytest.mark.chaos

DRAFT, BLOCKED = "DRAFT_ORDER", "BLOCKED_BY_POLICY"


def test_two_clocks_and_two_workers_start_each_of_500_due_exports_once(scene: Scene) -> None:
    scene.hub.settings = dataclasses.replace(scene.hub.settings, sweep_seconds=0.05)
    for export_format in ("XML", "JSON"):
        scene.add_job(export_format=export_format)
    scene.owe(250)
    for name in ("clock-1", "clock-2"):
        scene.hub.start_clock(name)
    for name in ("worker-1", "worker-2"):
        scene.hub.start_worker(name)
    scene.wait_until_all_ended(120)
    executions = scene.executions()
    assert [len(starts(execution)) for execution in executions] == [1] * 500
    assert len({execution.worker for execution in executions}) == 2, "both worked"
    assert all(process.exitcode is None for process in scene.hub.processes.values())
    for name in scene.hub.processes:
        log = (scene.hub.folder / f"{name}.log").read_text().lower()
        assert "deadlock" not in log
        assert "sweep failed" not in log
    scene.assert_each_delivered_once()


def test_an_order_that_goes_to_and_fro_is_exported_once_for_each_status(scene: Scene) -> None:
    scene.add_job(trigger_statuses=[DRAFT, BLOCKED])
    with scene.hub.sessions.begin() as session:
        reference = make_order(session, status="CREATING").reference
    scene.hub.start()
    fired = []
    with scene.hub.api as api:
        for status in (DRAFT, BLOCKED, DRAFT, BLOCKED, DRAFT):
            answer = api.patch(f"/v1/orders/{reference}", json={"status": status})
            assert answer.status_code == 200, answer.text
            fired.append(len(answer.json()["exports"]))
            scene.wait_until_all_ended()
    assert fired == [1, 1, 0, 0, 0]
    assert [execution.trigger_status for execution in scene.executions()] == [DRAFT, BLOCKED]
    scene.observer.finish()
    (name,) = scene.names()
    contents = scene.observer.contents[name]
    assert [status for content in contents for status in (DRAFT, BLOCKED) if status.encode() in content] == [
        DRAFT,
        BLOCKED,
    ]
    assert scene.observer.deliveries == {name: 2}, "the later one took the place of the earlier"


def test_requests_that_reach_a_status_together_owe_one_export(scene: Scene) -> None:
    scene.add_job(trigger_statuses=[ACCEPTED, SHIPPED])
    with scene.hub.sessions.begin() as session:
        references = [make_order(session).reference for _ in range(4)]
    scene.hub.start()
    with scene.hub.api as api, ThreadPoolExecutor(8) as people:

        def accept(reference: str) -> tuple[int, int]:
            answer = api.patch(f"/v1/orders/{reference}", json={"status": ACCEPTED})
            return answer.status_code, len(answer.json()["exports"])

        answers = list(people.map(accept, [reference for reference in references for _ in range(4)]))
    assert sorted(answers) == [(200, 0)] * 12 + [(200, 1)] * 4
    scene.wait_until_all_ended()
    assert sorted(execution.entity_reference for execution in scene.executions()) == sorted(references)
    scene.assert_each_delivered_once()


def test_an_edit_of_an_order_changes_no_file_that_is_owed_and_owes_no_other(scene: Scene) -> None:
    scene.add_job()
    (execution_id,) = scene.owe(customer_snapshot={"lastName": "as it was"})
    rename_customer(scene, "as it became")
    scene.hub.start()
    scene.wait_for(execution_id, SUCCESS)
    rename_customer(scene, "as it ended")
    with scene.hub.api as api:
        reference = scene.execution(execution_id).entity_reference
        assert api.patch(f"/v1/orders/{reference}", json={"status": ACCEPTED}).json()["exports"] == []
    (name,) = scene.names()
    content = (scene.folder / name).read_text()
    assert "as it was" in content
    assert "became" not in content
    assert len(scene.executions()) == 1
    scene.assert_each_delivered_once()


def rename_customer(scene: Scene, last_name: str) -> None:
    with scene.hub.sessions.begin() as session:
        (execution,) = scene.executions()
        order = session.get_one(Order, execution.order_id)
        order.customer_snapshot = order.customer_snapshot | {"lastName": last_name}
