"""Looking at the parts of the hub from within a request."""

from __future__ import annotations

from flask import current_app

from datahub.jobs import health
from datahub.jobs.health import Check
from webapp.database import session_apart


def check_parts() -> list[Check]:
    """In a transaction of its own, since the request's own may hang on a database that is away."""
    redis = current_app.extensions["export_queue"].connection
    with session_apart() as session:
        return health.check(session, redis=redis, settings=current_app.extensions["settings"])
