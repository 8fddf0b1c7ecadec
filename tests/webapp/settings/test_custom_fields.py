"""The pages of custom fields, and the locales among the general settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from datahub.jobs import custom_fields, general_settings
from datahub.jobs.custom_fields import Definition
from tests.catalogue import make_offer
from tests.webapp.conftest import ParsingClient, parse

SignIn = Callable[[str], ParsingClient]
Sessions = sessionmaker[Session]
HERE = "/settings/custom-fields"
PACK = Definition("OFFER", "pack", "Packaging", "LIST_TEXT", multi=True, options=("Box", "Pallet", "Bag", "Roll"))
ZONE = Definition("SUPPLIER", "zone", "Delivery <zone>", "TEXT", required=True, localisable=True)


def test_an_empty_list_says_what_a_custom_field_is_for(sign_in: SignIn) -> None:
    assert f"{HERE}/new" in sign_in("OPERATOR").get(HERE).text
    page = sign_in("VIEWER").get(HERE).text
    assert "No custom field yet" in page and f"{HERE}/new" not in page


def test_the_list_groups_fields_by_what_they_are_of(sign_in: SignIn, sessions: Sessions) -> None:
    pack, zone = define(sessions, PACK), define(sessions, ZONE)
    page = sign_in("OPERATOR").get(HERE)
    tables = {section.get("id"): text_of(section) for section in parse(page.text).iter("section") if section.get("id")}
    assert list(tables) == ["SUPPLIER", "OFFER"]
    assert "Several of Box, Pallet, Bag and 1 more" in tables["OFFER"] and "CF_pack" in tables["OFFER"]
    assert "Delivery <zone>" in tables["SUPPLIER"] and "Text, one per locale" in tables["SUPPLIER"]
    assert f"{HERE}/{pack}/edit" in page.text and f"{HERE}/{zone}/delete" in page.text


def test_a_viewer_sees_the_fields_and_changes_none(sign_in: SignIn, sessions: Sessions) -> None:
    here = f"{HERE}/{define(sessions, PACK)}"
    viewer = sign_in("VIEWER")
    page = viewer.get(HERE).text
    assert "CF_pack" in page and here not in page
    refused = [
        viewer.get(f"{HERE}/new"),
        viewer.post(f"{here}/edit", data={"name": "x"}),
        viewer.post(f"{here}/delete"),
    ]
    assert [answer.status_code for answer in refused] == [403, 403, 403]
    assert stored(sessions) == [PACK]


def test_a_field_is_defined_with_what_its_type_has(sign_in: SignIn, sessions: Sessions) -> None:
    client = sign_in("OPERATOR")
    form = {
        "entity": "OFFER",
        "external_id": "pack",
        "name": "Packaging",
        "type": "LIST_TEXT",
        "options": "Box\r\n\r\n Pallet \r\nBag\r\nRoll",
        "multi": "y",
        "unit": "kg",
        "localisable": "y",
    }
    answer = client.post(f"{HERE}/new", data=form)
    assert (answer.status_code, answer.location) == (303, HERE)
    assert "Imports read it from the column CF_pack." in client.get(HERE).text
    assert client.post(f"{HERE}/new", data=form | {"external_id": "text", "type": "TEXT"}).status_code == 303
    assert stored(sessions) == [PACK, Definition("OFFER", "text", "Packaging", "TEXT", localisable=True)]


@pytest.mark.parametrize(
    ("changes", "faulty"),
    [
        ({"name": ""}, "name"),
        ({"name": "zone"}, "name"),
        ({"external_id": "a b"}, "external_id"),
        ({"external_id": "zone\n"}, "external_id"),
        ({"external_id": "pack"}, "external_id"),
        ({"type": "LIST_METRIC", "unit": "kg", "options": "five"}, "options"),
        ({"type": "METRIC"}, "unit"),
        ({"entity": "PRODUCT"}, "entity"),
    ],
)
def test_a_fault_is_shown_at_its_field_and_nothing_is_stored(
    sign_in: SignIn, sessions: Sessions, changes: dict[str, str], faulty: str
) -> None:
    define(sessions, PACK)
    form = {"entity": "OFFER", "external_id": "zone", "name": "Zone", "type": "TEXT"} | changes
    answer = sign_in("OPERATOR").post(f"{HERE}/new", data=form)
    fields = [item for item in parse(answer.text).iter() if item.get("aria-invalid") == "true"]
    assert (answer.status_code, [field.get("name") for field in fields]) == (422, [faulty])
    assert stored(sessions) == [PACK]


def test_the_form_opens_with_the_entity_of_the_address(sign_in: SignIn) -> None:
    page = parse(sign_in("OPERATOR").get(f"{HERE}/new?entity=ORDER_LINE").text)
    chosen = [item.get("value") for item in page.iter("option") if item.get("selected") is not None]
    assert chosen == ["ORDER_LINE"]


def test_editing_changes_names_and_options_and_leaves_the_rest(sign_in: SignIn, sessions: Sessions) -> None:
    here = f"{HERE}/{define(sessions, PACK)}/edit"
    client = sign_in("OPERATOR")
    page = client.get(here).text
    assert "Box\nPallet\nBag\nRoll" in page and 'name="type"' not in page
    sent = {"name": "Packing", "options": "Box\nCrate", "required": "y", "type": "TEXT", "external_id": "other"}
    assert client.post(here, data=sent).location == HERE
    assert stored(sessions) == [Definition("OFFER", "pack", "Packing", "LIST_TEXT", True, options=("Box", "Crate"))]
    assert client.post(here, data={"name": "Packing", "options": ""}).status_code == 422


def test_deleting_asks_first_and_is_refused_while_a_record_holds_a_value(sign_in: SignIn, sessions: Sessions) -> None:
    here = f"{HERE}/{define(sessions, PACK)}/delete"
    client = sign_in("OPERATOR")
    assert "Delete for good" in client.get(here).text and stored(sessions) == [PACK]
    with sessions.begin() as session:
        make_offer(session, custom_fields={"pack": ["Box"]})
    asked = client.get(here)
    assert asked.status_code == 200 and "One record holds a value of Packaging" in asked.text
    assert "Delete for good" not in asked.text
    refused = client.post(here)
    assert refused.status_code == 409 and "One record holds a value of Packaging" in refused.text
    with sessions.begin() as session:
        make_offer(session).custom_fields = {}
    assert client.post(here).location == HERE
    assert stored(sessions) == []


def test_an_unknown_field_is_not_found(sign_in: SignIn) -> None:
    assert sign_in("OPERATOR").get(f"{HERE}/none/edit").status_code == 404


def test_locales_and_currency_are_saved_as_they_are_usually_written(sign_in: SignIn, sessions: Sessions) -> None:
    client = sign_in("ADMIN")
    sent = {"file_name_prefix": "ACME", "locales": "fr-fr, en-GB de-DE", "main_locale": "FR-FR", "currency": " CHF "}
    assert client.post("/settings/general", data=sent).status_code == 303
    assert 'value="fr-FR, en-GB, de-DE"' in client.get("/settings/general").text
    with sessions() as session:
        kept = general_settings.get(session)
        assert (kept.locales, kept.main_locale, kept.currency) == (["fr-FR", "en-GB", "de-DE"], "fr-FR", "CHF")


def test_a_main_locale_outside_the_locales_is_refused_at_its_field(sign_in: SignIn, sessions: Sessions) -> None:
    sent = {"file_name_prefix": "ACME", "locales": "fr-FR", "main_locale": "en-GB", "currency": "eur"}
    answer = sign_in("ADMIN").post("/settings/general", data=sent)
    faulty = [item.get("name") for item in parse(answer.text).iter("input") if item.get("aria-invalid")]
    assert (answer.status_code, faulty) == (422, ["main_locale", "currency"])
    with sessions() as session:
        assert general_settings.get(session).locales == ["en-GB"]


def define(sessions: Sessions, definition: Definition) -> str:
    with sessions.begin() as session:
        return custom_fields.create(session, definition).public_id


def stored(sessions: Sessions) -> list[Definition]:
    with sessions() as session:
        return [custom_fields.definition_of(item) for item in custom_fields.list_fields(session)]


def text_of(element: Any) -> str:
    return " ".join("".join(element.itertext()).split())
