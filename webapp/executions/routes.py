"""Executions: list, page, live pieces, the file that was sent; stop, retry, resend."""

from __future__ import annotations

from io import BytesIO

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    make_response,
    render_template,
    request,
    send_file,
    url_for,
)
from flask_login import current_user

from datahub.errors import ConflictError, NotFoundError
from datahub.formats import content_type
from datahub.jobs import executions, history, import_history
from datahub.models.execution import ERROR, EXPORT, IMPORT, JOB_STOPPED, SUCCESS, Execution
from webapp.database import db
from webapp.executions import imports, listing, shown
from webapp.executions.rejected_file import rejected_file
from webapp.htmx import redirect_to, render, wants_fragment
from webapp.permissions import EVERY_STORE_READ, EVERY_STORE_WRITE, MAPPER_READ, MAPPER_WRITE, demand, permission

blueprint = Blueprint("executions", __name__)
blueprint.add_app_template_filter(shown.poll_seconds)
blueprint.add_app_template_filter(shown.origin_words)
blueprint.add_app_template_filter(shown.file_words)
for function in (
    shown.attempt_state,
    shown.is_winding_down,
    shown.job_url,
    shown.may_stop,
    shown.next_try_at,
    shown.old_news_question,
    shown.state_words,
    shown.subject,
    shown.stop_question,
    shown.stopped_words,
    shown.tick_words,
    shown.unless_said,
    import_history.counts_of,
    import_history.took,
    import_history.is_retrying,
    import_history.never_began,
):
    blueprint.add_app_template_filter(function)

SHOWN_BYTES = 200_000


@blueprint.get("/executions")
@permission(MAPPER_READ)
def index() -> Response:
    shown_list = listing.of_all()
    response = render("executions/index.html", "executions/_list.html", **shown_list)
    if wants_fragment():
        response.headers["HX-Push-Url"] = str(shown_list["here_url"])
    return response


@blueprint.get("/executions/<execution_id>")
@permission(MAPPER_READ)
def detail(execution_id: str) -> str:
    execution = executions.get(db.session(), execution_id)
    return _page(execution)


@blueprint.get("/executions/<execution_id>/rows")
@permission(MAPPER_READ)
def rows(execution_id: str) -> str:
    return render_template("executions/_import_rows.html", **imports.rows(_import(execution_id)))


@blueprint.get("/executions/<execution_id>/rejections.csv")
@permission(EVERY_STORE_READ)
def rejections(execution_id: str) -> Response:
    return rejected_file(_import(execution_id))


@blueprint.get("/executions/<execution_id>/import-row")
@permission(MAPPER_READ)
def import_row(execution_id: str) -> str:
    return render_template("import_jobs/_execution.html", execution=_import(execution_id))


@blueprint.get("/executions/<execution_id>/row")
@permission(MAPPER_READ)
def row(execution_id: str) -> str:
    return render_template("executions/_row.html", execution=executions.get(db.session(), execution_id))


@blueprint.get("/executions/<execution_id>/progress")
@permission(MAPPER_READ)
def progress(execution_id: str) -> Response:
    """When it moved since the page saw it last, the buttons and the file beside it look again too."""
    execution = executions.get(db.session(), execution_id)
    if execution.kind == IMPORT:
        template, context = "executions/_import.html", imports.page(execution)
    else:
        template, context = "executions/_progress.html", _context(execution)
    response = make_response(render_template(template, **context))
    if request.args.get("seen") != context["seen"]:
        response.headers["HX-Trigger-After-Swap"] = "execution-moved"
    return response


@blueprint.get("/executions/<execution_id>/actions")
@permission(MAPPER_READ)
def actions(execution_id: str) -> str:
    return render_template("executions/_actions.html", **_context(_export(execution_id)))


@blueprint.get("/executions/<execution_id>/outcome")
@permission(MAPPER_READ)
def outcome(execution_id: str) -> str:
    execution = _export(execution_id)
    return render_template("executions/_outcome.html", **_context(execution), **_file(execution))


