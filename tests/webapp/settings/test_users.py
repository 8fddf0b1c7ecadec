"""The pages of users, their sessions and tokens, and the link that sets a password."""

from __future__ import annotations

import re
from collections.abc import Callable

from apiflask import APIFlask
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.access import sessions as browser_sessions
from datahub.access import tokens, users
from datahub.models.access import ApiToken, PasswordLink, User, UserSession
from tests.webapp.conftest import PASSWORD, ParsingClient

SignIn = Callable[[str], ParsingClient]
Sessions = sessionmaker[Session]
SECRET = re.compile(r"http://127\.0\.0\.1:8000(/set-password/dh_[\w-]{40,})")


def user_id(sessions: Sessions, name: str) -> int:
    with sessions() as session:
        return users.find(session, name).id


def invite(client: ParsingClient, name: str = "ada", role: str = "OPERATOR") -> str:
    page = client.post("/settings/users/new", data={"name": name, "role": role})
    assert page.status_code == 200, page.text
    return SECRET.search(page.text)[1]


def set_password(client: ParsingClient, link: str, password: str = PASSWORD) -> int:
    return client.post(link, data={"password": password, "again": password}).status_code


def test_an_invited_user_sets_a_password_by_the_link_and_signs_in(client: ParsingClient, sign_in: SignIn) -> None:
    admin = sign_in("ADMIN")
    link = invite(admin)
    assert "Password not set yet" in admin.get("/settings/users").text
    assert 'value="ada"' in client.get(link).text
    assert set_password(client, link) == 303
    assert client.post("/sign-in", data={"name": "ADA", "password": PASSWORD}).status_code == 303
    assert client.get("/settings/users").status_code == 403


def test_the_link_is_shown_once(sign_in: SignIn, sessions: Sessions) -> None:
    admin = sign_in("ADMIN")
    secret = invite(admin).rpartition("/")[2]
    pages = admin.get("/settings/users").text + admin.get(f"/settings/users/{user_id(sessions, 'ada')}").text
    assert secret not in pages and "open until" in pages
    with sessions() as session:
        assert secret not in session.scalars(select(PasswordLink.secret_hash)).one()


def test_wrong_used_replaced_and_disabled_links_get_one_answer(
    client: ParsingClient, sign_in: SignIn, sessions: Sessions
) -> None:
    admin = sign_in("ADMIN")
    used, replaced, disabled = invite(admin, "ada"), invite(admin, "bob"), invite(admin, "eve")
    set_password(client, used)
    admin.post(f"/settings/users/{user_id(sessions, 'bob')}/link")
    admin.post(f"/settings/users/{user_id(sessions, 'eve')}/disable")
    token = client.csrf_token()
    answers = set()
    for link in (used, replaced, disabled, "/set-password/dh_wrong", "/set-password/%00"):
        for answer in (
            client.get(link),
            client.post(link, data={"password": PASSWORD, "again": PASSWORD}, headers={"X-CSRFToken": token}),
        ):
            answers.add((answer.status_code, re.sub(r'<time.*?</time>|CSRFToken": "[^"]*', "", answer.text)))
    assert len({status for status, _ in answers}) == 1
    assert len([text for _, text in answers if "This link does not work" in text]) == 1


def test_guessing_links_is_throttled_by_source(client: ParsingClient) -> None:
    source = {"REMOTE_ADDR": "192.0.2.7"}
    statuses = [client.get(f"/set-password/dh_{n}", environ_base=source).status_code for n in range(12)]
    assert statuses == [404] * 10 + [429] * 2
    assert client.get("/set-password/dh_x", environ_base={"REMOTE_ADDR": "192.0.2.8"}).status_code == 404


def test_opening_a_link_changes_nothing(client: ParsingClient, sign_in: SignIn) -> None:
    link = invite(sign_in("ADMIN"))
    assert [client.get(link).status_code for _ in range(3)] == [200] * 3
    assert set_password(client, link, "short") == 422
    assert set_password(client, link) == 303


def test_hostile_names_are_shown_as_text(sign_in: SignIn, sessions: Sessions) -> None:
    admin, name = sign_in("ADMIN"), "<img src=x onerror=alert(1)>\" ' {{ 7654321*9 }}"
    invite(admin, name)
    for url in ("/settings/users", f"/settings/users/{user_id(sessions, name)}"):
        page = admin.get(url).text
        assert "<img src=x" not in page and "&lt;img src=x" in page and "68888889" not in page


def test_a_taken_name_is_refused_at_its_field(sign_in: SignIn) -> None:
    answer = sign_in("ADMIN").post("/settings/users/new", data={"name": "Admin", "role": "VIEWER"})
    assert answer.status_code == 422 and "The name Admin is taken." in answer.text


def test_disabling_ends_everything_at_once(sign_in: SignIn, sessions: Sessions) -> None:
    admin, viewer = sign_in("ADMIN"), sign_in("VIEWER")
    with sessions.begin() as session:
        _, text = tokens.create(session, user=users.find(session, "viewer"), name="ERP")
    script = {"Authorization": f"Bearer {text}", "dj-client": "OPERATOR"}
    url = f"/settings/users/{user_id(sessions, 'viewer')}"
    asked = viewer.application.test_client()
    assert asked.get("/v1/mapper/clients", headers=script).status_code == 200
    assert admin.post(f"{url}/disable").location == url
    assert "Disabled" in admin.get(url).text
    assert (viewer.get("/").status_code, asked.get("/v1/mapper/clients", headers=script).status_code) == (303, 401)
    admin.post(f"{url}/enable")
    assert (viewer.get("/").status_code, asked.get("/v1/mapper/clients", headers=script).status_code) == (303, 200)


