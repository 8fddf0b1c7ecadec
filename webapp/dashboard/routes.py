"""Home, and the parts of it that refresh themselves."""

from __future__ import annotations

from flask import Blueprint, render_template

from datahub.jobs import connections, home
from webapp.dashboard import shown
from webapp.database import db
from webapp.health import check_parts
from webapp.permissions import MAPPER_READ, permission

blueprint = Blueprint("dashboard", __name__)
blueprint.add_app_template_filter(shown.held_up_words)
blueprint.add_app_template_filter(shown.way_to_use_it)


@blueprint.get("/")
@permission(MAPPER_READ)
def index() -> str:
    return render_template("dashboard/index.html", **_now(), **_hours())


@blueprint.get("/now")
@permission(MAPPER_READ)
def now() -> str:
    return render_template("dashboard/_now.html", **_now())


@blueprint.get("/hours")
@permission(MAPPER_READ)
def hours() -> str:
    return render_template("dashboard/_hours.html", **_hours())


def _now() -> dict[str, object]:
    seen = home.read(db.session())
    broken = [check for check in check_parts() if not check.ok]
    return {
        "overview": seen,
        "broken": broken,
        "shown": home.SHOWN,
        "has_connections": seen.has_jobs or bool(connections.list_connections(db.session())),
        "needs_person": bool(broken or seen.asks_for_person),
    }


def _hours() -> dict[str, object]:
    read = home.read_hours(db.session())
    legend = shown.make_legend(read, home.count_asking(db.session(), read[0].start))
    return {"bars": shown.make_bars(read), "legend": legend, "bar_height": shown.BAR_HEIGHT}
