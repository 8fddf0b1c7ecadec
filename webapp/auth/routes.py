"""Sign in, sign out, set a password by a one-time link."""

from __future__ import annotations

from functools import partial
from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, flash, render_template, request, session, url_for
from flask_limiter.util import get_remote_address
from flask_login import current_user, login_user
from sqlalchemy.orm import Session

from datahub.access import audit, password_links, sessions, users
from datahub.db import read_only
from datahub.errors import InvalidError
from datahub.models.access import User, name_key
from webapp.acting import somebody
from webapp.auth.forms import SetPasswordForm, SignInForm
from webapp.auth.identity import signed_in_user, visitor_of
from webapp.database import db, session_apart
from webapp.htmx import redirect_to
from webapp.permissions import PUBLIC, SIGNED_IN, permission
from webapp.security import ATTEMPTS, limiter

blueprint = Blueprint("auth", __name__)


def _account() -> str:
    return name_key(request.form.get("name", ""))[:100]


def _failed(response: Response) -> bool:
    return response.status_code == 422


def _is_void(response: Response) -> bool:
    return response.status_code == 404


@blueprint.route("/sign-in", methods=["GET", "POST"])
@limiter.limit(ATTEMPTS, key_func=_account, methods=["POST"], deduct_when=_failed)
@limiter.limit(ATTEMPTS, key_func=get_remote_address, methods=["POST"], deduct_when=_failed)
@permission(PUBLIC)
def sign_in() -> object:
    if request.method == "GET" and current_user.is_authenticated:
        return redirect_to(url_for("dashboard.index"))
    form = SignInForm()
    if form.validate_on_submit():
        user = _check(form.name.data, form.password.data)
        if user:
            users.renew_hash(db.session, user_id=user.id, password=form.password.data)
            _begin_session(user)
            return redirect_to(_page_of_ours(request.args.get("next", "")))
        _note_failure(form.name.data)
        form.show(InvalidError("Name and password do not fit."))
    return render_template("auth/sign_in.html", form=form), 422 if form.errors else 200


@blueprint.post("/sign-out")
@permission(SIGNED_IN)
def sign_out() -> Response:
    _note(db.session(), audit.SIGNED_OUT, signed_in_user())
    sessions.close(db.session, current_user.get_id())
    session.clear()
    return redirect_to(url_for("auth.sign_in"))


@blueprint.route("/set-password/<secret>", methods=["GET", "POST"])
@limiter.limit(ATTEMPTS, key_func=get_remote_address, deduct_when=_is_void)
@permission(PUBLIC)
def set_password(secret: str) -> object:
    """A link that is wrong, used, replaced or too old gets one and the same answer."""
    form = SetPasswordForm()
    user = password_links.find(db.session(), secret)
    if user and form.validate_on_submit():
        try:
            audit.acts(db.session(), partial(somebody, user))
            user = password_links.redeem(db.session(), secret, password=form.password.data)
            if user:
                flash("Your password is set. Sign in with it.", "success")
                return redirect_to(url_for("auth.sign_in"))
        except InvalidError as error:
            form.show(error)
    if user is None:
        return render_template("auth/link_void.html"), 404
    return render_template("auth/set_password.html", form=form, user=user), 422 if form.errors else 200


def _check(name: str, password: str) -> User | None:
    # Verifying takes long on purpose; on SQLite no transaction that writes may be open meanwhile.
    with session_apart() as reading:
        return users.check_password(read_only(reading), name=name, password=password)


def _note(changing: Session, action: str, user: User | None) -> None:
    object_id, name = (str(user.id), user.name) if user else ("", "")
    audit.note(changing, action, kind="user", object_id=object_id, name=name)


def _note_failure(name: str) -> None:
    """Also for a name that nobody has, which is not kept: people type passwords there, and an answer for it must not
    come sooner."""
    with session_apart() as apart, apart.begin():
        audit.acts(apart, somebody)
        _note(apart, audit.SIGN_IN_FAILED, users.look_up(apart, name))


def _begin_session(user: User) -> None:
    """A new session, with a new CSRF token; what the browser held before is void."""
    audit.acts(db.session(), partial(somebody, user))
    _note(db.session(), audit.SIGNED_IN, user)
    sessions.close(db.session, session.get("_user_id", ""))
    session.clear()
    token = sessions.open(
        db.session,
        user=user,
        source=get_remote_address(),
        agent=request.user_agent.string,
        max_seconds=current_app.extensions["settings"].session_seconds,
    )
    login_user(visitor_of(db.session.get_one(User, user.id), token))


def _page_of_ours(url: str) -> str:
    """Never an address elsewhere, however it is spelled."""
    parts = urlsplit(url)
    is_ours = url.startswith("/") and not url.startswith("//") and not parts.scheme and not parts.netloc
    return url if is_ours and "\\" not in url and url.isprintable() else url_for("dashboard.index")
