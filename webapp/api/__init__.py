"""The JSON API for scripts. Tokens only: no cookie signs in here, so no CSRF token is asked for."""

from __future__ import annotations

from apiflask import APIFlask
from werkzeug.routing import BaseConverter

from webapp.api import (
    clients,
    custom_fields,
    docs,
    executions,
    health,
    incidents,
    job_executions,
    job_runs,
    jobouts,
    jobs,
    orders,
    records,
    settings,
)
from webapp.security import csrf

PARTS = (
    clients,
    jobouts,
    jobs,
    job_runs,
    executions,
    job_executions,
    orders,
    incidents,
    records,
    custom_fields,
    settings,
    health,
    docs,
)


class WhateverConverter(BaseConverter):
    """The rest of the path, whatever an id holds: slashes, also at its start, and line breaks."""

    regex = "(?s:.+)"
    part_isolating = False


def register(app: APIFlask) -> None:
    # A doubled slash makes another path; the redirect to the one without it would answer scripts in HTML.
    app.url_map.merge_slashes = False
    app.url_map.converters["whatever"] = WhateverConverter
    docs.init_app(app)
    for part in PARTS:
        app.register_blueprint(part.blueprint)
        csrf.exempt(part.blueprint)
