"""Export jobs: list, form with live consequences, page with history, run, duplicate, switch, delete."""

from __future__ import annotations

import asyncio

from flask import Blueprint, Response, current_app, flash, render_template, request, url_for
from flask_login import current_user
from sqlalchemy.orm import Session

from datahub.db import read_only
from datahub.errors import ConflictError, DataHubError, FieldConflictError, InvalidError, NotFoundError
from datahub.jobs import connection_test, connections, executions, export_job_list, export_jobs
from datahub.models.execution import EXPORT
from datahub.models.export_job import ExportJob
from datahub.transports.base import join
from webapp.database import db
from webapp.executions import listing
from webapp.export_jobs import form_parts, shown
from webapp.export_jobs.forms import ExportJobForm
from webapp.htmx import redirect_to, render, wants_fragment
from webapp.permissions import MAPPER_READ, MAPPER_WRITE, permission

blueprint = Blueprint("export_jobs", __name__)
blueprint.add_app_template_filter(shown.health, "job_health")
blueprint.add_app_template_filter(shown.reasons, "job_reasons")
blueprint.add_app_template_filter(shown.seen_suppliers)


@blueprint.get("/export-jobs")
@permission(MAPPER_READ)
def index() -> Response:
    wanted = {name: request.args.get(name, "").strip() for name in ("search", "connection", "state")}
    rows = export_job_list.find_rows(
        db.session(), search=wanted["search"], connection_public_id=wanted["connection"], health=wanted["state"]
    )
    response = render(
        "export_jobs/index.html",
        "export_jobs/_jobs.html",
        rows=rows,
        wanted=wanted,
        connections=[(it.public_id, it.name) for it in connections.list_connections(db.session())],
        states=[(value, status.words) for value, status in shown.HEALTHS.items()],
    )
    if wants_fragment():
        response.headers["HX-Push-Url"] = url_for("export_jobs.index", **{k: v or None for k, v in wanted.items()})
    return response


@blueprint.route("/export-jobs/new/sftp", methods=["GET", "POST"])
@permission(MAPPER_WRITE)
def new_sftp() -> object:
    form = ExportJobForm(connection_id=request.args.get("connection", ""))
    if form.validate_on_submit():
        try:
            job = export_jobs.create(db.session(), form.configuration())
            flash(f"{job.name} was created. {_what_happens(job)}", "success")
            return redirect_to(_url(job))
        except (InvalidError, FieldConflictError) as error:
            form.show(error)
    parts = form_parts.context(db.session(), form, search=request.args.get("supplier_search", ""))
    return render_template("export_jobs/new.html", **parts), 422 if form.errors else 200


@blueprint.route("/export-jobs/<job_id>/edit", methods=["GET", "POST"])
@permission(MAPPER_WRITE)
def edit(job_id: str) -> object:
    job = export_jobs.get(db.session(), job_id)
    form = ExportJobForm(data=None if request.method == "POST" else _stored(job))
    if form.validate_on_submit():
        try:
            export_jobs.update(db.session(), job, form.configuration())
            flash(
                "The job was saved. Orders that are in a newly chosen status already are not sent by themselves.",
                "success",
            )
            return redirect_to(_url(job))
        except (InvalidError, FieldConflictError) as error:
            form.show(error)
    parts = form_parts.context(db.session(), form, search=request.args.get("supplier_search", ""), job=job)
    return render_template("export_jobs/edit.html", **parts), 422 if form.errors else 200


@blueprint.post("/export-jobs/preview")
@permission(MAPPER_WRITE)
def preview() -> str:
    """The consequences of what is typed so far. Saves nothing."""
    session = _only_reading()
    form, job = ExportJobForm(), _edited(session)
    faults = form_parts.faults(session, form, job)
    return render_template("export_jobs/_preview.html", faults=faults, **form_parts.preview_context(session, form, job))


@blueprint.post("/export-jobs/suppliers")
@permission(MAPPER_WRITE)
def suppliers() -> str:
    """Those that match the search, below those that are ticked. Saves nothing."""
    session = _only_reading()
    search = request.form.get("supplier_search", "")
    parts = form_parts.supplier_context(session, ExportJobForm(), search, _edited(session))
    return render_template("export_jobs/_suppliers.html", **parts)


@blueprint.post("/export-jobs/folder")
@permission(MAPPER_WRITE)
def folder() -> str:
    """The field of the folder with the folders below it; `open` steps into one of them. Saves nothing."""
    session = _only_reading()
    form = ExportJobForm()
    path = (form.output_folder.data or "").strip()
    if "open" in request.form:
        path = join(path, request.form["open"])
    form.output_folder.data = path
    found, problem = [], ""
    try:
        connection = connections.get(session, form.connection_id.data or "")
        # Nothing is held open while the server takes its time; what is known of the connection stays known.
        session.expunge(connection)
        session.rollback()
        extensions = current_app.extensions
        listing = connection_test.list_names(connection, extensions["settings"], extensions["vault"], path or ".")
        found = asyncio.run(listing).folders
    except NotFoundError:
        problem = "Choose a connection first."
    except DataHubError as error:
        problem = str(error)
    return render_template("export_jobs/_folder.html", form=form, folders=found, problem=problem, is_browsing=True)


