"""The application on both databases, and clients that refuse broken HTML."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import html5lib
import pytest
from apiflask import APIFlask
from argon2 import PasswordHasher
from flask.testing import FlaskClient
from jinja2 import BytecodeCache, StrictUndefined
from jinja2.bccache import Bucket
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from datahub.access import users
from datahub.models.execution import Execution
from datahub.settings import Settings
from datahub.vault import Vault
from tests.factories import add_connection, add_import_execution, add_import_job, add_rejected_row
from tests.servers import LOOPBACK
from tests.settings import make_settings
from webapp import create_app
from webapp.database import db

PASSWORD = "correct horse battery"
MakeImport = Callable[..., Execution]
CELLS = {"<tr": "tbody", "<td": "tr", "<li": "ul", "<opt": "select"}


class Compiled(BytecodeCache):
    """Of all applications: each would compile its templates anew, which takes most of the time of its first pages."""

    def __init__(self) -> None:
        self._codes: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if code := self._codes.get(bucket.key):
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._codes[bucket.key] = bucket.bytecode_to_string()


COMPILED = Compiled()


class ParsingClient(FlaskClient):
    """Every HTML answer must parse without an error. Changing requests carry the CSRF token unless `csrf=False`."""

    def open(self, *args: Any, csrf: bool = True, htmx: bool = False, **kwargs: Any) -> TestResponse:
        headers = dict(kwargs.pop("headers", None) or {})
        if htmx:
            headers["HX-Request"] = "true"
        if csrf and kwargs.get("method", "GET") not in ("GET", "HEAD"):
            headers.setdefault("X-CSRFToken", self.csrf_token())
        response = super().open(*args, headers=headers, **kwargs)
        if response.mimetype == "text/html" and response.data and not 300 <= response.status_code < 400:
            parse(response.text)
        return response

    def csrf_token(self) -> str:
        # The page of what is not there, which asks the database for little; a stranger comes to the form to sign in.
        page = super().open("/nothing", follow_redirects=True)
        found = re.search(r"X-CSRFToken&#34;: &#34;([^&]+)|X-CSRFToken\": \"([^\"]+)", page.text)
        assert found, page.text[:2000]
        return found[1] or found[2]


def parse(text: str) -> Any:
    """The tree of a page or a fragment; raises at the first markup error, and at what the content policy forbids."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    start = text.lstrip().lower()
    if start.startswith("<!doctype"):
        tree = parser.parse(text)
    else:
        container = next((name for prefix, name in CELLS.items() if start.startswith(prefix)), "div")
        tree = parser.parseFragment(text, container=container)
    for element in tree.iter():
        refuse_what_the_policy_forbids(element)
    return tree


def drawn(text: str) -> str:
    """With single spaces, as browsers draw it: how templates break their lines is no matter of tests."""
    return " ".join(text.split())


def refuse_what_the_policy_forbids(element: Any) -> None:
    names = {name for name in element.attrib if isinstance(name, str)}
    forbidden = {name for name in names if name == "style" or name.startswith(("on", "hx-on"))}
    assert not forbidden, (element.tag, forbidden)
    assert element.tag != "style" and (element.tag != "script" or "src" in names), element.text


@pytest.fixture(autouse=True)
def _push_request_context() -> None:
    """Stands in for the fixture of pytest-flask: its context around the test would be shared by all requests."""


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 as always, but with little work: many tests sign in."""
    hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(users, "_hasher", hasher)
    monkeypatch.setattr(users, "_NOBODY", hasher.hash("nobody"))


@pytest.fixture(scope="session")
def common_apps() -> dict[str, APIFlask]:
    """By the address of their database. To make an application takes longer than most tests."""
    return {}


@pytest.fixture
def start_app(common_apps: dict[str, APIFlask]) -> Iterator[Callable[[Settings], APIFlask]]:
    """start_app(settings): one more application, whose connections are closed after the test."""
    apps = []

    def start(settings: Settings) -> APIFlask:
        apps.append(make_app(settings))
        return apps[-1]

    yield start
    for app in apps:
        disconnect(app)
    if apps:
        # The limiter is one for all, and set up for the one made last.
        common_apps.clear()


def make_app(settings: Settings) -> APIFlask:
    app = create_app(settings)
    app.testing = True
    app.test_client_class = ParsingClient
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.bytecode_cache = COMPILED
    return app


def disconnect(app: APIFlask) -> None:
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def app(
    start_app: Callable[[Settings], APIFlask], settings: Settings, common_apps: dict[str, APIFlask]
) -> Iterator[APIFlask]:
    """The same one in many tests: who changes it takes start_app."""
    ours = make_settings(
        database_url=settings.database_url, redis_url=settings.redis_url, spool_folder=settings.spool_folder
    )
    if settings != ours:
        yield start_app(settings)
        return
    app = common_apps[ours.database_url] = common_apps.get(ours.database_url) or make_app(settings)
    yield app
    disconnect(app)


@contextmanager
def served(app: APIFlask) -> Iterator[str]:
    """For browsers: its address while it runs."""
    server = make_server(LOOPBACK, 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://{LOOPBACK}:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def client(app: APIFlask) -> ParsingClient:
    """Not signed in. That of pytest-flask keeps its context after each answer, and the next client would share it."""
    return app.test_client()  # type: ignore[return-value]


@pytest.fixture
def sign_in(app: APIFlask, sessions: sessionmaker[Session]) -> Callable[[str], ParsingClient]:
    """sign_in("OPERATOR"): a client with a session of a user of that role and the name `operator`."""

    def sign_in(role: str = "ADMIN") -> ParsingClient:
        with sessions.begin() as session:
            users.create(session, name=role.lower(), password=PASSWORD, role=role)
        client: ParsingClient = app.test_client()  # type: ignore[assignment]
        answer = client.post("/sign-in", data={"name": role.lower(), "password": PASSWORD})
        assert answer.status_code == 303, answer.text
        return client

    return sign_in


@pytest.fixture
def make_import(sessions: sessionmaker[Session], vault: Vault) -> MakeImport:
    """make_import(status=…, run={…}): one more import execution of a job of its own, committed."""

    def make_import(rejected: int = 0, **changes: Any) -> Execution:
        with sessions.begin() as session:
            execution = add_import_execution(
                session, add_import_job(session, add_connection(session, vault)), **changes
            )
            for number in range(1, rejected + 1):
                add_rejected_row(session, execution, number, line=number + 1, value=f"S-{number % 2}")
        return execution

    return make_import
