"""Orders: list, page, and the move to another status."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.blueprints import BlueprintSetupState

from datahub.jobs import orders
from webapp.database import db
from webapp.orders.references import ReferenceConverter
from webapp.permissions import MAPPER_READ, permission

blueprint = Blueprint("orders", __name__)


@blueprint.record
def _know_references(state: BlueprintSetupState) -> None:
    """Before the first route: they name the converter."""
    state.app.url_map.converters["reference"] = ReferenceConverter


@blueprint.get("/orders/<reference:reference>")
@permission(MAPPER_READ)
def detail(reference: str) -> str:
    return render_template("orders/detail.html", order=orders.get(db.session(), reference))
