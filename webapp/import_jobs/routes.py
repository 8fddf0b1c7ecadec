"""Import jobs: list, page with history, run now, import a file, duplicate, switch, delete."""

from __future__ import annotations

from flask import render_template

from datahub.jobs import import_jobs
from webapp.database import db
from webapp.executions import imports
from webapp.import_jobs.blueprint import blueprint
from webapp.permissions import MAPPER_READ, permission

__all__ = ["blueprint"]


@blueprint.get("/imports")
@permission(MAPPER_READ)
def index() -> str:
    return render_template("import_jobs/index.html", jobs=import_jobs.find(db.session()).items)


@blueprint.get("/imports/<job_id>")
@permission(MAPPER_READ)
def detail(job_id: str) -> str:
    job = import_jobs.get(db.session(), job_id)
    return render_template("import_jobs/detail.html", job=job, **imports.job_history(job.public_id))
