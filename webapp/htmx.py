"""Whole page or fragment: the helpers of every route that answers htmx."""

from __future__ import annotations

from flask import Flask, Response, make_response, redirect, render_template
from htmx_flask import Htmx, request


def init_app(app: Flask) -> None:
    Htmx(app)


def wants_fragment() -> bool:
    htmx = request.htmx
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def render(page: str, partial: str, status: int = 200, **context: object) -> Response:
    """The page, or for htmx its partial followed by the waiting flash messages, out of band."""
    if wants_fragment():
        body = render_template(partial, **context) + render_template("_flash_out_of_band.html")
    else:
        body = render_template(page, **context)
    response = make_response(body, status)
    response.vary.add("HX-Request")
    return response


def redirect_to(url: str) -> Response:
    """To a page of ours, after a change: 303, or for htmx HX-Redirect, which loads the whole page."""
    if not wants_fragment():
        return make_response(redirect(url, 303))
    response = make_response("", 204)
    response.headers["HX-Redirect"] = url
    return response
