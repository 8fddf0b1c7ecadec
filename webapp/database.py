"""The web's session over the plain models: one per request, committed at the end of one that changed something."""

from __future__ import annotations

from flask import Flask, Response, current_app, request
from flask import session as cookie
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from datahub import crash_points
from datahub.access import audit, store_limits
from datahub.db import Base, attach_habits, commit, engine_options, read_only
from datahub.errors import OutcomeUnknownError
from datahub.jobs import dispatch
from webapp.acting import who_asks

db = SQLAlchemy(metadata=Base.metadata, session_options={"expire_on_commit": False, "info": audit.info_of(who_asks)})
# An answer that takes longer helps nobody, and a thread that waits for ever answers nobody else.
STATEMENT_SECONDS = 30
READING = ("GET", "HEAD", "OPTIONS")
# They answer without the database, or look for themselves whether it is there.
APART = ("static", "api_health.healthz", "api_health.metrics")


def init_app(app: Flask, url: str) -> None:
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(url, statement_seconds=STATEMENT_SECONDS)
    db.init_app(app)
    with app.app_context():
        attach_habits(db.engine)
    app.before_request(_begin)
    app.after_request(_settle)


def session_apart() -> Session:
    """A session with its own transaction, for what must not wait for, or be undone with, the request's.

    It has no actor: the audit log would wait for the request's own transaction to learn who asks."""
    return Session(db.engine, expire_on_commit=False)


def _begin() -> None:
    if request.method in READING and request.endpoint not in APART:
        read_only(db.session())


def _settle(response: Response) -> Response:
    """Commits what a successful request changed, then hands out the exports it made due; else takes it back."""
    if request.method in READING:
        return response
    session = db.session()
    if response.status_code >= 400:
        session.rollback()
        return response
    work_is_due = dispatch.is_work_due(session)
    try:
        commit(session)
    except (SQLAlchemyError, OutcomeUnknownError) as error:
        # What the view wanted to say of its success.
        cookie.pop("_flashes", None)
        return current_app.make_response(current_app.handle_user_exception(error))
    crash_points.reach(crash_points.AFTER_OUTBOX_COMMIT)
    if work_is_due:
        _hand_out(session)
    return response


def _hand_out(session: Session) -> None:
    """The change is made: whatever happens here is no answer to it. What is not handed out, the clock hands out."""
    try:
        with store_limits.lifted(session):
            dispatch.hand_out(session, current_app.extensions["export_queue"], current_app.extensions["settings"])
    except Exception:
        current_app.logger.warning("due work was left to the clock", exc_info=True)
        session.invalidate()
