"""What operators do with import jobs: run, upload, duplicate, switch, delete, stop."""

from __future__ import annotations

import io

import pytest
from sqlalchemy import select

from datahub.jobs import executions
from datahub.models.execution import (
    INTEGRATION_DONE,
    INTEGRATION_STARTED,
    INTEGRATION_WAITING,
    JOB_INITIALIZING,
    JOB_PENDING,
    JOB_SKIPPED,
    JOB_STOPPED,
    MANUAL,
    UPLOAD,
    Execution,
)
from datahub.models.import_job import RUN_IMMEDIATELY, ImportJob
from datahub.models.import_run import UploadChunk
from datahub.settings import Settings
from tests.webapp.conftest import drawn
from tests.webapp.import_jobs.conftest import EVERY_MINUTE, Add, Sessions, SignIn
from tests.webapp.import_jobs.pages import executions_of, page_of
from tests.webapp.test_export_jobs import main_of


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
    page = drawn(client.get(page_of(job, "/delete")).text)
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