def test_the_last_administrator_and_oneself_are_refused_with_409_in_words(sign_in: SignIn, sessions: Sessions) -> None:
    admin = sign_in("ADMIN")
    url = f"/settings/users/{user_id(sessions, 'admin')}"
    answers = [
        admin.post(url, data={"role": "VIEWER"}),
        *(admin.post(f"{url}/{what}") for what in ("disable", "lock-out", "link")),
    ]
    assert [answer.status_code for answer in answers] == [409] * 4
    assert "only administrator who can sign in" in answers[0].text and "Nobody can disable" in answers[1].text
    assert admin.get("/settings/users").status_code == 200


def test_a_changed_role_counts_at_the_next_request(sign_in: SignIn, sessions: Sessions) -> None:
    admin, viewer = sign_in("ADMIN"), sign_in("VIEWER")
    assert viewer.get("/settings/users").status_code == 403
    url = f"/settings/users/{user_id(sessions, 'viewer')}"
    assert admin.post(url, data={"role": "KING"}).status_code == 422
    assert admin.post(url, data={"role": "ADMIN"}).location == url
    assert viewer.get("/settings/users").status_code == 200


def test_locking_out_says_what_it_did(sign_in: SignIn, sessions: Sessions) -> None:
    admin, viewer = sign_in("ADMIN"), sign_in("VIEWER")
    viewer.post("/settings/tokens", data={"name": "ERP"})
    url = f"/settings/users/{user_id(sessions, 'viewer')}"
    admin.post(f"{url}/lock-out")
    assert "disabled, the password void, 1 session ended, 1 token revoked" in admin.get(url).text
    assert viewer.get("/").status_code == 303
    with sessions() as session:
        assert session.scalars(select(ApiToken.revoked_at)).one()


def test_an_administrator_sees_and_ends_sessions_and_tokens_of_anybody(sign_in: SignIn, sessions: Sessions) -> None:
    admin, viewer = sign_in("ADMIN"), sign_in("VIEWER")
    viewer.post("/settings/tokens", data={"name": "ERP"})
    url = f"/settings/users/{user_id(sessions, 'viewer')}"
    page = admin.get(url).text
    assert f"{url}/sessions/2/end" in page and "ERP" in page
    public_id = re.search(r"/tokens/([\w-]+)/revoke", page)[1]
    admin.post(f"{url}/tokens/{public_id}/revoke")
    admin.post(f"{url}/sessions/2/end")
    assert viewer.get("/").status_code == 303
    assert "Revoked" in admin.get(url).text
    assert admin.post(f"{url}/sessions/2/end").status_code == 404


def test_a_session_is_ended_only_under_its_own_user(app: APIFlask, sign_in: SignIn, sessions: Sessions) -> None:
    admin, viewer = sign_in("ADMIN"), sign_in("VIEWER")
    assert viewer.post("/settings/sessions/1/end").status_code == 404
    assert admin.post(f"/settings/users/{user_id(sessions, 'viewer')}/sessions/1/end").status_code == 404
    assert admin.post("/settings/sessions/1/end").status_code == 409
    assert admin.get("/").status_code == 200


def test_one_of_the_own_sessions_is_ended(app: APIFlask, sign_in: SignIn) -> None:
    client, other = sign_in("VIEWER"), app.test_client()
    other.post("/sign-in", data={"name": "viewer", "password": PASSWORD})
    assert "/settings/sessions/2/end" in client.get("/settings/password").text
    assert client.post("/settings/sessions/2/end").location == "/settings/password"
    assert (client.get("/").status_code, other.get("/").status_code) == (200, 303)


def test_signing_out_everywhere_spares_this_browser(app: APIFlask, sign_in: SignIn, sessions: Sessions) -> None:
    admin, other = sign_in("ADMIN"), app.test_client()
    other.post("/sign-in", data={"name": "admin", "password": PASSWORD})
    admin.post(f"/settings/users/{user_id(sessions, 'admin')}/sessions/end")
    assert (admin.get("/").status_code, other.get("/").status_code) == (200, 303)
    with sessions() as session:
        row = session.scalars(select(UserSession)).one()
        assert browser_sessions.of_user(session, user=session.get_one(User, row.user_id), idle_seconds=9, max_seconds=9)


def test_a_user_is_limited_to_stores_by_page(sign_in: SignIn, sessions: Sessions) -> None:
    admin = sign_in("ADMIN")
    typed = {"name": "nora", "role": "OPERATOR", "stores": "default_store"}
    assert admin.post("/settings/users/new", data=typed).status_code == 200
    with sessions() as session:
        user = session.scalars(select(User).where(User.name == "nora")).one()
        assert [store.external_id for store in user.stores] == ["default_store"]
    url = f"/settings/users/{user.id}"
    assert "checked" in admin.get(url).text
    assert "only default_store" in admin.get("/settings/users").text
    refused = admin.post(url, data={"role": "ADMIN", "stores": "default_store"})
    assert (refused.status_code, "An ADMIN sees every store" in refused.text) == (422, True)
    unknown = admin.post(url, data={"role": "OPERATOR", "stores": "west"})
    assert (unknown.status_code, "There is no store" in unknown.text) == (422, True)
    assert admin.post(url, data={"role": "OPERATOR"}).status_code == 303
    with sessions() as session:
        assert session.get_one(User, user.id).stores == []