@blueprint.get("/export-jobs/<job_id>")
@permission(MAPPER_READ)
def detail(job_id: str) -> Response:
    job = export_jobs.get(db.session(), job_id)
    history = listing.context(listing.read(EXPORT), listing.of_job("export_jobs.detail", job_id), job.public_id)
    row = export_job_list.rows_of(db.session(), [job])[0]
    response = render("export_jobs/detail.html", "export_jobs/_history.html", job=job, row=row, **history)
    if wants_fragment():
        response.headers["HX-Push-Url"] = str(history["here_url"])
    return response


@blueprint.route("/export-jobs/<job_id>/run", methods=["GET", "POST"])
@permission(MAPPER_WRITE)
def run(job_id: str) -> object:
    """GET asks and says how many orders there are."""
    job = export_jobs.get(db.session(), job_id)
    if request.method == "GET":
        count = executions.count_never_exported(db.session(), job)
        return render_template("export_jobs/run.html", job=job, count=count)
    count = executions.run_job(db.session(), job, actor=current_user.name)
    if count:
        flash(f"{count} {'order is' if count == 1 else 'orders are'} on the way.", "success")
    else:
        flash("There was nothing to send: this job has exported every order that is in its statuses.", "info")
    return redirect_to(_url(job))


@blueprint.post("/export-jobs/<job_id>/duplicate")
@permission(MAPPER_WRITE)
def duplicate(job_id: str) -> Response:
    copy = export_jobs.duplicate(db.session(), export_jobs.get(db.session(), job_id))
    flash(
        f"{copy.name} was created. It is inactive and remembers no export: look it over, then activate it.", "success"
    )
    return redirect_to(url_for("export_jobs.edit", job_id=copy.public_id))


@blueprint.post("/export-jobs/<job_id>/activate")
@permission(MAPPER_WRITE)
def activate(job_id: str) -> Response:
    job = export_jobs.get(db.session(), job_id)
    export_jobs.activate(db.session(), job)
    flash(f"{job.name} is active: orders are sent when they reach its statuses from now on.", "success")
    return redirect_to(_url(job))


@blueprint.post("/export-jobs/<job_id>/deactivate")
@permission(MAPPER_WRITE)
def deactivate(job_id: str) -> Response:
    job = export_jobs.get(db.session(), job_id)
    export_jobs.deactivate(db.session(), job)
    flash(f"{job.name} is inactive: no order fires it any more. What waits already goes on.", "warning")
    return redirect_to(_url(job))


@blueprint.route("/export-jobs/<job_id>/delete", methods=["GET", "POST"])
@permission(MAPPER_WRITE)
def delete(job_id: str) -> object:
    """GET asks and says what is lost."""
    job = export_jobs.get(db.session(), job_id)
    if request.method == "GET":
        return _ask_to_delete(job), 200
    try:
        export_jobs.delete(db.session(), job, actor=current_user.name)
    except ConflictError as error:
        return _ask_to_delete(job, problem=str(error)), 409
    flash(f"{job.name} was deleted. Its executions can still be read.", "success")
    return redirect_to(url_for("export_jobs.index"))


def _ask_to_delete(job: ExportJob, problem: str = "") -> str:
    waits = {"unended": executions.count_unended(db.session(), job), "held": executions.held_of(db.session(), job)}
    is_last = len(export_jobs.list_jobs(db.session(), limit=2)) == 1
    return render_template("export_jobs/delete.html", job=job, **waits, is_last=is_last, problem=problem)


def _stored(job: ExportJob) -> dict[str, object]:
    names = ("name", "output_folder", "export_format", "file_name_format", "trigger_statuses", "reexport_on_hold")
    return {name: getattr(job, name) for name in (*names, "active")} | {
        "connection_id": job.connection.public_id,
        "supplier_external_ids": [it.external_id for it in export_jobs.seen_suppliers(db.session(), job)],
    }


def _what_happens(job: ExportJob) -> str:
    if not job.active:
        return "It is inactive: activate it when it may send."
    return "From now on each order is sent when it first reaches a chosen status."


def _edited(session: Session) -> ExportJob | None:
    """The job whose form asks; None for that of a new one, or when it was deleted meanwhile."""
    try:
        return export_jobs.get(session, request.args["job"]) if "job" in request.args else None
    except NotFoundError:
        return None


def _only_reading() -> Session:
    """For a POST that changes nothing: SQLite then keeps no other writer waiting."""
    db.session.rollback()
    return read_only(db.session())


def _url(job: ExportJob) -> str:
    return url_for("export_jobs.detail", job_id=job.public_id)
