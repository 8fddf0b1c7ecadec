"""What a route demands. A route without a declared permission answers nobody.

EVERY_STORE_READ and EVERY_STORE_WRITE are for what belongs to all stores together, such as an import: whoever is
limited to some stores has neither."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from flask import Flask, abort, current_app, request
from flask_login import current_user

from datahub.access import store_limits
from webapp.database import db

PUBLIC, SIGNED_IN, MAPPER_READ, MAPPER_WRITE, ADMINISTER = (
    "PUBLIC",
    "SIGNED_IN",
    "MAPPER_READ",
    "MAPPER_WRITE",
    "ADMINISTER",
)
EVERY_STORE_READ, EVERY_STORE_WRITE = EVERY_STORE = ("EVERY_STORE_READ", "EVERY_STORE_WRITE")
GRANTS = {
    "ADMIN": frozenset({SIGNED_IN, MAPPER_READ, MAPPER_WRITE, *EVERY_STORE, ADMINISTER}),
    "OPERATOR": frozenset({SIGNED_IN, MAPPER_READ, MAPPER_WRITE, *EVERY_STORE}),
    "VIEWER": frozenset({SIGNED_IN, MAPPER_READ, EVERY_STORE_READ}),
}
KEPT_BACK = {
    EVERY_STORE_READ: "This may hold what is of any store. You are limited to {stores}, so you cannot see it.",
    EVERY_STORE_WRITE: "This works for every store. You are limited to {stores}, so you cannot change or run it.",
}
WHOM_TO_ASK = "Ask an administrator, who can do it for you or let you see more stores."

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
    return _grants(name) and not _is_kept_back(name)


def _grants(name: str) -> bool:
    return current_user.is_authenticated and name in GRANTS[current_user.role]


def _is_kept_back(name: str) -> bool:
    return name in EVERY_STORE and current_user.limit is not None


def visible_stores(external_ids: Iterable[str]) -> list[str]:
    return store_limits.visible(db.session(), external_ids)


def init_app(app: Flask) -> None:
    app.before_request(_check)
    app.add_template_global(may)
    app.add_template_filter(visible_stores)


def _check() -> object:
    if request.endpoint is None or request.endpoint == "static":
        return None
    name = required_permission(current_app, request.endpoint)
    if name == PUBLIC:
        return None
    if not current_user.is_authenticated:
        return current_app.login_manager.unauthorized()  # type: ignore[attr-defined]
    if name is None:
        abort(403)
    demand(name)
    return None


def demand(name: str) -> None:
    """For a route that demands more of some things than of others; answers 403 for whoever has it not."""
    if not _grants(name):
        abort(403)
    if _is_kept_back(name):
        stores = current_user.limit.words()
        abort(403, f"{KEPT_BACK[name].format(stores=stores)} {WHOM_TO_ASK}")
