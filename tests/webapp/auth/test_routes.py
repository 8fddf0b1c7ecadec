"""Signing in and out, and what a session is worth."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta

import pytest
from apiflask import APIFlask
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.access import accounts, users
from datahub.models.access import User, UserSession
from datahub.settings import Settings
from tests.webapp.conftest import PASSWORD, ParsingClient

SignIn = Callable[[str], ParsingClient]
Sessions = sessionmaker[Session]


def send(client: ParsingClient, name: str, password: str, **kwargs: object) -> object:
    return client.post("/sign-in", data={"name": name, "password": password}, **kwargs)


def test_a_page_sends_strangers_to_sign_in_and_back(client: ParsingClient, sign_in: SignIn) -> None:
    answer = client.get("/settings/?tab=1")
    assert (answer.status_code, answer.location) == (303, "/sign-in?next=/settings/?tab%3D1")
    sign_in("VIEWER")
    answer = client.post(answer.location, data={"name": "viewer", "password": PASSWORD})
    assert answer.location == "/settings/?tab=1"


@pytest.mark.parametrize("url", ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil", "/a\tb", "x"])
def test_signing_in_never_leads_elsewhere(client: ParsingClient, sign_in: SignIn, url: str) -> None:
    sign_in("VIEWER")
    answer = client.post("/sign-in", query_string={"next": url}, data={"name": "viewer", "password": PASSWORD})
    assert answer.location == "/"


def test_signing_out_ends_the_session_on_the_server(sign_in: SignIn) -> None:
    client = sign_in("VIEWER")
    assert client.get("/").status_code == 200
    cookie = client.get_cookie("datahub")
    assert client.post("/sign-out").location == "/sign-in"
    client.set_cookie("datahub", cookie.value)
    assert client.get("/").location == "/sign-in?next=/"


def test_signing_in_begins_a_new_session_and_voids_the_old_one(sign_in: SignIn) -> None:
    client = sign_in("VIEWER")
    first, token = client.get_cookie("datahub").value, client.csrf_token()
    assert send(client, "viewer", PASSWORD).status_code == 303
    assert client.get_cookie("datahub").value != first
    assert client.post("/sign-out", headers={"X-CSRFToken": token}).status_code == 400
    client.set_cookie("datahub", first)
    assert client.get("/").status_code == 303


def test_wrong_password_and_unknown_name_get_the_same_answer(sign_in: SignIn, client: ParsingClient) -> None:
    sign_in("VIEWER")
    answers = [send(client, name, "no " + PASSWORD) for name in ("viewer", "nobody")]
    assert [answer.status_code for answer in answers] == [422, 422]
    bodies = [answer.text.replace("viewer", "X").replace("nobody", "X") for answer in answers]
    assert all("Name and password do not fit." in body for body in bodies)
    assert len(bodies[0]) == len(bodies[1])


def test_guessing_is_throttled_by_account_known_or_not_and_by_source(app: APIFlask, sign_in: SignIn) -> None:
    sign_in("VIEWER")
    for number, name in enumerate(("viewer", "nobody")):
        client = app.test_client()
        source = {"REMOTE_ADDR": f"192.0.2.{number}"}
        statuses = [send(client, name, "wrong guess", environ_base=source).status_code for _ in range(12)]
        assert statuses == [422] * 10 + [429] * 2
        elsewhere = {"REMOTE_ADDR": f"198.51.100.{number}"}
        for spelling in (name.upper(), name.replace("e", "\N{FULLWIDTH LATIN SMALL LETTER E}")):
            assert send(client, spelling, PASSWORD, environ_base=elsewhere).status_code == 429
        assert send(client, "somebody", "wrong guess", environ_base=source).status_code == 429


@pytest.mark.parametrize(("trusted", "counted_apart"), [(1, True), (0, False)])
def test_visitors_behind_a_proxy_are_counted_apart_where_it_is_trusted(
    start_app: Callable[[Settings], APIFlask], settings: Settings, trusted: int, counted_apart: bool
) -> None:
    client = start_app(dataclasses.replace(settings, trusted_proxies=trusted)).test_client()

    def guess(name: str, address: str) -> int:
        # What the visitor says of earlier proxies comes before what ours adds.
        return send(client, name, "wrong guess", headers={"X-Forwarded-For": f"192.0.2.1, {address}"}).status_code

    assert [guess(f"name {number}", "203.0.113.1") for number in range(11)] == [422] * 10 + [429]
    assert guess("somebody", "203.0.113.2") == (422 if counted_apart else 429)


def test_of_a_hundred_guesses_from_a_hundred_addresses_ten_are_looked_at(
    app: APIFlask, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in("VIEWER")
    looked_at = watch_hasher(monkeypatch)
    client = app.test_client()
    for number in range(100):
        send(client, "viewer", f"guess {number}", environ_base={"REMOTE_ADDR": f"203.0.113.{number}"})
    assert len(looked_at) == 10


def test_unknown_disabled_and_invited_names_cost_as_much_work_as_a_wrong_password(
    sign_in: SignIn, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = sign_in("VIEWER")
    with sessions.begin() as session:
        accounts.invite(session, name="invited", role="VIEWER")
        users.create(session, name="disabled", password=PASSWORD, role="VIEWER").active = False
    looked_at = watch_hasher(monkeypatch)
    for name in ("viewer", "nobody", "invited", "disabled"):
        assert send(client, name, "no " + PASSWORD).status_code == 422
    # One each, with hashes of the same cost.
    assert len(looked_at) == 4 and len({stored.rsplit("$", 2)[0] for stored in looked_at}) == 1


def watch_hasher(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The stored hashes that passwords are compared with from now on."""
    looked_at: list[str] = []
    verify = users._verifies

    def note(stored: str, password: str) -> bool:
        looked_at.append(stored)
        return verify(stored, password)

    monkeypatch.setattr(users, "_verifies", note)
    return looked_at


