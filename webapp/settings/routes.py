"""General settings, personal tokens, the own password and sessions, health."""

from __future__ import annotations

from flask import Blueprint, Response, flash, render_template, url_for
from flask_login import current_user

from datahub.access import sessions, tokens, users
from datahub.errors import InvalidError
from datahub.jobs import general_settings
from webapp.auth.identity import session_limits, signed_in_user
from webapp.database import db
from webapp.health import check_parts
from webapp.htmx import redirect_to
from webapp.permissions import EVERY_STORE_WRITE, MAPPER_READ, SIGNED_IN, may, permission
from webapp.security import ATTEMPTS, limiter
from webapp.settings import audit, custom_fields
from webapp.settings import users as user_pages
from webapp.settings.forms import GeneralForm, PasswordForm, TokenForm

blueprint = Blueprint("settings", __name__, url_prefix="/settings")
blueprint.register_blueprint(audit.blueprint)
blueprint.register_blueprint(custom_fields.blueprint)
blueprint.register_blueprint(user_pages.blueprint)


@blueprint.get("/")
@permission(SIGNED_IN)
def index() -> Response:
    return redirect_to(url_for("settings.general" if may(EVERY_STORE_WRITE) else "settings.my_tokens"))


@blueprint.route("/general", methods=["GET", "POST"])
@permission(EVERY_STORE_WRITE)
def general() -> object:
    stored = general_settings.get(db.session())
    names = ("file_name_prefix", "multi_store", "main_locale", "currency")
    form = GeneralForm(data={name: getattr(stored, name) for name in names} | {"locales": ", ".join(stored.locales)})
    if form.validate_on_submit():
        try:
            general_settings.update(db.session(), **form.values())
            flash("Saved. Files that were named before keep their names.", "success")
            return redirect_to(url_for("settings.general"))
        except InvalidError as error:
            form.show(error)
    flags = general_settings.automatic_flags(db.session())
    return render_template("settings/general.html", form=form, flags=flags), 422 if form.errors else 200


@blueprint.route("/tokens", methods=["GET", "POST"])
@permission(SIGNED_IN)
def my_tokens() -> object:
    form, user, text = TokenForm(), signed_in_user(), ""
    if form.validate_on_submit():
        try:
            _, text = tokens.create(db.session(), user=user, name=form.name.data)
            form = TokenForm(formdata=None)
        except InvalidError as error:
            form.show(error)
    own = tokens.list(db.session(), user=user)
    page = render_template("settings/tokens.html", form=form, tokens=own, text=text)
    return page, 422 if form.errors else 200


@blueprint.post("/tokens/<public_id>/revoke")
@permission(SIGNED_IN)
def revoke_token(public_id: str) -> Response:
    token = tokens.revoke(db.session(), user=signed_in_user(), public_id=public_id)
    flash(f"The token {token.name} is revoked. Scripts that use it are refused from now on.", "success")
    return redirect_to(url_for("settings.my_tokens"))


def _user_id() -> str:
    return str(current_user.user_id)


@blueprint.route("/password", methods=["GET", "POST"])
@limiter.limit(ATTEMPTS, key_func=_user_id, methods=["POST"], deduct_when=lambda answer: answer.status_code == 422)
@permission(SIGNED_IN)
def password() -> object:
    form, user = PasswordForm(), signed_in_user()
    if form.validate_on_submit():
        try:
            users.change_password(db.session(), user=user, current=form.current.data, password=form.password.data)
            sessions.close_others(db.session(), user=user, token=current_user.get_id())
            flash("Your password was changed, and every other browser signed out.", "success")
            return redirect_to(url_for("settings.password"))
        except InvalidError as error:
            form.show(error)
    signed_in = sessions.of_user(db.session(), user=user, **session_limits())
    current = sessions.find(db.session(), current_user.get_id(), **session_limits())
    page = render_template("settings/password.html", form=form, sessions=signed_in, current=current)
    return page, 422 if form.errors else 200


@blueprint.post("/sessions/<int:session_id>/end")
@permission(SIGNED_IN)
def end_session(session_id: int) -> Response:
    sessions.close_one(db.session(), user=signed_in_user(), session_id=session_id, token=current_user.get_id())
    flash("That browser is signed out.", "success")
    return redirect_to(url_for("settings.password"))


@blueprint.post("/sessions/end-others")
@permission(SIGNED_IN)
def end_other_sessions() -> Response:
    sessions.close_others(db.session(), user=signed_in_user(), token=current_user.get_id())
    flash("Every other browser is signed out.", "success")
    return redirect_to(url_for("settings.password"))


@blueprint.get("/health")
@permission(MAPPER_READ)
def parts() -> str:
    return render_template("settings/health.html", checks=check_parts())
