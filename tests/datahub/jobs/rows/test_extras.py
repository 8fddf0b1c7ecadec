"""Custom fields and attributes come by columns of their own, are checked by their definitions, and Full mode clears
those that a record's rows do not say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.errors import SourceError
from datahub.models.catalogue import Product, Variant
from datahub.models.change import Change
from datahub.models.custom_field import CustomField
from datahub.models.party import Supplier
from tests.catalogue import link_attribute, make_attribute, make_category
from tests.importer import Importer, category, causes, counts, product

Sessions = sessionmaker[Session]


@pytest.fixture
def define(sessions: Sessions) -> Any:
    def define(external_id: str, **more: Any) -> None:
        with sessions.begin() as session:
            now = database_now(session)
            given = {"public_id": external_id, "entity": "SUPPLIER", "name": external_id, "type": "TEXT"}
            stamps = {"created_at": now, "updated_at": now}
            session.add(CustomField(external_id=external_id, **(given | stamps | more)))

    return define


def supplier(key: str = "S-1", **more: str) -> dict[str, str]:
    return {"externalId": key, "name": f"Supplier {key}"} | more


def custom(sessions: Sessions, key: str = "S-1") -> dict[str, Any]:
    with sessions() as session:
        found = session.scalars(select(Supplier).where(Supplier.external_id == key)).one()
        return found.custom_fields


@pytest.mark.parametrize(
    ("definition", "given", "stored"),
    [
        ({"type": "TEXT"}, " north ", "north"),
        ({"type": "LONG_TEXT"}, "x" * 5000, "x" * 5000),
        ({"type": "NUMBER"}, "1200.50", "1200.5"),
        ({"type": "METRIC", "unit": "kg"}, "12 kg", "12"),
        ({"type": "METRIC", "unit": "kg"}, "12.0", "12"),
        ({"type": "DATE"}, "31/12/2026", "2026-12-31"),
        ({"type": "DATE"}, "2026-12-31", "2026-12-31"),
        ({"type": "BOOLEAN"}, "TRUE", "true"),
        ({"type": "MEDIA"}, "https://media.example.com/a.pdf", "https://media.example.com/a.pdf"),
        ({"type": "LIST_TEXT", "options": ["a", "b"]}, "b", ["b"]),
        ({"type": "LIST_TEXT", "options": ["a", "b"], "multi": True}, "b||a", ["b", "a"]),
        ({"type": "LIST_METRIC", "options": ["10", "20"], "unit": "cm"}, "20 cm", ["20"]),
    ],
)
def test_each_type_of_custom_field_is_read_and_kept_in_one_form(
    load: Importer, define: Any, sessions: Sessions, definition: dict[str, Any], given: str, stored: Any
) -> None:
    define("zone", **definition)
    assert counts(load("SUPPLIER", supplier(CF_zone=given))) == {"created": 1}
    assert custom(sessions) == {"zone": stored}
    assert counts(load("SUPPLIER", supplier(CF_zone=given))) == {"unchanged": 1}


@pytest.mark.parametrize(
    ("definition", "given"),
    [
        ({"type": "TEXT"}, "x" * 300),
        ({"type": "NUMBER"}, "1,5"),
        ({"type": "METRIC", "unit": "kg"}, "12 lb"),
        ({"type": "DATE"}, "12/31/2026"),
        ({"type": "BOOLEAN"}, "yes"),
        ({"type": "MEDIA"}, "not an address"),
        ({"type": "MEDIA"}, "ftp://media.example.com/a.pdf"),
        ({"type": "MEDIA"}, "https:///a.pdf"),
        ({"type": "MEDIA"}, "https://media.example.com/a b.pdf"),
        ({"type": "MEDIA"}, "http://[media"),
        ({"type": "LIST_TEXT", "options": ["a"]}, "c"),
        ({"type": "LIST_TEXT", "options": ["a", "b"]}, "a||b"),
    ],
)
def test_a_value_that_its_definition_refuses_costs_the_row(
    load: Importer, define: Any, definition: dict[str, Any], given: str
) -> None:
    define("zone", **definition)
    outcome = load("SUPPLIER", supplier(CF_zone=given), supplier("S-2"))
    assert causes(outcome) == [(2, "malformed", "CF_zone")]
    assert counts(outcome) == {"created": 1, "rejected": 1}


@pytest.mark.parametrize("column", ["CF_nowhere", "attribute-zone", "CF_zone[fr-FR]"])
def test_a_column_that_nothing_defines_fails_the_run_and_is_named(load: Importer, define: Any, column: str) -> None:
    define("zone")
    with pytest.raises(SourceError) as caught:
        load("SUPPLIER", supplier() | {column: "x"})
    assert column.split("[")[0] in str(caught.value)


def test_a_required_custom_field_must_be_there_once_the_row_is_applied(
    load: Importer, define: Any, sessions: Sessions
) -> None:
    define("zone", required=True)
    assert causes(load("SUPPLIER", supplier())) == [(2, "required", "CF_zone")]
    assert counts(load("SUPPLIER", supplier(CF_zone="north"))) == {"created": 1}
    assert counts(load("SUPPLIER", supplier(name="Renamed"))) == {"updated": 1}, "a stored value suffices"
    assert causes(load("SUPPLIER", supplier(CF_zone=""), clears=True)) == [(2, "required", "CF_zone")]
    assert custom(sessions) == {"zone": "north"}, "a required one is never removed"


def test_full_mode_clears_what_is_empty_or_has_no_column_on_the_records_of_the_file_alone(
    load: Importer, define: Any, sessions: Sessions
) -> None:
    for external_id in ("zone", "code", "note"):
        define(external_id)
    full = {"CF_zone": "north", "CF_code": "7", "CF_note": "hello"}
    load("SUPPLIER", supplier("S-1") | full, supplier("S-2") | full)
    assert counts(load("SUPPLIER", supplier("S-1", CF_zone="", CF_code="8"))) == {"updated": 1}
    assert custom(sessions) == {"zone": "north", "code": "8", "note": "hello"}, "partial: nothing is removed"
    outcome = load("SUPPLIER", supplier("S-1", CF_zone="", CF_code="8"), clears=True)
    assert counts(outcome) == {"updated": 1}
    assert (custom(sessions), custom(sessions, "S-2")) == (
        {"code": "8"},
        {"zone": "north", "code": "7", "note": "hello"},
    )
    with sessions() as session:
        change = session.scalars(select(Change).order_by(Change.id.desc()).limit(1)).one()
        assert change.changes == {"customFields": [{"zone": "north", "note": "hello"}, {}]}
    assert counts(load("SUPPLIER", supplier("S-1", CF_zone="", CF_code="8"), clears=True)) == {"unchanged": 1}


def test_full_mode_deletes_an_empty_locale_and_keeps_one_without_a_column(
    load: Importer, define: Any, sessions: Sessions
) -> None:
    define("note", localisable=True)
    load("SUPPLIER", supplier() | {"CF_note": "hello", "CF_note[fr-FR]": "bonjour"})
    assert custom(sessions) == {"note": {"en-GB": "hello", "fr-FR": "bonjour"}}
    load("SUPPLIER", supplier() | {"CF_note[en-GB]": ""}, clears=True)
    assert custom(sessions) == {"note": {"fr-FR": "bonjour"}}
    load("SUPPLIER", supplier() | {"CF_note[en-GB]": "hi"}, clears=True)
    assert custom(sessions) == {"note": {"en-GB": "hi", "fr-FR": "bonjour"}}
    load("SUPPLIER", supplier(), clears=True)
    assert custom(sessions) == {}, "no column at all clears every locale"


def test_nothing_is_cleared_on_a_record_with_a_rejected_row_nor_by_mended_rows(
    load: Importer, define: Any, sessions: Sessions
) -> None:
    define("zone")
    load("SUPPLIER", supplier(CF_zone="north"))
    outcome = load("SUPPLIER", supplier(supplierRating="good"), supplier(supplierRating="4"), clears=True)
    assert counts(outcome) == {"updated": 1, "rejected": 1}
    assert custom(sessions) == {"zone": "north"}
    mended = {"hub_file": "f.csv", "hub_line": "2", "hub_reason": "mended"}
    assert counts(load("SUPPLIER", supplier() | mended, clears=True)) == {"unchanged": 1}
    assert custom(sessions) == {"zone": "north"}


@pytest.fixture
def attributes(sessions: Sessions) -> None:
    """TOOLS bears a material and a required weight; its variants bear a colour. DRILLS is below it and drops the
    weight; GARDEN is another tree."""
    with sessions.begin() as session:
        tools = make_category(session, "TOOLS")
        drills = make_category(session, "DRILLS", parent_id=tools.id)
        make_category(session, "GARDEN")
        colours = {"en-GB": ["Red", "Blue"], "fr-FR": ["Rouge", "Bleu"]}
        material = make_attribute(session, "material", type="TEXT", options={})
        weight = make_attribute(session, "weight", type="METRIC", unit_type="WEIGHT_METRIC", unit="kg", options={})
        colour = make_attribute(session, "colour", type="LIST_TEXT", multi=True, options=colours)
        link_attribute(session, tools, material)
        link_attribute(session, tools, weight, required=True)
        link_attribute(session, tools, colour, for_variant=True)
        link_attribute(session, drills, weight, enabled=False)


def kept(sessions: Sessions) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    with sessions() as session:
        found = session.scalars(select(Product).where(Product.external_id == "P-1")).one()
        return found.attributes, {item.external_id: item.attributes for item in session.scalars(select(Variant))}


def described(variant: str, **more: str) -> dict[str, str]:
    return product("P-1", variant) | {f"attribute-{name}": value for name, value in more.items()}


@pytest.mark.usefixtures("attributes")
def test_an_attribute_goes_to_the_product_or_the_variant_by_the_link_of_the_category(
    load: Importer, sessions: Sessions
) -> None:
    rows = [described("V-1", material="steel", weight="2 kg", colour="Red||Blue"), described("V-2", colour="Blue")]
    assert counts(load("PRODUCT", *rows)) == {"created": 2}
    own = {"material": {"en-GB": "steel"}, "weight": "2"}
    assert kept(sessions) == (own, {"V-1": {"colour": ["Red", "Blue"]}, "V-2": {"colour": ["Blue"]}})
    assert counts(load("PRODUCT", *rows)) == {"unchanged": 2}
    assert counts(load("PRODUCT", *rows[:1], described("V-2", colour="Red"))) == {"unchanged": 1, "updated": 1}


@pytest.mark.usefixtures("attributes")
def test_options_pair_across_locales_by_position(load: Importer, sessions: Sessions) -> None:
    load("PRODUCT", described("V-1", weight="1") | {"attribute-colour[fr-FR]": "Bleu"})
    assert kept(sessions)[1] == {"V-1": {"colour": ["Blue"]}}
    outcome = load("PRODUCT", described("V-1", weight="1") | {"attribute-colour[fr-FR]": "Blue"})
    assert causes(outcome) == [(2, "malformed", "attribute-colour")]


@pytest.mark.usefixtures("attributes")
def test_an_attribute_that_the_category_does_not_bear_costs_the_row(load: Importer, sessions: Sessions) -> None:
    row = described("V-1", material="oak")
    outside = row | {"productClassificationCategoryId": "GARDEN"}
    assert causes(load("PRODUCT", outside)) == [(2, "not_applicable", "attribute-material")]
    below = row | {"productClassificationCategoryId": "DRILLS"}
    assert counts(load("PRODUCT", below)) == {"created": 1}, "inherited, and the weight is switched off"
    assert causes(load("PRODUCT", below | {"attribute-weight": "3"})) == [(2, "not_applicable", "attribute-weight")]


@pytest.mark.usefixtures("attributes")
def test_a_required_attribute_must_be_there_once_the_row_is_applied(load: Importer) -> None:
    assert causes(load("PRODUCT", described("V-1", colour="Red"))) == [(2, "required", "attribute-weight")]
    assert counts(load("PRODUCT", described("V-1", weight="1"))) == {"created": 1}
    assert counts(load("PRODUCT", described("V-1", colour="Red"))) == {"updated": 1}


@pytest.mark.usefixtures("attributes")
def test_full_mode_clears_attributes_of_products_and_of_the_variants_that_are_named(
    load: Importer, sessions: Sessions
) -> None:
    rows = [described("V-1", material="steel", weight="2", colour="Red"), described("V-2", colour="Blue")]
    load("PRODUCT", *rows)
    outcome = load("PRODUCT", described("V-1", weight="2", colour=""), clears=True)
    assert counts(outcome) == {"updated": 1}
    assert kept(sessions) == ({"weight": "2"}, {"V-1": {}, "V-2": {"colour": ["Blue"]}})


@pytest.mark.usefixtures("attributes")
def test_full_mode_counts_a_value_as_said_if_any_row_of_the_product_says_it(load: Importer, sessions: Sessions) -> None:
    load("PRODUCT", described("V-1", material="steel", weight="2"), described("V-2"))
    rows = [described("V-1", material="", weight="2"), described("V-2", material="steel")]
    assert counts(load("PRODUCT", *rows, clears=True)) == {"unchanged": 2}
    assert kept(sessions)[0] == {"material": {"en-GB": "steel"}, "weight": "2"}


@pytest.mark.usefixtures("attributes")
def test_rows_of_a_product_that_differ_in_an_attribute_are_warned_of_and_the_last_counts(
    load: Importer, sessions: Sessions
) -> None:
    outcome = load("PRODUCT", described("V-1", material="steel", weight="2"), described("V-2", material="oak"))
    assert kept(sessions)[0]["material"] == {"en-GB": "oak"}
    assert [(warned.row.line, warned.code, warned.field) for warned in outcome.warnings] == [
        (3, "parent_differs", "attribute-material")
    ]


def test_a_custom_field_that_differs_between_rows_is_named(load: Importer, define: Any) -> None:
    load("ATTRIBUTE", *({"attributeExternalId": key, "attributeNames": key, "attributeType": "TEXT"} for key in "ab"))
    for name in ("tax", "zone"):
        define(name, entity="CLASSIFICATION_CATEGORY")
    first, second = category("TOOLS", attrCode="a", CF_tax="1"), category("TOOLS", attrCode="b", CF_tax="2")
    outcome = load("CLASSIFICATION_CATEGORY", first | {"CF_zone": "north"}, second | {"CF_zone": "north"})
    assert [(warned.code, warned.field, warned.message) for warned in outcome.warnings] == [
        ("parent_differs", "CF_tax", "CF_tax differs from an earlier row of TOOLS; this one counts.")
    ]


def test_a_row_that_deletes_is_not_rejected_for_its_custom_fields(load: Importer, define: Any) -> None:
    define("weight", type="NUMBER")
    load("SUPPLIER", supplier())
    assert counts(load("SUPPLIER", supplier(CF_weight="heavy", deleted="TRUE"))) == {"deleted": 1}


@pytest.mark.parametrize("line", ["S-1,too,many,cells\n", ",no key,\n"])
def test_full_mode_clears_nothing_while_a_row_may_belong_to_any_record(
    load: Importer, define: Any, sessions: Sessions, tmp_path: Path, line: str
) -> None:
    define("zone")
    load("SUPPLIER", supplier(CF_zone="north"))
    path = tmp_path / "ragged.csv"
    path.write_text(f"externalId,name,CF_zone\nS-1,Supplier S-1,\n{line}")
    outcome = load.file("SUPPLIER", path, clears=True)
    assert counts(outcome) == {"unchanged": 1, "rejected": 1}
    assert custom(sessions) == {"zone": "north"}
