"""Takes in what a request brings before the transaction of the request begins: no lock waits for a slow sender."""

from __future__ import annotations

from threading import BoundedSemaphore

from flask import Flask, current_app, request

from datahub.errors import TransientError
from webapp.auth.identity import is_known
from webapp.database import READING
from webapp.permissions import PUBLIC, required_permission
from webapp.uploads import MULTIPART, may_be_large

# Of the eight threads of a process. A large file may come slowly, and pages want to be answered meanwhile.
MOST_FILES = 4


def init_app(app: Flask) -> None:
    """Before anything that asks the database, or reads forms, in the request's session."""
    app.extensions["places_for_files"] = BoundedSemaphore(MOST_FILES)
    app.before_request(_take_in)


def _take_in() -> None:
    endpoint = request.endpoint
    has_body = request.content_length or "Transfer-Encoding" in request.headers
    if endpoint is None or request.method in READING or not has_body:
        return
    # A stranger is refused further on, whatever they send.
    if required_permission(current_app, endpoint) != PUBLIC and not is_known():
        return
    if may_be_large(endpoint):
        _take_file()
    else:
        _read()


def _take_file() -> None:
    places: BoundedSemaphore = current_app.extensions["places_for_files"]
    if not places.acquire(blocking=False):
        raise TransientError("Too many files are being sent at this moment.")
    try:
        request.max_content_length = current_app.extensions["settings"].max_upload_bytes
        _read()
    finally:
        places.release()


def _read() -> None:
    if request.mimetype == MULTIPART:
        # Werkzeug keeps its files on disk.
        request.get_data(cache=False, parse_form_data=True)
    else:
        request.get_data()
