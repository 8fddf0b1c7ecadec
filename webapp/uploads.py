"""The file that a request brings to be imported. How large it may be, the application says for every request."""

from __future__ import annotations

from flask import request

from datahub.errors import InvalidError
from datahub.transports.base import clean

FIELD = "file"


def given_file() -> tuple[str, bytes] | None:
    """Name and content of the multipart field `file`; None where none was chosen."""
    given = request.files.get(FIELD)
    return (clean(given.filename or "") or "upload.csv", given.read()) if given else None


def only_file() -> tuple[str, bytes]:
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