@blueprint.get("/executions/<execution_id>/payload")
@permission(MAPPER_READ)
def payload(execution_id: str) -> Response:
    """The bytes as they were sent."""
    sent = executions.get(db.session(), execution_id).payload
    if sent is None:
        raise NotFoundError("No file was made for this execution yet.")
    return send_file(
        BytesIO(sent.content), mimetype=content_type(sent.file_name), as_attachment=True, download_name=sent.file_name
    )


@blueprint.post("/executions/<execution_id>/stop")
@permission(MAPPER_WRITE)
def stop(execution_id: str) -> object:
    execution = executions.get(db.session(), execution_id)
    if execution.kind == IMPORT:
        demand(EVERY_STORE_WRITE)
    try:
        executions.stop(db.session(), execution, actor=current_user.name)
    except ConflictError as error:
        return _refused(execution, error)
    if wants_fragment():
        # Among all executions the button of an import loads its page instead.
        row = "import_jobs/_execution.html" if execution.kind == IMPORT else "executions/_row.html"
        return render_template(row, execution=execution)
    flash("The execution was stopped for good.", "success")
    return redirect_to(url_for("executions.detail", execution_id=execution_id))


@blueprint.post("/executions/<execution_id>/retry")
@permission(MAPPER_WRITE)
def retry(execution_id: str) -> object:
    execution = _export(execution_id)
    try:
        successor = executions.retry(db.session(), execution, actor=current_user.name, over=request.args.get("over"))
    except ConflictError as error:
        return _refused(execution, error)
    flash("This is the new execution. It renders the same order with the job as it is now.", "success")
    return redirect_to(url_for("executions.detail", execution_id=successor.public_id))


@blueprint.post("/executions/<execution_id>/resend")
@permission(MAPPER_WRITE)
def resend(execution_id: str) -> object:
    execution = _export(execution_id)
    try:
        successor = executions.resend(db.session(), execution, actor=current_user.name, over=request.args.get("over"))
    except ConflictError as error:
        return _refused(execution, error)
    flash("This is the new execution. It sends the same file under the same name again.", "success")
    return redirect_to(url_for("executions.detail", execution_id=successor.public_id))


def _import(execution_id: str) -> Execution:
    execution = executions.get(db.session(), execution_id)
    if execution.kind != IMPORT:
        raise NotFoundError(f"Execution {execution_id} is an export: it reads no rows.")
    return execution


def _export(execution_id: str) -> Execution:
    execution = executions.get(db.session(), execution_id)
    if execution.kind != EXPORT:
        raise NotFoundError(f"Execution {execution_id} is an import: it is not sent, so not sent again either.")
    return execution


def _refused(execution: Execution, error: ConflictError) -> object:
    """The page as the execution is now, with the reason on top; htmx shows the reason alone."""
    if wants_fragment():
        raise error
    db.session.rollback()
    flash(str(error), "danger")
    return _page(executions.get(db.session(), execution.public_id)), 409


def _page(execution: Execution) -> str:
    if execution.kind == IMPORT:
        return render_template("executions/import.html", **(imports.page(execution) | imports.rows(execution)))
    return render_template("executions/detail.html", **_context(execution), **_file(execution))


def _context(execution: Execution) -> dict[str, object]:
    story = history.read(db.session(), execution)
    is_free = execution.export_job_id is not None and all(successor.is_terminal for successor in story.successors)
    may_go_again = is_free and execution.status in (ERROR, JOB_STOPPED, SUCCESS)
    return {
        "execution": execution,
        "story": story,
        "support": shown.support_text(execution, story),
        "max_attempts": current_app.extensions["settings"].max_attempts,
        "seen": f"{execution.status}-{execution.attempts}",
        "can_retry": may_go_again and execution.status != SUCCESS,
        "can_resend": may_go_again and execution.status == SUCCESS,
        "newer": executions.newer_export(db.session(), execution) if may_go_again else None,
    }


def _file(execution: Execution) -> dict[str, object]:
    if execution.payload is None:
        return {"text": "", "shown_bytes": SHOWN_BYTES}
    start = history.payload_start(db.session(), execution, SHOWN_BYTES)
    return {"text": start.decode("utf-8", errors="replace"), "shown_bytes": SHOWN_BYTES}
