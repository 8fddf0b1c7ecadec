"""Home, and the part of it that refreshes itself."""

from __future__ import annotations

from flask import Blueprint, render_template

from datahub.jobs import home
from webapp.database import db
from webapp.health import check_parts
from webapp.permissions import MAPPER_READ, permission

blueprint = Blueprint("dashboard", __name__)


@blueprint.get("/")
@permission(MAPPER_READ)
def index() -> str:
    return render_template("dashboard/index.html", **_context())


@blueprint.get("/now")
@permission(MAPPER_READ)
def now() -> str:
    return render_template("dashboard/_now.html", **_context())


def _context() -> dict[str, object]:
    seen = home.read(db.session())
    broken = [check for check in check_parts() if not check.ok]
    return {
        "overview": seen,
        "broken": broken,
        "shown": home.SHOWN,
        "needs_person": bool(broken or seen.failed or seen.held),
    }
