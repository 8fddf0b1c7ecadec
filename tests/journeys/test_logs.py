"""What running processes write: one line per event, however hostile names and answers are, and no secret."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy.orm import Session, sessionmaker

from datahub.jobs import orders
from datahub.models.execution import ERROR, Execution
from datahub.vault import Vault
from tests.factories import add_connection, make_job, make_order
from tests.journeys.hub import PASSWORD, Hub
from tests.partner import PASSWORD as PARTNER_PASSWORD
from tests.partner import USERNAME, Partner, partner_server
from tests.servers import REDIS_PASSWORD, wait_until
from tests.settings import ENCRYPTION_KEY

pytestmark = pytest.mark.journey
HOSTILE = '1\n{"event": "forged"}\r\x1b[2J\u2028x\x7f\u202e"\\'
CLIENT_SECRETS = ("dh-cookie", "a wrong guess 4711")


@contextmanager
def running_partner(folder: Path, **habits: Any) -> Iterator[Partner]:
    """In an event loop on its own thread, for tests of whole processes."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def do(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(30)

    server = partner_server(folder, **habits)
    try:
        yield do(server.__aenter__())
    finally:
        do(server.__aexit__(None, None, None))
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def owe(sessions: sessionmaker[Session], vault: Vault, partner: Partner) -> list[Execution]:
    """An export that the partner refuses and one that cannot be rendered; hostile words wherever they fit."""
    with sessions.begin() as session:
        connection = add_connection(
            session,
            vault,
            port=partner.port,
            username=USERNAME,
            password=PARTNER_PASSWORD,
            host_key=partner.host_key,
            name="ERP " + HOSTILE,
        )
        make_job(session, connection, name="Job " + HOSTILE)
        owed = [make_order(session), make_order(session, reference=HOSTILE)]
        return [
            execution
            for order in owed
            for execution in orders.change_status(session, order, "ACCEPTED_BY_SUPPLIER", actor="ada " + HOSTILE)
        ]


def visit(hub: Hub, execution: Execution) -> list[str]:
    """Asks the web for odd things, with every kind of secret; returns those."""
    with hub.api as api:
        assert api.get(f"/v2/jobouts/{execution.job_public_id}/executions/{execution.public_id}").status_code == 200
        assert api.get(f"/v1/orders/{quote(HOSTILE, safe='')}?token={hub.token}").status_code < 500
        assert api.get(f"/v1/orders/{hub.token}").status_code == 404
        assert api.get("/v2/executions", params={"search": HOSTILE}).status_code == 200
        assert api.get("/healthz").status_code == 200
    with httpx.Client(base_url=hub.url, follow_redirects=True) as browser:
        page = browser.get("/sign-in")
        token = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)[0]
        form = {"csrf_token": token, "name": HOSTILE, "password": CLIENT_SECRETS[1]}
        assert browser.post("/sign-in", data=form, headers={"Referer": hub.url}).status_code >= 400
        form |= {"name": "admin", "password": PASSWORD}
        assert "Home" in browser.post("/sign-in", data=form, headers={"Referer": hub.url}).text
        assert browser.get(f"/executions/{execution.public_id}").status_code == 200
        assert browser.get("/nothing%0aforged%1b").status_code == 404
        assert browser.get("/", headers={"User-Agent": "odd \x1b[31m"}).status_code == 400
        cookies = [value for _, value in browser.cookies.items()]
    return [hub.token, token, PASSWORD, CLIENT_SECRETS[1], *cookies]


def read_events(path: Path) -> list[dict[str, Any]]:
    text = path.read_bytes().decode("ascii")
    assert text.endswith("\n")
    lines = text[:-1].split("\n")
    assert [line for line in lines if not line.isprintable()] == []
    return [json.loads(line) for line in lines]


def test_a_hostile_world_gets_one_line_per_event_and_no_secret(
    hub: Hub, sessions: sessionmaker[Session], vault: Vault, tmp_path: Path
) -> None:
    with running_partner(tmp_path / "partner", complaint=f"No. {HOSTILE}") as partner:
        execution, hostile = owe(sessions, vault, partner)

        def are_tried() -> bool:
            with sessions() as session:
                refused = session.get_one(Execution, execution.id)
                return refused.attempts >= 3 and session.get_one(Execution, hostile.id).status == ERROR

        wait_until(are_tried, what="two attempts")
        given = visit(hub, execution)
    hub.stop()
    worker, web, clock = (read_events(hub.folder / f"{name}.log") for name in ("worker-1", "web", "clock-1"))
    assert all({"timestamp", "level", "logger", "event"} <= set(event) for event in worker + web + clock)

    failed = [event for event in worker if event["event"] == "attempt failed"]
    tries = {(event["execution"], event["attempt"]) for event in failed}
    assert {(execution.public_id, 1), (execution.public_id, 2), (hostile.public_id, 1)} <= tries
    # Later ones may have met a partner that was gone already.
    assert ["forged" in event["error"] for event in failed if event["execution"] == execution.public_id][:2] == [
        True
    ] * 2
    assert [event for event in worker if event["logger"].startswith("rq")] == []

    asked = [event for event in web if event["event"] == "request"]
    about = [event for event in asked if event.get("execution") == execution.public_id]
    assert {event["path"].split("/")[1] for event in about} == {"v2", "executions"}
    assert all({"method", "path", "status", "ms", "client"} <= set(event) for event in asked)
    assert not [event for event in asked if "?" in event["path"]]
    healthy = [event for event in asked if event["path"] == "/healthz" and event["status"] == 200]
    assert healthy == [], "asked too often to be told"
    assert "/nothing%0aforged%1b" in [event["path"] for event in asked]

    secrets = [*given, hub.settings.secret_key, ENCRYPTION_KEY, REDIS_PASSWORD, PARTNER_PASSWORD]
    written = "\n".join(path.read_text() for path in hub.folder.glob("*.log"))
    assert len(secrets) > 8 and [secret for secret in secrets if secret in written] == []
