"""Home, and the part of it that refreshes itself."""

from __future__ import annotations

from flask import Blueprint, current_app, render_template

from datahub.jobs import health, home
from webapp.database import db, session_apart
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
    with session_apart() as session:
        checks = health.check(session, redis=current_app.extensions["export_queue"].connection)
    seen = home.read(db.session())
    broken = [check for check in checks if not check.ok]
    return {
        "overview": seen,
        "broken": broken,
        "shown": home.SHOWN,
        "needs_person": bool(broken or seen.failed or seen.held),
    }
