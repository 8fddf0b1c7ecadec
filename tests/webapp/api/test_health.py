"""The health answer, for monitors that do not sign in."""

from __future__ import annotations

import dataclasses

import pytest
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.models.heartbeat import CLOCK, WORKER, Heartbeat
from datahub.settings import Settings
from tests.conftest import make_settings
from tests.servers import free_port
from tests.webapp.conftest import ParsingClient
from webapp import create_app

PARTS = ("database", "redis", "worker", "clock", "sweeps")


def test_a_hub_that_beats_is_well(client: ParsingClient, sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        now = database_now(session)
        session.add_all(Heartbeat(name=role, role=role, seen_at=now, swept_at=now) for role in (WORKER, CLOCK))
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json["ok"]) == (200, True)
    assert all(answer.json[part]["ok"] for part in PARTS)


def test_a_part_that_is_away_is_named(client: ParsingClient) -> None:
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert {"error", "code", "message"} <= set(answer.json)
    assert [part for part in PARTS if not answer.json[part]["ok"]] == ["worker", "clock", "sweeps"]


@pytest.mark.parametrize("path", ["/healthz", "/v1/orders"])
def test_a_database_away_is_told_as_json(settings: Settings, path: str) -> None:
    url = f"postgresql+psycopg://hub@127.0.0.1:{free_port()}/hub"
    away = create_app(dataclasses.replace(make_settings(), database_url=url, redis_url=settings.redis_url))
    headers = {"Authorization": "Bearer dh_x", "dj-client": "OPERATOR"}
    answer = away.test_client().get(path, headers=headers)
    assert (answer.status_code, answer.mimetype) == (503, "application/json")
    assert answer.json["error"] == "Service Unavailable"
