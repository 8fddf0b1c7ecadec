"""Home."""

from __future__ import annotations

from flask import Blueprint, render_template

from webapp.permissions import MAPPER_READ, permission

blueprint = Blueprint("dashboard", __name__)


@blueprint.get("/")
@permission(MAPPER_READ)
def index() -> str:
    return render_template("dashboard/index.html")
