"""Scripts: clients that send a token, the header and no cookie."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.test import TestResponse

from datahub.access import tokens, users
from datahub.models.export_job import ExportJob
from datahub.vault import Vault
from tests.factories import add_connection, make_job


class Script(FlaskClient):
    """Sends `token` and the header unless a call gives others; None leaves a header out."""

    token = ""

    def open(self, *args: Any, headers: dict[str, str | None] | None = None, **kwargs: Any) -> TestResponse:
        wanted = {"Authorization": f"Bearer {self.token}", "dj-client": "OPERATOR"} | (headers or {})
        given = {name: value for name, value in wanted.items() if value is not None}
        return super().open(*args, headers=given, **kwargs)


@pytest.fixture
def script_of(app: APIFlask, sessions: sessionmaker[Session]) -> Callable[[str], Script]:
    def script_of(role: str) -> Script:
        with sessions.begin() as session:
            user = users.create(session, name=role.lower(), password="correct horse battery", role=role)
            _, text = tokens.create(session, user=user, name="test")
        script = Script(app, app.response_class, use_cookies=False)
        script.token = text
        return script

    return script_of


@pytest.fixture
def script(script_of: Callable[[str], Script]) -> Script:
    return script_of("OPERATOR")


@pytest.fixture
def job(sessions: sessionmaker[Session], vault: Vault) -> ExportJob:
    """Committed, over a connection to nobody."""
    with sessions.begin() as session:
        job = make_job(session, add_connection(session, vault))
        assert job.connection.active
    return job


def assert_error(response: TestResponse, status: int, *fields: str) -> dict[str, Any]:
    """The one body that every error has."""
    assert (response.status_code, response.mimetype) == (status, "application/json"), response.text
    body: dict[str, Any] = response.json
    assert {"error", "code", "message"} <= set(body)
    assert all(body[name] for name in ("error", "code", "message"))
    assert set(body.get("fields", {})) == set(fields), body
    return body
