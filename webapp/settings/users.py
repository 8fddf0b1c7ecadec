"""Users: list, invite, role, link to set a password, disable, enable, lock out; their sessions and tokens."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, flash, render_template, url_for
from flask_login import current_user

from datahub.access import accounts, sessions, store_limits, tokens
from datahub.errors import ConflictError, FieldConflictError, InvalidError
from datahub.grouping import counted
from datahub.models.access import User
from webapp.auth.identity import session_limits, signed_in_user
from webapp.database import db
from webapp.htmx import redirect_to
from webapp.permissions import ADMINISTER, permission
from webapp.settings.forms import NewUserForm, UserForm

blueprint = Blueprint("users", __name__, url_prefix="/users")


@blueprint.get("")
@permission(ADMINISTER)
def index() -> str:
    return render_template("settings/users.html", accounts=accounts.list(db.session(), **session_limits()))


@blueprint.route("/new", methods=["GET", "POST"])
@permission(ADMINISTER)
def new() -> object:
    form = NewUserForm()
    if form.validate_on_submit():
        try:
            user, secret = accounts.invite(db.session(), name=form.name.data, role=form.role.data)
            store_limits.choose(db.session(), user, form.stores.data or [])
            return _show_link(user, secret)
        except (InvalidError, FieldConflictError) as error:
            form.show(error)
    page = render_template("settings/user_new.html", form=form, stores=store_limits.choices(db.session()))
    return page, 422 if form.errors else 200


@blueprint.route("/<int:user_id>", methods=["GET", "POST"])
@permission(ADMINISTER)
def edit(user_id: int) -> object:
    user = _user(user_id)
    stored = {"role": user.role, "stores": [store.external_id for store in user.stores]}
    form, refused = UserForm(data=stored), False
    if form.validate_on_submit():
        try:
            accounts.change_role(db.session(), user, role=form.role.data)
            store_limits.choose(db.session(), user, form.stores.data or [])
            flash(f"{user.name} was saved. It counts from the next request on.", "success")
            return redirect_to(url_for("settings.users.edit", user_id=user_id))
        except InvalidError as error:
            form.show(error)
        except ConflictError as error:
            form.form_errors.append(str(error))
            refused = True
    page = render_template(
        "settings/user.html",
        form=form,
        stores=store_limits.choices(db.session()),
        user=user,
        is_self=user.id == current_user.user_id,
        link_until=accounts.open_link_until(db.session(), user),
        sessions=sessions.of_user(db.session(), user=user, **session_limits()),
        current=sessions.find(db.session(), current_user.get_id(), **session_limits()),
        tokens=tokens.list(db.session(), user=user),
    )
    return page, 409 if refused else 422 if form.errors else 200


@blueprint.post("/<int:user_id>/link")
@permission(ADMINISTER)
def renew_link(user_id: int) -> str:
    user = _user(user_id)
    return _show_link(user, accounts.reset_password(db.session(), user, by=signed_in_user()))


@blueprint.post("/<int:user_id>/disable")
@permission(ADMINISTER)
def disable(user_id: int) -> Response:
    user = _user(user_id)
    ended = accounts.disable(db.session(), user, by=signed_in_user())
    flash(
        f"{user.name} is disabled; {counted(ended, 'session')} ended. Tokens are refused until you enable the user.",
        "success",
    )
    return _back_to(user)


@blueprint.post("/<int:user_id>/enable")
@permission(ADMINISTER)
def enable(user_id: int) -> Response:
    user = _user(user_id)
    accounts.enable(db.session(), user)
    advice = "" if user.password_hash else " A password is missing: make a link to set one."
    flash(f"{user.name} is enabled, and so are the tokens that were not revoked.{advice}", "success")
    return _back_to(user)


@blueprint.post("/<int:user_id>/lock-out")
@permission(ADMINISTER)
def lock_out(user_id: int) -> Response:
    user = _user(user_id)
    done = accounts.lock_out(db.session(), user, by=signed_in_user())
    flash(
        f"{user.name} is locked out: disabled, the password void, {counted(done.sessions, 'session')} ended, "
        f"{counted(done.tokens, 'token')} revoked.",
        "success",
    )
    return _back_to(user)


@blueprint.post("/<int:user_id>/sessions/<int:session_id>/end")
@permission(ADMINISTER)
def end_session(user_id: int, session_id: int) -> Response:
    user = _user(user_id)
    sessions.close_one(db.session(), user=user, session_id=session_id, token=current_user.get_id())
    flash(f"That browser of {user.name} is signed out.", "success")
    return _back_to(user)


@blueprint.post("/<int:user_id>/sessions/end")
@permission(ADMINISTER)
def end_sessions(user_id: int) -> Response:
    """All of them, but for the one that asks."""
    user = _user(user_id)
    ended = sessions.close_others(db.session(), user=user, token=current_user.get_id())
    flash(f"{counted(ended, 'session')} of {user.name} ended.", "success")
    return _back_to(user)


@blueprint.post("/<int:user_id>/tokens/<public_id>/revoke")
@permission(ADMINISTER)
def revoke_token(user_id: int, public_id: str) -> Response:
    user = _user(user_id)
    token = tokens.revoke(db.session(), user=user, public_id=public_id)
    flash(f"The token {token.name} is revoked. Scripts that use it are refused from now on.", "success")
    return _back_to(user)


def _user(user_id: int) -> User:
    return accounts.get(db.session(), user_id)


def _back_to(user: User) -> Response:
    return redirect_to(url_for("settings.users.edit", user_id=user.id))


def _show_link(user: User, secret: str) -> str:
    """Only this answer holds the secret."""
    public_url = current_app.extensions["settings"].public_url.rstrip("/")
    link = public_url + url_for("auth.set_password", secret=secret)
    return render_template("settings/user_link.html", user=user, link=link)
