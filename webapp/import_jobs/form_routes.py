"""The form of import jobs: create and edit, what the typed values lead to, and a look into the server's folders."""

from __future__ import annotations

from flask import flash, render_template, request
from flask.typing import ResponseReturnValue

from datahub.entities import ENTITIES
from datahub.errors import FieldConflictError, InvalidError
from datahub.jobs import import_jobs
from datahub.models.import_job import ImportJob
from webapp.database import db
from webapp.htmx import redirect_to
from webapp.import_jobs import form_parts
from webapp.import_jobs.blueprint import blueprint
from webapp.import_jobs.forms import ImportJobForm, stored_values
from webapp.import_jobs.lines import Lines, posted_lines, stored_lines
from webapp.permissions import MAPPER_WRITE, permission


@blueprint.route("/imports/new/sftp", methods=["GET", "POST"])
@permission(MAPPER_WRITE)
def new_sftp() -> ResponseReturnValue:
    """The entity comes first, as everything else depends on it."""
    entity = ENTITIES.get(request.values.get("entity", ""))
    if entity is None:
        return render_template(
            "import_jobs/choose_entity.html",
            entities=ENTITIES.values(),
            connection=request.args.get("connection"),
        )
    form = ImportJobForm(connection_id=request.args.get("connection", ""))
    lines = posted_lines(request.form)
    if form.validate_on_submit():
        try:
            job = import_jobs.create(db.session(), form.configuration(lines), entity=entity.name)
            flash(f"{job.name} was created.", "success")
            return redirect_to(_url(job))
        except (InvalidError, FieldConflictError) as error:
            form.show_at(lines, error)
    parts = form_parts.context(db.session(), form, lines, entity)
    return render_template("import_jobs/new.html", **parts), 422 if _has_faults(form, lines) else 200


@blueprint.route("/imports/<job_id>/edit", methods=["GET", "POST"])
@permission(MAPPER_WRITE)
def edit(job_id: str) -> ResponseReturnValue:
    job = import_jobs.get(db.session(), job_id)
    is_posted = request.method == "POST"
    form = ImportJobForm(data=None if is_posted else stored_values(job))
    form.full_mode_was_on = job.import_full_mode
    lines = posted_lines(request.form) if is_posted else stored_lines(job)
    if form.validate_on_submit():
        try:
            import_jobs.update(db.session(), job, form.configuration(lines))
            flash("The job was saved. A run that goes on already keeps to what it began with.", "success")
            return redirect_to(_url(job))
        except (InvalidError, FieldConflictError) as error:
            form.show_at(lines, error)
    parts = form_parts.context(db.session(), form, lines, ENTITIES[job.entity], job=job)
    return render_template("import_jobs/edit.html", **parts), 422 if _has_faults(form, lines) else 200


def _has_faults(form: ImportJobForm, lines: Lines) -> bool:
    return bool(form.errors or lines.faults)


def _url(job: ImportJob) -> str:
    return f"/imports/{job.public_id}"
