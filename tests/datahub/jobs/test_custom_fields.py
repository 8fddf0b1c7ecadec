"""Definitions of custom fields: what is refused, what never changes, what keeps one from being deleted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.orm import Session

from datahub.db import database_now
from datahub.entities import ENTITIES
from datahub.errors import ConflictError, FieldConflictError, InvalidError, NotFoundError
from datahub.jobs import custom_fields, incidents
from datahub.jobs.custom_fields import Definition
from datahub.models.custom_field import CUSTOM_FIELD_TYPES
from tests.catalogue import make_category, make_offer
from tests.factories import make_order

ZONE = Definition("OFFER", "zone", "Zone", "TEXT")
PACK = Definition("OFFER", "pack", "Packaging", "LIST_TEXT", multi=True, options=("Box", "Pallet"))
WIDTH = Definition("SUPPLIER", "width", "Width", "METRIC", unit="cm")


@pytest.mark.parametrize("definition", [ZONE, PACK, WIDTH, replace(ZONE, type="LONG_TEXT", localisable=True)])
def test_what_is_defined_is_stored_word_for_word(session: Session, definition: Definition) -> None:
    made = custom_fields.create(session, definition)
    session.expire(made)
    assert custom_fields.definition_of(custom_fields.get(session, made.public_id)) == definition


def test_every_entity_with_custom_fields_and_every_type_can_be_defined(session: Session) -> None:
    assert {name for name, entity in ENTITIES.items() if entity.bears_custom_fields} <= set(custom_fields.OWNERS)
    assert {"ORDER", "ORDER_LINE", "NAVIGATION_CATEGORY", "CUSTOMER_USER", "INCIDENT"} <= set(custom_fields.OWNERS)
    for entity in custom_fields.OWNERS:
        for kind in CUSTOM_FIELD_TYPES:
            options = ("1", "2.5") if kind.startswith("LIST") else ()
            unit = "kg" if kind.endswith("METRIC") else None
            custom_fields.create(session, Definition(entity, kind, "Name", kind, options=options, unit=unit))
    assert len(custom_fields.list_fields(session)) == len(custom_fields.OWNERS) * len(CUSTOM_FIELD_TYPES)


@pytest.mark.parametrize(
    ("definition", "changes", "faulty"),
    [
        (ZONE, {"entity": "PRODUCT"}, "entity"),
        (ZONE, {"entity": "STORE"}, "entity"),
        (ZONE, {"external_id": ""}, "external_id"),
        (ZONE, {"external_id": "x" * 256}, "external_id"),
        (ZONE, {"external_id": " zone"}, "external_id"),
        (ZONE, {"external_id": "zone[fr-FR]"}, "external_id"),
        (ZONE, {"external_id": "zóne"}, "external_id"),
        (ZONE, {"external_id": "zone\n"}, "external_id"),
        (ZONE, {"name": " "}, "name"),
        (ZONE, {"name": "x" * 256}, "name"),
        (ZONE, {"name": "two\nlines"}, "name"),
        (ZONE, {"name": "zone"}, "name"),
        (ZONE, {"type": "COLOR"}, "type"),
        (ZONE, {"options": ("north",)}, "options"),
        (ZONE, {"unit": "kg"}, "unit"),
        (ZONE, {"multi": True}, "multi"),
        (ZONE, {"type": "MEDIA", "localisable": True}, "localisable"),
        (PACK, {"localisable": True}, "localisable"),
        (PACK, {"options": ()}, "options"),
        (PACK, {"options": ("Box", " Box ")}, "options"),
        (PACK, {"options": ("Box||Pallet",)}, "options"),
        (PACK, {"options": ("Box\n", "a\tb")}, "options"),
        (PACK, {"options": ("",)}, "options"),
        (PACK, {"options": ("x" * 256,)}, "options"),
        (PACK, {"options": tuple(map(str, range(1001)))}, "options"),
        (PACK, {"type": "LIST_METRIC", "unit": "kg"}, "options"),
        (PACK, {"type": "LIST_METRIC", "unit": "kg", "options": ("1", "1.0")}, "options"),
        (WIDTH, {"unit": None}, "unit"),
        (WIDTH, {"unit": "x" * 21}, "unit"),
        (WIDTH, {"unit": "3cm"}, "unit"),
    ],
)
def test_a_faulty_definition_is_told_at_its_field_and_not_stored(
    session: Session, definition: Definition, changes: dict[str, Any], faulty: str
) -> None:
    with pytest.raises(InvalidError) as error:
        custom_fields.create(session, replace(definition, **changes))
    assert set(error.value.fields) == {faulty}
    assert custom_fields.list_fields(session) == []


def test_all_faults_are_told_together(session: Session) -> None:
    with pytest.raises(InvalidError) as error:
        custom_fields.create(session, Definition("?", "?", "", "?", multi=True, localisable=True, unit="kg"))
    assert set(error.value.fields) == {"entity", "external_id", "name", "type", "multi", "localisable", "unit"}


def test_an_external_id_is_taken_once_per_entity(session: Session) -> None:
    custom_fields.create(session, ZONE)
    custom_fields.create(session, replace(ZONE, entity="SUPPLIER"))
    with pytest.raises(FieldConflictError) as error:
        custom_fields.create(session, replace(ZONE, name="Another"))
    assert error.value.field == "external_id"
    assert len(custom_fields.list_fields(session)) == 2


def test_the_name_the_options_and_the_duties_change(session: Session) -> None:
    made = custom_fields.create(session, PACK)
    wanted = replace(PACK, name="Packing", required=True, multi=False, options=("Pallet", "Bag"))
    custom_fields.update(session, made, wanted)
    session.expire(made)
    assert custom_fields.definition_of(made) == wanted


@pytest.mark.parametrize(
    ("definition", "changes"),
    [
        (ZONE, {"entity": "SUPPLIER"}),
        (ZONE, {"external_id": "area"}),
        (ZONE, {"type": "LONG_TEXT"}),
        (ZONE, {"localisable": True}),
        (WIDTH, {"unit": "m"}),
    ],
)
def test_what_stored_values_are_read_by_never_changes(
    session: Session, definition: Definition, changes: dict[str, Any]
) -> None:
    made = custom_fields.create(session, definition)
    with pytest.raises(InvalidError) as error:
        custom_fields.update(session, made, replace(definition, **changes))
    assert set(error.value.fields) == set(changes)
    assert custom_fields.definition_of(made) == definition


def test_a_field_that_a_live_record_holds_stays_until_it_is_emptied(session: Session) -> None:
    made = custom_fields.create(session, ZONE)
    other = custom_fields.create(session, replace(ZONE, external_id="zon", name="Other"))
    offer = make_offer(session, "STOCK-1", custom_fields={"zone": {"en-GB": "north"}})
    make_offer(session, "STOCK-2", custom_fields={"zone": ["a", "b"]})
    make_offer(session, "STOCK-3", custom_fields={"zone": "gone"}, deleted_at=database_now(session))
    with pytest.raises(ConflictError, match=r"2 records hold a value of Zone.*Full mode.*CF_zone"):
        custom_fields.delete(session, made)
    assert "optional" not in custom_fields.why_kept(session, made)
    custom_fields.update(session, made, replace(ZONE, required=True))
    assert "Make it optional first." in custom_fields.why_kept(session, made)
    custom_fields.delete(session, other)
    offer.custom_fields = {}
    session.flush()
    with pytest.raises(ConflictError, match="One record holds"):
        custom_fields.delete(session, made)
    make_offer(session, "STOCK-2").deleted_at = database_now(session)
    session.flush()
    custom_fields.delete(session, made)
    assert custom_fields.list_fields(session) == []


@pytest.mark.parametrize("external_id", ["a.b", "a-b", "0", "A_B"])
def test_holders_are_found_whatever_the_id_looks_like(session: Session, external_id: str) -> None:
    made = custom_fields.create(session, Definition("CLASSIFICATION_CATEGORY", external_id, "Name", "TEXT"))
    make_category(session, "NEST", custom_fields={"a": {"b": "inner"}})
    assert custom_fields.count_holders(session, made) == 0
    make_category(session, "HELD", custom_fields={external_id: "yes"})
    assert custom_fields.count_holders(session, made) == 1


def test_lines_of_orders_and_incidents_keep_the_fields_they_were_given(session: Session) -> None:
    value = {"zone": {"type": "TEXT", "value": "north"}}
    order = make_order(session, custom_fields=value)
    incident = incidents.declare(session, order, reason="LATE", affected=(), actor="ann")
    incident.custom_fields = {"zone": "north"}
    for entity, held in (("ORDER", 1), ("ORDER_LINE", 0), ("INCIDENT", 1)):
        made = custom_fields.create(session, replace(ZONE, entity=entity))
        assert custom_fields.count_holders(session, made) == held
    order.lines[0].custom_fields = value
    session.flush()
    with pytest.raises(ConflictError, match=r"One record holds .* make the field optional instead"):
        custom_fields.delete(session, custom_fields.list_fields(session, entities=["ORDER_LINE"])[0])
    with pytest.raises(ConflictError, match="Incidents keep what they were given"):
        custom_fields.delete(session, custom_fields.list_fields(session, entities=["INCIDENT"])[0])


def test_counting_the_holders_ends_at_many(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(custom_fields, "MOST_HOLDERS", 2)
    made = custom_fields.create(session, Definition("CLASSIFICATION_CATEGORY", "zone", "Zone", "TEXT"))
    for number in range(4):
        make_category(session, f"C-{number}", custom_fields={"zone": "yes"})
    assert custom_fields.count_holders(session, made) == 3
    with pytest.raises(ConflictError, match="More than 2 records hold"):
        custom_fields.delete(session, made)


def test_the_order_of_a_list_is_the_one_asked_for(session: Session) -> None:
    for definition in (WIDTH, PACK, ZONE):
        custom_fields.create(session, definition)
    assert names(custom_fields.list_fields(session)) == ["pack", "zone", "width"]
    assert names(custom_fields.list_fields(session, sort="name", descending=True)) == ["zone", "width", "pack"]
    assert names(custom_fields.list_fields(session, entities=["OFFER"], offset=1, limit=5)) == ["zone"]
    assert custom_fields.list_fields(session, entities=["NOBODY"]) == []


def test_an_unknown_id_is_not_found(session: Session) -> None:
    with pytest.raises(NotFoundError):
        custom_fields.get(session, "none")


def names(found: Any) -> list[str]:
    return [item.external_id for item in found]
