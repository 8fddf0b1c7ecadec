"""The file that a request brings to be imported. It may be larger than any other body."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, TypeVar

from flask import current_app, request

from datahub.errors import InvalidError
from datahub.transports.base import clean

FIELD = "file"
MULTIPART = "multipart/form-data"

View = TypeVar("View", bound=Callable[..., object])
Upload = tuple[str, IO[bytes]]


def takes_file(view: View) -> View:
    """Marks a view whose body may have MAX_UPLOAD_BYTES. Goes below the route decorators."""
    view.takes_file = True  # type: ignore[attr-defined]
    return view


def may_be_large(endpoint: str) -> bool:
    """Only multipart, whose files are kept on disk: every other body is held in memory."""
    return getattr(current_app.view_functions[endpoint], "takes_file", False) and request.mimetype == MULTIPART


def given_file() -> Upload | None:
    """Name and content of the multipart field `file`; None where none was chosen."""
    given = request.files.get(FIELD)
    return (clean(given.filename or "") or "upload.csv", given.stream) if given else None


def only_file() -> Upload:
    """Raises InvalidError for multipart that is anything but one named file in the field `file`."""
    unknown = sorted({*request.files, *request.form} - {FIELD})
    faults = {name: ["There is no such field."] for name in unknown}
    found = given_file()
    if found is None:
        is_there = FIELD in request.files or FIELD in request.form
        faults[FIELD] = ["The file has no name." if is_there else "The file is missing."]
    elif len(request.files.getlist(FIELD)) + len(request.form.getlist(FIELD)) > 1:
        faults[FIELD] = ["Send one file at a time."]
    if found is None or faults:
        named = ", ".join(faults)
        raise InvalidError(f'Send one file, with its name, in the field "{FIELD}". Faults in: {named}.', faults)
    return found
