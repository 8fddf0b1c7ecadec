"""The form of an SFTP connection, new or changed. Secrets are never sent back: blank keeps what is stored."""

from __future__ import annotations

from wtforms import IntegerField, PasswordField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange

from datahub.jobs.connections import DEFAULT_PORT, NAME_LENGTH, PASSWORD_LENGTH, USERNAME_LENGTH
from datahub.transports.ssh_keys import MAX_KEY_LENGTH
from webapp.forms import Form

PORT = "Give a number between 1 and 65535."


class SftpForm(Form):
    name = StringField("Name", [InputRequired("Give it a name."), Length(max=NAME_LENGTH)])
    host = StringField("Host", [InputRequired("Give a host name or an IP address.")])
    port = IntegerField("Port", [InputRequired(PORT), NumberRange(1, 65535, PORT)], default=DEFAULT_PORT)
    username = StringField("User name", [InputRequired("Give the user name."), Length(max=USERNAME_LENGTH)])
    password = PasswordField("Password", [Length(max=PASSWORD_LENGTH)])
    private_key = TextAreaField("Private key", [Length(max=MAX_KEY_LENGTH)])
    private_key_passphrase = PasswordField("Passphrase of the private key", [Length(max=PASSWORD_LENGTH)])

    def forget_secrets(self) -> None:
        """For a page that shows the form again: what was typed is not sent back, and the person is told."""
        secrets = (self.password, self.private_key, self.private_key_passphrase)
        if self.errors and any(field.data for field in secrets):
            self.form_errors.append("Type the password or the key again: secrets are never sent back.")
        for field in secrets:
            field.data = ""
