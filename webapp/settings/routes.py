"""Settings."""

from __future__ import annotations

from flask import Blueprint, render_template

from webapp.permissions import SIGNED_IN, permission

blueprint = Blueprint("settings", __name__, url_prefix="/settings")


@blueprint.get("/")
@permission(SIGNED_IN)
def index() -> str:
    return render_template("settings/index.html")
