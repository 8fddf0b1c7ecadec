"""The sign-in form."""

from __future__ import annotations

from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from datahub.access.users import MAX_NAME, MAX_PASSWORD
from webapp.forms import Form


class SignInForm(Form):
    name = StringField("Name", [InputRequired("Enter your name."), Length(max=MAX_NAME)])
    password = PasswordField("Password", [InputRequired("Enter your password."), Length(max=MAX_PASSWORD)])
