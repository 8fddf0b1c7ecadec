"""Incidents of orders: list, page, the form that declares one, and the move to another status."""

from __future__ import annotations

from functools import partial

from flask import Response, flash, render_template, request, url_for
from flask_login import current_user

from datahub.entities.incident import INCIDENT
from datahub.errors import ConflictError, InvalidError
from datahub.jobs import incidents, orders, record_history
from datahub.models.incident import INCIDENT_STATUSES
from webapp import pager
from webapp.database import db
from webapp.filters import status_words
from webapp.htmx import redirect_to, render, wants_fragment
from webapp.orders.blueprint import blueprint
from webapp.orders.forms import incident_form, quantity
from webapp.permissions import MAPPER_READ, MAPPER_WRITE, permission
from webapp.records import shown
from webapp.records.changes import shown_changes
from webapp.records.extras import names_of


@blueprint.get("/incidents")
@permission(MAPPER_READ)
def list_incidents() -> Response:
    search = request.args.get("search", "").strip()
    chosen = [status for status in INCIDENT_STATUSES if status in request.args.getlist("statuses")]
    asked = pager.asked()
    found = incidents.incidents_page(db.session(), search=search, statuses=chosen, **asked)
    address = partial(url_for, "orders.list_incidents", search=search or None, statuses=chosen or None)
    response = render(
        "orders/incidents.html",
        "orders/_incident_list.html",
        incidents=found.items,
        search=search,
        chosen=chosen,
        chips=[(status, status_words(status), status in chosen) for status in INCIDENT_STATUSES],
        **pager.neighbours(found, address),
    )
    if wants_fragment():
        response.headers["HX-Push-Url"] = address(**asked)
    return response


@blueprint.get("/incidents/<incident_id>")
@permission(MAPPER_READ)
def incident(incident_id: str) -> str:
    found = incidents.get(db.session(), incident_id)
    changes = record_history.changes_page(db.session(), "INCIDENT", incident_id, **pager.asked())
    address = partial(url_for, "orders.incident", incident_id=incident_id, _anchor="changes")
    return render_template(
        "orders/incident.html",
        incident=found,
        order=found.order,
        custom_fields=shown.shown_extras(found.custom_fields, names_of(INCIDENT, found.custom_fields.keys())),
        may_become=incidents.NEXT,
        changes=shown_changes(changes.items),
        **pager.neighbours(changes, address),
    )


@blueprint.route("/orders/<reference:reference>/incidents/new", methods=["GET", "POST"])
@permission(MAPPER_WRITE)
def declare_incident(reference: str) -> object:
    order = orders.get(db.session(), reference)
    form = incident_form(order)
    if form.validate_on_submit():
        given = [(place, form[quantity(place)].data) for place in range(len(order.lines))]
        places = [place for place, number in given if number]
        affected = [(order.lines[place].number, number) for place, number in given if number]
        try:
            incidents.declare(db.session(), order, reason=form.reason.data, affected=affected, actor=current_user.name)
        except InvalidError as error:
            form.show(InvalidError(str(error), _by_place(error.fields, places)))
        else:
            flash("The incident is declared.", "success")
            return redirect_to(url_for("orders.detail", reference=reference, _anchor="incidents"))
    return render_template("orders/incident_new.html", order=order, form=form), 422 if form.errors else 200


def _by_place(fields: dict[str, list[str]], places: list[int]) -> dict[str, list[str]]:
    """Names of the form's fields instead of the domain's paths; `places` are those of the lines that were given."""
    found = {}
    for path, messages in fields.items():
        kind, _, rest = path.partition(".")
        found[quantity(places[int(rest.partition(".")[0])]) if kind == "lines" else path] = messages
    return found


@blueprint.post("/incidents/<incident_id>/<status>")
@permission(MAPPER_WRITE)
def move_incident(incident_id: str, status: str) -> object:
    """`from_order` in the address leads back to the order."""
    found = incidents.get(db.session(), incident_id)
    reference = found.order.reference
    try:
        incidents.change_status(db.session(), found, status, actor=current_user.name)
    except (ConflictError, InvalidError) as error:
        db.session.rollback()
        flash(f"{error} Nothing was changed.", "danger")
    else:
        flash(f"The incident is now {status_words(found.status).lower()}.", "success")
    if "from_order" in request.args:
        return redirect_to(url_for("orders.detail", reference=reference, _anchor="incidents"))
    return redirect_to(url_for("orders.incident", incident_id=incident_id))
