"""The download of rejected rows."""

from __future__ import annotations

from flask import Response, stream_with_context

from datahub.jobs import rejected_rows
from datahub.models.execution import Execution
from webapp.database import db


def rejected_file(execution: Execution) -> Response:
    pieces = rejected_rows.rejected_file(db.session(), execution)
    response = Response(stream_with_context(pieces), content_type="text/csv; charset=utf-8")
    response.headers.set("Content-Disposition", "attachment", filename=f"rejected-{execution.public_id}.csv")
    return response
