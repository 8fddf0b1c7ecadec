"""The health answer, for monitors that do not sign in."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.jobs import orders
from datahub.models.execution import JOB_INITIALIZING, JOB_PENDING
from datahub.models.heartbeat import CLOCK, EXPORTER, Heartbeat
from datahub.settings import Settings
from datahub.vault import Vault
from tests.factories import add_connection, add_import_execution, add_import_job, make_job, make_order
from tests.servers import free_port
from tests.settings import make_settings
from tests.webapp.conftest import ParsingClient
from webapp import create_app

PARTS = ("database", "redis", "worker", "importer", "clock", "sweeps")


def test_a_hub_that_beats_is_well(client: ParsingClient, sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        now = database_now(session)
        session.add_all(Heartbeat(name=role, role=role, seen_at=now, swept_at=now) for role in (EXPORTER, CLOCK))
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json["ok"]) == (200, True)
    assert all(answer.json[part]["ok"] for part in PARTS)


def test_a_part_that_is_away_is_named(client: ParsingClient) -> None:
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert {"error", "code", "message"} <= set(answer.json)
    assert [part for part in PARTS if not answer.json[part]["ok"]] == ["worker", "clock", "sweeps"]


def test_a_missing_worker_of_imports_is_named_once_there_is_an_import_job(
    client: ParsingClient, sessions: sessionmaker[Session], vault: Vault
) -> None:
    with sessions.begin() as session:
        now = database_now(session)
        session.add_all(Heartbeat(name=role, role=role, seen_at=now, swept_at=now) for role in (EXPORTER, CLOCK))
        add_import_job(session, add_connection(session, vault))
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json["message"]) == (503, "Not well: importer.")
    assert "python -m worker imports" in answer.json["importer"]["advice"]


@pytest.mark.parametrize("path", ["/healthz", "/v1/orders"])
def test_a_database_away_is_told_as_json(settings: Settings, path: str) -> None:
    url = f"postgresql+psycopg://hub@127.0.0.1:{free_port()}/hub"
    away = create_app(dataclasses.replace(make_settings(), database_url=url, redis_url=settings.redis_url))
    headers = {"Authorization": "Bearer dh_x", "dj-client": "OPERATOR"}
    answer = away.test_client().get(path, headers=headers)
    assert (answer.status_code, answer.mimetype) == (503, "application/json")
    assert answer.json["error"] == "Service Unavailable"


def figures_of(answer: Any) -> dict[str, float]:
    """As a monitor reads them: the name with its labels, and the value."""
    return {
        sample.name + "".join(f" {value}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_metrics_are_read_by_a_monitor_without_signing_in(
    client: ParsingClient, sessions: sessionmaker[Session], vault: Vault
) -> None:
    with sessions.begin() as session:
        connection = add_connection(session, vault, name="Secret partner")
        make_job(session, connection, name="Secret job")
        importing = add_import_job(session, connection)
        for status in (JOB_INITIALIZING, JOB_PENDING):
            add_import_execution(session, importing, status=status, next_attempt_at=database_now(session))
        orders.change_status(session, make_order(session), "ACCEPTED_BY_SUPPLIER", actor="ada")
    answer = client.get("/metrics")
    assert (answer.status_code, answer.mimetype) == (200, "text/plain")
    found = figures_of(answer)
    assert (found["datahub_database_up"], found["datahub_redis_up"], found["datahub_processes EXPORTER"]) == (1, 1, 0)
    assert (found["datahub_executions_waiting export"], found["datahub_executions_waiting import"]) == (1, 2)
    assert (found["datahub_executions_due export"], found["datahub_executions_due import"]) == (1, 1)
    recent = [f"datahub_executions_recent {kind} JOB_PENDING" for kind in ("export", "import")]
    assert [found[name] for name in recent] == [1, 1]
    assert all(name.startswith("datahub_") for name in found)
    assert "Secret" not in answer.text, "names from outside are no labels"


def test_metrics_tell_that_database_and_redis_are_away() -> None:
    url = f"postgresql+psycopg://hub@127.0.0.1:{free_port()}/hub"
    away = create_app(make_settings(database_url=url, redis_url=f"redis://127.0.0.1:{free_port()}/0"))
    found = figures_of(away.test_client().get("/metrics"))
    assert found == {"datahub_database_up": 0, "datahub_redis_up": 0}
