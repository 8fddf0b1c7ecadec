"""The base of every form: shows at its fields what the domain refused."""

from __future__ import annotations

from dataclasses import dataclass

from flask_wtf import FlaskForm
from wtforms import Field, RadioField, SelectMultipleField

from datahub.errors import FieldConflictError, InvalidError


@dataclass(frozen=True)
class Fault:
    """`control` is the id of what to mend; it and `label` are empty for what fits no field."""

    label: str
    message: str
    control: str


class Form(FlaskForm):
    def faults(self) -> list[Fault]:
        """What fits no field first, then those of the fields as the form declares them."""
        general = [Fault("", message, "") for message in self.form_errors]
        return general + [
            Fault(str(field.label.text), message, _control(field)) for field in self for message in field.errors
        ]

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


def _control(field: Field) -> str:
    """Options have ids of their own, and the first of them takes the focus of the whole."""
    return f"{field.id}-0" if isinstance(field, RadioField | SelectMultipleField) else str(field.id)
