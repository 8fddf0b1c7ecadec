"""Servers that refuse, servers that are not who they were, and orders with names made to do harm."""

from __future__ import annotations

import dataclasses
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from sqlalchemy import select

from datahub.db import Base
from datahub.errors import InvalidError
from datahub.jobs import executions, orders
from datahub.models.execution import ERROR, SUCCESS, Execution
from datahub.models.order import Order
from tests.background import in_background
from tests.chaos.proxy import chaos_proxy
from tests.chaos.scene import ACCEPTED, SHIPPED, Scene, starts
from tests.orders import add_parties, small_body
from tests.partner import PASSWORD, USERNAME, partner_server
from tests.servers import SshServer, start_sshd

pytestmark = pytest.mark.chaos

WAITING_SHIPMENT = "WAITING_SHIPMENT"
WRONG = "wrong 4711 password"
HOSTILE = [
    "../../etc/passwd",
    "a/b",
    "a_b",
    ".",
    "..",
    "",
    "x" * 300,
    "line\nbreak",
    "nul\0byte",
    "-rf",
    "~root",
    "a\\b",
]


@pytest.fixture
def forbidding_sshd() -> Iterator[SshServer]:
    """Its sessions belong to somebody who may not write in its folder."""
    if os.getuid() != 0:
        pytest.skip("only root may serve files as another user")
    with tempfile.TemporaryDirectory(prefix="datahub-test-") as folder:
        Path(folder).chmod(0o755)
        server = start_sshd(Path(folder), username="nobody")
        yield server
        server.stop(kill=True)


def test_a_missing_folder_a_missing_right_and_a_wrong_password_are_three_errors_with_one_login_an_attempt(
    scene: Scene, forbidding_sshd: SshServer, tmp_path: Path
) -> None:
    scene.hub.settings = dataclasses.replace(scene.hub.settings, max_attempts=2)
    with ExitStack() as stack:
        partner = stack.enter_context(in_background(partner_server(tmp_path / "partner")))
        targets: dict[str, tuple[int, dict[str, Any]]] = {
            ACCEPTED: (scene.sshd.port, {}),
            SHIPPED: (forbidding_sshd.port, account_at(forbidding_sshd)),
            WAITING_SHIPMENT: (partner.port, password_for(partner.host_key, WRONG)),
        }
        proxies = {}
        for status, (port, account) in targets.items():
            proxies[status] = stack.enter_context(in_background(chaos_proxy(port)))
            connection = account | {"port": proxies[status].port}
            folder = "nowhere" if status == ACCEPTED else "."
            scene.add_job(trigger_statuses=[status], connection=connection, output_folder=folder)
        ids = {status: scene.owe(status=status)[0] for status in targets}
        scene.hub.start_worker()
        scene.hub.start_clock()
        scene.wait_until_all_ended()
        assert {status: proxy.opened for status, proxy in proxies.items()} == dict.fromkeys(targets, 2)
        assert partner.passwords == [WRONG, WRONG]
    assert [(row.status, row.attempts) for row in scene.executions()] == [(ERROR, 2)] * 3
    errors = {status: scene.execution(ids[status]).error or "" for status in targets}
    assert "The folder nowhere does not exist" in errors[ACCEPTED]
    assert "no permission to write in the folder ." in errors[SHIPPED]
    assert f"refused the sign-in of {USERNAME}" in errors[WAITING_SHIPMENT]
    for text in (everything_kept(scene), everything_logged(scene)):
        assert f"refused the sign-in of {USERNAME}" in text
        for secret in (WRONG, *key_lines(scene.sshd), *key_lines(forbidding_sshd)):
            assert secret not in text


