"""Errors as answers: a page, a fragment for #flash, or JSON for scripts."""

from __future__ import annotations

from flask import Flask, Response, current_app, make_response, render_template, request
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import Forbidden, HTTPException, InternalServerError

from datahub.db import DATABASE_AWAY
from datahub.errors import (
    ConflictError,
    DataHubError,
    InvalidError,
    NotFoundError,
    OutcomeUnknownError,
    TransientError,
)
from webapp.api.errors import as_json
from webapp.auth.identity import is_api_request
from webapp.database import READING, db
from webapp.htmx import wants_fragment

# The first class that fits. Everything else that a person must mend is a 422 too.
STATUSES = ((NotFoundError, 404), (ConflictError, 409), (TransientError, 503), (InvalidError, 422), (DataHubError, 422))
WORDS = {
    400: ("This request was refused", "Reload the page and try again."),
    401: ("Sign in first", "This needs a signed-in user."),
    403: ("Not permitted", "Your role does not allow this. An administrator can change it."),
    404: ("Not found", "It may have been deleted, or the address is mistyped."),
    405: ("Not possible here", "This address does not answer such a request. Go back and use the page's buttons."),
    409: ("Not possible now", "Its state has changed. Reload the page to see it as it is."),
    413: (
        "Too large",
        "Send less at once; the limit is the setting MAX_BODY_BYTES, for a file to import MAX_UPLOAD_BYTES.",
    ),
    422: ("Not accepted", "Correct it and send it again."),
    429: ("Too many attempts", "Wait a minute, then try again."),
    500: ("Something broke", "It was logged. Try again; if it happens again, tell your administrator when it did."),
    503: ("Not available right now", "A part of the hub does not answer. Try again in a moment; nothing is lost."),
}


def init_app(app: Flask) -> None:
    app.register_error_handler(HTTPException, _answer_http)
    app.register_error_handler(DataHubError, _answer_domain)
    app.register_error_handler(OutcomeUnknownError, _answer_unknown)
    for error in DATABASE_AWAY:
        app.register_error_handler(error, _answer_away)
    app.register_error_handler(StaleDataError, _answer_late)


def _answer_http(error: HTTPException) -> Response:
    if is_api_request():
        return _answer_script(error)
    if isinstance(error, InternalServerError) and isinstance(error.original_exception, DATABASE_AWAY):
        return _answer_away(error.original_exception)
    if error.response is not None:
        return make_response(error.response)
    status = error.code or 500
    if isinstance(error, Forbidden) and "description" in vars(error):
        # Not for want of a role: what was refused says itself whom to ask.
        return _answer(status, error.description or "", advice="")
    message = "This form is too old, or was not sent from this hub." if isinstance(error, CSRFError) else ""
    return _answer(status, message, getattr(error, "get_headers", list)())


def _answer_domain(error: DataHubError) -> Response:
    if is_api_request():
        return _answer_script(error)
    return _answer(next(status for kind, status in STATUSES if isinstance(error, kind)), str(error))


def _answer_away(error: Exception) -> Response:
    if is_api_request():
        return _answer_script(error)
    return _answer(503, "The database does not answer.")


def _answer_unknown(error: OutcomeUnknownError) -> Response:
    """Never that it may be tried again, which could do it twice."""
    current_app.logger.warning("the database went away at a commit", exc_info=error.__cause__)
    if is_api_request():
        return _answer_script(error)
    return _answer(503, str(error), advice="")


def _answer_late(_error: StaleDataError) -> Response:
    """The row was there when it was read, and was gone when it was to be written."""
    return _answer_domain(ConflictError("Somebody else deleted this at the same moment. Nothing was changed."))


def _answer_script(error: Exception) -> Response:
    if request.method not in READING:
        db.session.rollback()
    return make_response(error.response) if getattr(error, "response", None) else as_json(error)


def _answer(
    status: int, message: str, headers: list[tuple[str, str]] | None = None, *, advice: str | None = None
) -> Response:
    title, usual = WORDS.get(status, WORDS[400 if status < 500 else 500])
    if advice is None:
        advice = f"{usual}{_of_other_stores()}" if status == 404 else usual
    if request.method not in READING:
        db.session.rollback()
    if wants_fragment():
        response = make_response(render_template("errors/_message.html", title=title, message=message, advice=advice))
    else:
        page = render_template("errors/error.html", status=status, title=title, message=message, advice=advice)
        response = make_response(page)
    response.status_code = status
    for name, value in headers or []:
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def _of_other_stores() -> str:
    """That something is not found may be for its store, of which nobody says whether it is there."""
    limit = getattr(current_user, "limit", None)
    if limit is None:
        return ""
    return f" Or it is of a store that you do not see: you are limited to {limit.words()}. An administrator can tell."
