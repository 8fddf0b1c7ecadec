"""The pages of executions: list, one with its story, the file that was sent, stop, retry, resend."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from apiflask import APIFlask
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.jobs import execution_list, executions, export_claims, export_jobs, lifecycle, orders
from datahub.jobs.lifecycle import Failure
from datahub.models.execution import Execution, Payload
from datahub.models.export_job import ExportJob
from datahub.settings import Settings
from datahub.vault import Vault
from tests import factories
from tests.statements import noted_statements
from tests.webapp.conftest import ParsingClient, drawn
from webapp.database import db

SignIn = Callable[[str], ParsingClient]
Owe = Callable[[], Execution]
TEXT = "<order>\n  <name>café & <b>bold</b></name>\n</order>"


@pytest.fixture
def owe(sessions: sessionmaker[Session], vault: Vault) -> Owe:
    """owe(): one more order reached the trigger status of the one job; its execution, committed."""

    def owe() -> Execution:
        with sessions.begin() as session:
            if session.scalar(select(ExportJob.id)) is None:
                factories.make_job(session, factories.add_connection(session, vault), trigger_statuses=["SHIPPED"])
            order = factories.make_order(session)
            return orders.change_status(session, order, "SHIPPED", actor="ada")[0]

    return owe


def attempt(
    sessions: sessionmaker[Session], settings: Settings, execution: Execution, *, error: str = "", final: bool = True
) -> None:
    """One attempt that delivers, or fails with `error`."""
    with sessions.begin() as session:
        row = session.get_one(Execution, execution.id)
        claim = export_claims.claim(session, row.id, attempt=row.attempts + 1, worker="worker-7", settings=settings)
        assert claim
        if row.payload is None:
            content = TEXT.encode()
            payload = Payload(execution_id=row.id, file_name="ORDER_1.xml", content=content, size=len(content))
            payload.sha256, payload.created_at = hashlib.sha256(content).hexdigest(), database_now(session)
            session.add(payload)
        if error:
            lifecycle.fail(session, claim, Failure(error, final=final), settings)
        else:
            lifecycle.succeed(session, claim, reason="delivered")


def status_of(sessions: sessionmaker[Session], execution: Execution) -> str:
    with sessions() as session:
        return session.get_one(Execution, execution.id).status


def engine_of(app: APIFlask) -> Engine:
    with app.app_context():
        return db.engine


def test_a_list_with_nothing_in_it_says_how_executions_come_about(sign_in: SignIn) -> None:
    assert "the first time it reaches one of the job" in sign_in("VIEWER").get("/executions").text


def test_the_list_finds_by_part_of_the_id_and_by_status(
    sign_in: SignIn, owe: Owe, sessions: sessionmaker[Session], settings: Settings
) -> None:
    delivered, waiting = owe(), owe()
    attempt(sessions, settings, delivered)
    client = sign_in("VIEWER")
    by_id = client.get("/executions", query_string={"search": waiting.public_id[4:13].upper()}).text
    assert waiting.public_id in by_id
    assert delivered.public_id not in by_id
    by_status = client.get("/executions?statuses=SUCCESS&statuses=NO_SUCH").text
    assert delivered.public_id in by_status
    assert waiting.public_id not in by_status
    assert "No execution fits" in client.get("/executions?search=<b>%25").text


def test_htmx_gets_the_list_alone_and_an_address_to_keep(sign_in: SignIn, owe: Owe) -> None:
    execution = owe()
    answer = sign_in("VIEWER").get("/executions?search=&statuses=JOB_PENDING", htmx=True)
    assert answer.text.lstrip().startswith('<div id="list">')
    assert execution.public_id in answer.text
    assert answer.headers["HX-Push-Url"] == "/executions?statuses=JOB_PENDING"
    assert "HX-Request" in answer.vary


def test_the_list_goes_on_page_by_page(sign_in: SignIn, owe: Owe) -> None:
    ids = [owe().public_id for _ in range(22)]
    client = sign_in("VIEWER")
    first = client.get("/executions").text
    assert [public_id for public_id in ids if f'id="execution-{public_id}"' in first] == ids[2:]
    older = first.partition('href="/executions?before=')[2].partition('"')[0]
    second = client.get(f"/executions?before={older}").text
    assert [public_id for public_id in ids if f'id="execution-{public_id}"' in second] == ids[:2]


def test_the_list_costs_the_same_few_statements_however_long(sign_in: SignIn, app: APIFlask, owe: Owe) -> None:
    client = sign_in("OPERATOR")
    owe()
    with noted_statements(engine_of(app)) as few:
        client.get("/executions")
    for _ in range(5):
        owe()
    with noted_statements(engine_of(app)) as many:
        client.get("/executions")
    assert len(many) == len(few)
    assert sum("FROM executions" in statement for statement, _ in many) == 1


def test_a_row_looks_again_until_the_execution_has_ended(
    sign_in: SignIn, owe: Owe, sessions: sessionmaker[Session], settings: Settings
) -> None:
    execution = owe()
    client = sign_in("VIEWER")
    address = f"/executions/{execution.public_id}/row"
    assert f'hx-get="{address}" hx-trigger="every 2s"' in drawn(client.get(address, htmx=True).text)
    attempt(sessions, settings, execution, error="no route", final=False)
    for wait, pace in ((timedelta(minutes=15), 15), (timedelta(seconds=-1), 2)):
        with sessions.begin() as session:
            session.get_one(Execution, execution.id).next_attempt_at = database_now(session) + wait
        assert f'hx-trigger="every {pace}s"' in client.get(address).text
    attempt(sessions, settings, execution)
    ended = client.get(address).text
    assert "hx-trigger" not in ended
    assert "Delivered" in ended


def test_a_missing_execution_is_a_404(sign_in: SignIn) -> None:
    client = sign_in("OPERATOR")
    for path in ("", "/row", "/progress", "/actions", "/outcome", "/payload"):
        assert client.get(f"/executions/nope{path}").status_code == 404
    assert client.post("/executions/nope/stop").status_code == 404


def test_the_page_tells_what_happened_and_why(
    sign_in: SignIn, owe: Owe, sessions: sessionmaker[Session], settings: Settings
) -> None:
    execution = owe()
    attempt(sessions, settings, execution, error="The folder <out> does not exist.")
    page = sign_in("VIEWER").get(f"/executions/{execution.public_id}").text
    for words in (
        "Failed",
        "<code",
        "ERROR",
        "set by ada",
        "worker-7",
        "The folder &lt;out&gt; does not exist.",
    ):
        assert words in page
    assert "café &amp; &lt;b&gt;bold" in page
    assert f"1 of {settings.max_attempts}" in page
    assert f"Job: {execution.job_public_id} {execution.job_name}" in page


def test_the_page_refreshes_its_buttons_only_when_it_moved(sign_in: SignIn, owe: Owe) -> None:
    address = f"/executions/{owe().public_id}/progress"
    client = sign_in("VIEWER")
    assert "HX-Trigger-After-Swap" not in client.get(f"{address}?seen=JOB_PENDING-0", htmx=True).headers
    moved = client.get(f"{address}?seen=JOB_STARTED-1", htmx=True)
    assert moved.headers["HX-Trigger-After-Swap"] == "execution-moved"


def test_a_doubtful_delivery_is_marked(sign_in: SignIn, owe: Owe, sessions: sessionmaker[Session]) -> None:
    execution = owe()
    with sessions.begin() as session:
        session.get_one(Execution, execution.id).may_have_arrived_twice = True
    assert "May have arrived twice" in sign_in("VIEWER").get(f"/executions/{execution.public_id}").text


def test_what_waits_says_for_what(sign_in: SignIn, owe: Owe, sessions: sessionmaker[Session]) -> None:
    execution = owe()
    address = f"/executions/{execution.public_id}"
    client = sign_in("VIEWER")
    assert "waits for a free worker" in client.get(address).text
    with sessions.begin() as session:
        connection = session.get_one(Execution, execution.id).export_job.connection
        connection.paused_until = database_now(session) + timedelta(minutes=1)
    assert "could not be reached a moment ago" in client.get(address).text
    with sessions.begin() as session:
        session.get_one(Execution, execution.id).export_job.connection.active = False
    assert "is disabled. Activate it" in client.get(address).text


def test_the_file_comes_down_with_its_exact_bytes(
    sign_in: SignIn, owe: Owe, sessions: sessionmaker[Session], settings: Settings
) -> None:
    execution = owe()
    client = sign_in("VIEWER")
    address = f"/executions/{execution.public_id}/payload"
    assert client.get(address).status_code == 404
    attempt(sessions, settings, execution)
    answer = client.get(address)
    assert answer.data == TEXT.encode()
    assert answer.mimetype == "application/xml"
    assert answer.headers["Content-Disposition"] == "attachment; filename=ORDER_1.xml"


def test_a_stop_is_for_good_and_a_second_one_is_refused_in_words(
    sign_in: SignIn, owe: Owe, sessions: sessionmaker[Session]
) -> None:
    execution = owe()
    client = sign_in("OPERATOR")
    address = f"/executions/{execution.public_id}"
    assert client.post(f"{address}/stop").location == address
    assert status_of(sessions, execution) == "JOB_STOPPED"
    again = client.post(f"{address}/stop")
    assert again.status_code == 409
    assert "has already ended as JOB_STOPPED" in again.text
    assert "has already ended" in client.post(f"{address}/stop", htmx=True).text


def test_a_stop_in_a_list_answers_with_the_row(sign_in: SignIn, owe: Owe, sessions: sessionmaker[Session]) -> None:
    execution = owe()
    answer = sign_in("OPERATOR").post(f"/executions/{execution.public_id}/stop", htmx=True)
    assert answer.text.lstrip().startswith(f'<tr id="execution-{execution.public_id}"')
    assert "Stopped" in answer.text
    assert status_of(sessions, execution) == "JOB_STOPPED"


def test_retry_and_resend_lead_to_the_new_execution(
    sign_in: SignIn, owe: Owe, sessions: sessionmaker[Session], settings: Settings
) -> None:
    failed, delivered = owe(), owe()
    attempt(sessions, settings, failed, error="no space left")
    attempt(sessions, settings, delivered)
    client = sign_in("OPERATOR")
    for execution, verb in ((failed, "retry"), (delivered, "resend")):
        address = f"/executions/{execution.public_id}"
        assert f"{address}/{verb}" in client.get(address).text
        answer = client.post(f"{address}/{verb}")
        assert answer.status_code == 303
        with sessions() as session:
            successor = session.scalars(select(Execution).where(Execution.predecessor_id == execution.id)).one()
        assert answer.location == f"/executions/{successor.public_id}"
        assert f'href="{address}"' in client.get(answer.location).text
        assert f"{address}/{verb}" not in client.get(address).text
        refused = client.post(f"{address}/{verb}")
        assert refused.status_code == 409
        assert "already has a successor under way" in refused.text


@pytest.mark.parametrize(("error", "verb"), [("no space left", "retry"), ("", "resend")])
def test_older_news_goes_after_newer_only_once_the_question_named_it(
    sign_in: SignIn, owe: Owe, sessions: sessionmaker[Session], settings: Settings, error: str, verb: str
) -> None:
    older = owe()
    with sessions.begin() as session:
        session.scalars(select(ExportJob)).one().trigger_statuses = ["SHIPPED", "COMPLETED"]
    attempt(sessions, settings, older, error=error)
    client, address = sign_in("OPERATOR"), f"/executions/{older.public_id}"
    assert "older news" not in client.get(address).text
    with sessions.begin() as session:
        (newer,) = orders.change_status(session, session.get_one(Execution, older.id).order, "COMPLETED", actor="ada")
    refused = client.post(f"{address}/{verb}")
    assert refused.status_code == 409
    assert f"COMPLETED, is under way (execution {newer.public_id})" in refused.text
    attempt(sessions, settings, newer)
    page = client.get(address).text
    with sessions() as session:
        at = session.get_one(Execution, newer.id).ended_at
    assert f"A later state of it, Completed, was delivered at {at:%Y-%m-%d %H:%M:%S} UTC." in page
    assert "The partner gets Shipped after it" in page
    assert f'action="{address}/{verb}?over={newer.public_id}"' in page
    assert client.post(f"{address}/{verb}?over={newer.public_id}").status_code == 303


def test_history_outlives_its_job(sign_in: SignIn, owe: Owe, sessions: sessionmaker[Session]) -> None:
    execution = owe()
    with sessions.begin() as session:
        job = session.get_one(Execution, execution.id).export_job
        executions.stop_all_of_job(session, job, actor="ada")
        export_jobs.delete(session, job, actor="ada")
    client = sign_in("OPERATOR")
    for address in ("/executions", f"/executions/{execution.public_id}"):
        page = client.get(address).text
        assert execution.job_name in page
        assert "deleted" in page
    assert "/retry" not in client.get(f"/executions/{execution.public_id}").text
    assert client.post(f"/executions/{execution.public_id}/retry").status_code == 409


def test_a_viewer_sees_no_button_and_may_press_none(sign_in: SignIn, owe: Owe, sessions: sessionmaker[Session]) -> None:
    execution = owe()
    client = sign_in("VIEWER")
    address = f"/executions/{execution.public_id}"
    assert "/stop" not in client.get("/executions").text + client.get(address).text
    for verb in ("stop", "retry", "resend"):
        assert client.post(f"{address}/{verb}").status_code == 403
    assert status_of(sessions, execution) == "JOB_PENDING"


def test_the_address_holds_every_filter_and_neighbour_pages_keep_them(sign_in: SignIn, owe: Owe) -> None:
    owed = [owe() for _ in range(22)]
    ids, today = [it.public_id for it in owed], owed[0].created_at.date().isoformat()
    client = sign_in("VIEWER")
    filters = f"statuses=JOB_PENDING&trigger=status&from={today}&sort=oldest&kind=EXPORT"
    page = client.get(f"/executions?{filters}")
    assert [public_id for public_id in ids if f'id="execution-{public_id}"' in page.text] == ids[:20]
    for held in ('value="JOB_PENDING" checked', 'value="status" selected', f'name="from" value="{today}"'):
        assert held in page.text
    following = re.findall(r'href="(/executions\?[^"]*after=[^"]*)"', page.text)[0].replace("&amp;", "&")
    assert all(part in following for part in ("statuses=JOB_PENDING", "trigger=status", f"from={today}", "sort=oldest"))
    second = client.get(following, htmx=True)
    assert [public_id for public_id in ids if f'id="execution-{public_id}"' in second.text] == ids[20:]
    assert second.headers["HX-Push-Url"] == following
    assert "before=" in second.text


@pytest.mark.parametrize(
    "address",
    [
        "?from=2026-02-30&to=x&trigger=moon&kind=BOTH&sort=up&statuses=LOST&before=x&after=y",
        "?kind=EXPORT&trigger=status&from=0001-01-01&to=9999-12-31",
        "?before=&after=&search=",
        "?search=ORD",
    ],
)
def test_what_a_filter_does_not_understand_is_passed_over(sign_in: SignIn, owe: Owe, address: str) -> None:
    execution = owe()
    reference = execution.entity_reference[:3]
    page = sign_in("VIEWER").get("/executions" + address.replace("ORD", reference))
    assert page.status_code == 200
    assert execution.public_id in page.text


@pytest.mark.parametrize(
    "address",
    ["?kind=IMPORT", "?trigger=schedule", "?to=2020-01-01", "?search=%25", "?search=_", "?search=%5C"],
)
def test_where_nothing_fits_the_filters_can_be_cleared(sign_in: SignIn, owe: Owe, address: str) -> None:
    owe()
    answer = sign_in("VIEWER").get(f"/executions{address}", htmx=True).text
    assert "No execution fits" in answer
    assert '<a class="btn" href="/executions">Clear filters</a>' in answer


def test_the_list_of_one_job_names_it_and_leads_back_to_all(sign_in: SignIn, owe: Owe) -> None:
    execution = owe()
    client = sign_in("VIEWER")
    page = client.get(f"/executions?job={execution.job_public_id}").text
    assert execution.public_id in page
    assert f"Of the job {execution.job_name}" in page
    assert '<a href="/executions">Any job</a>' in page
    assert "No execution fits" in client.get("/executions?job=nobody").text


def test_a_row_that_no_longer_fits_its_filter_stays_until_the_page_is_loaded_again(
    sign_in: SignIn, owe: Owe, sessions: sessionmaker[Session], settings: Settings
) -> None:
    execution = owe()
    client = sign_in("OPERATOR")
    row = f'id="execution-{execution.public_id}" hx-get="/executions/{execution.public_id}/row"'
    listed = drawn(client.get("/executions?statuses=JOB_PENDING").text)
    assert row in listed
    assert f'data-copy="{execution.public_id}"' in listed
    assert 'name="question" value="Stop the export' in listed
    attempt(sessions, settings, execution)
    assert "Delivered" in client.get(f"/executions/{execution.public_id}/row", htmx=True).text
    assert "No execution fits" in client.get("/executions?statuses=JOB_PENDING").text


def test_a_search_that_looked_through_a_part_says_so_and_goes_on(
    sign_in: SignIn, owe: Owe, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(4):
        owe()
    monkeypatch.setattr(execution_list, "WINDOW", 2)
    page = sign_in("VIEWER").get("/executions?search=-").text
    assert "Looked through executions back to" in page
    assert "before=" in page