@pytest.mark.parametrize("known", ["none", "another"])
def test_a_host_key_nobody_accepted_gets_no_password_and_the_message_says_how_to_accept_it(
    scene: Scene, tmp_path: Path, known: str
) -> None:
    another = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    with in_background(partner_server(tmp_path / "partner")) as partner:
        accepted = None if known == "none" else another
        connection = password_for(partner.host_key, PASSWORD) | {"host_key": accepted, "port": partner.port}
        scene.add_job(connection=connection, output_folder=".")
        (execution_id,) = scene.owe()
        scene.hub.start_worker()
        scene.hub.start_clock()
        scene.wait_for(execution_id, ERROR)
        assert partner.passwords == []
        refused = scene.execution(execution_id)
        assert len(starts(refused)) == 1, "an error at once: trying again helps nobody"
        fingerprint = asyncssh.import_public_key(partner.host_key).get_fingerprint()
        for words in (fingerprint, "No password was sent", "accept the key on the connection's page"):
            assert words in (refused.error or "")
        scene.redirect(host_key=partner.host_key)
        with scene.hub.sessions.begin() as session:
            retried = executions.retry(session, session.get_one(Execution, execution_id), actor="ada").id
        scene.wait_for(retried, SUCCESS)
        assert partner.passwords == [PASSWORD]


@pytest.mark.parametrize("export_format", ["XML", "JSON"])
def test_hostile_references_stay_inside_the_folder_under_names_of_their_own_or_end_as_clear_errors(
    scene: Scene, export_format: str
) -> None:
    scene.add_job(trigger_statuses=["ORDER_CREATED"], export_format=export_format)
    before = tree(scene.sshd.folder)
    with scene.hub.sessions.begin() as session:
        add_parties(session)
    meant = {owe_hostile(scene, reference): reference for reference in HOSTILE}
    scene.hub.start_worker()
    scene.hub.start_clock()
    scene.wait_until_all_ended()
    found = scene.executions()
    assert len(found) == len(HOSTILE) == len(meant)
    for execution in found:
        if execution.status == ERROR:
            assert meant[execution.id] in ("", "nul\0byte"), execution.error
            assert re.search("reference|cannot", execution.error or ""), execution.error
            assert "Traceback" not in (execution.error or "")
    delivered = [execution.payload for execution in found if execution.status == SUCCESS]
    names = sorted(payload.file_name for payload in delivered if payload)
    assert len(names) == len(set(names)) >= len(HOSTILE) - 2
    assert all(re.fullmatch(rf"[A-Za-z0-9_~][A-Za-z0-9._~-]{{0,199}}\.{export_format.lower()}", name) for name in names)
    assert scene.names() == names
    assert tree(scene.sshd.folder) - before == {f"files/out/{name}" for name in names}


def owe_hostile(scene: Scene, reference: str) -> int:
    """As a new order where intake takes the reference, else written into the frozen order. Returns the execution."""
    with scene.hub.sessions.begin() as session:
        try:
            order = orders.create_order(session, small_body(reference=reference), actor="tests")
        except InvalidError as error:
            assert "reference" in error.fields
            order = orders.create_order(session, small_body(), actor="tests")
        execution = session.scalars(
            select(Execution).join(Order, Order.id == Execution.order_id).where(Order.id == order.id)
        ).one()
        assert execution.snapshot is not None
        execution.snapshot.document = execution.snapshot.document | {"reference": reference}
        return execution.id


def account_at(server: SshServer) -> dict[str, Any]:
    return {"username": server.username, "private_key": server.private_key, "host_key": server.host_key}


def password_for(host_key: str, password: str) -> dict[str, Any]:
    return {"username": USERNAME, "password": password, "private_key": None, "host_key": host_key}


def key_lines(server: SshServer) -> list[str]:
    """What only the private key holds: its lines but for the first two, which look alike in every key, and the last."""
    return server.private_key.splitlines()[2:-1]


def everything_kept(scene: Scene) -> str:
    with scene.hub.sessions() as session:
        return "\n".join(str(row) for table in Base.metadata.sorted_tables for row in session.execute(select(table)))


def everything_logged(scene: Scene) -> str:
    return "\n".join(log.read_text() for log in scene.hub.folder.glob("*.log"))


def tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}
