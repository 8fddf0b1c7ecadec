"""Errors of the JSON API: one body for all, never HTML, never a traceback."""

from __future__ import annotations

import logging

from flask import Response
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.http import HTTP_STATUS_CODES

from datahub.db import DATABASE_AWAY
from datahub.errors import (
    ConfigError,
    ConflictError,
    DataHubError,
    FieldConflictError,
    InvalidError,
    NotFoundError,
    OutcomeUnknownError,
    SettingError,
    TransientError,
)
from webapp.api.reply import reply

# The first class that fits.
STATUSES: tuple[tuple[type[DataHubError], int], ...] = (
    (NotFoundError, 404),
    (ConflictError, 409),
    (InvalidError, 400),
    (TransientError, 503),
    (OutcomeUnknownError, 503),
    (SettingError, 503),
    (ConfigError, 409),
    (DataHubError, 409),
)
KEPT_HEADERS = ("Allow", "Retry-After")
CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    429: "too_many_requests",
    500: "internal_error",
    503: "unavailable",
}
MESSAGES = {
    401: "Send a valid API token in the header Authorization: Bearer <token>.",
    403: "The user of this token may not do this.",
    404: "There is nothing at this path.",
    405: "This path does not take this method.",
    413: "The body is larger than the setting MAX_BODY_BYTES permits, for a file to import MAX_UPLOAD_BYTES.",
    415: "Send the body as JSON, with the header Content-Type: application/json.",
    429: "Too many requests. Wait, then try again.",
    500: "Something broke. It was logged; the same request may fail again.",
    503: "The database does not answer. Nothing was changed; try again in a moment.",
}


def as_json(error: Exception) -> Response:
    """The answer to any exception. What nobody raised on purpose is logged and becomes a plain 500."""
    original = getattr(error, "original_exception", None) if isinstance(error, InternalServerError) else None
    if isinstance(original or error, DATABASE_AWAY):
        return _body(503)
    if isinstance(error, DataHubError):
        status = next(status for kind, status in STATUSES if isinstance(error, kind))
        return _body(status, error.code, str(error), _fields(error))
    if isinstance(error, HTTPException):
        return _from_http(error)
    logging.getLogger(__name__).error("a request of the JSON API failed", exc_info=error)
    return _body(500)


def _from_http(error: HTTPException) -> Response:
    status = error.code if error.code in HTTP_STATUS_CODES else 500
    # Werkzeug's descriptions speak of URLs and browsers; those we raise with words of our own are kept.
    own = error.description if "description" in vars(error) else None
    response = _body(status, message=own)
    for name, value in error.get_headers():
        if name in KEPT_HEADERS:
            response.headers[name] = value
    return response


def _fields(error: DataHubError) -> dict[str, list[str]]:
    if isinstance(error, InvalidError):
        return error.fields
    return {error.field: [str(error)]} if isinstance(error, FieldConflictError) else {}


def _body(
    status: int, code: str | None = None, message: str | None = None, fields: dict[str, list[str]] | None = None
) -> Response:
    title = HTTP_STATUS_CODES[status]
    body: dict[str, object] = {
        "error": title,
        "code": code or CODES.get(status, "error"),
        "message": message or MESSAGES.get(status, title),
    }
    if fields:
        body["fields"] = fields
    response = reply(body, status)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response
