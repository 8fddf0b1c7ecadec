"""The download of rejected rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import SpooledTemporaryFile

from flask import Response, current_app

from datahub.jobs import rejected_rows
from datahub.models.execution import Execution
from webapp.database import db

IN_MEMORY = 1_000_000
PIECE = 65_536


def rejected_file(execution: Execution) -> Response:
    """Written whole before its first byte is sent: no transaction waits for somebody who is slow to take it, and with
    its length said, a download that breaks off is seen to be broken."""
    folder = Path(current_app.extensions["settings"].spool_folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ExitStack() as stack:
        file = stack.enter_context(SpooledTemporaryFile(max_size=IN_MEMORY, dir=folder))
        for piece in rejected_rows.rejected_file(db.session(), execution):
            file.write(piece.encode())
        length = file.tell()
        file.seek(0)
        response = Response(_pieces(file), content_type="text/csv; charset=utf-8")
        response.content_length = length
        # Also where nobody asks for the pieces, as by HEAD.
        response.call_on_close(stack.pop_all().close)
    response.headers.set("Content-Disposition", "attachment", filename=f"rejected-{execution.public_id}.csv")
    return response


def _pieces(file: SpooledTemporaryFile[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE):
            yield piece
