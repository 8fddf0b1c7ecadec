"""The pages of import jobs: list with health, page with history, run, upload, duplicate, switch, delete."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from apiflask import APIFlask
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.jobs import executions
from datahub.models.connection import Connection
from datahub.models.execution import (
    INTEGRATION_DONE,
    INTEGRATION_DONE_WITH_ERRORS,
    INTEGRATION_STARTED,
    INTEGRATION_WAITING,
    JOB_FAILED,
    JOB_INITIALIZING,
    JOB_PENDING,
    JOB_SKIPPED,
    JOB_STOPPED,
    MANUAL,
    UPLOAD,
    Execution,
)
from datahub.models.import_job import RUN_IMMEDIATELY, ImportJob, Tick
from datahub.models.import_run import UploadChunk
from datahub.settings import Settings
from datahub.vault import Vault
from tests.factories import add_connection, add_import_execution, add_import_job
from tests.statements import noted_statements
from tests.webapp.conftest import ParsingClient, parse
from tests.webapp.test_executions import engine_of
from tests.webapp.test_export_jobs import HOST_KEY, main_of

SignIn = Callable[[str], ParsingClient]
Sessions = sessionmaker[Session]
Add = Callable[..., ImportJob]
EVERY_MINUTE = {"cron": "* * * * *", "schedule_enabled": True}


@pytest.fixture
def connection(sessions: Sessions, vault: Vault) -> Connection:
    with sessions.begin() as session:
        return add_connection(session, vault, name="PIM", host_key=HOST_KEY)


@pytest.fixture
def add(sessions: Sessions, connection: Connection) -> Add:
    """add(JOB_FAILED, name=…): a committed job with an execution in each status, the last one the newest."""

    def add(*statuses: str, **fields: Any) -> ImportJob:
        with sessions.begin() as session:
            job = add_import_job(session, session.get_one(Connection, connection.id), **fields)
            for number, status in enumerate(statuses):
                at = job.created_at - timedelta(minutes=len(statuses) - number)
                add_import_execution(session, job, status=status, created_at=at, executed_at=at)
        return job

    return add


def page_of(job: ImportJob, action: str = "") -> str:
    return f"/imports/{job.public_id}{action}"


def executions_of(sessions: Sessions) -> list[Execution]:
    with sessions() as session:
        return list(session.scalars(select(Execution).order_by(Execution.id)))


def definition(page: str, term: str) -> str:
    """What the page says beside `term`, without markup."""
    for pair in parse(page).iterfind(".//dl/div"):
        if "".join(pair[0].itertext()) == term:
            return " ".join("".join(pair[1].itertext()).split())
    raise AssertionError(f"no {term}")


def test_without_a_connection_the_list_says_make_one_first(sign_in: SignIn) -> None:
    page = main_of(sign_in("OPERATOR").get("/imports").text)
    assert "Make a connection first" in page and "/connections/new/sftp" in page


def test_an_empty_list_says_what_a_job_is_for(sign_in: SignIn, connection: Connection) -> None:
    assert "No import job yet" in main_of(sign_in("OPERATOR").get("/imports").text)


def test_a_row_shows_health_results_source_schedule_and_usual_duration(sign_in: SignIn, add: Add) -> None:
    job = add(INTEGRATION_DONE, JOB_FAILED, name="Offers of Huber", **EVERY_MINUTE)
    page = main_of(sign_in("VIEWER").get("/imports").text)
    told = ("Offers of Huber", "Needs you", "failed to read", "PIM", "in/<wbr>offers.csv", "Every minute", "next")
    for words in told:
        assert words in page, words
    assert page.count('class="tick tick-') == 2
    assert page.index("tick-good") < page.index("tick-bad"), "the newest on the right"
    assert page_of(job) in page and page_of(job, "/run") not in page


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("/imports?search=HUBER", ["Offers of Huber"]),
        ("/imports?entity=SUPPLIER", ["Suppliers"]),
        ("/imports?state=NEEDS_YOU", ["Suppliers"]),
        ("/imports?state=NEVER_RUN", ["Offers of Huber"]),
        ("/imports?search=Suppliers&state=HEALTHY", []),
        ("/imports?entity=x&state=x", ["Offers of Huber", "Suppliers"]),
        ("/imports?connection=gone", []),
        ("/imports", ["Offers of Huber", "Suppliers"]),
    ],
)
def test_the_list_is_filtered_by_what_the_address_says(
    sign_in: SignIn, add: Add, address: str, found: list[str]
) -> None:
    add(name="Offers of Huber")
    add(JOB_FAILED, name="Suppliers", entity="SUPPLIER")
    client = sign_in("VIEWER")
    page = client.get(address).text
    assert [link.text for link in parse(page).iterfind(".//a[@class='name']")] == found
    assert ("No job fits" in page) is not bool(found)
    fragment = client.get(address, htmx=True)
    assert fragment.text.lstrip().startswith('<div id="jobs">')
    assert fragment.headers["HX-Push-Url"].partition("?")[0] == "/imports"


def test_the_list_needs_no_more_statements_for_more_jobs(app: APIFlask, sign_in: SignIn, add: Add) -> None:
    client = sign_in("VIEWER")
    add(INTEGRATION_DONE, JOB_FAILED, JOB_PENDING, **EVERY_MINUTE)
    for address in ("/imports", "/now"):
        with noted_statements(engine_of(app)) as few:
            client.get(address)
        for _ in range(4):
            add(INTEGRATION_DONE, JOB_FAILED, JOB_PENDING, **EVERY_MINUTE)
        with noted_statements(engine_of(app)) as many:
            client.get(address)
        assert len(many) == len(few) <= 40, address


def test_the_page_shows_the_configuration_in_words(sign_in: SignIn, add: Add) -> None:
    job = add(
        INTEGRATION_DONE,
        cron="30 3 * * *",
        schedule_enabled=True,
        simultaneous_execution=RUN_IMMEDIATELY,
        import_full_mode=True,
        store_external_ids=["north", "south"],
        mapping=[{"field": "price", "source": "Preis <netto>"}],
        transcoding=[{"field": "stockInactive", "from": "J", "to": "TRUE"}],
    )
    page = sign_in("VIEWER").get(page_of(job)).text
    assert definition(page, "Reads") == "PIM in/offers.csv"
    assert definition(page, "Columns") == "1 mapped 1 value transcoded"
    assert definition(page, "While one still runs") == "Queue it RUN_IMMEDIATELY"
    assert definition(page, "Full mode").startswith("On")
    assert definition(page, "Stores") == "north, south without effect: it imports for every store"
    assert definition(page, "Next runs (UTC)").count("03:30:00") == 5
    assert "Every day at 03:30 UTC" in page and "Preis &lt;netto&gt;" in page


def test_the_page_of_a_bulk_job_says_where_its_files_go(sign_in: SignIn, add: Add) -> None:
    job = add(bulk=True, file_path=None, inbound_directory="in/new", outbound_directory="in/done")
    client = sign_in("VIEWER")
    page = client.get(page_of(job)).text
    assert definition(page, "Reads") == "PIM every *.csv file in in/new moved to in/done once read"
    assert definition(page, "Columns") == "By name"
    assert "<dt>Stores</dt>" not in page
    assert "in/new/*.csv" in client.get("/imports").text.replace("<wbr>", "")


def test_the_last_ticks_lead_to_what_came_of_them(sign_in: SignIn, add: Add, sessions: Sessions) -> None:
    job = add(JOB_SKIPPED, INTEGRATION_DONE, **EVERY_MINUTE)
    made = executions_of(sessions)
    with sessions.begin() as session:
        for minute, execution in enumerate((None, *made)):
            at = datetime(2026, 3, 1, 3, minute, tzinfo=UTC)
            session.add(Tick(import_job_id=job.id, at=at, execution_id=execution and execution.id))
    client = sign_in("VIEWER")
    page = client.get(page_of(job)).text
    assert definition(page, "Last due (UTC)") == (
        "2026-03-01 03:02:00 Done 2026-03-01 03:01:00 Skipped 2026-03-01 03:00:00 missed: the hub was not running"
    )
    due = page.partition("Last due (UTC)")[2].partition("</dl>")[0]
    assert re.findall('href="/executions/([^"]+)"', due) == [it.public_id for it in reversed(made)]
    assert "Last due" not in client.get(page_of(add(**EVERY_MINUTE))).text


def test_rejected_rows_are_told_until_a_newer_run_has_read_something(
    sign_in: SignIn, add: Add, sessions: Sessions
) -> None:
    job = add(INTEGRATION_DONE_WITH_ERRORS, INTEGRATION_DONE, JOB_SKIPPED)
    with sessions.begin() as session:
        rejecting, empty, _ = session.scalars(select(Execution).order_by(Execution.id))
        rejecting.import_run.rows, rejecting.import_run.rejected, empty.import_run.rows = 100, 40, 0
    client = sign_in("VIEWER")
    assert "40 rows rejected last time" in definition(client.get(page_of(job)).text, "Health")
    with sessions.begin() as session:
        session.get_one(Execution, empty.id).import_run.rows = 100
    assert definition(client.get(page_of(job)).text, "Health") == "Healthy"


def test_a_job_that_never_ran_says_how_to_run_it(sign_in: SignIn, add: Add) -> None:
    page = sign_in("OPERATOR").get(page_of(add())).text
    assert "Never run" in page and "Run now reads the file on the server at once" in page
    assert "Its schedule runs it by itself" in sign_in("VIEWER").get(page_of(add(**EVERY_MINUTE))).text


def test_the_history_has_its_search_statuses_and_page_in_the_address(sign_in: SignIn, add: Add) -> None:
    job = add(*[INTEGRATION_DONE] * 21, JOB_FAILED)
    client = sign_in("VIEWER")
    page = client.get(page_of(job)).text
    assert page.count('id="execution-') == 20
    older = page_of(job, "?before=" + page.partition("?before=")[2].partition('"')[0])
    second = client.get(older).text
    assert second.count('id="execution-') == 2 and page_of(job, "?after=") in second
    failed = client.get(page_of(job, "?statuses=JOB_FAILED"), htmx=True)
    assert failed.text.lstrip().startswith('<div id="history">') and failed.text.count('id="execution-') == 1
    assert failed.headers["HX-Push-Url"] == page_of(job, "?statuses=JOB_FAILED")
    nothing = client.get(page_of(job, "?search=zzz")).text
    assert "No execution fits" in nothing and 'value="zzz"' in nothing


@pytest.mark.parametrize(
    ("policy", "before", "status", "words"),
    [
        (RUN_IMMEDIATELY, [], JOB_INITIALIZING, "The import was started."),
        (RUN_IMMEDIATELY, [INTEGRATION_STARTED], JOB_PENDING, "It waits for its turn"),
        (RUN_IMMEDIATELY, [INTEGRATION_STARTED, JOB_PENDING], JOB_SKIPPED, "another one waits behind it already"),
        ("WAIT_FOR_NEXT", [INTEGRATION_STARTED], JOB_SKIPPED, "Skip it"),
    ],
)
def test_run_now_leads_to_the_execution_and_says_what_became_of_it(
    sign_in: SignIn, add: Add, sessions: Sessions, policy: str, before: list[str], status: str, words: str
) -> None:
    job = add(*before, simultaneous_execution=policy)
    client = sign_in("OPERATOR")
    answer = client.post(page_of(job, "/run"))
    newest = executions_of(sessions)[-1]
    assert (newest.status, newest.origin, newest.actor) == (status, MANUAL, "operator")
    assert answer.location == f"/executions/{newest.public_id}"
    assert words in client.get(answer.location).text


def test_an_upload_that_is_skipped_says_that_the_file_was_not_kept(
    sign_in: SignIn, add: Add, sessions: Sessions
) -> None:
    job, client = add(INTEGRATION_STARTED, simultaneous_execution="WAIT_FOR_NEXT"), sign_in("OPERATOR")
    data = {"file": (io.BytesIO(b"Stock Id\nS-1\n"), "a.csv")}
    answer = client.post(page_of(job, "/upload"), data=data, content_type="multipart/form-data")
    newest = executions_of(sessions)[-1]
    assert (newest.status, newest.origin) == (JOB_SKIPPED, UPLOAD)
    assert "The file was not kept: upload it again once that has ended." in client.get(answer.location).text
    with sessions() as session:
        assert session.scalars(select(UploadChunk.content)).all() == []


def test_an_inactive_job_runs_when_a_person_says_so(sign_in: SignIn, add: Add, sessions: Sessions) -> None:
    sign_in("OPERATOR").post(page_of(add(active=False), "/run"))
    assert [it.status for it in executions_of(sessions)] == [JOB_INITIALIZING]


def test_a_file_is_imported_with_the_settings_of_the_job(sign_in: SignIn, add: Add, sessions: Sessions) -> None:
    job = add(import_full_mode=True)
    client = sign_in("OPERATOR")
    form = client.get(page_of(job, "/upload")).text
    assert (
        "<strong>semicolons</strong>" in form
        and "Full mode is on. Custom fields of offers in the file are removed" in form
        and "50.0 MB at most" in form
    )
    data = {"file": (io.BytesIO(b"Stock Id;Price\nS-1;9\n"), "../mended.csv")}
    answer = client.post(page_of(job, "/upload"), data=data, content_type="multipart/form-data")
    with sessions() as session:
        (execution,) = session.scalars(select(Execution))
        assert (execution.origin, execution.status) == (UPLOAD, JOB_INITIALIZING)
        assert execution.import_run is not None and execution.import_run.upload_name == "../mended.csv"
        assert session.scalars(select(UploadChunk.content)).all() == [b"Stock Id;Price\nS-1;9\n"]
    assert answer.location == f"/executions/{execution.public_id}"


def test_no_file_and_one_that_is_too_large_run_nothing(
    sign_in: SignIn, add: Add, sessions: Sessions, settings: Settings
) -> None:
    job = add()
    client = sign_in("OPERATOR")
    refused = client.post(page_of(job, "/upload"), data={"file": (io.BytesIO(b""), "")})
    assert refused.status_code == 422 and "Choose a file first." in refused.text
    for length, kind in (
        (settings.max_upload_bytes + 1, "multipart/form-data; boundary=b"),
        (settings.max_body_bytes + 1, "application/x-www-form-urlencoded"),
    ):
        answer = client.post(page_of(job, "/upload"), data=b"x" * length, content_type=kind)
        assert answer.status_code == 413 and "MAX_UPLOAD_BYTES" in answer.text
    assert executions_of(sessions) == []


def test_a_file_may_be_larger_than_any_other_body(
    sign_in: SignIn, add: Add, sessions: Sessions, settings: Settings
) -> None:
    job, content = add(), b"Stock Id\n" + b"S-1\n" * (settings.max_body_bytes // 4)
    # The test client would leave a temporary file open.
    heading = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    body = heading + content + b"\r\n--b--\r\n"
    client = sign_in("OPERATOR")
    answer = client.post(page_of(job, "/upload"), data=body, content_type="multipart/form-data; boundary=b")
    assert answer.status_code == 303
    with sessions() as session:
        pieces = session.scalars(select(UploadChunk.content).order_by(UploadChunk.number)).all()
    assert len(pieces) == 6 and b"".join(pieces) == content


def test_a_copy_is_inactive_and_unscheduled(sign_in: SignIn, add: Add, sessions: Sessions) -> None:
    job = add(name="Offers", **EVERY_MINUTE)
    answer = sign_in("OPERATOR").post(page_of(job, "/duplicate"))
    with sessions() as session:
        copy = session.scalars(select(ImportJob).where(ImportJob.id != job.id)).one()
    assert answer.location == page_of(copy, "/edit")
    assert (copy.active, copy.cron, copy.schedule_enabled) == (False, None, False)


def test_a_job_is_switched_off_and_on(sign_in: SignIn, add: Add, sessions: Sessions) -> None:
    job = add(**EVERY_MINUTE)
    client = sign_in("OPERATOR")
    for action, active, words in (("deactivate", False, "its schedule rests"), ("activate", True, "from now on")):
        answer = client.post(page_of(job, f"/{action}"), follow_redirects=True)
        assert words in answer.text
        with sessions() as session:
            assert session.get_one(ImportJob, job.id).active is active


def test_deleting_says_what_is_lost_and_keeps_the_history(sign_in: SignIn, add: Add, sessions: Sessions) -> None:
    job = add(INTEGRATION_DONE, name="Offers")
    client = sign_in("OPERATOR")
    page = client.get(page_of(job, "/delete")).text
    assert "Lost for good" in page and "Stays" in page and "No execution waits." in page
    answer = client.post(page_of(job, "/delete"))
    assert answer.location == "/imports"
    (execution,) = executions_of(sessions)
    assert execution.import_job_id is None
    assert "(deleted)" in client.get(f"/executions/{execution.public_id}").text
    assert client.get(page_of(job)).status_code == 404


def test_deleting_stops_what_waits_and_says_how_many_that_are(sign_in: SignIn, add: Add, sessions: Sessions) -> None:
    job = add(INTEGRATION_WAITING, JOB_PENDING)
    client = sign_in("OPERATOR")
    page = client.get(page_of(job, "/delete")).text
    assert "<strong>2 executions</strong> that have not ended stop now" in page
    assert client.post(page_of(job, "/delete")).status_code == 303
    assert [it.status for it in executions_of(sessions)] == [JOB_STOPPED, JOB_STOPPED]


def test_a_job_that_is_just_writing_is_not_deleted(
    sign_in: SignIn, add: Add, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = add(INTEGRATION_STARTED)
    client = sign_in("OPERATOR")
    with monkeypatch.context() as patch:
        # One that is made and begins between counting and looking.
        patch.setattr(executions, "count_unended", lambda *_: 0)
        assert "once the job is deleted" not in client.get(page_of(job, "/delete")).text
    page = client.get(page_of(job, "/delete")).text
    assert f'href="/executions/{executions_of(sessions)[0].public_id}"' in page and "Delete for good" not in page
    assert client.post(page_of(job, "/delete")).status_code == 409
    assert [it.status for it in executions_of(sessions)] == [INTEGRATION_STARTED]


def test_stopping_in_the_history_asks_first_and_shows_the_row_as_it_is_then(
    sign_in: SignIn, add: Add, sessions: Sessions
) -> None:
    job = add(INTEGRATION_STARTED)
    with sessions.begin() as session:
        (execution,) = session.scalars(select(Execution))
        assert execution.import_run is not None
        execution.import_run.rows, execution.import_run.rows_done = 12_000, 1_200
    client = sign_in("OPERATOR")
    assert "the 1\u202f200 of 12\u202f000 rows that are done stay as they are" in client.get(page_of(job)).text
    answer = client.post(f"/executions/{execution.public_id}/stop", htmx=True)
    assert answer.text.count("<tr") == 1 and JOB_STOPPED in answer.text
    assert 'data-label="Rejected"' in answer.text


def test_an_unknown_job_is_not_found(sign_in: SignIn) -> None:
    client = sign_in("OPERATOR")
    for action in ("", "/upload", "/delete"):
        assert client.get(f"/imports/none{action}").status_code == 404
    for action in ("/run", "/upload", "/duplicate", "/activate", "/deactivate", "/delete"):
        assert client.post(f"/imports/none{action}").status_code == 404


def test_viewers_read_and_operators_change(sign_in: SignIn, add: Add, sessions: Sessions) -> None:
    job = add(INTEGRATION_DONE, name="Offers")
    viewer = sign_in("VIEWER")
    for address in ("/imports", page_of(job)):
        page = main_of(viewer.get(address).text)
        assert "Offers" in page
        for action in ("/run", "/upload", "/duplicate", "/deactivate", "/delete"):
            assert page_of(job, action) not in page, action
    assert viewer.get(page_of(job, "/delete")).status_code == viewer.get(page_of(job, "/upload")).status_code == 403
    for action in ("/run", "/upload", "/duplicate", "/activate", "/deactivate", "/delete"):
        assert viewer.post(page_of(job, action)).status_code == 403, action
    operator = sign_in("OPERATOR")
    for address in ("/imports", page_of(job)):
        assert page_of(job, "/run") in main_of(operator.get(address).text)
    assert len(executions_of(sessions)) == 1
