"""The base of every form: shows at its fields what the domain refused."""

from __future__ import annotations

from flask_wtf import FlaskForm

from datahub.errors import FieldConflictError, InvalidError


class Form(FlaskForm):
    def show(self, error: InvalidError | FieldConflictError) -> None:
        """Messages for fields that the form does not have go above it."""
        fields = {error.field: [str(error)]} if isinstance(error, FieldConflictError) else error.fields
        for name, messages in fields.items():
            if name in self._fields:
                self._fields[name].errors = [*self._fields[name].errors, *messages]
            else:
                self.form_errors += [f"{name}: {message}" for message in messages]
        if not fields:
            self.form_errors.append(str(error))
