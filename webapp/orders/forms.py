"""The form that moves an order."""

from __future__ import annotations

from wtforms import HiddenField, SelectField
from wtforms.validators import InputRequired

from webapp.forms import Form


class MoveForm(Form):
    """`seen` is the status that the page showed. What may follow is the domain's to say, not this form's."""

    status = SelectField(
        "Move to", choices=[], validate_choice=False, validators=[InputRequired("Choose the status to move to.")]
    )
    seen = HiddenField()
