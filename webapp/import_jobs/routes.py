"""Import jobs: list, page with history, run now, import a file, duplicate, switch, delete."""

from __future__ import annotations

from flask import Response, current_app, flash, render_template, request, url_for
from flask_login import current_user

from datahub.entities import ENTITIES
from datahub.errors import ConflictError
from datahub.jobs import connections, executions, import_executions, import_job_list, import_jobs, ticks
from datahub.jobs.frequencies import describe
from datahub.models.execution import IMPORT, JOB_PENDING, JOB_SKIPPED, MANUAL, UPLOAD, Execution
from datahub.models.import_job import RUN_IMMEDIATELY, ImportJob
from webapp.database import db
from webapp.executions import listing
from webapp.htmx import redirect_to, render, wants_fragment
from webapp.import_jobs import feeds, shown
from webapp.import_jobs.blueprint import blueprint
from webapp.permissions import EVERY_STORE_WRITE, MAPPER_READ, permission
from webapp.uploads import given_file, takes_file

__all__ = ["blueprint"]
blueprint.add_app_template_filter(shown.health, "import_health")
blueprint.add_app_template_filter(shown.reasons, "import_reasons")
blueprint.add_app_template_filter(shown.files_read)
blueprint.add_app_template_filter(shown.last_with_rejections)
blueprint.add_app_template_filter(shown.left_over)
blueprint.add_app_template_filter(shown.meaning_of_stores)
blueprint.add_app_template_filter(shown.rows_read)
blueprint.add_app_template_filter(shown.what_full_mode_removes)
blueprint.add_app_template_filter(shown.policy, "policy_words")
blueprint.add_app_template_filter(describe, "schedule_words")

FILTERS = ("search", "entity", "connection", "state")
SHOWN_FIRES = 5
# Of one field; a transcoding may have thousands.
MOST_VALUES = 50


@blueprint.get("/imports")
@permission(MAPPER_READ)
def index() -> Response:
    wanted = {name: request.args.get(name, "").strip() for name in FILTERS}
    rows = import_job_list.find_rows(
        db.session(),
        search=wanted["search"],
        entity=wanted["entity"],
        connection_public_id=wanted["connection"],
        health=wanted["state"],
    )
    response = render(
        "import_jobs/index.html",
        "import_jobs/_jobs.html",
        rows=rows,
        wanted=wanted,
        entities=[(entity.name, entity.label) for entity in ENTITIES.values()],
        connections=[(it.public_id, it.name) for it in connections.list_connections(db.session())],
        states=[(value, status.words) for value, status in shown.HEALTHS.items()],
    )
    if wants_fragment():
        response.headers["HX-Push-Url"] = url_for("import_jobs.index", **{k: v or None for k, v in wanted.items()})
    return response


@blueprint.get("/imports/<job_id>")
@permission(MAPPER_READ)
def detail(job_id: str) -> Response:
    job = import_jobs.get(db.session(), job_id)
    history = listing.context(listing.read(IMPORT), listing.of_job("import_jobs.detail", job_id), job.public_id)
    (row,) = import_job_list.rows_of(db.session(), [job], fires=SHOWN_FIRES)
    response = render(
        "import_jobs/detail.html",
        "import_jobs/_history.html",
        job=job,
        entity=ENTITIES[job.entity],
        row=row,
        past=ticks.last(db.session(), job),
        feeds=feeds.of_job(job),
        most_values=MOST_VALUES,
        **history,
    )
    if wants_fragment():
        response.headers["HX-Push-Url"] = str(history["here_url"])
    return response


@blueprint.post("/imports/<job_id>/run")
@permission(EVERY_STORE_WRITE)
def run(job_id: str) -> Response:
    job = import_jobs.get(db.session(), job_id)
    execution = import_executions.trigger(db.session(), job, origin=MANUAL, actor=current_user.name)
    return _show_started(job, execution)


@blueprint.route("/imports/<job_id>/upload", methods=["GET", "POST"])
@takes_file
@permission(EVERY_STORE_WRITE)
def upload(job_id: str) -> object:
    """A file given by hand, imported with the job's settings."""
    job, problem = import_jobs.get(db.session(), job_id), ""
    if request.method == "POST":
        given = given_file()
        if given is not None:
            execution = import_executions.trigger(
                db.session(), job, origin=UPLOAD, actor=current_user.name, upload=given
            )
            return _show_started(job, execution)
        problem = "Choose a file first."
    largest = current_app.extensions["settings"].max_upload_bytes
    page = render_template(
        "import_jobs/upload.html", job=job, entity=ENTITIES[job.entity], problem=problem, largest=largest
    )
    return page, 422 if problem else 200


@blueprint.post("/imports/<job_id>/duplicate")
@permission(EVERY_STORE_WRITE)
def duplicate(job_id: str) -> Response:
    copy = import_jobs.duplicate(db.session(), import_jobs.get(db.session(), job_id))
    flash(f"{copy.name} was created. It is inactive and has no schedule: look it over, then activate it.", "success")
    return redirect_to(url_for("import_jobs.edit", job_id=copy.public_id))


@blueprint.post("/imports/<job_id>/activate")
@permission(EVERY_STORE_WRITE)
def activate(job_id: str) -> Response:
    job = import_jobs.get(db.session(), job_id)
    import_jobs.activate(db.session(), job)
    if job.schedule_enabled:
        flash(f"{job.name} is active: its schedule counts from now on.", "success")
    else:
        flash(f"{job.name} is active. It has no schedule that runs it: run it by hand.", "success")
    return redirect_to(_url(job))


@blueprint.post("/imports/<job_id>/deactivate")
@permission(EVERY_STORE_WRITE)
def deactivate(job_id: str) -> Response:
    job = import_jobs.get(db.session(), job_id)
    import_jobs.deactivate(db.session(), job)
    flash(f"{job.name} is inactive: its schedule rests. What is under way goes on.", "warning")
    return redirect_to(_url(job))


@blueprint.route("/imports/<job_id>/delete", methods=["GET", "POST"])
@permission(EVERY_STORE_WRITE)
def delete(job_id: str) -> object:
    """GET asks and says what is lost."""
    job = import_jobs.get(db.session(), job_id)
    if request.method == "GET":
        return _ask_to_delete(job), 200
    try:
        import_jobs.delete(db.session(), job, actor=current_user.name)
    except ConflictError as error:
        return _ask_to_delete(job, problem=str(error)), 409
    flash(f"{job.name} was deleted. Its executions can still be read.", "success")
    return redirect_to(url_for("import_jobs.index"))


def _ask_to_delete(job: ImportJob, problem: str = "") -> str:
    unended, held = executions.count_unended(db.session(), job), executions.held_of(db.session(), job)
    return render_template("import_jobs/delete.html", job=job, unended=unended, held=held, problem=problem)


def _show_started(job: ImportJob, execution: Execution) -> Response:
    if execution.status == JOB_SKIPPED:
        waits = job.simultaneous_execution == RUN_IMMEDIATELY
        then = "another one waits behind it already" if waits else "the job says “Skip it” then"
        again = " The file was not kept: upload it again once that has ended." if execution.origin == UPLOAD else ""
        flash(f"Skipped: an execution of this job is under way, and {then}.{again}", "warning")
    elif execution.status == JOB_PENDING:
        flash("It waits for its turn: an execution of this job is under way.", "info")
    else:
        flash("The import was started.", "success")
    return redirect_to(url_for("executions.detail", execution_id=execution.public_id))


def _url(job: ImportJob) -> str:
    return url_for("import_jobs.detail", job_id=job.public_id)
