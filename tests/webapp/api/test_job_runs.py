"""Runs of import jobs started by scripts: what they may send along, and what is refused instead of passed over."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from datahub.models.execution import API, UPLOAD, Execution
from datahub.models.export_job import ExportJob
from datahub.models.import_job import RUN_IMMEDIATELY, ImportJob
from datahub.models.import_run import UploadChunk
from datahub.settings import Settings
from tests.factories import add_import_job
from tests.webapp.api.conftest import Script, assert_error

BOUNDED = "multipart/form-data; boundary=b"
CONTENT = b"Stock Id;Price\nS-1;9\n"
END = b"--b--\r\n"


def part(name: str, file_name: str | None, content: bytes = CONTENT) -> bytes:
    """None for a field that is no file."""
    named = "" if file_name is None else f'; filename="{file_name}"'
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode() + content + b"\r\n"


@pytest.fixture
def path(sessions: sessionmaker[Session], job: ExportJob) -> str:
    with sessions.begin() as session:
        return f"/v1/mapper/jobs/{add_import_job(session, job.connection).public_id}/run"


@pytest.mark.parametrize("sent", [{}, {"json": {}}, {"data": b"", "content_type": "text/csv"}])
def test_a_run_without_a_body_reads_the_jobs_own_file(
    script: Script, path: str, sessions: sessionmaker[Session], sent: dict[str, Any]
) -> None:
    assert script.post(path, **sent).status_code == 202
    with sessions() as session:
        assert session.scalars(select(Execution.origin)).all() == [API]
        assert session.scalars(select(UploadChunk)).all() == []


def test_a_run_with_a_file_imports_that_file(script: Script, path: str, sessions: sessionmaker[Session]) -> None:
    assert script.post(path, data=part("file", "a.csv") + END, content_type=BOUNDED).status_code == 202
    with sessions() as session:
        assert session.scalars(select(Execution.origin)).all() == [UPLOAD]
        assert session.scalars(select(UploadChunk.content)).all() == [CONTENT]


@pytest.mark.parametrize("sent", [{}, {"data": part("file", "a.csv") + END, "content_type": BOUNDED}])
def test_a_run_beside_an_execution_under_way_waits_its_turn_and_a_third_is_skipped(
    script: Script, path: str, sessions: sessionmaker[Session], sent: dict[str, Any]
) -> None:
    with sessions.begin() as session:
        session.execute(update(ImportJob).values(simultaneous_execution=RUN_IMMEDIATELY))
    answers = [script.post(path, **sent) for _ in range(3)]
    told = [(answer.status_code, answer.json["status"]) for answer in answers]
    assert told == [(202, "JOB_INITIALIZING"), (202, "JOB_PENDING"), (202, "JOB_SKIPPED")]


def test_only_a_file_may_be_larger_than_any_other_body(script: Script, path: str, settings: Settings) -> None:
    large = b"x" * (settings.max_body_bytes + 1)
    assert script.post(path, data=part("file", "a.csv", large) + END, content_type=BOUNDED).status_code == 202
    assert_error(script.post(path, data=large, content_type="text/csv"), 413)
    larger = part("file", "a.csv", b"x" * settings.max_upload_bytes) + END
    error = assert_error(script.post(path, data=larger, content_type=BOUNDED), 413)
    assert "MAX_UPLOAD_BYTES" in error["message"]


@pytest.mark.parametrize(
    ("data", "faults"),
    [
        (part("csv", "a.csv") + END, {"csv": "There is no such field.", "file": "The file is missing."}),
        (part("file", "a.csv") + part("dry", None, b"yes") + END, {"dry": "There is no such field."}),
        (part("file", "a.csv") + part("file", "b.csv") + END, {"file": "Send one file at a time."}),
        (part("file", "") + END, {"file": "The file has no name."}),
        (part("file", None) + END, {"file": "The file has no name."}),
        (END, {"file": "The file is missing."}),
        (CONTENT, {"file": "The file is missing."}),
    ],
)
def test_multipart_that_is_not_one_named_file_runs_nothing(
    script: Script, path: str, sessions: sessionmaker[Session], data: bytes, faults: dict[str, str]
) -> None:
    error = assert_error(script.post(path, data=data, content_type=BOUNDED), 400, *faults)
    assert error["fields"] == {name: [message] for name, message in faults.items()}
    with sessions() as session:
        assert session.scalars(select(Execution)).all() == []


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"data": CONTENT, "content_type": "text/csv"}, 415),
        ({"data": CONTENT}, 415),
        ({"data": {"file": "id"}, "content_type": "application/x-www-form-urlencoded"}, 415),
        ({"json": {"file": "id"}}, 415),
        ({"data": b"{", "content_type": "application/json"}, 400),
    ],
)
def test_any_other_body_is_refused_and_runs_nothing(
    script: Script, path: str, sessions: sessionmaker[Session], sent: dict[str, Any], status: int
) -> None:
    error = assert_error(script.post(path, **sent), status)
    assert status == 400 or 'multipart/form-data in the field "file"' in error["message"]
    with sessions() as session:
        assert session.scalars(select(Execution)).all() == []
