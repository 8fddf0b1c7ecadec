"""The forms of the settings pages."""

from __future__ import annotations

from wtforms import BooleanField, PasswordField, StringField
from wtforms.validators import EqualTo, InputRequired, Length, Regexp

from datahub.access.users import MAX_PASSWORD, MIN_PASSWORD
from webapp.forms import Form


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


class TokenForm(Form):
    name = StringField("What it is for", [InputRequired("Enter a name."), Length(max=100)])


class PasswordForm(Form):
    current = PasswordField(
        "Current password", [InputRequired("Enter your current password."), Length(max=MAX_PASSWORD)]
    )
    password = PasswordField(
        "New password", [InputRequired("Enter a new password."), Length(MIN_PASSWORD, MAX_PASSWORD)]
    )
    again = PasswordField(
        "New password again",
        [InputRequired("Enter the new password again."), EqualTo("password", "The two do not match.")],
    )