def test_success_is_not_throttled(sign_in: SignIn) -> None:
    client = sign_in("VIEWER")
    assert {send(client, "viewer", PASSWORD).status_code for _ in range(12)} == {303}


def test_signing_in_works_while_redis_is_away_and_guessing_is_still_throttled(
    settings: Settings, sign_in: SignIn, start_app: Callable[[Settings], APIFlask]
) -> None:
    sign_in("VIEWER")
    client = start_app(dataclasses.replace(settings, redis_url="redis://127.0.0.1:1/0")).test_client()
    assert [send(client, "viewer", "wrong guess").status_code for _ in range(11)] == [422] * 10 + [429]
    source = {"REMOTE_ADDR": "192.0.2.9"}
    assert send(client, "admin", "wrong guess", environ_base=source).status_code == 422


@pytest.mark.parametrize(
    ("column", "setting"), [("last_seen_at", "session_idle_seconds"), ("created_at", "session_seconds")]
)
def test_idle_and_old_sessions_end(
    sign_in: SignIn, sessions: Sessions, settings: Settings, column: str, setting: str
) -> None:
    client = sign_in("VIEWER")
    with sessions.begin() as session:
        row = session.scalars(select(UserSession)).one()
        setattr(row, column, getattr(row, column) - timedelta(seconds=getattr(settings, setting) + 1))
    assert client.get("/").location == "/sign-in?next=/"


def test_use_is_noted_but_not_that_of_pieces_that_refresh_themselves(sign_in: SignIn, sessions: Sessions) -> None:
    client = sign_in("VIEWER")
    with sessions.begin() as session:
        row = session.scalars(select(UserSession)).one()
        before = row.last_seen_at = row.last_seen_at - timedelta(minutes=5)
    client.get("/", htmx=True)
    with sessions() as session:
        assert session.scalars(select(UserSession.last_seen_at)).one() == before
    client.get("/")
    with sessions() as session:
        assert session.scalars(select(UserSession.last_seen_at)).one() > before


def test_a_deactivated_user_is_out_at_once(sign_in: SignIn, sessions: Sessions) -> None:
    client = sign_in("VIEWER")
    with sessions.begin() as session:
        session.scalars(select(User)).one().active = False
    assert client.get("/").status_code == 303


def test_a_piece_asked_for_without_a_session_sends_the_whole_page_to_sign_in(client: ParsingClient) -> None:
    answer = client.get("/", htmx=True)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, "/sign-in")


def test_a_new_hash_is_stored_at_sign_in_when_the_parameters_changed(sign_in: SignIn, sessions: Sessions) -> None:
    client = sign_in("VIEWER")
    with sessions.begin() as session:
        old = session.scalars(select(User)).one().password_hash = users.PasswordHasher(time_cost=1).hash(PASSWORD)
    assert send(client, "viewer", PASSWORD).status_code == 303
    with sessions() as session:
        assert session.scalars(select(User)).one().password_hash != old
