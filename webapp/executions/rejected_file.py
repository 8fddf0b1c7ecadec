"""The download of rejected rows, in the format of the files that they are of."""

from __future__ import annotations

from flask import Response, stream_with_context

from datahub.jobs import import_history
from datahub.models.execution import Execution
from webapp.database import db


def rejected_file(execution: Execution) -> Response:
    is_xml = import_history.elements_of(execution) is not None
    pieces = import_history.rejected_file(db.session(), execution)
    kind, ending = ("application/xml", "xml") if is_xml else ("text/csv", "csv")
    response = Response(stream_with_context(pieces), content_type=f"{kind}; charset=utf-8")
    response.headers.set("Content-Disposition", "attachment", filename=f"rejected-{execution.public_id}.{ending}")
    return response
