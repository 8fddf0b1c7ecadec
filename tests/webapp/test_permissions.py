"""Every route declares what it demands, and answers nobody else."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from apiflask import APIFlask
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.routing import Rule

from datahub.access import tokens, users
from datahub.db import Base
from datahub.jobs import orders
from datahub.settings import Settings
from datahub.vault import Vault
from tests.factories import add_connection, add_import_execution, add_import_job, make_job, make_order
from tests.webapp.conftest import PASSWORD, ParsingClient
from webapp.auth.identity import API_PATHS
from webapp.permissions import (
    ADMINISTER,
    EVERY_STORE,
    GRANTS,
    MAPPER_READ,
    MAPPER_WRITE,
    PUBLIC,
    SIGNED_IN,
    required_permission,
)

Sessions = sessionmaker[Session]
SignIn = Callable[[str], ParsingClient]
CHANGING = ("POST", "PUT", "PATCH", "DELETE")


def routes(app: APIFlask) -> Iterator[tuple[Rule, str, str]]:
    """Each rule with each method and an address that fits it, of things that do not exist."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint == "static":
            continue
        values = {name: 1 if converter == "int" else "none" for converter, name in _arguments(rule)}
        with app.test_request_context():
            address = app.url_for(rule.endpoint, **values)
        for method in sorted(rule.methods or ()):
            if method not in ("HEAD", "OPTIONS"):
                yield rule, method, address


def _arguments(rule: Rule) -> Iterator[tuple[str, str]]:
    for name, converter in rule._converters.items():
        yield ("int" if type(converter).__name__ == "IntegerConverter" else "text"), name


def is_api(address: str) -> bool:
    return API_PATHS.match(address) is not None


def test_every_route_declares_a_known_permission(app: APIFlask) -> None:
    known = {PUBLIC, SIGNED_IN, MAPPER_READ, MAPPER_WRITE, *EVERY_STORE, ADMINISTER}
    declared = {e: required_permission(app, e) for e in app.view_functions if e != "static"}
    assert {endpoint: name for endpoint, name in declared.items() if name not in known} == {}


def test_few_routes_are_public(app: APIFlask) -> None:
    public = {endpoint for endpoint in app.view_functions if required_permission(app, endpoint) == PUBLIC}
    assert public <= {
        "auth.sign_in",
        "auth.set_password",
        "api_health.healthz",
        "api_health.metrics",
        "api_docs.openapi",
        "api_docs.docs",
    }


@pytest.fixture
def app(start_app: Callable[[Settings], APIFlask], settings: Settings) -> APIFlask:
    """One of its own: the tests give it routes."""
    return start_app(settings)


def test_a_route_without_a_permission_answers_nobody(app: APIFlask, sign_in: SignIn) -> None:
    app.add_url_rule("/forgotten", "forgotten", lambda: "open")
    assert sign_in("ADMIN").get("/forgotten").status_code == 403


def test_reading_changes_nothing_by_name(app: APIFlask) -> None:
    reading = [r.rule for r, method, _ in routes(app) if method == "GET" and r.methods and "POST" not in r.methods]
    assert [rule for rule in reading if rule.endswith(("/delete", "/run", "/stop", "/retry", "/resend"))] == []


@pytest.mark.parametrize("kind", ["export", "import"])
def test_no_get_changes_a_row(app: APIFlask, sign_in: SignIn, sessions: Sessions, vault: Vault, kind: str) -> None:
    client = sign_in("ADMIN")
    real: dict[str, str | int] = {"user_id": 1, "entity": "SUPPLIER"}
    with sessions.begin() as session:
        order = make_order(session)
        exporting = make_job(session, add_connection(session, vault))
        (sent,) = orders.change_status(session, order, "ACCEPTED_BY_SUPPLIER", actor="ada")
        importing = add_import_job(session, exporting.connection)
        job, execution = (
            (exporting, sent) if kind == "export" else (importing, add_import_execution(session, importing))
        )
        real |= {"job_id": job.public_id, "execution_id": execution.public_id}
        real |= {"connection_id": exporting.connection.public_id, "client_id": exporting.connection.public_id}
        real |= {"reference": order.reference, "external_id": order.supplier.external_id}
        user = users.create(session, name="script", password=PASSWORD, role="ADMIN")
        _, token = tokens.create(session, user=user, name="script")
    before = dump(sessions)
    found = set()
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and rule.endpoint != "static":
            values = {name: real.get(name, 1 if kind == "int" else "none") for kind, name in _arguments(rule)}
            with app.test_request_context():
                address = app.url_for(rule.endpoint, **values)
            headers = {"Authorization": f"Bearer {token}", "dj-client": "OPERATOR"} if is_api(rule.rule) else {}
            status = client.get(address, headers=headers).status_code
            assert status < 500 or address == "/healthz", address
            if status == 200:
                found.add(address.replace(execution.public_id, "{}"))
    assert {"/executions/{}", "/v2/executions", f"/v1/orders/{real['reference']}"} <= found
    assert dump(sessions) == before


