"""The OpenAPI document, generated from the routes, and the page that shows it."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint, APIFlask
from flask import Response, current_app, render_template
from flask_login import current_user

from webapp.api.answers import ErrorAnswer
from webapp.api.blueprint import CLIENT_HEADER, OPERATOR
from webapp.api.links import add_links
from webapp.api.reference import Reference
from webapp.api.reply import reply
from webapp.permissions import PUBLIC, permission

blueprint = APIBlueprint("api_docs", __name__, enable_openapi=False)
TOKEN = "token"  # noqa: S105 - the name of the scheme
WITH_BODY = ("post", "put", "patch", "delete")
ERRORS = {
    "400": "The request breaks a rule; fields says where.",
    "401": "No valid token.",
    "403": "Wrong dj-client, or the user may not do this.",
    "404": "Unknown.",
    "409": "Taken, in use, or in the wrong state.",
    "413": "The body is too large.",
    "415": "The body is not JSON.",
    "429": "Too many requests.",
    "503": "The database does not answer. Nothing was changed, unless the code is outcome_unknown: then look first.",
}
OPTIONAL_BODY = "/test"
DEPRECATION = {
    "Deprecation": {
        "required": True,
        "schema": {"type": "string"},
        "description": "Since when, as RFC 9745 writes it.",
    },
    "Link": {"required": True, "schema": {"type": "string"}, "description": "The path to use instead."},
}
ONLY_WITH_BODY = ("409", "413", "415")


def init_app(app: APIFlask) -> None:
    app.config.update(
        OPENAPI_VERSION="3.1.0",
        AUTO_404_RESPONSE=False,
        AUTO_VALIDATION_ERROR_RESPONSE=False,
        AUTO_AUTH_ERROR_RESPONSE=False,
        AUTO_SERVERS=False,
        AUTO_OPERATION_ID=True,
        SECURITY_SCHEMES={
            TOKEN: {"type": "http", "scheme": "bearer", "description": "A personal API token, made on its page."}
        },
    )
    app.title = "Data Hub"
    app.description = "Connections, jobs, executions, orders, incidents and records of the hub, for scripts."
    app.spec_processor(_complete)


@blueprint.get("/api/openapi.json")
@permission(PUBLIC)
def openapi() -> Response:
    return reply(current_app.spec)  # type: ignore[attr-defined]


@blueprint.get("/api/docs")
@permission(PUBLIC)
def docs() -> str:
    spec = current_app.spec  # type: ignore[attr-defined]
    reference = Reference(spec)
    return render_template(
        "api/docs.html",
        spec=spec,
        groups=reference.groups(),
        errors=reference.errors(),
        error_values=reference.error_values(),
        bare=not current_user.is_authenticated,
    )


def _complete(spec: dict[str, Any]) -> dict[str, Any]:
    """What holds for every operation: the token, the header, the errors and their body."""
    # Two files of routes may share a tag, which counts once.
    spec["tags"] = [{"name": name} for name in dict.fromkeys(tag["name"] for tag in spec["tags"])]
    components = spec["components"]
    components["schemas"]["Error"] = ErrorAnswer.model_json_schema()
    components["responses"] = {
        f"Error{status}": {
            "description": text,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
        }
        for status, text in ERRORS.items()
    }
    components["parameters"] = {
        "Client": {"name": CLIENT_HEADER, "in": "header", "required": True, "schema": {"const": OPERATOR}}
    }
    for path, operations in spec["paths"].items():
        if path.startswith(("/v1/", "/v2/", "/job/")):
            for method, operation in operations.items():
                _complete_operation(operation, method)
                if "requestBody" in operation:
                    operation["requestBody"].setdefault("required", not path.endswith(OPTIONAL_BODY))
    add_links(spec["paths"])
    return spec


def _complete_operation(operation: dict[str, Any], method: str) -> None:
    operation["security"] = [{TOKEN: []}]
    if operation.get("deprecated"):
        for status, response in operation["responses"].items():
            if status.startswith("2"):
                response["headers"] = DEPRECATION
    operation.setdefault("parameters", []).append({"$ref": "#/components/parameters/Client"})
    for status in ERRORS:
        if "requestBody" in operation or (status != "415" and (method in WITH_BODY or status not in ONLY_WITH_BODY)):
            operation["responses"].setdefault(status, {"$ref": f"#/components/responses/Error{status}"})
