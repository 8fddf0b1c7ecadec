"""What holds for every call: tokens, the header, one error body, strict bodies, pages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from apiflask import APIFlask
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.exceptions import TooManyRequests

from datahub.models.access import ApiToken
from datahub.models.export_job import ExportJob
from datahub.settings import Settings
from tests.webapp.api.conftest import Script, assert_error
from webapp.api import jobouts
from webapp.permissions import PUBLIC, required_permission

JOBS = "/v1/mapper/jobout"
JSON = "application/json"


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer wrong", "Basic YTpi", "Bearer dh_x y"])
def test_without_a_good_token_nothing_is_told(script: Script, header: str | None) -> None:
    answer = script.get(JOBS, headers={"Authorization": header})
    assert_error(answer, 401)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_revoked_token_ends_at_once(script: Script, sessions: sessionmaker[Session]) -> None:
    assert script.get(JOBS).status_code == 200
    with sessions.begin() as session:
        session.execute(text("update api_tokens set revoked_at = created_at"))
        assert session.query(ApiToken).count() == 1
    assert_error(script.get(JOBS), 401)


@pytest.mark.parametrize("client", [None, "SUPPLIER", "operator", ""])
def test_the_header_is_demanded(script: Script, client: str | None) -> None:
    assert_error(script.get(JOBS, headers={"dj-client": client}), 403)


def test_a_viewer_reads_and_changes_nothing(script_of: Callable[[str], Script], job: ExportJob) -> None:
    viewer = script_of("VIEWER")
    assert viewer.get(JOBS).status_code == 200
    assert_error(viewer.delete(f"{JOBS}/{job.public_id}"), 403)
    assert viewer.get(f"/v2/mapper/jobout/{job.public_id}").status_code == 200


def test_a_signed_in_browser_is_nobody_here(sign_in: Callable[[str], Script]) -> None:
    assert_error(sign_in("ADMIN").get(JOBS, headers={"dj-client": "OPERATOR"}), 401)


def test_every_view_declares_who_may_use_it(app: APIFlask) -> None:
    public = set()
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("api_"):
            name = required_permission(app, rule.endpoint)
            assert name, rule
            changing = rule.methods - {"GET", "HEAD", "OPTIONS"}
            assert not (changing and name == "MAPPER_READ"), rule
            if name == PUBLIC:
                public.add(rule.rule)
    assert public == {"/healthz", "/metrics", "/api/openapi.json", "/api/docs"}


def test_errors_of_the_path_have_the_same_body(script: Script) -> None:
    assert_error(script.get("/v1/nothing"), 404)
    assert_error(script.get("/v2/mapper/jobout/%00"), 404)
    answer = script.delete(JOBS)
    assert_error(answer, 405)
    assert "POST" in answer.headers["Allow"]


def test_another_content_type_is_refused(script: Script) -> None:
    assert_error(script.post(JOBS, data="name=x"), 415)
    assert_error(script.post(JOBS, data="{}", content_type="text/plain"), 415)


def test_a_large_body_is_refused(script: Script, settings: Settings) -> None:
    assert_error(script.post(JOBS, data=b" " * (settings.max_body_bytes + 1), content_type=JSON), 413)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b'{"name": NaN}',
        b'{"name": -Infinity}',
        b'{"name": "a", "name": "b"}',
        b'{"name": "\\ud800"}',
        b'{"name": "a\\u0000"}',
        b'{"\\udfff": 1}',
        b'{"name": ' + b"9" * 5000 + b"}",
        b'{"name": 1e99999999999999999999}',
        b"[" * 100_000,
        b"[" * 60 + b"]" * 60,
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
    ],
    ids=lambda body: repr(body[:20]),
)
def test_a_body_that_is_no_clean_json_is_told_as_such(script: Script, body: bytes) -> None:
    assert assert_error(script.post(JOBS, data=body, content_type=JSON), 400)["code"] == "malformed_json"


def test_a_body_for_what_does_not_exist_is_answered_with_404(script: Script) -> None:
    for path in (
        "/v1/mapper/jobout/none",
        "/v1/mapper/jobs/none",
        "/v1/mapper/clients/none",
        "/v1/custom-fields/none",
        "/v1/records/LOST/1",
    ):
        assert_error(script.put(path, json={}), 404)
        assert_error(script.put(path, json={"colour": 1}), 404)
    for path in ("/v1/orders/none", "/v1/incidents/none", "/v2/jobouts/none/suppliers"):
        assert_error(script.patch(path, json={}), 404)
    for path in ("/v1/mapper/clients/none/test", "/v1/orders/none/incidents", "/v1/mapper/jobs/none/run"):
        assert_error(script.post(path, json={"colour": 1}), 404)
    assert_error(script.delete("/v2/jobouts/none/suppliers", json={}), 404)


@pytest.mark.parametrize("body", [b"[]", b"null", b"1", b'"x"'])
def test_a_body_that_is_no_object_is_refused(script: Script, body: bytes) -> None:
    assert_error(script.post(JOBS, data=body, content_type=JSON), 400, "body")
    assert_error(script.post("/v1/orders", data=body, content_type=JSON), 400, "body")


def test_a_page_says_where_it_stands(script: Script, job: ExportJob) -> None:
    for _ in range(2):
        script.post(f"{JOBS}/{job.public_id}/duplicate")
    first, last = (script.get(f"{JOBS}?size=2&page={page}").json for page in (0, 1))
    counted = ("numberOfElements", "number", "size", "first", "last", "empty")
    assert [first[name] for name in counted] == [2, 0, 2, True, False, False]
    assert [last[name] for name in counted] == [1, 1, 2, False, True, False]
    beyond = script.get(f"{JOBS}?page=9").json
    assert [beyond[name] for name in counted] == [0, 9, 20, False, True, True]
    assert set(first) == {"content", *counted}


def test_a_size_above_the_largest_counts_as_the_largest(script: Script) -> None:
    assert script.get(f"{JOBS}?size=5000").json["size"] == 100
    assert script.get(f"{JOBS}?size=5000&page=100").status_code == 200
    assert_error(script.get(f"{JOBS}?size=5000&page=101"), 400, "page")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("page=-1", "page"),
        ("page=x", "page"),
        ("page=1.0", "page"),
        ("page=", "page"),
        ("page=%EF%BC%91", "page"),
        ("page=99999999999999999999", "page"),
        ("page=1&page=2", "page"),
        ("size=0", "size"),
        ("size=all", "size"),
        ("sort=password", "sort"),
        ("sort=name,up", "sort"),
        ("sort=name;drop", "sort"),
        ("sort=", "sort"),
    ],
)
def test_malformed_paging_is_refused(script: Script, query: str, field: str) -> None:
    assert_error(script.get(f"{JOBS}?{query}"), 400, field)


def test_a_refused_sort_is_told_which_there_are(script: Script) -> None:
    told = assert_error(script.get("/v1/orders?sort=total,desc"), 400, "sort")["fields"]["sort"]
    assert told == ["Must be createdAt or updatedAt or reference, with ,asc or ,desc."]


def test_both_separators_sort(script: Script) -> None:
    for sort in ("name", "name,asc", "name|desc", "createdAt,desc"):
        assert script.get(JOBS, query_string={"sort": sort}).status_code == 200


def test_a_database_away_is_a_503_with_the_same_body(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object, **_kwargs: object) -> None:
        raise OperationalError("select", {}, Exception("connection refused"))

    monkeypatch.setattr(jobouts.export_jobs, "list_jobs", fail)
    assert "select" not in str(assert_error(script.get(JOBS), 503))


def test_a_bug_is_a_500_without_a_traceback(app: APIFlask, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(app, "testing", False)
    monkeypatch.setattr(jobouts.export_jobs, "list_jobs", fail)
    assert "secret" not in str(assert_error(script.get(JOBS), 500))


def test_too_many_requests_are_told_how_long_to_wait(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise TooManyRequests(retry_after=3)

    monkeypatch.setattr("webapp.api.orders.order_reads.find_orders", refuse)
    answer = script.get("/v1/orders")
    assert assert_error(answer, 429)["code"] == "too_many_requests"
    assert answer.headers["Retry-After"] == "3"
