"""Whether the hub works and how busy it is, for load balancers and monitors; nobody needs to sign in."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Response
from prometheus_client import CONTENT_TYPE_LATEST

from webapp.api.answers import HealthAnswer
from webapp.api.metrics import render_metrics
from webapp.api.reply import JSON_TYPE, reply
from webapp.health import check_parts
from webapp.permissions import PUBLIC, permission

blueprint = APIBlueprint("api_health", __name__, tag="Health")
# Work that is late calls for more workers; the hub itself is well. How Redis is set up is nobody's business here.
NEEDED = ("database", "redis", "worker", "importer", "clock", "sweeps")
TOLD = (*NEEDED, "exports", "imports")


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
    checks = {check.name: check for check in check_parts()}
    parts: dict[str, Any] = {
        name: {"ok": checks[name].ok, "message": checks[name].message, "advice": checks[name].advice} for name in TOLD
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


@blueprint.get("/metrics")
@blueprint.doc(
    security=[{}],
    responses={
        200: {
            "description": "Figures in Prometheus' text format",
            "content": {"text/plain": {"schema": {"type": "string"}}},
        }
    },
)
@permission(PUBLIC)
def metrics() -> Response:
    return Response(render_metrics(), content_type=CONTENT_TYPE_LATEST)