def dump(sessions: Sessions) -> dict[str, list[str]]:
    """Every row but for when somebody was last seen."""
    quiet = ("last_seen_at", "last_used_at")
    found = {}
    with sessions() as session:
        for table in Base.metadata.sorted_tables:
            columns = [column for column in table.columns if column.name not in quiet]
            found[table.name] = [str(row) for row in session.execute(select(*columns).order_by(*table.primary_key))]
    return found


def test_strangers_are_sent_away_from_every_route(app: APIFlask, client: ParsingClient) -> None:
    token = client.csrf_token()
    headers = {"X-CSRFToken": token, "dj-client": "OPERATOR"}
    answers = {}
    for rule, method, address in routes(app):
        if required_permission(app, rule.endpoint) != PUBLIC:
            status = client.open(address, method=method, headers=headers, csrf=False, json={}).status_code
            answers[f"{method} {address}"] = status
    wrong = {what: got for what, got in answers.items() if got != (401 if is_api(what.split(" ")[1]) else 303)}
    assert wrong == {}


@pytest.mark.parametrize("role", ["VIEWER", "OPERATOR", "ADMIN"])
def test_each_role_is_refused_what_it_may_not_and_nothing_else(app: APIFlask, sign_in: SignIn, role: str) -> None:
    client = sign_in(role)
    headers = {"X-CSRFToken": client.csrf_token()}
    wrong = {}
    for rule, method, address in routes(app):
        name = required_permission(app, rule.endpoint)
        if is_api(address) or name == PUBLIC or rule.endpoint == "auth.sign_out":
            continue
        status = client.open(address, method=method, headers=headers, csrf=False).status_code
        if (status == 403) == (name in GRANTS[role]):
            wrong[f"{method} {address}"] = status
    assert wrong == {}


@pytest.mark.parametrize("role", ["VIEWER", "OPERATOR", "ADMIN"])
def test_a_token_may_what_its_user_may(app: APIFlask, client: ParsingClient, sessions: Sessions, role: str) -> None:
    with sessions.begin() as session:
        user = users.create(session, name="script", password=PASSWORD, role=role)
        _, text = tokens.create(session, user=user, name="script")
    headers = {"Authorization": f"Bearer {text}", "dj-client": "OPERATOR"}
    wrong = {}
    for rule, method, address in routes(app):
        name = required_permission(app, rule.endpoint)
        if not is_api(address) or name == PUBLIC:
            continue
        status = client.open(address, method=method, headers=headers, csrf=False, json={}).status_code
        if (status in (401, 403)) == (name in GRANTS[role]):
            wrong[f"{method} {address}"] = status
    assert wrong == {}


def test_every_changing_page_route_needs_the_csrf_token(app: APIFlask, sign_in: SignIn) -> None:
    client, foreign = sign_in("ADMIN"), app.test_client()
    stolen, htmx = {"X-CSRFToken": foreign.csrf_token()}, {"HX-Request": "true"}
    tries = {"none": {}, "foreign": stolen, "htmx": htmx, "foreign by htmx": stolen | htmx}
    wrong = {}
    for _, method, address in routes(app):
        if method not in CHANGING or is_api(address):
            continue
        for what, headers in tries.items():
            status = client.open(address, method=method, headers=headers, csrf=False).status_code
            if status != 400:
                wrong[f"{what} {method} {address}"] = status
    assert wrong == {}


def test_the_session_cookie_is_worth_nothing_on_the_json_api(app: APIFlask, sign_in: SignIn) -> None:
    client = sign_in("ADMIN")
    paths = [
        a for r, m, a in routes(app) if m == "GET" and is_api(a) and required_permission(app, r.endpoint) != PUBLIC
    ]
    assert paths
    assert {client.get(path, headers={"dj-client": "OPERATOR"}).status_code for path in paths} == {401}


def test_a_token_is_worth_nothing_on_pages(client: ParsingClient, sessions: Sessions) -> None:
    with sessions.begin() as session:
        user = users.create(session, name="script", password=PASSWORD, role="ADMIN")
        _, text = tokens.create(session, user=user, name="script")
    assert client.get("/settings/general", headers={"Authorization": f"Bearer {text}"}).status_code == 303
