"""The JSON API for scripts. Tokens only: no cookie signs in here, so no CSRF token is asked for."""

from __future__ import annotations

from apiflask import APIFlask

from webapp.api import clients, docs, executions, health, jobouts, orders, records, settings
from webapp.security import csrf

PARTS = (clients, jobouts, executions, orders, records, settings, health, docs)


def register(app: APIFlask) -> None:
    docs.init_app(app)
    for part in PARTS:
        app.register_blueprint(part.blueprint)
        csrf.exempt(part.blueprint)
