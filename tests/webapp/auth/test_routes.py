"""Signing in and out, and what a session is worth."""

from __future__ import annotations

from collections.abc import Callable

from tests.webapp.conftest import PASSWORD, ParsingClient

SignIn = Callable[[str], ParsingClient]


def test_a_page_sends_strangers_to_sign_in_and_back(client: ParsingClient) -> None:
    answer = client.get("/settings/?tab=1")
    assert (answer.status_code, answer.location) == (303, "/sign-in?next=/settings/?tab%3D1")


def test_signing_in_opens_home_and_signing_out_ends_the_session(sign_in: SignIn) -> None:
    client = sign_in("VIEWER")
    assert client.get("/").status_code == 200
    cookie = client.get_cookie("datahub")
    assert client.post("/sign-out").location == "/sign-in"
    client.set_cookie("datahub", cookie.value)
    assert client.get("/").location == "/sign-in?next=/"


def test_wrong_password_and_unknown_name_get_the_same_answer(sign_in: SignIn, client: ParsingClient) -> None:
    sign_in("VIEWER")
    answers = [client.post("/sign-in", data={"name": n, "password": "no " + PASSWORD}) for n in ("viewer", "nobody")]
    assert [answer.status_code for answer in answers] == [422, 422]
    assert all("Name and password do not fit." in answer.text for answer in answers)
