"""The audit log as it is written by pages, scripts and commands, and read by administrators."""

from __future__ import annotations

import re
from collections.abc import Callable

from apiflask import APIFlask
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.access import tokens, users
from datahub.models.audit import AuditEntry
from datahub.vault import Vault
from tests.factories import add_connection, make_job
from tests.webapp.conftest import PASSWORD, ParsingClient, drawn

SignIn = Callable[[str], ParsingClient]
Sessions = sessionmaker[Session]
GENERAL = {"locales": "en-GB", "main_locale": "en-GB", "currency": "EUR"}


def told(sessions: Sessions) -> list[tuple[str, str, str, str]]:
    with sessions() as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    return [(entry.actor, entry.source, entry.action, f"{entry.kind} {entry.object_name}".strip()) for entry in entries]


def test_who_changed_what_by_page_is_read_in_words(sign_in: SignIn, sessions: Sessions) -> None:
    client = sign_in("ADMIN")
    client.post("/settings/general", data=GENERAL | {"file_name_prefix": "ACME", "locales": "en-GB\nfr-FR"})
    assert told(sessions)[-1] == ("admin", "PAGE", "changed", "general settings")
    page = drawn(client.get("/settings/audit").text)
    assert "<del>DJUST</del>" in page and "<ins>ACME</ins>" in page and "by page · 127.0.0.1" in page
    assert "<del>…</del> → <ins>fr-FR, …</ins>" in page
    assert 'href="/settings/general"' in page


def test_scripts_and_commands_are_told_apart(app: APIFlask, client: ParsingClient, sessions: Sessions) -> None:
    app.test_cli_runner().invoke(args=["create-user", "ada", "--role", "ADMIN"], input=PASSWORD + "\n")
    with sessions.begin() as session:
        _, text = tokens.create(session, user=users.find(session, "ada"), name="ERP")
    headers = {"Authorization": f"Bearer {text}", "dj-client": "OPERATOR"}
    answer = client.open("/v1/settings/general", method="PATCH", json={"currency": "CHF"}, headers=headers, csrf=False)
    assert answer.status_code == 200, answer.text
    assert told(sessions) == [
        ("bin/datahub create-user", "COMMAND", "created", "user ada"),
        ("ada", "API", "changed", "general settings"),
    ]


def test_signing_in_out_and_failing_to_are_recorded_without_what_was_typed(
    client: ParsingClient, sign_in: SignIn, sessions: Sessions
) -> None:
    sign_in("VIEWER").post("/sign-out")
    client.post("/sign-in", data={"name": "VIEWER", "password": "a wrong guess"})
    client.post("/sign-in", data={"name": "my-secret-password", "password": "x"})
    assert told(sessions) == [
        ("viewer", "PAGE", "signed in", "user viewer"),
        ("viewer", "PAGE", "signed out", "user viewer"),
        ("", "PAGE", "sign-in failed", "user viewer"),
        ("", "PAGE", "sign-in failed", "user"),
    ]


def test_a_browser_that_is_signed_in_may_fail_to_sign_in_again(sign_in: SignIn, sessions: Sessions) -> None:
    client = sign_in("VIEWER")
    assert client.post("/sign-in", data={"name": "viewer", "password": "a wrong guess"}).status_code == 422
    assert told(sessions)[-1] == ("", "PAGE", "sign-in failed", "user viewer")


def test_throttled_attempts_are_not_recorded(client: ParsingClient, sign_in: SignIn, sessions: Sessions) -> None:
    statuses = [client.post("/sign-in", data={"name": "ada", "password": "x"}).status_code for _ in range(15)]
    assert statuses.count(429) == 5
    assert len(told(sessions)) == 10


def test_setting_a_password_by_a_link_is_the_users_own_deed(
    client: ParsingClient, sign_in: SignIn, sessions: Sessions
) -> None:
    page = sign_in("ADMIN").post("/settings/users/new", data={"name": "bob", "role": "VIEWER"}).text
    link = re.search(r"/set-password/dh_[\w-]+", page)[0]
    client.post(link, data={"password": PASSWORD, "again": PASSWORD})
    assert told(sessions)[1:] == [
        ("admin", "PAGE", "created", "user bob"),
        ("admin", "PAGE", "invited", "user bob"),
        ("bob", "PAGE", "changed", "user bob"),
    ]
    with sessions() as session:
        assert session.scalars(select(AuditEntry.changes).order_by(AuditEntry.id.desc())).first() == {
            "password": "changed"
        }


def test_refused_requests_leave_no_entry(sign_in: SignIn, sessions: Sessions) -> None:
    client = sign_in("ADMIN")
    before = told(sessions)
    assert client.post("/settings/general", data=GENERAL | {"file_name_prefix": "../x"}).status_code == 422
    assert client.post("/settings/users/1/lock-out").status_code == 409
    assert told(sessions) == before


def test_running_a_job_is_recorded(sign_in: SignIn, sessions: Sessions, vault: Vault) -> None:
    with sessions.begin() as session:
        job = make_job(session, add_connection(session, vault))
        public_id, name = job.public_id, job.name
    client = sign_in("OPERATOR")
    assert client.post(f"/export-jobs/{public_id}/run").status_code == 303
    assert told(sessions)[-1] == ("operator", "PAGE", "run", f"export job {name}")


def test_the_page_filters_keeps_its_state_in_the_address_and_answers_htmx(sign_in: SignIn, sessions: Sessions) -> None:
    client = sign_in("ADMIN")
    client.post("/settings/users/new", data={"name": "bob", "role": "VIEWER"})
    answer = client.get("/settings/audit?action=invited&kind=user&text=BO&before=zzz", htmx=True)
    assert "Invited" in answer.text and "Signed in" not in answer.text and "<html" not in answer.text
    assert "action=invited" in answer.headers["HX-Push-Url"]
    page = client.get("/settings/audit?action=invited&since=nonsense&person=1").text
    assert '<option value="invited" selected>' in page
    assert "No entry fits" in client.get("/settings/audit?until=2001-01-01").text


def test_hostile_names_are_shown_as_text(sign_in: SignIn) -> None:
    client = sign_in("ADMIN")
    client.post("/settings/tokens", data={"name": "<script>alert(1)</script>"})
    page = client.get("/settings/audit").text
    assert "<script>alert" not in page and "&lt;script&gt;" in page


def test_what_was_deleted_is_named_without_a_link(sign_in: SignIn, sessions: Sessions, vault: Vault) -> None:
    with sessions.begin() as session:
        public_id = add_connection(session, vault, name="Gone").public_id
    client = sign_in("ADMIN")
    client.post(f"/connections/{public_id}/delete")
    page = client.get("/settings/audit").text
    assert "Gone" in page and f"/connections/{public_id}" not in page
    assert told(sessions)[-1] == ("admin", "PAGE", "deleted", "connection Gone")


def test_only_administrators_read_the_log(sign_in: SignIn) -> None:
    operator = sign_in("OPERATOR")
    assert operator.get("/settings/audit").status_code == 403
    assert "Audit log" not in operator.get("/settings/tokens").text
