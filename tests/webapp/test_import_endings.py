"""What the page of an import says that was skipped or stopped, and what it is asked before it is stopped."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session, sessionmaker

from datahub.jobs import executions, import_executions
from datahub.models.execution import JOB_INITIALIZING, JOB_SKIPPED, MANUAL, SUCCESS, UPLOAD, Event, Execution
from datahub.models.import_job import ImportJob
from datahub.models.import_run import ImportRun
from datahub.vault import Vault
from tests.factories import add_connection, add_import_execution, add_import_job, make_job
from tests.webapp.conftest import ParsingClient, parse
from tests.webapp.dashboard.test_routes import add_execution

SignIn = Callable[[str], ParsingClient]
Sessions = sessionmaker[Session]


@pytest.fixture
def job(sessions: Sessions, vault: Vault) -> ImportJob:
    with sessions.begin() as session:
        return add_import_job(session, add_connection(session, vault), name="Offers from ERP")


def page_of(execution: Execution) -> str:
    return f"/executions/{execution.public_id}"


def triggered(sessions: Sessions, job: ImportJob, origin: str = MANUAL) -> Execution:
    with sessions.begin() as session:
        return import_executions.trigger(session, session.get_one(ImportJob, job.id), origin=origin, actor="ada")


def notice_of(page: str) -> str:
    (notice,) = (it for it in parse(page).iterfind(".//section[@aria-label='State']//div[@class='notice-text']"))
    return " ".join("".join(notice.itertext()).split())


def titles_of_cards(page: str) -> list[str | None]:
    return [heading.get("id") for heading in parse(page).iterfind(".//section/h2")]


def test_a_skipped_import_says_what_was_in_the_way_and_what_comes_next(
    sign_in: SignIn, sessions: Sessions, job: ImportJob
) -> None:
    running, skipped = triggered(sessions, job), triggered(sessions, job)
    assert (running.status, skipped.status) == (JOB_INITIALIZING, JOB_SKIPPED)
    client = sign_in("OPERATOR")
    page = client.get(page_of(skipped)).text
    because = "Nothing was read, because another execution of this job was under way."
    assert notice_of(page) == f"{because} No schedule runs the job: run it again by hand."
    assert f'<a href="{page_of(running)}">' in page and "notice-danger" not in page
    assert titles_of_cards(page) == ["events", "support"]
    with sessions.begin() as session:
        executions.stop(session, session.get_one(Execution, running.id), actor="ada")
        scheduled = session.get_one(ImportJob, job.id)
        scheduled.cron, scheduled.schedule_enabled = "0 * * * *", True
    later = triggered(sessions, job)
    assert notice_of(client.get(page_of(skipped)).text).startswith(f"{because} The schedule runs the job next in ")
    again = triggered(sessions, job, UPLOAD)
    told = notice_of(client.get(page_of(again)).text)
    assert told == f"{because} The file was not kept: give it again."
    assert f'<a href="{page_of(later)}">' in client.get(page_of(again)).text
    with sessions.begin() as session:
        session.get_one(ImportRun, again.id).upload_name = "mine.csv"
    assert "The file mine.csv was not kept" in notice_of(client.get(page_of(again)).text)


def test_an_import_stopped_before_it_began_says_so_without_empty_cards(
    sign_in: SignIn, sessions: Sessions, job: ImportJob
) -> None:
    execution = triggered(sessions, job)
    with sessions.begin() as session:
        executions.stop(session, session.get_one(Execution, execution.id), actor="grace")
    page = sign_in("OPERATOR").get(page_of(execution)).text
    assert notice_of(page).startswith("Stopped by grace before it began: nothing was read or written.")
    assert titles_of_cards(page) == ["events", "support"]


@pytest.mark.parametrize(
    ("rows", "rows_done", "asked", "told"),
    [
        (8000, 0, "nothing of it is written.", "Stopped before it began to write: nothing of it is written."),
        (
            8000,
            5000,
            "the 5\u202f000 of 8\u202f000 rows that are done stay as they are, no further ones are written.",
            "Stopped while it wrote: 5\u202f000 of 8\u202f000 rows are done and stay, "
            "the other 3\u202f000 are left out.",
        ),
        (
            8000,
            8000,
            "All 8\u202f000 rows are done already and stay: only its end is left.",
            "Stopped after its last row: all 8\u202f000 rows are done and stay as they are.",
        ),
        (
            1,
            1,
            "Its only row is done already and stays: only its end is left.",
            "Stopped after its only row: it is done and stays as it is.",
        ),
    ],
)
def test_a_stop_says_before_and_after_what_is_written(
    sign_in: SignIn, sessions: Sessions, job: ImportJob, rows: int, rows_done: int, asked: str, told: str
) -> None:
    with sessions.begin() as session:
        run = {"rows": rows, "rows_done": rows_done}
        execution = add_import_execution(session, session.merge(job), status="INTEGRATION_STARTED", run=run)
    client = sign_in("OPERATOR")
    page = parse(client.get(page_of(execution)).text)
    (question,) = page.iterfind(".//input[@name='question']")
    (refusal,) = page.iterfind(".//input[@name='question_no']")
    assert question.get("value", "").endswith(asked) and refusal.get("value") == "Keep it running"
    said = {"question": question.get("value"), "question_no": refusal.get("value")}
    assert ">Keep it running</a>" in client.post(f"{page_of(execution)}/stop", data=said).text
    assert client.post(f"{page_of(execution)}/stop").status_code == 303
    assert notice_of(client.get(page_of(execution)).text) == " ".join(told.split())


def test_title_and_heading_of_an_execution_name_its_job(
    sign_in: SignIn, sessions: Sessions, job: ImportJob, vault: Vault
) -> None:
    with sessions.begin() as session:
        imported = add_import_execution(session, session.merge(job))
        exports = make_job(session, add_connection(session, vault, name="Other"))
        exported = add_execution(session, exports, status=SUCCESS)
    client = sign_in("VIEWER")
    of_order = f"Export of {exported.entity_reference}"
    for execution, words, address in (
        (imported, "Offers from ERP · Offer import", f"/imports/{job.public_id}"),
        (exported, f"{of_order} · {exports.name}", f"/export-jobs/{exports.public_id}"),
    ):
        page = parse(client.get(page_of(execution)).text)
        assert page.findtext(".//title") == f"{words} · Data Hub"
        (heading,) = page.iterfind(".//h1")
        assert " ".join("".join(heading.itertext()).split()) == words
        assert [link.get("href") for link in heading.iter("a")] == [address]


def test_a_failure_is_said_once(sign_in: SignIn, sessions: Sessions, job: ImportJob) -> None:
    why = "There is no file in/offers.csv on the server."
    with sessions.begin() as session:
        execution = add_import_execution(session, session.merge(job), status="JOB_FAILED", error=why)
        execution.events.append(
            Event(at=execution.created_at, to_status="JOB_FAILED", actor="system", attempt=1, reason=why)
        )
    page = sign_in("VIEWER").get(page_of(execution)).text.partition('id="support"')[0]
    assert page.count(why) == 1 and "as said above" in page
