"""The forms that move an order and declare an incident."""

from __future__ import annotations

from wtforms import HiddenField, IntegerField, SelectField, StringField
from wtforms.validators import InputRequired, Optional

from datahub.models.order import Order
from webapp.forms import Form


class MoveForm(Form):
    """`seen` is the status that the page showed. What may follow is the domain's to say, not this form's."""

    status = SelectField(
        "Move to", choices=[], validate_choice=False, validators=[InputRequired("Choose the status to move to.")]
    )
    seen = HiddenField()


class IncidentForm(Form):
    reason = StringField("Reason", validators=[InputRequired("Say what is wrong, such as DAMAGED or MISSING.")])


def incident_form(order: Order) -> IncidentForm:
    """With a quantity for each line, by its place; none or 0 where the line is as it should be."""

    class FormOfOrder(IncidentForm):
        pass

    for place, line in enumerate(order.lines):
        name = line.product.get("name") or line.variant.get("name") or line.variant.get("externalId") or ""
        setattr(
            FormOfOrder, quantity(place), IntegerField(f"Line {line.number} {name}".rstrip(), validators=[Optional()])
        )
    return FormOfOrder()


def quantity(place: int) -> str:
    """The name of its field."""
    return f"quantity_{place}"
