"""Who commits: the end of a changing request that succeeded, and nobody else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from apiflask import APIFlask
from flask import abort
from sqlalchemy.orm import Session, sessionmaker

from datahub.jobs import dispatch
from datahub.models.setting import GeneralSettings
from datahub.settings import Settings
from tests.webapp.conftest import ParsingClient
from webapp.database import db
from webapp.permissions import PUBLIC, permission


@pytest.fixture
def app(start_app: Callable[[Settings], APIFlask], settings: Settings) -> APIFlask:
    """One of its own: the tests give it routes."""
    return start_app(settings)


@pytest.mark.parametrize(
    ("method", "status", "stored"),
    [("POST", 204, True), ("POST", 303, True), ("POST", 422, False), ("POST", 409, False), ("GET", 200, False)],
)
def test_only_a_changing_request_that_succeeded_is_stored(
    app: APIFlask, client: ParsingClient, sessions: sessionmaker[Session], method: str, status: int, stored: bool
) -> None:
    @permission(PUBLIC)
    def view() -> tuple[str, int]:
        db.session.get_one(GeneralSettings, 1).multi_store = True
        db.session.flush()
        return "", status

    app.add_url_rule("/change", "change", view, methods=[method])
    client.open("/change", method=method)
    with sessions() as session:
        assert session.get_one(GeneralSettings, 1).multi_store is stored


def test_an_error_takes_back_what_was_flushed(
    app: APIFlask, client: ParsingClient, sessions: sessionmaker[Session]
) -> None:
    @permission(PUBLIC)
    def view() -> None:
        db.session.get_one(GeneralSettings, 1).multi_store = True
        db.session.flush()
        abort(409)

    app.add_url_rule("/change", "change", view, methods=["POST"])
    assert client.post("/change").status_code == 409
    with sessions() as session:
        assert session.get_one(GeneralSettings, 1).multi_store is False


@pytest.mark.parametrize("is_due", [True, False])
def test_work_is_handed_out_after_the_commit_and_only_when_some_is_due(
    app: APIFlask, client: ParsingClient, monkeypatch: pytest.MonkeyPatch, is_due: bool
) -> None:
    handed: list[bool] = []

    def hand_out(session: Session, queue: object, settings: object) -> int:
        handed.append(session.in_transaction())
        return 0

    @permission(PUBLIC)
    def view() -> str:
        if is_due:
            dispatch.note_work(db.session())
        return ""

    monkeypatch.setattr(dispatch, "hand_out", hand_out)
    app.add_url_rule("/change", "change", view, methods=["POST"])
    client.post("/change")
    assert handed == ([False] if is_due else [])
