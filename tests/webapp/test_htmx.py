"""Whole page or fragment."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from apiflask import APIFlask
from flask import flash

from datahub.settings import Settings
from tests.webapp.conftest import ParsingClient
from webapp.htmx import redirect_to, render
from webapp.permissions import PUBLIC, permission

SignIn = Callable[[str], ParsingClient]


@pytest.fixture
def app(start_app: Callable[[Settings], APIFlask], settings: Settings) -> APIFlask:
    """One of its own: the tests give it routes."""
    return start_app(settings)


@pytest.fixture
def route(app: APIFlask) -> None:
    @permission(PUBLIC)
    def view() -> object:
        flash("Done & dusted.", "success")
        return render("settings/health.html", "errors/_message.html", checks=[], title="T", message="M", advice="A")

    app.add_url_rule("/piece", "piece", view)


@pytest.mark.usefixtures("route")
def test_htmx_gets_the_fragment_and_the_flash_out_of_band_everybody_else_the_page(client: ParsingClient) -> None:
    page, fragment = client.get("/piece"), client.get("/piece", htmx=True)
    assert "<html" in page.text and "Done &amp; dusted." in page.text
    assert "<html" not in fragment.text and 'id="flash" hx-swap-oob="innerHTML"' in fragment.text
    assert "Done &amp; dusted." in fragment.text
    assert "HX-Request" in page.vary and "HX-Request" in fragment.vary


@pytest.mark.usefixtures("route")
@pytest.mark.parametrize("header", ["HX-Boosted", "HX-History-Restore-Request"])
def test_boosted_and_restored_pages_are_whole(client: ParsingClient, header: str) -> None:
    assert "<html" in client.get("/piece", headers={header: "true"}, htmx=True).text


def test_a_redirect_is_a_303_or_a_header_for_htmx(app: APIFlask) -> None:
    with app.test_request_context():
        assert (redirect_to("/x").status_code, redirect_to("/x").location) == (303, "/x")
    with app.test_request_context(headers={"HX-Request": "true"}):
        assert (redirect_to("/x").status_code, redirect_to("/x").headers["HX-Redirect"]) == (204, "/x")
