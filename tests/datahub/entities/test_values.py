"""How given values become stored ones, and that the registry agrees with the tables."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import inspect

from datahub.entities import ENTITIES, RECORDS, values
from datahub.entities.base import EntityType, Field

FIELD = Field("key", "Label", "column", values.TEXT, length=5, choices=("ONE", "TWO"))


@pytest.mark.parametrize(
    ("parse", "given", "stored"),
    [
        (values.parse_text, "  a b ", "a b"),
        (values.parse_text, 12, "12"),
        (values.parse_text, " ", None),
        (values.parse_boolean, True, True),
        (values.parse_boolean, "False", False),
        (values.parse_boolean, "", None),
        (values.parse_number, "12.50", Decimal("12.5")),
        (values.parse_number, Decimal("1E+2"), Decimal(100)),
        (values.parse_number, 7, Decimal(7)),
        (values.parse_integer, "7.0", 7),
        (values.parse_list, "a|| b ||a", ["a", "b"]),
        (values.parse_list, ["a", 2], ["a", "2"]),
        (values.parse_list, [], None),
        (values.parse_choice, " one ", "ONE"),
        (values.parse_choices, "two||ONE||Two", ["TWO", "ONE"]),
        (values.parse_choices, " || ", None),
        (values.parse_currency, " chf ", "CHF"),
        (values.parse_currency, " ", None),
        (values.parse_price_ranges, "1:100||10:0.10||20:0.00", [["1", "100"], ["10", "0.1"], ["20", "0"]]),
    ],
)
def test_a_value_is_read(parse: Any, given: object, stored: object) -> None:
    assert parse(FIELD, given) == stored


@pytest.mark.parametrize(
    ("parse", "given"),
    [
        (values.parse_text, "sixsix"),
        (values.parse_text, True),
        (values.parse_text, "a\x01b"),
        (values.parse_text, {}),
        (values.parse_boolean, "yes"),
        (values.parse_boolean, 1),
        (values.parse_number, "1,5"),
        (values.parse_number, "1e5"),
        (values.parse_number, Decimal("1E+999999")),
        (values.parse_number, Decimal("NaN")),
        (values.parse_number, "0.1234567"),
        (values.parse_integer, "1.5"),
        (values.parse_list, [["a"]]),
        (values.parse_choice, "three"),
        (values.parse_choices, "one||three"),
        (values.parse_currency, "ABC"),
        (values.parse_currency, "DEM"),
        (values.parse_currency, "EURO"),
        (values.parse_currency, 978),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(parse: Any, given: object) -> None:
    with pytest.raises(ValueError):
        parse(FIELD, given)


@pytest.mark.parametrize(
    ("given", "stored"),
    [(True, "true"), (Decimal("1.50"), "1.50"), (7, "7"), (" x ", "x"), ("", None), (["a", ""], ["a"]), (None, None)],
)
def test_custom_values_become_text(given: object, stored: object) -> None:
    assert values.parse_custom_value(given) == stored


@pytest.mark.parametrize("entity", ENTITIES.values(), ids=lambda entity: entity.name)
def test_every_field_has_a_column_that_holds_its_length(entity: EntityType) -> None:
    described = [(entity.model, (entity.key, *entity.fields))]
    described += [(part.model, (part.key_field, *part.fields)) for part in entity.parts]
    for model, fields in described:
        columns = inspect(model).columns
        for field in fields:
            # What rows say of an order is of several tables.
            if entity.acts_on and field.column not in columns:
                continue
            length = getattr(columns[field.column].type, "length", None)
            longest = max(map(len, field.choices)) if field.choices else field.length
            assert length is None or longest <= length, field.key


@pytest.mark.parametrize("entity", RECORDS.values(), ids=lambda entity: entity.name)
def test_what_the_table_demands_is_required_or_has_a_default(entity: EntityType) -> None:
    columns = inspect(entity.model).columns
    for field in entity.fields:
        if field.column == entity.scoped_by:
            continue
        column = columns[field.column]
        assert column.nullable or field.required_on_create or field.default is not None, field.key


def test_a_wrong_currency_is_told_with_what_was_found_and_what_is_right() -> None:
    with pytest.raises(ValueError, match=r"^'EURO' is not a currency of ISO 4217\. .* such as EUR\.$"):
        values.parse_currency(FIELD, "Euro")
    with pytest.raises(ValueError, match=rf"^'{'X' * 20}'… is not"):
        values.parse_currency(FIELD, "x" * 21)
