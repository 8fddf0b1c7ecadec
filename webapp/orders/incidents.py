"""Incidents of an order: the form that declares one, and the move to another status."""

from __future__ import annotations

from flask import flash, render_template, url_for
from flask_login import current_user

from datahub.errors import ConflictError, InvalidError
from datahub.jobs import incidents, orders
from webapp.database import db
from webapp.filters import status_words
from webapp.htmx import redirect_to
from webapp.orders.blueprint import blueprint
from webapp.orders.forms import incident_form, quantity
from webapp.permissions import MAPPER_WRITE, permission


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
    incident = incidents.get(db.session(), incident_id)
    reference = incident.order.reference
    try:
        incidents.change_status(db.session(), incident, status, actor=current_user.name)
    except (ConflictError, InvalidError) as error:
        db.session.rollback()
        flash(f"{error} Nothing was changed.", "danger")
    else:
        flash(f"The incident is now {status_words(incident.status).lower()}.", "success")
    return redirect_to(url_for("orders.detail", reference=reference, _anchor="incidents"))
