"""The forms of the settings pages."""

from __future__ import annotations

from typing import Any

from wtforms import (
    BooleanField,
    PasswordField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, Regexp

from datahub.access.users import MAX_NAME, MAX_PASSWORD
from datahub.jobs.custom_fields import NAME_LENGTH, OWNERS, UNIT_LENGTH
from datahub.models.custom_field import LIST_TYPES, METRIC_TYPES, TEXT_TYPES
from webapp.auth.forms import SetPasswordForm
from webapp.forms import Form

TYPE_WORDS = {
    "TEXT": "Text",
    "LONG_TEXT": "Long text",
    "NUMBER": "Number",
    "METRIC": "Number with a unit",
    "DATE": "Date",
    "LIST_TEXT": "List of texts",
    "LIST_METRIC": "List of numbers with a unit",
    "BOOLEAN": "Yes or no",
    "MEDIA": "Address of a file",
}
ROLE_WORDS = {"VIEWER": "Viewer", "OPERATOR": "Operator", "ADMIN": "Administrator"}


class GeneralForm(Form):
    file_name_prefix = StringField(
        "Prefix of file names",
        [
            InputRequired("Enter a prefix."),
            Length(max=20, message="Use at most 20 characters."),
            Regexp(r"^[A-Za-z0-9-]+\Z", message="Use letters from A to Z, digits and dashes only."),
        ],
    )
    multi_store = BooleanField("Several stores")
    locales = StringField("Locales", [InputRequired("Enter at least one locale.")])
    main_locale = StringField("Main locale", [InputRequired("Enter the main locale.")])
    currency = StringField("Currency", [InputRequired("Enter a currency.")])

    def values(self) -> dict[str, Any]:
        """What the domain's update takes."""
        return {
            "file_name_prefix": self.file_name_prefix.data,
            "multi_store": self.multi_store.data,
            "locales": (self.locales.data or "").replace(",", " ").split(),
            "main_locale": self.main_locale.data,
            "currency": (self.currency.data or "").strip(),
        }


class CustomFieldForm(Form):
    """What may change later. `parts` gives what a type has; whatever else was sent is left aside."""

    name = StringField("Name", [InputRequired("Enter a name."), Length(max=NAME_LENGTH)])
    required = BooleanField("Required")
    options = TextAreaField("Options")
    multi = BooleanField("Takes several options")

    def parts(self, type_: str) -> dict[str, Any]:
        is_list = type_ in LIST_TYPES
        return {
            "name": self.name.data or "",
            "required": self.required.data,
            "multi": self.multi.data and is_list,
            "options": tuple(filter(None, map(str.strip, (self.options.data or "").splitlines()))) if is_list else (),
        }


class NewCustomFieldForm(CustomFieldForm):
    entity = SelectField("Of", choices=[SelectChoice(name, label) for name, label in OWNERS.items()])
    external_id = StringField(
        "External id",
        [
            InputRequired("Enter an external id."),
            Length(max=255, message="Use at most 255 characters."),
            Regexp(r"^[A-Za-z0-9_.-]+\Z", message="Use letters without accents, digits, dots, dashes and underscores."),
        ],
    )
    type = SelectField("Type", choices=[SelectChoice(name, words) for name, words in TYPE_WORDS.items()])
    unit = StringField("Unit", [Length(max=UNIT_LENGTH)])
    localisable = BooleanField("One text per locale")

    def parts(self, type_: str) -> dict[str, Any]:
        return super().parts(type_) | {
            "entity": self.entity.data,
            "external_id": self.external_id.data or "",
            "type": type_,
            "unit": (self.unit.data or None) if type_ in METRIC_TYPES else None,
            "localisable": self.localisable.data and type_ in TEXT_TYPES,
        }


class UserForm(Form):
    """What an administrator may change later."""

    role = SelectField(
        "Role",
        choices=[SelectChoice(name, words) for name, words in ROLE_WORDS.items()],
        description="Viewers see, operators also change, run and stop; administrators also keep users.",
    )
    # The domain refuses what does not exist.
    stores = SelectMultipleField("Stores", validate_choice=False)


class NewUserForm(UserForm):
    name = StringField("Name", [InputRequired("Enter a name."), Length(max=MAX_NAME)])


class TokenForm(Form):
    name = StringField("What it is for", [InputRequired("Enter a name."), Length(max=100)])


class PasswordForm(SetPasswordForm):
    current = PasswordField(
        "Current password", [InputRequired("Enter your current password."), Length(max=MAX_PASSWORD)]
    )
