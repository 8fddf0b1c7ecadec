"""Forms show what the domain refused."""

from __future__ import annotations

from apiflask import APIFlask
from flask import render_template_string
from wtforms import BooleanField, PasswordField, RadioField, SelectMultipleField, StringField
from wtforms.validators import InputRequired

from datahub.errors import FieldConflictError, InvalidError
from tests.webapp.conftest import parse
from webapp.forms import Form


class SampleForm(Form):
    name = StringField("Name", [InputRequired()], description="What people call it.")
    secret = PasswordField("Secret")
    colour = RadioField("Colour", choices=["red", "blue"])
    sizes = SelectMultipleField("Sizes", choices=["small", "large"])
    active = BooleanField("Active")


DRAW = """{% import "macros/forms.html" as forms %}<form method="post">{{ forms.start(form) }}
{{ forms.field(form.name, autofocus=true) }}{{ forms.field(form.secret) }}{{ forms.field(form.colour) }}
{{ forms.field(form.sizes, "Several.") }}{{ forms.field(form.active) }}{{ forms.submit("Save", "/") }}</form>"""


def test_what_the_domain_refused_stands_at_its_field_and_the_rest_above(app: APIFlask) -> None:
    with app.test_request_context():
        form = SampleForm()
        form.show(InvalidError("Refused.", {"name": ["Too odd."], "elsewhere.else": ["Missing."]}))
        form.show(FieldConflictError("name", "Taken."))
        form.show(InvalidError("Something general."))
        assert form.name.errors == ["Too odd.", "Taken."]
        assert form.form_errors == ["elsewhere.else: Missing.", "Something general."]
        assert form.errors


def test_every_kind_of_field_has_a_label_its_help_and_its_errors(app: APIFlask) -> None:
    with app.test_request_context():
        form = SampleForm(data={"secret": "hidden", "sizes": ["large"]})
        for name in ("name", "secret", "colour", "sizes", "active"):
            form.show(InvalidError("Refused.", {name: [f"{name} is odd."]}))
        tree = parse(render_template_string(DRAW, form=form))
    ids = {element.get("id"): element for element in tree.iter() if isinstance(element.tag, str) and element.get("id")}
    for element in tree.iter():
        for described in (element.get("aria-describedby") or "").split() if isinstance(element.tag, str) else ():
            assert described in ids
    labelled = {label.get("for") for label in tree.iter("label")}
    assert {"name", "secret"} <= labelled
    assert [box.get("value") for box in tree.iter("input") if box.get("checked") is not None] == ["large"]
    assert ids["name"].get("required") is not None and ids["name"].get("aria-describedby") == "name-help name-errors"
    assert "".join(ids["sizes-errors"].itertext()).strip() == "sizes is odd."
    assert "hidden" not in [field.get("value") for field in tree.iter("input")]


def test_faults_are_told_above_the_form_with_a_way_to_each_field(app: APIFlask) -> None:
    with app.test_request_context():
        sound = parse(render_template_string(DRAW, form=SampleForm()))
        form = SampleForm()
        form.show(InvalidError("Refused.", {"name": ["Too odd."], "colour": ["Choose one."], "sizes": ["Choose."]}))
        form.show(InvalidError("Something general."))
        tree = parse(render_template_string(DRAW, form=form))
    assert sound.find(".//*[@id='faults']") is None
    summary = tree.find(".//*[@id='faults']")
    assert summary is not None and summary.get("autofocus") is not None
    links = {link.get("href"): "".join(link.itertext()) for link in summary.iter("a")}
    assert links == {
        "#name": "Name: Too odd.",
        "#colour-0": "Colour: Choose one.",
        "#sizes-0": "Sizes: Choose.",
    }
    assert "Something general." in "".join(summary.itertext())
    ids = {element.get("id") for element in tree.iter() if isinstance(element.tag, str)}
    assert {link.removeprefix("#") for link in links} <= ids
