"""Home: what needs a person comes first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.models.execution import ERROR, JOB_PENDING, SUCCESS, Execution
from datahub.models.export_job import ExportJob
from datahub.models.heartbeat import CLOCK, WORKER, Heartbeat
from datahub.vault import Vault
from tests.factories import add_connection, make_job, make_order
from tests.webapp.conftest import ParsingClient, parse

SignIn = Callable[[str], ParsingClient]
Sessions = sessionmaker[Session]


def add_execution(session: Session, job: ExportJob, **changes: Any) -> Execution:
    order, now = make_order(session), database_now(session)
    values = {
        "public_id": str(uuid4()),
        "kind": "EXPORT",
        "job_public_id": job.public_id,
        "job_name": job.name,
        "entity": "ORDER",
        "entity_reference": order.reference,
        "trigger_status": "ACCEPTED_BY_SUPPLIER",
        "origin": "TRIGGER",
        "actor": "ada",
        "created_at": now,
        "executed_at": now,
    }
    execution = Execution(export_job=job, order=order, **values | changes)
    session.add(execution)
    session.flush()
    return execution


def section(client: ParsingClient, heading: str) -> str:
    """The text of the section that the heading names; empty when it is not shown."""
    for element in parse(client.get("/").text).iter("section"):
        if element.get("aria-labelledby") == heading:
            return " ".join("".join(element.itertext()).split())
    return ""


def test_a_fresh_hub_says_how_to_begin(sign_in: SignIn) -> None:
    page = sign_in("OPERATOR").get("/").text
    assert "No export job yet" in page and "/connections/new/sftp" in page


def test_a_viewer_is_not_offered_what_it_may_not_do(sign_in: SignIn) -> None:
    assert "/connections/new/sftp" not in sign_in("VIEWER").get("/").text


def test_processes_that_are_not_alive_need_a_person(sign_in: SignIn, sessions: Sessions) -> None:
    client = sign_in("VIEWER")
    assert "python -m worker clock" in section(client, "needs-you")
    with sessions.begin() as session:
        for role in (WORKER, CLOCK):
            now = database_now(session)
            session.add(Heartbeat(name=role, role=role, seen_at=now, swept_at=now))
    assert section(client, "needs-you") == ""


def test_a_failed_export_needs_a_person_until_it_is_retried(sign_in: SignIn, sessions: Sessions, vault: Vault) -> None:
    client = sign_in("VIEWER")
    with sessions.begin() as session:
        job = make_job(session, add_connection(session, vault))
        failed = add_execution(session, job, status=ERROR, error="The folder <out> is missing.")
    shown = section(client, "needs-you")
    assert failed.entity_reference in shown and "The folder <out> is missing." in shown
    with sessions.begin() as session:
        job = session.get_one(ExportJob, job.id)
        add_execution(session, job, status=SUCCESS, predecessor_id=failed.id, origin="RETRY")
    assert failed.entity_reference not in section(client, "needs-you")


def test_exports_held_by_a_disabled_connection_need_a_person(sign_in: SignIn, sessions: Sessions, vault: Vault) -> None:
    client = sign_in("VIEWER")
    with sessions.begin() as session:
        job = make_job(session, add_connection(session, vault, name="Backup", active=False))
        due = database_now(session) + timedelta(minutes=3)
        held = add_execution(session, job, status=JOB_PENDING, next_attempt_at=due)
    assert "1 export waits: the connection Backup is disabled" in section(client, "needs-you")
    assert held.entity_reference in section(client, "under-way")


def test_the_piece_that_refreshes_itself_holds_one_root(sign_in: SignIn) -> None:
    fragment = parse(sign_in("VIEWER").get("/now", htmx=True).text)
    assert [(child.tag, child.get("id")) for child in fragment] == [("div", "now")]
