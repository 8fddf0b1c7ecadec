"""The file that a request brings to be imported. How large it may be, the application says for every request."""

from __future__ import annotations

from flask import request

from datahub.transports.base import clean


def given_file() -> tuple[str, bytes] | None:
    """Name and content of the multipart field `file`; None where none was chosen."""
    given = request.files.get("file")
    return (clean(given.filename or "") or "upload.csv", given.read()) if given else None
