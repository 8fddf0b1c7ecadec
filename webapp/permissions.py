"""What a route demands. A route without a declared permission answers nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flask import Flask, abort, current_app, request
from flask_login import current_user

PUBLIC, SIGNED_IN, MAPPER_READ, MAPPER_WRITE, ADMINISTER = (
    "PUBLIC",
    "SIGNED_IN",
    "MAPPER_READ",
    "MAPPER_WRITE",
    "ADMINISTER",
)
GRANTS = {
    "ADMIN": frozenset({SIGNED_IN, MAPPER_READ, MAPPER_WRITE, ADMINISTER}),
    "OPERATOR": frozenset({SIGNED_IN, MAPPER_READ, MAPPER_WRITE}),
    "VIEWER": frozenset({SIGNED_IN, MAPPER_READ}),
}

View = TypeVar("View", bound=Callable[..., object])


def permission(name: str) -> Callable[[View], View]:
    """Declares what a view demands. Goes directly above the function, below the route decorators."""

    def mark(view: View) -> View:
        view.required_permission = name  # type: ignore[attr-defined]
        return view

    return mark


def required_permission(app: Flask, endpoint: str) -> str | None:
    return getattr(app.view_functions[endpoint], "required_permission", None)


def may(name: str) -> bool:
    return current_user.is_authenticated and name in GRANTS[current_user.role]


def init_app(app: Flask) -> None:
    app.before_request(_check)
    app.add_template_global(may)


def _check() -> object:
    if request.endpoint is None or request.endpoint == "static":
        return None
    name = required_permission(current_app, request.endpoint)
    if name == PUBLIC:
        return None
    if not current_user.is_authenticated:
        return current_app.login_manager.unauthorized()  # type: ignore[attr-defined]
    if name is None or not may(name):
        abort(403)
    return None
