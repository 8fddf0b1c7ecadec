"""Custom fields: list by entity, define, change, delete."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, flash, render_template, request, url_for

from datahub.errors import ConflictError, FieldConflictError, InvalidError
from datahub.jobs import custom_fields
from datahub.jobs.custom_fields import OWNERS, Definition
from datahub.models.custom_field import CustomField
from webapp.database import db
from webapp.htmx import redirect_to
from webapp.permissions import EVERY_STORE_WRITE, MAPPER_READ, permission
from webapp.settings.forms import TYPE_WORDS, CustomFieldForm, NewCustomFieldForm

SHOWN_OPTIONS = 3
blueprint = Blueprint("custom_fields", __name__, url_prefix="/custom-fields")


@blueprint.get("")
@permission(MAPPER_READ)
def index() -> str:
    found = custom_fields.list_fields(db.session(), sort="name")
    groups = [
        (
            entity,
            label,
            [(item, _type_in_words(item), _options_in_words(item)) for item in found if item.entity == entity],
        )
        for entity, label in OWNERS.items()
    ]
    return render_template("settings/custom_fields.html", groups=[group for group in groups if group[2]])


@blueprint.route("/new", methods=["GET", "POST"])
@permission(EVERY_STORE_WRITE)
def new() -> object:
    """`entity` in the address chooses what the field is of."""
    form = NewCustomFieldForm(data={"entity": request.args.get("entity")})
    if form.validate_on_submit():
        try:
            made = custom_fields.create(db.session(), Definition(**form.parts(form.type.data)))
            flash(f"{made.name} is defined. Imports read it from the column CF_{made.external_id}.", "success")
            return redirect_to(url_for("settings.custom_fields.index"))
        except (InvalidError, FieldConflictError) as error:
            form.show(error)
    return render_template("settings/custom_field_new.html", form=form), 422 if form.errors else 200


@blueprint.route("/<public_id>/edit", methods=["GET", "POST"])
@permission(EVERY_STORE_WRITE)
def edit(public_id: str) -> object:
    custom_field = custom_fields.get(db.session(), public_id)
    stored = {name: getattr(custom_field, name) for name in ("name", "required", "multi")}
    form = CustomFieldForm(data=stored | {"options": "\n".join(custom_field.options)})
    if form.validate_on_submit():
        try:
            wanted = replace(custom_fields.definition_of(custom_field), **form.parts(custom_field.type))
            custom_fields.update(db.session(), custom_field, wanted)
            flash(f"{custom_field.name} was saved. Values that are stored stay as they are.", "success")
            return redirect_to(url_for("settings.custom_fields.index"))
        except InvalidError as error:
            form.show(error)
    page = render_template(
        "settings/custom_field.html",
        form=form,
        custom_field=custom_field,
        owner=OWNERS[custom_field.entity],
        type_words=_type_in_words(custom_field),
    )
    return page, 422 if form.errors else 200


@blueprint.route("/<public_id>/delete", methods=["GET", "POST"])
@permission(EVERY_STORE_WRITE)
def delete(public_id: str) -> object:
    """GET asks and says what is lost."""
    custom_field = custom_fields.get(db.session(), public_id)
    if request.method == "GET":
        return _ask_to_delete(custom_field), 200
    try:
        custom_fields.delete(db.session(), custom_field)
    except ConflictError:
        return _ask_to_delete(custom_field), 409
    flash(f"{custom_field.name} was deleted.", "success")
    return redirect_to(url_for("settings.custom_fields.index"))


def _ask_to_delete(custom_field: CustomField) -> str:
    reason = custom_fields.why_kept(db.session(), custom_field)
    owner = OWNERS[custom_field.entity]
    return render_template("settings/custom_field_delete.html", custom_field=custom_field, owner=owner, reason=reason)


def _type_in_words(custom_field: CustomField) -> str:
    """What never changes of it."""
    per_locale = "one per locale" if custom_field.localisable else ""
    return ", ".join(filter(None, [TYPE_WORDS[custom_field.type], custom_field.unit, per_locale]))


def _options_in_words(custom_field: CustomField) -> str:
    if not custom_field.options:
        return ""
    shown, more = custom_field.options[:SHOWN_OPTIONS], len(custom_field.options) - SHOWN_OPTIONS
    return (
        f"{'Several' if custom_field.multi else 'One'} of {', '.join(shown)}{f' and {more} more' if more > 0 else ''}"
    )
