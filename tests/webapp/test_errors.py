"""Errors in the look of the hub, as fragments for htmx, never a traceback."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from apiflask import APIFlask
from flask import abort
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from datahub.errors import ConfigError, ConflictError, FieldConflictError, InvalidError, NotFoundError, TransientError
from datahub.settings import Settings
from tests.settings import make_settings
from tests.webapp.conftest import ParsingClient
from webapp.permissions import PUBLIC, permission

SignIn = Callable[[str], ParsingClient]
ERRORS = [
    (InvalidError("The folder is empty."), 422),
    (FieldConflictError("name", "The name is taken."), 409),
    (ConflictError("It is in use."), 409),
    (NotFoundError("There is no such job."), 404),
    (TransientError("The server is away."), 503),
    (ConfigError("The delimiter is wrong."), 422),
]


@pytest.fixture
def app(start_app: Callable[[Settings], APIFlask], settings: Settings) -> APIFlask:
    """One of its own: the tests give it routes."""
    return start_app(settings)


def raising(app: APIFlask, error: Exception) -> None:
    @permission(PUBLIC)
    def view() -> str:
        raise error

    app.add_url_rule("/raise", "raise", view, methods=["GET", "POST"])


@pytest.mark.parametrize(("error", "status"), ERRORS, ids=lambda value: type(value).__name__)
def test_an_error_of_the_domain_has_its_status_and_words(
    app: APIFlask, client: ParsingClient, error: Exception, status: int
) -> None:
    raising(app, error)
    page, fragment = client.get("/raise"), client.get("/raise", htmx=True)
    assert (page.status_code, fragment.status_code) == (status, status)
    assert str(error) in page.text and "<!doctype html>" in page.text
    assert str(error) in fragment.text and "<html" not in fragment.text


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 413, 422, 429, 500, 503, 418])
def test_every_http_error_has_a_page_and_a_fragment(app: APIFlask, client: ParsingClient, status: int) -> None:
    @permission(PUBLIC)
    def view() -> str:
        abort(status)

    app.add_url_rule("/abort", "abort", view)
    page, fragment = client.get("/abort"), client.get("/abort", htmx=True)
    assert (page.status_code, fragment.status_code) == (status, status)
    assert "<h1>" in page.text and 'class="notice' in fragment.text


def test_a_bug_shows_neither_traceback_nor_message(app: APIFlask, client: ParsingClient) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    raising(app, RuntimeError("the secret is 42"))
    page = client.get("/raise")
    assert page.status_code == 500
    assert "Something broke" in page.text and "secret" not in page.text


def test_a_page_that_waits_in_vain_for_a_connection_of_the_pool_answers_503(
    app: APIFlask, client: ParsingClient
) -> None:
    raising(app, PoolTimeoutError("QueuePool limit reached"))
    page = client.get("/raise")
    assert page.status_code == 503 and "The database does not answer" in page.text


def test_an_unknown_address_is_a_page_for_the_signed_in_and_for_strangers(
    client: ParsingClient, sign_in: SignIn
) -> None:
    assert client.get("/nowhere").status_code == 404
    page = sign_in("VIEWER").get("/nowhere")
    assert page.status_code == 404 and "Sign out" in page.text


def test_a_wrong_method_says_so(client: ParsingClient) -> None:
    answer = client.post("/")
    assert (answer.status_code, "GET" in answer.headers["Allow"]) == (405, True)


def test_too_large_a_form_is_refused_with_the_name_of_the_limit(settings: Settings, client: ParsingClient) -> None:
    answer = client.post("/sign-in", data={"name": "x" * (settings.max_body_bytes + 1)})
    assert answer.status_code == 413 and "MAX_BODY_BYTES" in answer.text


@pytest.mark.parametrize("url", ["/", "/sign-in", "/nowhere"])
def test_pages_answer_503_without_the_database(
    start_app: Callable[[Settings], APIFlask], settings: Settings, sign_in: SignIn, url: str
) -> None:
    cookie = sign_in("VIEWER").get_cookie("datahub").value
    away = make_settings(redis_url=settings.redis_url, database_url="postgresql+psycopg://nobody@127.0.0.1:1/none")
    app = start_app(away)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    client = app.test_client()
    client.set_cookie("datahub", cookie)
    answer = client.get(url)
    assert answer.status_code == 503 and "Not available right now" in answer.text
