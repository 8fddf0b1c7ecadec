"""Headers and cookies."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from http.cookies import SimpleCookie

from apiflask import APIFlask

from datahub.settings import Settings
from tests.webapp.conftest import ParsingClient, parse

StartApp = Callable[[Settings], APIFlask]


def test_the_content_policy_allows_only_our_own_files(client: ParsingClient) -> None:
    headers = client.get("/sign-in").headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy and "*" not in policy
    assert (headers["X-Frame-Options"], headers["X-Content-Type-Options"]) == ("DENY", "nosniff")


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(client: ParsingClient) -> None:
    cookie = SimpleCookie(client.get("/sign-in").headers["Set-Cookie"])["datahub"]
    assert (cookie["httponly"], cookie["samesite"], cookie["secure"]) == (True, "Lax", "")


def test_behind_https_the_cookie_is_secure_and_plain_requests_are_sent_there(
    start_app: StartApp, settings: Settings
) -> None:
    client = start_app(dataclasses.replace(settings, public_url="https://hub.example.com")).test_client()
    answer = client.get("/sign-in")
    assert answer.location.startswith("https://")
    answer = client.get("/sign-in", headers={"X-Forwarded-Proto": "https"})
    assert SimpleCookie(answer.headers["Set-Cookie"])["datahub"]["secure"] is True
    assert "max-age" in answer.headers["Strict-Transport-Security"]


def test_pages_are_not_kept_by_browsers_and_versioned_files_are(client: ParsingClient) -> None:
    page = client.get("/sign-in")
    assert page.headers["Cache-Control"] == "no-store"
    style = next(e.get("href") for e in parse(page.text).iter("link") if "app.css" in e.get("href"))
    with client.get(style) as kept, client.get(style.partition("?")[0]) as checked:
        assert "max-age=31536000" in kept.headers["Cache-Control"]
        assert checked.headers["Cache-Control"] == "no-cache"
