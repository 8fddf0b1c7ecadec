"""Connections: list, page, create, change, switch, test, accept a host key, delete."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, flash, render_template, request, url_for

from datahub.errors import ConflictError, FieldConflictError, InvalidError
from datahub.jobs import connection_test, connections, unfit
from datahub.jobs.connection_test import FOLDER_STEPS, Report, Step
from datahub.models.connection import Connection
from datahub.transports.base import OPENING_STEPS
from datahub.transports.ssh_keys import fingerprint
from webapp.connections import shown
from webapp.connections.forms import SftpForm
from webapp.database import db
from webapp.htmx import redirect_to, render
from webapp.permissions import EVERY_STORE_WRITE, MAPPER_READ, permission

blueprint = Blueprint("connections", __name__)


@blueprint.get("/connections")
@permission(MAPPER_READ)
def index() -> str:
    counts = connections.job_counts(db.session())
    rows = [(connection, counts.get(connection.id, 0)) for connection in connections.list_connections(db.session())]
    return render_template("connections/index.html", rows=rows)


@blueprint.route("/connections/new/sftp", methods=["GET", "POST"])
@permission(EVERY_STORE_WRITE)
def new_sftp() -> object:
    form = SftpForm()
    if form.validate_on_submit():
        try:
            connection = connections.create(
                db.session(),
                current_app.extensions["vault"],
                name=form.name.data,
                host=form.host.data,
                port=form.port.data,
                username=form.username.data,
                password=form.password.data,
                private_key=form.private_key.data,
                private_key_passphrase=form.private_key_passphrase.data,
            )
            flash("The connection was created. Test it now, and accept the host key of its server.", "success")
            return redirect_to(_url(connection))
        except (InvalidError, FieldConflictError) as error:
            form.show(error)
    form.forget_secrets()
    return render_template("connections/new.html", form=form), 422 if form.errors else 200


@blueprint.get("/connections/<connection_id>")
@permission(MAPPER_READ)
def detail(connection_id: str) -> Response:
    return _show(connections.get(db.session(), connection_id))


@blueprint.route("/connections/<connection_id>/edit", methods=["GET", "POST"])
@permission(EVERY_STORE_WRITE)
def edit(connection_id: str) -> object:
    connection = connections.get(db.session(), connection_id)
    # Never from the row itself, whose secrets would be sent back.
    stored = {name: getattr(connection, name) for name in ("name", "host", "port", "username")}
    form = SftpForm(data=stored)
    if form.validate_on_submit():
        had_host_key = connection.host_key is not None
        try:
            connections.update(
                db.session(),
                current_app.extensions["vault"],
                connection,
                name=form.name.data,
                host=form.host.data,
                port=form.port.data,
                username=form.username.data,
                active=connection.active,
                password=form.password.data,
                private_key=form.private_key.data,
                private_key_passphrase=form.private_key_passphrase.data,
            )
            flash("The connection was saved.", "success")
            if had_host_key and connection.host_key is None:
                flash("Its address is another now, so its host key is not accepted any more. Test it again.", "warning")
            if connection.password and connection.password_origin != connection.origin:
                flash(
                    "The password was entered for the old address. It is not sent to the new one: enter it again.",
                    "warning",
                )
            return redirect_to(_url(connection))
        except (InvalidError, FieldConflictError) as error:
            form.show(error)
    form.forget_secrets()
    page = render_template("connections/edit.html", form=form, connection=connection)
    return page, 422 if form.errors else 200


@blueprint.post("/connections/<connection_id>/test")
@permission(EVERY_STORE_WRITE)
def test(connection_id: str) -> Response:
    connection = connections.get(db.session(), connection_id)
    folder = request.form.get("folder", "").strip() or None
    # The server may take its time; SQLite would make every other writer wait for it.
    db.session.commit()
    extensions = current_app.extensions
    report = connection_test.run_test_blocking(connection, extensions["settings"], extensions["vault"], folder)
    return _show(connection, folder=folder or "", report=report)


@blueprint.post("/connections/<connection_id>/host-key")
@permission(EVERY_STORE_WRITE)
def accept_host_key(connection_id: str) -> Response:
    connection = connections.get(db.session(), connection_id)
    if request.form.get("address") != f"{connection.host}:{connection.port}":
        raise ConflictError("The address of this connection was changed meanwhile. Test it again.")
    connections.accept_host_key(db.session(), connection, request.form.get("host_key", ""))
    flash("The host key was accepted. Test again to see whether signing in works.", "success")
    return redirect_to(_url(connection))


@blueprint.post("/connections/<connection_id>/activate")
@permission(EVERY_STORE_WRITE)
def activate(connection_id: str) -> Response:
    connection = connections.get(db.session(), connection_id)
    connections.activate(db.session(), connection)
    flash(f"{connection.name} is active; what waited for it goes on.", "success")
    return redirect_to(_url(connection))


@blueprint.post("/connections/<connection_id>/disable")
@permission(EVERY_STORE_WRITE)
def disable(connection_id: str) -> Response:
    connection = connections.get(db.session(), connection_id)
    connections.disable(db.session(), connection)
    flash(f"{connection.name} is disabled; exports over it wait until it is active again.", "warning")
    return redirect_to(_url(connection))


@blueprint.post("/connections/<connection_id>/delete")
@permission(EVERY_STORE_WRITE)
def delete(connection_id: str) -> Response:
    connection = connections.get(db.session(), connection_id)
    connections.delete(db.session(), connection)
    flash(f"The connection {connection.name} was deleted.", "success")
    return redirect_to(url_for("connections.index"))


def _show(connection: Connection, *, folder: str = "", report: Report | None = None) -> Response:
    jobs = connections.used_by(db.session(), connection)
    waiting = connections.count_waiting(db.session(), connection)
    return render(
        "connections/detail.html",
        "connections/_test.html",
        connection=connection,
        used_by=[shown.using_job(job) for job in jobs],
        waiting=waiting,
        held_by=unfit.reason(db.session(), connection),
        signs_in_with=shown.signs_in_with(connection),
        disable_question=shown.disable_question(connection, jobs, waiting),
        fingerprint=fingerprint(connection.host_key) if connection.host_key else "",
        folder=folder,
        report=report,
        steps=_steps(report, folder) if report else [],
    )


def _steps(report: Report, folder: str) -> list[tuple[str, Step | None]]:
    """Every planned step with its outcome; None for those that were not reached."""
    planned = OPENING_STEPS + (FOLDER_STEPS if folder else ())
    reached = {step.name: step for step in report.steps}
    return [(name, reached.get(name)) for name in planned]


def _url(connection: Connection) -> str:
    return url_for("connections.detail", connection_id=connection.public_id)
