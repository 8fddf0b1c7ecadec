"""The forms to sign in and to set a password by a link."""

from __future__ import annotations

from wtforms import PasswordField, StringField
from wtforms.validators import EqualTo, InputRequired, Length

from datahub.access.users import MAX_NAME, MAX_PASSWORD, MIN_PASSWORD
from webapp.forms import Form


class SignInForm(Form):
    name = StringField("Name", [InputRequired("Enter your name."), Length(max=MAX_NAME)])
    password = PasswordField("Password", [InputRequired("Enter your password."), Length(max=MAX_PASSWORD)])


class SetPasswordForm(Form):
    password = PasswordField(
        "New password", [InputRequired("Enter a new password."), Length(MIN_PASSWORD, MAX_PASSWORD)]
    )
    again = PasswordField(
        "New password again",
        [InputRequired("Enter the new password again."), EqualTo("password", "The two do not match.")],
    )
