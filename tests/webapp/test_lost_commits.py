"""The database goes away at a commit of a request: what is told of the change is never more than is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from apiflask import APIFlask
from flask import flash
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from datahub.jobs import dispatch, executions
from datahub.models.access import ApiToken
from datahub.models.execution import JOB_PENDING, Execution
from datahub.models.export_job import ExportJob
from datahub.models.order import Order
from datahub.models.setting import GeneralSettings
from datahub.settings import Settings
from tests.factories import make_order
from tests.lossy_engine import LossyEngine
from tests.webapp.api.conftest import Script, assert_error, job, script, script_of
from tests.webapp.conftest import ParsingClient
from webapp.database import db
from webapp.permissions import PUBLIC, permission

__all__ = ["job", "script", "script_of"]
Sessions = sessionmaker[Session]
ACCEPTED = "ACCEPTED_BY_SUPPLIER"


@pytest.fixture
def app(start_app: Callable[[Settings], APIFlask], settings: Settings) -> APIFlask:
    """One of its own: its engine loses connections, and tests give it routes."""
    return start_app(settings)


@pytest.fixture
def lossy(app: APIFlask) -> Iterator[LossyEngine]:
    with app.app_context():
        yield LossyEngine(db.engine)


def count(sessions: Sessions, *which: Any) -> int:
    with sessions() as session:
        return session.scalar(select(func.count(Execution.id)).where(*which)) or 0


def add_order(sessions: Sessions, **changes: Any) -> str:
    with sessions.begin() as session:
        return make_order(session, **changes).reference


def move(script: Script, reference: str) -> Any:
    return script.patch(f"/v1/orders/{reference}", json={"status": ACCEPTED})


def status_of(sessions: Sessions, reference: str) -> str:
    with sessions() as session:
        return session.scalars(select(Order.status).where(Order.reference == reference)).one()


@pytest.mark.parametrize("is_done", [True, False])
def test_a_script_whose_commit_gets_no_answer_is_told_to_look(
    script: Script, sessions: Sessions, job: ExportJob, lossy: LossyEngine, is_done: bool
) -> None:
    reference = add_order(sessions)
    lossy.lose(1, is_done=is_done)
    told = assert_error(move(script, reference), 503)
    assert told["code"] == "outcome_unknown"
    assert "Nothing was changed" not in told["message"] and "Look whether it was" in told["message"]
    assert (status_of(sessions, reference) == ACCEPTED) is is_done


# Two commits of the hand-out, and the note that the token is in use.
@pytest.mark.parametrize("place", [2, 3, 4])
@pytest.mark.parametrize("is_done", [True, False])
def test_whatever_is_lost_after_the_commit_of_a_change_its_answer_stays(
    script: Script, sessions: Sessions, job: ExportJob, lossy: LossyEngine, place: int, is_done: bool
) -> None:
    reference = add_order(sessions)
    lossy.lose(place, is_done=is_done)
    assert move(script, reference).status_code == 200
    assert lossy.commits >= place
    assert status_of(sessions, reference) == ACCEPTED
    assert count(sessions, Execution.status == JOB_PENDING) == 1, "the clock goes on with it"


def test_a_fault_of_ours_in_the_hand_out_is_no_answer_to_the_change(
    script: Script,
    sessions: Sessions,
    job: ExportJob,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(session: Session, *_: object) -> None:
        session.get_one(GeneralSettings, 1).multi_store = True
        session.flush()
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(dispatch, "hand_out", fail)
    reference = add_order(sessions)
    assert move(script, reference).status_code == 200
    assert status_of(sessions, reference) == ACCEPTED
    assert "due work was left to the clock" in caplog.text
    with sessions() as session:
        assert session.get_one(GeneralSettings, 1).multi_store is False
        assert session.scalars(select(ApiToken.last_used_at)).one(), "no lock was in the way"


def test_a_page_says_so_too_and_does_not_say_later_that_it_was_done(
    app: APIFlask, client: ParsingClient, lossy: LossyEngine
) -> None:
    @permission(PUBLIC)
    def view() -> str:
        db.session.get_one(GeneralSettings, 1).multi_store = True
        flash("It is changed.", "success")
        return ""

    app.add_url_rule("/change", "change", view, methods=["POST"])
    lossy.lose(1)
    page, later = client.post("/change"), client.get("/sign-in")
    assert page.status_code == 503 and "Look whether it was" in page.text
    assert "Try again in a moment" not in page.text
    assert "It is changed" not in page.text + later.text


@pytest.fixture
def three_owed(sessions: Sessions, job: ExportJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chunk for each order."""
    monkeypatch.setattr(executions, "RUN_CHUNK", 1)
    for _ in range(3):
        add_order(sessions, status=ACCEPTED)


@pytest.mark.parametrize("is_done", [True, False])
@pytest.mark.parametrize(
    ("place", "known"),
    [
        (1, "Whether any order is on the way is not known."),
        (2, "1 order is on the way for certain; of the others it is not known."),
        (4, "3 orders are on the way for certain"),
    ],
)
def test_a_run_of_a_job_that_is_cut_off_says_what_is_known_and_can_be_repeated(
    script: Script,
    sessions: Sessions,
    job: ExportJob,
    three_owed: None,
    lossy: LossyEngine,
    place: int,
    known: str,
    is_done: bool,
) -> None:
    lossy.lose(place, is_done=is_done)
    told = assert_error(script.post(f"/v1/mapper/jobout/{job.public_id}/run"), 503)
    assert told["code"] == "outcome_unknown" and known in told["message"]
    done = min(place if is_done else place - 1, 3)
    assert count(sessions) == done
    assert script.post(f"/v1/mapper/jobout/{job.public_id}/run").json == {"count": 3 - done}


@pytest.mark.parametrize("chunk", [1, 2])
def test_a_run_that_is_cut_off_between_its_commits_says_what_is_done(
    script: Script, sessions: Sessions, job: ExportJob, three_owed: None, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    lock, chunks = executions._lock_never_exported, []

    def go_away(*given: Any, **named: Any) -> list[int]:
        chunks.append(given)
        if len(chunks) == chunk:
            raise OperationalError("select", {}, Exception("away"))
        return lock(*given, **named)

    monkeypatch.setattr(executions, "_lock_never_exported", go_away)
    told = assert_error(script.post(f"/v1/mapper/jobout/{job.public_id}/run"), 503)
    said = "Nothing was changed" if chunk == 1 else "1 order is on the way for certain"
    assert said in told["message"] and count(sessions) == chunk - 1
