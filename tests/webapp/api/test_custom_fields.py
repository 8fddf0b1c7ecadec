"""Definitions of custom fields over JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from datahub.jobs import custom_fields
from datahub.jobs.custom_fields import Definition
from datahub.models.custom_field import CustomField
from tests.catalogue import make_offer
from tests.webapp.api.conftest import Script, assert_error
from webapp.api.custom_fields import EXAMPLE

PATH = "/v1/custom-fields"
ZONE = {"entity": "OFFER", "externalId": "zone", "name": "Zone", "type": "TEXT"}


def test_a_custom_field_is_made_read_changed_and_deleted(script: Script) -> None:
    made = script.post(PATH, json=EXAMPLE)
    assert made.status_code == 201
    assert made.json == EXAMPLE | {"id": made.json["id"]}
    here = f"{PATH}/{made.json['id']}"
    assert script.get(here).json == made.json
    changed = script.put(here, json=EXAMPLE | {"name": "Packing", "options": ["Bag"]})
    assert (changed.status_code, changed.json) == (200, made.json | {"name": "Packing", "options": ["Bag"]})
    assert script.put(here, json={"required": True}).json == changed.json | {"required": True}
    deleted = script.delete(here)
    assert (deleted.status_code, deleted.data) == (204, b"")
    assert_error(script.get(here), 404)


def test_who_changes_what_somebody_deletes_at_that_moment_is_told_so(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = f"{PATH}/{script.post(PATH, json=ZONE).json['id']}"

    def update_late(session: Session, custom_field: CustomField, _definition: Definition) -> None:
        session.connection().exec_driver_sql("delete from custom_fields")
        custom_field.name = "Area"
        session.flush()

    monkeypatch.setattr(custom_fields, "update", update_late)
    answer = script.put(here, json={"name": "Area"})
    assert "at the same moment" in assert_error(answer, 409)["message"]


def test_what_is_left_out_is_plain_text_for_everybody(script: Script) -> None:
    made = script.post(PATH, json=ZONE | {"options": None}).json
    plain = {"required": False, "multi": False, "localisable": False, "options": [], "unit": None}
    assert made == ZONE | plain | {"id": made["id"]}


def test_the_list_is_paged_filtered_and_sorted(script: Script) -> None:
    for entity, name in (("OFFER", "c"), ("ACCOUNT", "b"), ("OFFER", "a")):
        assert script.post(PATH, json=ZONE | {"entity": entity, "externalId": name}).status_code == 201
    assert ids(script.get(PATH)) == ["b", "a", "c"]
    assert ids(script.get(f"{PATH}?entity=OFFER&sort=externalId,desc")) == ["c", "a"]
    assert ids(script.get(f"{PATH}?entity=PRODUCT")) == []
    first = script.get(f"{PATH}?size=2").json
    assert (first["numberOfElements"], first["first"], first["last"]) == (2, True, False)
    assert_error(script.get(f"{PATH}?sort=unit"), 400, "sort")


@pytest.mark.parametrize(
    ("body", "faulty"),
    [
        ({}, ("entity", "externalId", "name", "type")),
        (ZONE | {"localizable": True}, ("localizable",)),
        (ZONE | {"required": "yes"}, ("required",)),
        (ZONE | {"externalId": "a b", "entity": "PRODUCT"}, ("externalId", "entity")),
        (ZONE | {"type": "LIST_TEXT"}, ("options",)),
        (ZONE | {"type": "LIST_TEXT", "options": [1]}, ("options.0",)),
    ],
)
def test_a_faulty_body_is_told_at_its_names(script: Script, body: dict[str, Any], faulty: tuple[str, ...]) -> None:
    assert_error(script.post(PATH, json=body), 400, *faulty)
    assert script.get(PATH).json["empty"]


def test_a_taken_id_and_a_held_value_are_conflicts(script: Script, sessions: sessionmaker[Session]) -> None:
    made = script.post(PATH, json=ZONE).json
    assert_error(script.post(PATH, json=ZONE), 409, "externalId")
    with sessions.begin() as session:
        make_offer(session, custom_fields={"zone": "north"})
    assert "One record holds a value of Zone" in assert_error(script.delete(f"{PATH}/{made['id']}"), 409)["message"]
    assert script.get(f"{PATH}/{made['id']}").status_code == 200


def test_what_values_are_read_by_never_changes(script: Script) -> None:
    here = f"{PATH}/{script.post(PATH, json=ZONE).json['id']}"
    wanted = {"entity": "ORDER", "externalId": "area", "type": "NUMBER", "localisable": True, "unit": "kg"}
    body = assert_error(script.put(here, json=wanted), 400, *wanted)
    assert body["fields"]["externalId"] == ["Never changes: it is zone."]


def test_a_viewer_reads_only(script_of: Callable[[str], Script]) -> None:
    viewer = script_of("VIEWER")
    assert viewer.get(PATH).status_code == 200
    assert_error(viewer.post(PATH, json=ZONE), 403)
    assert_error(viewer.put(f"{PATH}/none", json=ZONE), 403)
    assert_error(viewer.delete(f"{PATH}/none"), 403)


def ids(answer: Any) -> list[str]:
    return [item["externalId"] for item in answer.json["content"]]
