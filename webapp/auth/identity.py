"""Who asks: a browser by its session cookie on pages, a script by its token on the JSON API; never the other way."""

from __future__ import annotations

import re
from dataclasses import dataclass

from flask import Flask, Request, Response, abort, current_app, flash, g, request, session, url_for
from flask_login import LoginManager, UserMixin, current_user
from sqlalchemy.exc import SQLAlchemyError

from datahub.access import sessions, store_limits, tokens
from datahub.access.store_limits import StoreLimit
from datahub.db import read_only
from datahub.models.access import User
from webapp.database import db, session_apart
from webapp.htmx import redirect_to, wants_fragment

API_PATHS = re.compile(r"/(v[0-9]+|job|healthz|metrics|api)(/|$)")
manager = LoginManager()


@dataclass(frozen=True)
class Visitor(UserMixin):
    """Plain values, so that error pages can show them when the database is gone. `token` is empty for scripts, `limit`
    None for whoever sees all stores."""

    user_id: int
    name: str
    role: str
    limit: StoreLimit | None
    token: str = ""

    def get_id(self) -> str:
        return self.token


def init_app(app: Flask) -> None:
    # The cookie names a row that can be ended here; addresses of phones change, so they are not compared.
    manager.session_protection = None
    # The stock context processor would ask the database for every page, error pages among them.
    manager.init_app(app, add_context_processor=False)
    app.jinja_env.globals["current_user"] = current_user
    app.after_request(_note_use)


def is_api_request() -> bool:
    return API_PATHS.match(request.path) is not None


def is_known() -> bool:
    """Whether a user asks, for what comes before the request's own transaction: this one has ended then."""
    with session_apart() as apart:
        read_only(apart)
        if is_api_request():
            return tokens.find(apart, _bearer(request)) is not None
        return sessions.find(apart, session.get("_user_id", ""), **session_limits()) is not None


def signed_in_user() -> User:
    """The row of whoever is signed in, in the request's session."""
    return db.session.get_one(User, current_user.user_id)


def session_limits() -> dict[str, float]:
    settings = current_app.extensions["settings"]
    return {"idle_seconds": settings.session_idle_seconds, "max_seconds": settings.session_seconds}


@manager.user_loader
def _by_cookie(token: str) -> Visitor | None:
    if is_api_request():
        return None
    found = sessions.find(db.session(), token, **session_limits())
    if found is None:
        return None
    # Pieces that refresh themselves do not keep a session alive.
    is_polling = request.method == "GET" and wants_fragment()
    if not is_polling and sessions.needs_touch(db.session(), found):
        g.used = (sessions.touch, found.id)
    return visitor_of(found.user, token)


@manager.request_loader
def _by_token(asked: Request) -> Visitor | None:
    text = _bearer(asked) if is_api_request() else ""
    token = tokens.find(db.session(), text) if text else None
    if token is None:
        return None
    if tokens.needs_touch(db.session(), token):
        g.used = (tokens.touch, token.id)
    return visitor_of(token.user)


def _bearer(asked: Request) -> str:
    scheme, _, text = asked.headers.get("Authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""


def visitor_of(user: User, token: str = "") -> Visitor:
    """From here on the request's session finds nothing of stores that the user does not see."""
    limit = store_limits.of_user(user)
    store_limits.limit(db.session(), limit)
    return Visitor(user.id, user.name, user.role, limit, token)


@manager.unauthorized_handler
def _ask_to_sign_in() -> Response:
    if is_api_request():
        abort(401)
    if request.method != "GET" or wants_fragment():
        flash("You were signed out. Sign in to go on.", "warning")
        return redirect_to(url_for("auth.sign_in"))
    return redirect_to(url_for("auth.sign_in", next=request.full_path.rstrip("?")))


def _note_use(response: Response) -> Response:
    """After the request's own transaction has ended. A database that is away loses a time stamp, no answer."""
    used = g.pop("used", None)
    if used:
        touch, row_id = used
        try:
            with session_apart() as session, session.begin():
                touch(session, row_id)
        except SQLAlchemyError as error:
            current_app.logger.warning("the use of a session was not noted: %s", type(error).__name__)
    return response
