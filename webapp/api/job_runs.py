"""Running import jobs by script: start one, with or without a file, and stop it."""

from __future__ import annotations

from flask import Response, request
from flask_login import current_user
from werkzeug.exceptions import UnsupportedMediaType

from datahub.jobs import executions, import_executions, import_history, import_jobs
from datahub.models.execution import API, UPLOAD
from webapp.api.blueprint import make_blueprint
from webapp.api.body import parse
from webapp.api.reply import JSON_TYPE, no_content, reply
from webapp.api.shapes import Shape
from webapp.database import db
from webapp.permissions import EVERY_STORE_WRITE, permission
from webapp.uploads import FIELD, MULTIPART, Upload, only_file, takes_file

blueprint = make_blueprint("job_runs", "Runs of import jobs")


A_FILE = {"type": "string", "format": "binary", "description": "What is imported with the settings of the job."}
UPLOAD_BODY = {
    "description": "None: the job reads its own file.",
    "required": False,
    "content": {
        MULTIPART: {
            "schema": {
                "type": "object",
                "properties": {FIELD: A_FILE},
                "required": [FIELD],
                "additionalProperties": False,
            }
        }
    },
}


class RunAnswer(Shape):
    job_status_id: str
    status: str


@blueprint.post("/v1/mapper/jobs/<job_id>/run")
@blueprint.output(RunAnswer, status_code=202)
@blueprint.doc(
    responses={
        415: {
            "description": f'The body is neither multipart/form-data with the field "{FIELD}" nor empty.',
            "content": {JSON_TYPE: {"schema": {"$ref": "#/components/schemas/Error"}}},
        }
    },
    extensions={"requestBody": UPLOAD_BODY},
)
@takes_file
@permission(EVERY_STORE_WRITE)
def run_import_job(job_id: str) -> Response:
    """Without a body the job reads its own file; else the one in the multipart field `file`, with its settings."""
    job = import_jobs.get(db.session(), job_id)
    upload = _upload()
    origin = UPLOAD if upload else API
    execution = import_executions.trigger(db.session(), job, origin=origin, actor=current_user.name, upload=upload)
    return reply({"jobStatusId": execution.public_id, "status": execution.status}, 202)


def _upload() -> Upload | None:
    """None without a body. What somebody meant to be imported is never passed over for the job's own file."""
    if request.mimetype == MULTIPART:
        return only_file()
    body = request.get_data()
    if body and not (request.is_json and parse(body) == {}):
        raise UnsupportedMediaType(f'Send the file as multipart/form-data in the field "{FIELD}", or send no body.')
    return None


@blueprint.post("/v2/jobs/<job_id>/executions/<execution_id>/stop")
@blueprint.output({}, status_code=204)
@permission(EVERY_STORE_WRITE)
def stop_import_execution(job_id: str, execution_id: str) -> Response:
    session = db.session()
    execution = import_history.get(session, execution_id, job_public_id=job_id)
    executions.stop(session, execution, actor=current_user.name)
    return no_content()
