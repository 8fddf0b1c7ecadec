"""The settings pages."""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.access import tokens, users
from datahub.models.access import ApiToken
from datahub.models.setting import GeneralSettings
from tests.webapp.conftest import PASSWORD, ParsingClient, parse

SignIn = Callable[[str], ParsingClient]
Sessions = sessionmaker[Session]
GENERAL = {"multi_store": "y", "locales": "en-GB", "main_locale": "en-GB", "currency": "EUR"}


def test_general_settings_are_saved_and_shown(sign_in: SignIn, sessions: Sessions) -> None:
    client = sign_in("ADMIN")
    answer = client.post("/settings/general", data=GENERAL | {"file_name_prefix": "ACME-1"})
    assert answer.location == "/settings/general"
    page = client.get("/settings/general").text
    assert 'value="ACME-1"' in page and "Saved." in page
    with sessions() as session:
        stored = session.get_one(GeneralSettings, 1)
        assert (stored.file_name_prefix, stored.multi_store) == ("ACME-1", True)


def test_a_malformed_prefix_is_refused_at_its_field_and_nothing_is_saved(sign_in: SignIn, sessions: Sessions) -> None:
    client = sign_in("ADMIN")
    for prefix in ("", "../x", "a b", "x" * 21, "Ä"):
        answer = client.post("/settings/general", data=GENERAL | {"file_name_prefix": prefix})
        field = next(e for e in parse(answer.text).iter("input") if e.get("name") == "file_name_prefix")
        assert (answer.status_code, field.get("aria-invalid")) == (422, "true")
        assert "file_name_prefix-errors" in field.get("aria-describedby")
    with sessions() as session:
        assert session.get_one(GeneralSettings, 1).multi_store is False


def test_a_currency_that_does_not_exist_is_refused_at_its_field_and_named(sign_in: SignIn, sessions: Sessions) -> None:
    client = sign_in("ADMIN")
    answer = client.post("/settings/general", data=GENERAL | {"file_name_prefix": "ACME", "currency": "ABC"})
    field = next(e for e in parse(answer.text).iter("input") if e.get("name") == "currency")
    assert (answer.status_code, field.get("aria-invalid"), field.get("value")) == (422, "true", "ABC")
    assert "is not a currency of ISO 4217" in answer.text
    with sessions() as session:
        assert session.get_one(GeneralSettings, 1).currency == "EUR"


def test_settings_open_where_the_role_may_go(sign_in: SignIn) -> None:
    assert sign_in("ADMIN").get("/settings/").location == "/settings/general"
    operator = sign_in("OPERATOR")
    assert operator.get("/settings/").location == "/settings/general"
    tabs = operator.get("/settings/general").text
    assert ("/settings/general" in tabs, "/settings/users" in tabs) == (True, False)
    viewer = sign_in("VIEWER")
    assert viewer.get("/settings/").location == "/settings/tokens"
    assert "/settings/general" not in viewer.get("/settings/tokens").text


def test_a_token_is_shown_once_and_works_until_it_is_revoked(sign_in: SignIn, sessions: Sessions) -> None:
    client = sign_in("VIEWER")
    text = re.search(r"dh_[\w-]{40,}", client.post("/settings/tokens", data={"name": "ERP"}).text)[0]
    page = client.get("/settings/tokens").text
    assert text not in page and text[:10] in page
    with sessions() as session:
        assert tokens.find(session, text)
        public_id = session.scalars(select(ApiToken.public_id)).one()
    assert client.post(f"/settings/tokens/{public_id}/revoke").location == "/settings/tokens"
    with sessions() as session:
        assert tokens.find(session, text) is None
    assert "Revoked" in client.get("/settings/tokens").text


def test_the_token_of_somebody_else_cannot_be_revoked(sign_in: SignIn, sessions: Sessions) -> None:
    sign_in("OPERATOR").post("/settings/tokens", data={"name": "ERP"})
    with sessions() as session:
        public_id = session.scalars(select(ApiToken.public_id)).one()
    assert sign_in("ADMIN").post(f"/settings/tokens/{public_id}/revoke").status_code == 404
    with sessions() as session:
        assert session.scalars(select(ApiToken.revoked_at)).one() is None


def test_changing_the_password_signs_out_every_other_browser(sign_in: SignIn, sessions: Sessions) -> None:
    client = sign_in("VIEWER")
    other = client.application.test_client()
    other.post("/sign-in", data={"name": "viewer", "password": PASSWORD})
    new = "another horse battery"
    answer = client.post("/settings/password", data={"current": PASSWORD, "password": new, "again": new})
    assert answer.location == "/settings/password"
    assert (client.get("/").status_code, other.get("/").status_code) == (200, 303)
    with sessions() as session:
        assert users.check_password(session, name="viewer", password=new)


def test_a_wrong_current_password_is_said_at_its_field_and_nothing_is_sent_back(sign_in: SignIn) -> None:
    client = sign_in("VIEWER")
    new = "another horse battery"
    answer = client.post("/settings/password", data={"current": "a wrong guess", "password": new, "again": new})
    assert answer.status_code == 422 and "This is not your current password." in answer.text
    guess = {"current": "a wrong guess", "password": new, "again": new}
    assert [client.post("/settings/password", data=guess).status_code for _ in range(10)] == [422] * 9 + [429]
    assert new not in answer.text and "a wrong guess" not in answer.text


def test_other_browsers_can_be_signed_out(sign_in: SignIn) -> None:
    client = sign_in("VIEWER")
    other = client.application.test_client()
    other.post("/sign-in", data={"name": "viewer", "password": PASSWORD})
    assert "Sign out the others" in client.get("/settings/password").text
    client.post("/settings/sessions/end-others")
    assert (client.get("/").status_code, other.get("/").status_code) == (200, 303)


def test_health_names_what_is_away_and_what_to_do(sign_in: SignIn) -> None:
    page = sign_in("VIEWER").get("/settings/health").text
    assert "Redis answers." in page and "python -m worker clock" in page
