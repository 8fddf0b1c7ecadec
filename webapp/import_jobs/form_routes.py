"""The form of import jobs: create and edit, what the typed values lead to, and a look into the server's folders."""

from __future__ import annotations

import posixpath

from flask import abort, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from datahub.db import read_only
from datahub.entities import ENTITIES
from datahub.entities.base import EntityType
from datahub.errors import FieldConflictError, InvalidError
from datahub.jobs import import_jobs
from datahub.jobs.frequencies import describe
from datahub.jobs.import_format import ending_of
from datahub.models.connection import Connection
from datahub.models.import_job import ImportJob
from webapp.database import db
from webapp.htmx import redirect_to
from webapp.import_jobs import form_parts, shown
from webapp.import_jobs.blueprint import blueprint
from webapp.import_jobs.form_parts import Asked
from webapp.import_jobs.forms import ImportJobForm, stored_values
from webapp.import_jobs.lines import REMOVED, SPARE_LINES, Lines, posted_lines, stored_lines
from webapp.permissions import EVERY_STORE_WRITE, permission

blueprint.add_app_template_filter(form_parts.printable)
blueprint.add_app_template_filter(shown.full_mode_words)

PATHS = ("file_path", "inbound_directory", "outbound_directory")
MORE = "more"


@blueprint.route("/imports/new/sftp", methods=["GET", "POST"])
@permission(EVERY_STORE_WRITE)
def new_sftp() -> ResponseReturnValue:
    """The entity comes first, as everything else depends on it."""
    entity = ENTITIES.get(request.values.get("entity", ""))
    if entity is None:
        return render_template(
            "import_jobs/choose_entity.html",
            entities=ENTITIES,
            connection=request.args.get("connection"),
        )
    form = ImportJobForm(connection_id=request.args.get("connection", ""))
    form.is_for(entity)
    lines = posted_lines(request.form)
    if form.is_submitted():
        job = _save(form, lines, entity)
        if job is not None:
            flash(f"{job.name} was created. {_what_happens(job)}", "success")
            return redirect_to(_url(job))
        _only_reading()
    parts = form_parts.context(db.session(), form, lines, entity)
    return render_template("import_jobs/new.html", **parts), 422 if _has_faults(form, lines) else 200


@blueprint.route("/imports/<job_id>/edit", methods=["GET", "POST"])
@permission(EVERY_STORE_WRITE)
def edit(job_id: str) -> ResponseReturnValue:
    job = import_jobs.get(db.session(), job_id)
    is_posted = request.method == "POST"
    form = ImportJobForm(data=None if is_posted else stored_values(job))
    form.is_for(ENTITIES[job.entity], job)
    lines = posted_lines(request.form) if is_posted else stored_lines(job)
    if form.is_submitted():
        if _save(form, lines, ENTITIES[job.entity], job):
            flash("The job was saved. A run that goes on already keeps to what it began with.", "success")
            return redirect_to(_url(job))
        job = import_jobs.get(_only_reading(), job_id)
    parts = form_parts.context(db.session(), form, lines, ENTITIES[job.entity], job=job)
    return render_template("import_jobs/edit.html", **parts), 422 if _has_faults(form, lines) else 200


@blueprint.post("/imports/preview")
@permission(EVERY_STORE_WRITE)
def preview() -> str:
    """What the values typed so far lead to, with the pieces of the form that follow from the file. Saves nothing."""
    session = _only_reading()
    job = import_jobs.get(session, request.args["job"]) if "job" in request.args else None
    entity = ENTITIES.get(job.entity if job else request.args.get("entity", "")) or abort(404)
    form, lines = ImportJobForm(), posted_lines(request.form)
    form.is_for(entity, job)
    connection, place = form_parts.source_of(session, form, ending_of(entity))
    faults = form_parts.faults(session, form, lines, entity, job)
    sample = form_parts.read_sample(_let_go(session, connection), place, _asked(), entity)
    parts = form_parts.preview_context(
        read_only(session), form, lines, entity, connection, sample, _asked(), is_new=job is None
    )
    is_other_file = parts["columns_token"] != lines.columns
    changes_lines = MORE in request.form or REMOVED in request.form
    return render_template(
        "import_jobs/_preview_answer.html",
        job=job,
        faults=faults,
        is_other_file=is_other_file,
        changes_lines=changes_lines,
        **parts,
    )


@blueprint.post("/imports/browse")
@permission(EVERY_STORE_WRITE)
def browse() -> str:
    """The field of a path with what lies on the server below it. Saves nothing."""
    session = _only_reading()
    form, name = ImportJobForm(), request.args.get("field", "")
    entity = ENTITIES.get(request.args.get("entity", "")) or abort(404)
    if name not in PATHS:
        abort(404)
    form.is_for(entity)
    field, looks_for_file = form[name], name == "file_path"
    if "pick" in request.form:
        field.data = request.form["pick"]
        return render_template("import_jobs/_path.html", form=form, entity=entity, name=name, listing=None, problem="")
    typed = (field.data or "").strip()
    folder = request.form.get("open", posixpath.dirname(typed) if looks_for_file else typed)
    if not looks_for_file:
        field.data = folder
    connection, _ = form_parts.source_of(session, form)
    listing, problem = form_parts.list_names(_let_go(session, connection), folder)
    return render_template(
        "import_jobs/_path.html",
        form=form,
        entity=entity,
        name=name,
        folder=folder,
        listing=listing,
        problem=problem,
    )


def _save(form: ImportJobForm, lines: Lines, entity: EntityType, job: ImportJob | None = None) -> ImportJob | None:
    """None where something is wrong: then every fault is at its field, those of the form beside those of the domain."""
    session = db.session()
    form.validate()
    try:
        configuration = form.configuration(lines)
    except InvalidError as error:
        form.show_at(lines, error)
        configuration = form.unfinished(lines)
    found = import_jobs.find_faults(session, configuration, entity=entity.name, job=job)
    if others := {name: messages for name, messages in found.items() if name not in form.errors}:
        form.show_at(lines, InvalidError("", others))
    if _has_faults(form, lines):
        return None
    try:
        if job is None:
            return import_jobs.create(session, configuration, entity=entity.name)
        return import_jobs.update(session, job, configuration)
    except (InvalidError, FieldConflictError) as error:
        form.show_at(lines, error)
        return None


def _asked() -> Asked:
    record = request.form.get("go", request.form.get("record", "0"))
    return Asked(
        record=int(record) if record.isdecimal() and len(record) < 9 else 0,
        afresh="afresh" in request.form,
        more=SPARE_LINES if MORE in request.form else 0,
    )


def _only_reading() -> Session:
    """For a POST that changes nothing, or is refused: SQLite then keeps no other writer waiting."""
    db.session.rollback()
    return read_only(db.session())


def _let_go(session: Session, connection: Connection | None) -> Connection | None:
    """Nothing is held open while a server takes its time, and what is known of the connection stays known."""
    if connection is not None:
        session.expunge(connection)
    session.rollback()
    return connection


def _has_faults(form: ImportJobForm, lines: Lines) -> bool:
    return bool(form.errors or lines.faults)


def _what_happens(job: ImportJob) -> str:
    if not job.active:
        return "It is inactive: run it by hand, or activate it."
    if job.cron and job.schedule_enabled:
        return f"{describe(job.cron)} it runs by itself; it can be run by hand meanwhile."
    return "Run it when you like, or give it a file by hand."


def _url(job: ImportJob) -> str:
    return url_for("import_jobs.detail", job_id=job.public_id)
