"""Whether the hub works, for load balancers and monitors; nobody needs to sign in."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Response, current_app

from datahub.jobs import health
from webapp.api.answers import HealthAnswer
from webapp.api.reply import JSON_TYPE, reply
from webapp.database import session_apart
from webapp.permissions import PUBLIC, permission

blueprint = APIBlueprint("api_health", __name__, tag="Health")
# Work that is late calls for more workers; the hub itself is well.
NEEDED = ("database", "redis", "worker", "clock")


@blueprint.get("/healthz")
@blueprint.output(HealthAnswer)
@blueprint.doc(
    security=[{}],
    responses={
        503: {
            "description": "A part does not answer; error, code and message say so too",
            "content": {JSON_TYPE: {"schema": {"$ref": "#/components/schemas/HealthAnswer"}}},
        }
    },
)
@permission(PUBLIC)
def healthz() -> Response:
    with session_apart() as session:
        checks = health.check(session, redis=current_app.extensions["export_queue"].connection)
    parts: dict[str, Any] = {
        check.name: {"ok": check.ok, "message": check.message, "advice": check.advice} for check in checks
    }
    ill = [name for name in NEEDED if not parts[name]["ok"]]
    if not ill:
        return reply({"ok": True} | parts)
    body = {
        "ok": False,
        "error": "Service Unavailable",
        "code": "unhealthy",
        "message": f"Not well: {', '.join(ill)}.",
    }
    return reply(body | parts, 503)
