"""One order that the partner's server cannot stand: it ends as a failure, all others arrive soon."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from datahub.jobs import orders
from datahub.models.execution import ERROR, SUCCESS
from tests.background import in_background
from tests.chaos.scene import ACCEPTED, SHIPPED, Scene, ends
from tests.factories import make_order
from tests.partner import PASSWORD, USERNAME, Partner, partner_server
from tests.servers import wait_until

pytestmark = pytest.mark.chaos

POISON = "Mr Poison"


@pytest.fixture(params=[False, True], ids=["drops every connection", "never answers"])
def partner(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Partner]:
    server = partner_server(tmp_path / "partner", poison=POISON.encode(), chokes=request.param)
    with in_background(server) as partner:
        yield partner


def test_an_order_that_breaks_the_connection_fails_alone_and_the_others_lose_one_attempt_at_most(
    scene: Scene, partner: Partner
) -> None:
    scene.hub.settings = dataclasses.replace(scene.hub.settings, max_attempts=4, step_seconds=3.0)
    secrets = {"username": USERNAME, "password": PASSWORD, "private_key": None, "host_key": partner.host_key}
    scene.add_job(connection={"port": partner.port, **secrets}, output_folder=".", trigger_statuses=[ACCEPTED, SHIPPED])
    with scene.hub.sessions.begin() as session:
        snapshots = [{"lastName": POISON if number == 7 else "Harmless"} for number in range(40)]
        fired = [
            orders.change_status(session, make_order(session, customer_snapshot=snapshot), ACCEPTED, actor="ada")
            for snapshot in snapshots
        ]
        ids = [execution.id for executions in fired for execution in executions]
    poisoned = ids.pop(7)
    scene.hub.start_worker()
    scene.hub.start_clock()
    wait_until(lambda: all(row.status == SUCCESS for row in scene.executions(ids)), 60, what="the harmless ones")
    lost = [[event.reason for event in ends(row)] for row in scene.executions(ids) if row.attempts > 2]
    assert lost == []
    (later,) = scene.owe(status=SHIPPED)
    scene.wait_for(later, SUCCESS)
    scene.wait_for(poisoned, ERROR)
    assert scene.execution(poisoned).attempts == 4
    visible = {path.name: path.read_bytes() for path in partner.files.glob("[!.]*")}
    assert len(visible) == len(ids) + 1
    assert all(content.rstrip().endswith(b"</Order>") for content in visible.values())
