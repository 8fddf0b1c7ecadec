"""Orders: list, page, and the move to another status."""

from __future__ import annotations

from collections import Counter
from functools import partial

from flask import Response, flash, render_template, request, url_for
from flask_login import current_user
from wtforms import SelectChoice

from datahub.errors import ConflictError, InvalidError
from datahub.jobs import history, incidents, order_reads, orders, record_history, record_reads, triggers
from datahub.models.execution import Execution
from datahub.models.order import ORDER_STATUSES, Order, OrderLine
from datahub.orders import life
from webapp import pager
from webapp.database import db
from webapp.filters import status_words
from webapp.htmx import redirect_to, render, wants_fragment
from webapp.orders.blueprint import blueprint
from webapp.orders.forms import MoveForm
from webapp.permissions import MAPPER_READ, MAPPER_WRITE, may, permission
from webapp.records import shown
from webapp.records.changes import shown_changes


@blueprint.get("/orders")
@permission(MAPPER_READ)
def index() -> Response:
    search = request.args.get("search", "").strip()
    chosen = [status for status in ORDER_STATUSES if status in request.args.getlist("statuses")]
    asked = pager.asked()
    found = order_reads.orders_page(db.session(), search=search, statuses=chosen, **asked)
    address = partial(url_for, "orders.index", search=search or None, statuses=chosen or None)
    response = render(
        "orders/index.html",
        "orders/_list.html",
        orders=found.items,
        line_counts=order_reads.count_lines(db.session(), found.items),
        search=search,
        chosen=chosen,
        statuses=ORDER_STATUSES,
        **pager.neighbours(found, address),
    )
    if wants_fragment():
        response.headers["HX-Push-Url"] = address(**asked)
    return response


@blueprint.get("/orders/<reference:reference>")
@permission(MAPPER_READ)
def detail(reference: str) -> str:
    order = orders.get(db.session(), reference)
    return _page(order, MoveForm(seen=order.status))


@blueprint.get("/orders/<reference:reference>/move")
@permission(MAPPER_WRITE)
def move(reference: str) -> str:
    """What the chosen move would export, before anybody makes it."""
    order = orders.get(db.session(), reference)
    form = MoveForm(seen=request.args.get("seen", order.status), status=request.args.get("status"))
    fires = _offer(order, form)
    return render_template("orders/_move.html", order=order, form=form, fires=fires, told=_told(form, fires))


@blueprint.post("/orders/<reference:reference>/status")
@permission(MAPPER_WRITE)
def change_status(reference: str) -> object:
    order = orders.get(db.session(), reference)
    form = MoveForm()
    if not form.validate_on_submit():
        return _page(order, form), 422
    actor, seen = current_user.name, form.seen.data or None
    try:
        fired = orders.change_status(db.session(), order, form.status.data, actor=actor, seen=seen)
    except InvalidError as error:
        form.show(error)
        return _page(order, form), 422
    except ConflictError as error:
        db.session.rollback()
        flash(f"{error} Nothing was changed.", "danger")
        order = orders.get(db.session(), reference)
        return _page(order, MoveForm(formdata=None, seen=order.status)), 409
    flash(f"The order is now {status_words(order.status)} ({order.status}). {_fired_words(fired)}", "success")
    return redirect_to(url_for("orders.detail", reference=reference))


def _fired_words(fired: list[Execution]) -> str:
    match len(fired):
        case 0:
            return "No export was fired."
        case 1:
            return f"1 export was fired: {fired[0].job_name}."
        case number:
            return f"{number} exports were fired: {', '.join(execution.job_name for execution in fired)}."


def _page(order: Order, form: MoveForm) -> str:
    exports = history.exports_of_order(db.session(), order)
    fires = _offer(order, form) if may(MAPPER_WRITE) else {}
    found = record_history.changes_page(db.session(), "ORDER", order.reference, **pager.asked())
    address = partial(url_for, "orders.detail", reference=order.reference, _anchor="changes")
    return render_template(
        "orders/detail.html",
        order=order,
        form=form,
        fires=fires,
        told=_told(form, fires),
        places={address.kind: address for address in order.addresses},
        executions=exports,
        incidents=incidents.of_order(db.session(), order),
        may_become=incidents.NEXT,
        custom_fields=_custom_fields("ORDER", order)[order.id],
        line_fields=_custom_fields("ORDER_LINE", *order.lines),
        moved_by=record_history.imports_of(db.session(), "ORDER", order.reference),
        fired=Counter(export.snapshot_id for export in exports if export.predecessor_id is None),
        changes=shown_changes(found.items),
        **pager.neighbours(found, address),
    )


def _custom_fields(owner: str, *bearers: Order | OrderLine) -> dict[int, list[shown.Shown]]:
    """By the id of their bearer."""
    names = record_reads.named_custom_fields(db.session(), (owner,))
    return {
        bearer.id: shown.shown_extras({key: field["value"] for key, field in bearer.custom_fields.items()}, names)
        for bearer in bearers
    }


def _told(form: MoveForm, fires: dict[str, list[str]]) -> str:
    """What the chosen move would export."""
    if not form.status.data:
        return "The nearest step comes first. What it would export is told before it happens."
    names = fires.get(form.status.data, [])
    if not names:
        return "No active job exports it then, or each has done so before."
    return f"{len(names)} active {'job exports' if len(names) == 1 else 'jobs export'} it then: {', '.join(names)}."


def _offer(order: Order, form: MoveForm) -> dict[str, list[str]]:
    """Fills the choices. Returns the names of the jobs that each status would fire."""
    jobs = triggers.would_fire(db.session(), order, life.next_statuses(order.status))
    fires = {status: [job.name for job in firing] for status, firing in jobs.items()}
    form.status.choices = [SelectChoice("", "Choose a status")]
    for status, names in fires.items():
        exports = {0: "", 1: " · 1 export"}.get(len(names), f" · {len(names)} exports")
        form.status.choices.append(SelectChoice(status, f"{status_words(status)} ({status}){exports}"))
    return fires
