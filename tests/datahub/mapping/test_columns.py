"""Columns: what a mapping may say, and which column of a real header feeds which field."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datahub.errors import InvalidError
from datahub.mapping.columns import (
    AMBIGUOUS_COLUMN,
    NO_MAPPED_COLUMN,
    Binding,
    Extra,
    Matched,
    Missing,
    check,
    match,
)
from datahub.mapping.names import Target

ID = Target("productExternalId", "Product External Id", required=True)
NAMES = Target("productNames", "Product Names", required=True, localisable=True)
BRAND = Target("productBrand", "Brand")
LINE_NAME = Target("orderLines[].variantName", "Variant Name", localisable=True)
TARGETS = (ID, NAMES, BRAND, LINE_NAME)
LOCALES = ("fr-FR", "en-GB", "de")


def mapping(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"field": field, "source": source} for field, source in pairs]


def bound(matched: Matched) -> dict[str, int]:
    return {f"{item.field}[{item.locale}]" if item.locale else item.field: item.column for item in matched.bindings}


def codes(matched: Matched) -> list[str]:
    return [fault.code for fault in matched.faults]


def test_a_good_mapping_has_no_faults() -> None:
    good = mapping(
        (" productExternalId ", " SKU "),
        ("productNames", "Name"),
        ("productNames[fr-FR]", "Nom"),
        ("productNames[en-GB]", "Name"),
        ("orderLines[].variantName[de]", "Bezeichnung"),
    )
    assert check(good, TARGETS, LOCALES) == {}


@pytest.mark.parametrize(
    ("field", "says"),
    [
        ("  ", "Choose the field"),
        ("colour", "no such field"),
        ("Product Names", "no such field"),
        ("productBrand[fr-FR]", "has no locales"),
        ("productNames[fr_FR]", "fr_FR is not a language tag"),
        ("productNames[es-ES]", "es-ES is not among the locales of the settings: fr-FR, en-GB, de."),
        ("CF_season", "taken from the header by themselves"),
        ("attribute-weight[fr-FR]", "taken from the header by themselves"),
    ],
)
def test_a_field_that_cannot_be_mapped_is_named_with_its_entry(field: str, says: str) -> None:
    faults = check(mapping(("productBrand", "Brand"), (field, "Column")), TARGETS, LOCALES)
    assert list(faults) == ["mapping.1.field"]
    assert says in faults["mapping.1.field"][0]


def test_a_custom_field_may_be_mapped_where_the_caller_offers_it() -> None:
    assert check(mapping(("CF_season", "$.a.season")), [*TARGETS, Target("CF_season", "Season")], LOCALES) == {}


def test_a_field_is_mapped_once_in_each_locale() -> None:
    twice = mapping(("productNames[fr-FR]", "A"), ("productNames", "B"), (" productNames[FR-fr]", "C"))
    assert check(twice, TARGETS, LOCALES) == {"mapping.2.field": ["productNames[fr-FR] is mapped twice."]}


def test_every_faulty_entry_is_told_at_once() -> None:
    assert list(check([{"field": "colour", "source": " "}, {}], TARGETS, LOCALES)) == [
        "mapping.0.field",
        "mapping.0.source",
        "mapping.1.field",
        "mapping.1.source",
    ]


def test_a_mapping_without_entries_is_faulty() -> None:
    assert list(check([], TARGETS, LOCALES)) == ["mapping"]


def test_mapped_columns_are_found_whatever_their_case_and_separators() -> None:
    header = ["Colour", " product_name ", "SKU"]
    matched = match(header, TARGETS, mapping(("productExternalId", "sku"), ("productNames[fr-FR]", "Product Name ")))
    assert matched.bindings == (Binding(1, "productNames", "fr-FR"), Binding(2, "productExternalId", None))
    assert matched.unused == ("Colour",)
    assert matched.faults == ()


def test_one_column_may_feed_two_fields_of_a_mapping() -> None:
    matched = match(["Name"], TARGETS, mapping(("productNames", "Name"), ("productBrand", "Name")))
    assert bound(matched) == {"productNames": 0, "productBrand": 0}


def test_a_mapping_binds_nothing_by_name() -> None:
    matched = match(["SKU", "Brand"], TARGETS, mapping(("productExternalId", "SKU")))
    assert bound(matched) == {"productExternalId": 0}
    assert matched.unused == ("Brand",)
    assert matched.missing_required == ()


def test_a_column_written_exactly_goes_before_its_likes() -> None:
    assert bound(match(["SKU", "sku"], TARGETS, mapping(("productExternalId", "sku")))) == {"productExternalId": 1}


def test_likes_of_a_mapped_column_are_told_and_none_is_taken() -> None:
    matched = match(["SKU", "sku", "Brand"], TARGETS, mapping(("productExternalId", "Sku"), ("productBrand", "Brand")))
    assert bound(matched) == {"productBrand": 2}
    assert codes(matched) == [AMBIGUOUS_COLUMN]
    assert "'Sku': 'SKU' and 'sku'" in matched.faults[0].message
    assert matched.missing_required == ()
    assert matched.unused == ("SKU", "sku")


def test_a_column_without_a_name_is_never_taken() -> None:
    matched = match(["", " ", "Brand"], TARGETS, mapping(("productBrand", "Brand"), ("productNames", "_")))
    assert bound(matched) == {"productBrand": 2}
    assert matched.missing_required == (Missing("productNames", None, "_"),)


def test_a_faulty_mapping_is_refused() -> None:
    with pytest.raises(InvalidError) as refused:
        match(["SKU"], TARGETS, mapping(("colour", "SKU")))
    assert list(refused.value.fields) == ["mapping.0.field"]


def test_missing_columns_of_required_fields_are_told_apart() -> None:
    matched = match(
        ["Name"], TARGETS, mapping(("productExternalId", " SKU"), ("productBrand", "Make"), ("productNames", "Name"))
    )
    assert matched.missing_required == (Missing("productExternalId", None, "SKU"),)
    assert matched.missing_optional == (Missing("productBrand", None, "Make"),)
    assert matched.faults == ()


def test_one_locale_of_a_required_field_is_enough() -> None:
    asked = mapping(("productNames[fr-FR]", "Nom"), ("productNames[en-GB]", "Name"))
    assert match(["Name"], TARGETS, asked).missing_optional == (Missing("productNames", "fr-FR", "Nom"),)
    assert len(match(["Other"], TARGETS, asked).missing_required) == 2


def test_without_a_mapping_keys_and_labels_are_matched() -> None:
    header = ["PRODUCT_EXTERNAL_ID", "Product Names", "brand", "Colour", ""]
    matched = match(header, TARGETS, None)
    assert bound(matched) == {"productExternalId": 0, "productNames": 1, "productBrand": 2}
    assert matched.unused == ("Colour",)
    assert (matched.missing_required, matched.missing_optional, matched.faults) == ((), (), ())


def test_without_a_mapping_a_required_field_is_missed_under_its_label() -> None:
    matched = match(["productNames[fr-FR]"], TARGETS, None)
    assert matched.missing_required == (Missing("productExternalId", None, "Product External Id"),)
    assert matched.missing_optional == ()


def test_locales_are_bound_beside_the_plain_column() -> None:
    header = ["productNames", "Product Names[fr-fr]", "product_names [en-GB]", "Variant Name[de]"]
    assert bound(match(header, TARGETS, None)) == {
        "productNames": 0,
        "productNames[fr-FR]": 1,
        "productNames[en-GB]": 2,
        "orderLines[].variantName[de]": 3,
    }


def test_a_locale_on_a_field_that_has_none_is_left_unused() -> None:
    matched = match(["productExternalId", "productBrand[fr-FR]", "productNames[fr_FR]"], TARGETS, None)
    assert bound(matched) == {"productExternalId": 0}
    assert matched.unused == ("productBrand[fr-FR]", "productNames[fr_FR]")


@pytest.mark.parametrize(
    ("header", "column"),
    [
        (["Brand", "productBrand"], 1),
        (["productBrand", "Brand"], 0),
        (["product_brand", "Brand"], 1),
        (["BRAND", "Brand", "product brand"], 1),
    ],
)
def test_the_column_named_like_the_key_wins_then_the_one_named_like_the_label(header: list[str], column: int) -> None:
    matched = match(header, TARGETS, None)
    assert bound(matched) == {"productBrand": column}
    assert len(matched.unused) == len(header) - 1
    assert matched.faults == ()


def test_columns_that_are_equally_close_are_told_and_none_is_taken() -> None:
    matched = match(["BRAND", "Product-Brand", "productNames"], TARGETS, None)
    assert bound(matched) == {"productNames": 2}
    assert codes(matched) == [AMBIGUOUS_COLUMN]
    assert "'productBrand': 'BRAND' and 'Product-Brand'" in matched.faults[0].message


@pytest.mark.parametrize("asked", [None, mapping(("productBrand", "Make"))])
def test_a_header_without_any_mapped_column_says_what_it_has(asked: list[dict[str, str]] | None) -> None:
    wide = "productExternalId;productNames;productBrand;Make"
    matched = match([wide, "b", "c", "d", "e", "sixth"], TARGETS, asked)
    assert codes(matched) == [NO_MAPPED_COLUMN]
    (fault,) = matched.faults
    assert fault.shown == f" Its first columns are: '{wide[:40]}…', 'b', 'c', 'd', 'e'."


def test_custom_fields_alone_do_not_count_as_mapped_columns() -> None:
    assert codes(match(["CF_season"], TARGETS, None)) == [NO_MAPPED_COLUMN]


@pytest.mark.parametrize("asked", [None, mapping(("productBrand", "Brand"))])
def test_custom_fields_and_attributes_are_taken_from_the_header(asked: list[dict[str, str]] | None) -> None:
    header = ["CF_Season", "attribute-weight", "cf_note[fr-FR]", "Brand", "attribute-colour [de]", "CF_", "attribute"]
    matched = match(header, TARGETS, asked)
    assert matched.custom_fields == (Extra(0, "Season", None), Extra(2, "note", "fr-FR"))
    assert matched.attributes == (Extra(1, "weight", None), Extra(4, "colour", "de"))
    assert bound(matched) == {"productBrand": 3}
    assert matched.unused == ("CF_", "attribute")


def test_codes_keep_their_case_and_the_same_code_twice_is_told() -> None:
    matched = match(["Brand", "CF_a", "CF_A", "cf_a"], TARGETS, None)
    assert matched.custom_fields == (Extra(2, "A", None),)
    assert codes(matched) == [AMBIGUOUS_COLUMN]
    assert "'CF_a' and 'cf_a'" in matched.faults[0].message


def test_a_field_called_like_an_attribute_is_a_field() -> None:
    kind = Target("attributeType", "Attribute Type")
    assert bound(match(["attribute-type"], [kind], None)) == {"attributeType": 0}
    asked = mapping(("attributeType", "Kind"))
    assert match(["Kind", "attribute-type"], [kind], asked).attributes == ()


def test_a_mapped_custom_column_feeds_its_field_only() -> None:
    matched = match(["CF_brand"], TARGETS, mapping(("productBrand", "CF_brand")))
    assert bound(matched) == {"productBrand": 0}
    assert matched.custom_fields == ()


words = st.sampled_from(
    ["product", "Product", "external", "Id", "names", "NAMES", "brand", "_", " ", "-", "[fr-FR]", "[FR-fr]", "CF_", "x"]
)
columns = st.lists(words, max_size=5).map("".join) | st.text(max_size=12)
headers = st.lists(columns, max_size=12)
keys = st.sampled_from(["productExternalId", "productNames", "productNames[fr-FR]", "productNames[de]", "productBrand"])
mappings = st.none() | st.dictionaries(keys, columns.filter(lambda name: bool(name.strip())), min_size=1).map(
    lambda pairs: mapping(*pairs.items())
)


@given(headers, mappings)
def test_no_field_is_bound_twice_and_no_column_is_lost(
    header: list[str], asked: Sequence[dict[str, str]] | None
) -> None:
    matched = match(header, TARGETS, asked)
    places = [(item.field, item.locale) for item in matched.bindings]
    assert len(places) == len(set(places))
    extras = [*matched.custom_fields, *matched.attributes]
    used = {item.column for item in matched.bindings} | {item.column for item in extras}
    assert len(used) + len(matched.unused) == sum(1 for name in header if name.strip())
    if asked is None:
        assert len(used) == len(matched.bindings) + len(extras)
    assert bool(matched.bindings or matched.faults)


def test_a_column_that_fits_less_well_is_told_with_the_one_that_is_used() -> None:
    header = ["Product Names", "product names", "Colour", "productNames[fr-FR]", "Product Names[fr-FR]"]
    matched = match(header, TARGETS, None)
    assert [(one.name, one.field, one.used) for one in matched.seconds] == [
        ("product names", "productNames", "Product Names"),
        ("Product Names[fr-FR]", "productNames[fr-FR]", "productNames[fr-FR]"),
    ]
    assert "Colour" in matched.unused
