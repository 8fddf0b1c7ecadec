"""Rules between the fields of a record, entity by entity, on creation and on update."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.models.catalogue import Attribute, CategoryAttribute
from datahub.models.change import Change
from tests.importer import Importer, category, causes, counts, offer, product

Sessions = sessionmaker[Session]
METRIC = {"attributeType": "METRIC", "attributeUnitType": "WEIGHT_METRIC", "attributeUnit": "kg"}


def attribute(key: str = "weight", **more: str) -> dict[str, str]:
    return {"attributeExternalId": key, "attributeNames": key.title()} | more


def test_rows_that_delete_need_no_other_column(load: Importer, catalogue: None) -> None:
    load("OFFER", offer("S-1"))
    assert counts(load("OFFER", {"stockId": "S-1", "stockDeleted": "TRUE"})) == {"deleted": 1}
    assert counts(load("PRODUCT", {"productExternalId": "P-1", "deletedProduct": "TRUE"})) == {"deleted": 1}


def test_what_a_row_that_deletes_says_besides_is_not_looked_at(load: Importer) -> None:
    load("ATTRIBUTE", attribute(attributeType="LIST_COLOR", attributeValues="#FF0000|Red"))
    row = attribute(attributeType="LIST_COLOR", attributeValues="red", attributeDeleted="TRUE")
    assert counts(load("ATTRIBUTE", row)) == {"deleted": 1}


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize("more", [{"stockNumber": "many"}, {"price": "x"}, {"price": "1"}, {"priceDeleted": "?"}])
def test_a_row_that_deletes_is_not_rejected_for_other_cells(load: Importer, more: dict[str, str]) -> None:
    load("OFFER", offer("S-1", "P-1"))
    assert counts(load("OFFER", {"stockId": "S-1", "stockDeleted": "TRUE"} | more)) == {"deleted": 1}


@pytest.mark.usefixtures("catalogue")
def test_a_row_that_takes_a_price_away_is_not_rejected_for_its_values(load: Importer) -> None:
    load("OFFER", offer("S-1", "P-1"))
    assert counts(load("OFFER", offer("S-1", "P-1", priceDeleted="TRUE", price="x"))) == {"deleted": 1}
    row = offer("S-1", "P-1", priceDeleted="TRUE", price="x", stockNumber="many")
    assert causes(load("OFFER", row)) == [(2, "malformed", "stockNumber")]


@pytest.mark.parametrize(
    ("given", "field", "code"),
    [
        (METRIC | {"attributeUnitType": ""}, "attributeUnitType", "required"),
        (METRIC | {"attributeUnit": "", "attributeType": "LIST_METRIC"}, "attributeUnit", "required"),
        (METRIC | {"attributeUnit": "cm"}, "attributeUnit", "wrong_unit"),
        ({"attributeType": "TEXT", "attributeMulti": "TRUE"}, "attributeMulti", "not_a_list"),
    ],
)
def test_an_attribute_has_the_units_and_values_of_its_type(
    load: Importer, given: dict[str, str], field: str, code: str
) -> None:
    assert causes(load("ATTRIBUTE", attribute(**given))) == [(2, code, field)]


def test_a_rule_looks_at_what_is_stored_where_a_row_says_nothing(load: Importer) -> None:
    assert counts(load("ATTRIBUTE", attribute(**METRIC))) == {"created": 1}
    assert counts(load("ATTRIBUTE", attribute(attributeUnit="g"))) == {"updated": 1}
    outcome = load("ATTRIBUTE", attribute(attributeUnit="lb"))
    assert causes(outcome) == [(2, "wrong_unit", "attributeUnit")]
    assert outcome.rejected[0][1][0]["message"] == "Of the unit type WEIGHT_METRIC it must be one of kg, g, mg."
    assert causes(load("ATTRIBUTE", attribute(attributeMulti="TRUE"))) == [(2, "not_a_list", "attributeMulti")]


@pytest.mark.parametrize(
    ("unit_type", "known"), [("WEIGHT_IMPERIAL", "lb, oz."), ("", "kg, g, mg, lb, oz, m3, L, cL, mL")]
)
def test_a_unit_that_nobody_knows_is_told_those_of_its_type(load: Importer, unit_type: str, known: str) -> None:
    row = attribute(attributeType="TEXT", attributeUnitType=unit_type, attributeUnit="stone")
    outcome = load("ATTRIBUTE", row)
    assert causes(outcome) == [(2, "wrong_unit", "attributeUnit")]
    ((_, (fault,)),) = outcome.rejected
    assert f"must be one of {known}" in fault["message"]
    assert fault["value"] == "stone"


@pytest.mark.parametrize(
    ("field", "wrong", "least", "words"),
    [
        ("price", "-12.50", "0", "Must be at least 0."),
        ("stockNumber", "-5", "0", "Must be at least 0."),
        ("minQuantity", "0", "1", "Must be at least 1."),
        ("itemPerPack", "0", "1", "Must be at least 1."),
        ("quantityPerPack", "0", "1", "Must be at least 1."),
        ("quantityPerItem", "0", "0.000001", "Must be more than 0."),
        ("leadTimeToShip", "-1", "0", "Must be at least 0."),
    ],
)
def test_numbers_of_an_offer_have_their_bounds(
    load: Importer, catalogue: None, field: str, wrong: str, least: str, words: str
) -> None:
    outcome = load("OFFER", offer("S-1", "PR-1") | {field: wrong})
    assert causes(outcome) == [(2, "malformed", field)]
    assert [fault["message"] for _, faults in outcome.rejected for fault in faults] == [words]
    assert counts(load("OFFER", offer("S-1", "PR-1") | {field: least})) == {"created": 1}


def test_a_rating_is_not_negative(load: Importer) -> None:
    outcome = load("SUPPLIER", {"externalId": "S-1", "name": "Acme", "supplierRating": "-0.5"})
    assert causes(outcome) == [(2, "malformed", "supplierRating")]


def test_the_id_of_a_category_does_not_begin_with_0(load: Importer) -> None:
    outcome = load("CLASSIFICATION_CATEGORY", category("0TOOLS"), category("TOOLS0"))
    assert causes(outcome) == [(2, "malformed", "classificationExternalId")]


def test_a_faceted_attribute_of_a_category_is_indexable_too(load: Importer) -> None:
    load("ATTRIBUTE", attribute(**METRIC))
    facet = {"attrCode": "weight", "attrFaceted": "TRUE"}
    assert causes(load("CLASSIFICATION_CATEGORY", category("TOOLS", **facet))) == [(2, "not_indexable", "attrFaceted")]
    both = category("TOOLS", attrIndexable="TRUE", **facet)
    assert counts(load("CLASSIFICATION_CATEGORY", both)) == {"created": 1}
    off = category("TOOLS", attrCode="weight", attrIndexable="FALSE")
    assert causes(load("CLASSIFICATION_CATEGORY", off)) == [(2, "not_indexable", "attrFaceted")]


@pytest.mark.usefixtures("catalogue")
def test_every_row_of_a_product_names_a_variant_unless_it_deletes_the_product(load: Importer) -> None:
    row = product("P-1", "")
    assert causes(load("PRODUCT", row | {"variantNames": ""})) == [(2, "required", "variantExternalId")]
    assert counts(load("PRODUCT", {"productExternalId": "P-1", "deletedProduct": "TRUE"})) == {"deleted": 1}


@pytest.mark.usefixtures("catalogue")
def test_of_two_stock_rows_without_a_price_the_first_is_superseded(load: Importer) -> None:
    outcome = load("OFFER", offer("S-1", stockNumber="1"), offer("S-1", stockNumber="2"), offer("S-1", "P-1"))
    told = [(warned.row.line, warned.code) for warned in outcome.warnings if warned.code == "superseded"]
    assert told == [(2, "superseded")]


def account(key: str = "A-1", **more: str) -> dict[str, str]:
    names = ("accountName", "companyRegistrationName", "businessRegistrationNumber")
    return {"accountExternalId": key} | dict.fromkeys(names, f"Account {key}") | more


def address(key: str, **more: str) -> dict[str, str]:
    names = ("addressFullName", "addressCountry", "addressCity", "addressZipCode", "addressStreetName")
    return {"addressExternalId": key} | dict.fromkeys(names, key) | more


def test_a_new_account_needs_an_address_and_a_known_one_does_not(load: Importer) -> None:
    assert causes(load("ACCOUNT", account())) == [(2, "required", "addressExternalId")]
    assert counts(load("ACCOUNT", account() | address("HQ"), account() | address("DEPOT"))) == {"created": 2}
    assert counts(load("ACCOUNT", account(accountWebsite="https://a.example.com"))) == {"updated": 1}


def test_an_address_counts_within_its_account(load: Importer) -> None:
    rows = [account("A-1") | address("HQ"), account("A-2") | address("HQ")]
    assert counts(load("ACCOUNT", *rows)) == {"created": 2}
    moved = account("A-2") | address("HQ", addressCity="Lyon")
    assert counts(load("ACCOUNT", rows[0], moved)) == {"unchanged": 1, "updated": 1}


def lines(sessions: Sessions, entity: str) -> list[tuple[Any, ...]]:
    with sessions() as session:
        found = session.scalars(select(Change).where(Change.entity == entity).order_by(Change.id))
        return [(line.record_key, line.part, line.part_key, line.action) for line in found]


@pytest.mark.usefixtures("catalogue")
def test_the_ledger_names_the_parts_that_go_with_a_deleted_record(load: Importer, sessions: Sessions) -> None:
    load("PRODUCT", {"productExternalId": "P-1", "deletedProduct": "TRUE"})
    assert lines(sessions, "PRODUCT")[-3:] == [
        ("P-1", "", "", "deleted"),
        ("P-1", "variants", "V-1", "deleted"),
        ("P-1", "variants", "V-2", "deleted"),
    ]


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [("LIST_COLOR", "#000000|Black||#FFFFFF|White", "#000|Black"), ("LIST_METRIC", "10||20.5", "10||about 20")],
)
def test_the_values_of_a_list_have_the_shape_of_its_type(load: Importer, kind: str, good: str, bad: str) -> None:
    row = attribute(attributeType=kind, attributeUnitType="LENGTH_METRIC", attributeUnit="cm")
    assert causes(load("ATTRIBUTE", row | {"attributeValues": bad})) == [(2, "malformed", "attributeValues")]
    assert counts(load("ATTRIBUTE", row | {"attributeValues": good})) == {"created": 1}
    for silent in (attribute(), attribute(attributeType="")):
        assert causes(load("ATTRIBUTE", silent | {"attributeValues": bad})) == [(2, "malformed", "attributeValues")]
        assert counts(load("ATTRIBUTE", silent | {"attributeValues": good})) == {"unchanged": 1}


def test_options_in_use_are_kept_with_a_warning_and_pair_still(load: Importer, sessions: Sessions) -> None:
    sizes = {"attributeValues[en-GB]": "Small||Large||Huge", "attributeValues[fr-FR]": "Petit||Grand||Géant"}
    load("ATTRIBUTE", attribute("size", attributeType="LIST_TEXT") | sizes)
    load("CLASSIFICATION_CATEGORY", category("TOOLS", attrCode="size", attrForVariant="TRUE"))
    load("PRODUCT", product("P-1", "V-1") | {"attribute-size": "Large"})
    fewer = {"attributeValues[en-GB]": "Small||Tiny", "attributeValues[fr-FR]": "Petit||Minuscule"}
    outcome = load("ATTRIBUTE", attribute("size") | fewer)
    assert [(warned.row.line, warned.code, warned.field) for warned in outcome.warnings] == [
        (2, "option_in_use", "attributeValues")
    ]
    with sessions() as session:
        found = session.scalars(select(Attribute)).one()
        assert found.options == {"en-GB": ["Small", "Tiny", "Large"], "fr-FR": ["Petit", "Minuscule", "Grand"]}
    assert counts(load("ATTRIBUTE", attribute("size") | fewer)) == {"unchanged": 1}


def test_a_category_is_not_put_below_itself_by_way_of_stored_ones(load: Importer) -> None:
    load("CLASSIFICATION_CATEGORY", category("A"), category("B", "A"), category("C", "B"))
    outcome = load("CLASSIFICATION_CATEGORY", category("A", "C"))
    assert causes(outcome) == [(2, "cycle", "classificationParentExternalId")]
    assert counts(load("CLASSIFICATION_CATEGORY", category("B"), category("A", "C"))) == {"updated": 2}


def test_a_tree_goes_whole_and_a_parent_goes_once_its_children_have_moved(load: Importer) -> None:
    load("CLASSIFICATION_CATEGORY", category("A"), category("B", "A"), category("C", "B"), category("D"))
    rows = [category("B", "D"), {"classificationExternalId": "A", "deleted": "TRUE"}]
    assert counts(load("CLASSIFICATION_CATEGORY", *rows)) == {"updated": 1, "deleted": 1}
    rows = [{"classificationExternalId": key, "deleted": "TRUE"} for key in ("D", "C", "B")]
    assert counts(load("CLASSIFICATION_CATEGORY", *rows)) == {"deleted": 3}


def deleted(key: str = "weight") -> dict[str, str]:
    return {"attributeExternalId": key, "attributeDeleted": "TRUE"}


def test_an_attribute_that_categories_link_takes_its_links_along(load: Importer, sessions: Sessions) -> None:
    load("ATTRIBUTE", attribute(**METRIC), attribute("colour", attributeType="TEXT"))
    links = [category("TOOLS", attrCode=code) for code in ("weight", "colour")]
    load("CLASSIFICATION_CATEGORY", *links)
    assert counts(load("ATTRIBUTE", deleted())) == {"deleted": 1}
    with sessions() as session:
        left = session.scalars(select(Attribute.external_id).join(CategoryAttribute)).all()
        assert left == ["colour"]
    assert lines(sessions, "CLASSIFICATION_CATEGORY")[-1] == ("TOOLS", "attributes", "weight", "deleted")
    assert counts(load("ATTRIBUTE", attribute(**METRIC))) == {"created": 1}
    with sessions() as session:
        assert session.scalars(select(Attribute.external_id).join(CategoryAttribute)).all() == ["colour"]


def test_a_link_to_a_deleted_attribute_is_refused_on_update_too(load: Importer, sessions: Sessions) -> None:
    load("ATTRIBUTE", attribute(**METRIC))
    load("CLASSIFICATION_CATEGORY", category("TOOLS", attrCode="weight"))
    with sessions.begin() as session:
        # As it was left behind before deletions took links along.
        attribute_ = session.scalars(select(Attribute)).one()
        attribute_.deleted_at = attribute_.updated_at
    outcome = load("CLASSIFICATION_CATEGORY", category("TOOLS", attrCode="weight", attrRequired="TRUE"))
    assert causes(outcome) == [(2, "unknown_reference", "attrCode")]


def test_an_attribute_comes_back_with_the_type_that_it_had(load: Importer) -> None:
    load("ATTRIBUTE", attribute(attributeType="TEXT"))
    load("ATTRIBUTE", deleted())
    outcome = load("ATTRIBUTE", attribute(attributeType="NUMBER"))
    assert causes(outcome) == [(2, "not_editable", "attributeType")]
    assert "It is TEXT, and the row says NUMBER." in outcome.rejected[0][1][0]["message"]
    assert counts(load("ATTRIBUTE", attribute(attributeType="TEXT"))) == {"created": 1}


@pytest.mark.parametrize(("for_variant", "holders"), [("FALSE", "products"), ("TRUE", "variants")])
def test_an_attribute_stays_while_products_or_variants_have_values_of_it(
    load: Importer, for_variant: str, holders: str
) -> None:
    load("ATTRIBUTE", attribute(attributeType="NUMBER"), attribute("colour", attributeType="TEXT"))
    links = [category("TOOLS", attrCode=code, attrForVariant=for_variant) for code in ("weight", "colour")]
    load("CLASSIFICATION_CATEGORY", *links)
    load("PRODUCT", product("P-1", "V-1", **{"attribute-weight": "5"}))
    outcome = load("ATTRIBUTE", deleted(), deleted("colour"))
    assert causes(outcome) == [(2, "in_use", "attributeExternalId")]
    assert outcome.rejected[0][1][0]["message"] == f"It cannot be deleted: {holders} still refer to it."
    assert counts(outcome) == {"deleted": 1, "rejected": 1}
    load("PRODUCT", {"productExternalId": "P-1", "deletedProduct": "TRUE"})
    assert counts(load("ATTRIBUTE", deleted())) == {"deleted": 1}


def test_what_stands_in_the_way_of_a_deletion_is_named_alone(load: Importer) -> None:
    load("CLASSIFICATION_CATEGORY", category("TOOLS"), category("SAWS", "TOOLS"))
    (found,) = load("CLASSIFICATION_CATEGORY", {"classificationExternalId": "TOOLS", "deleted": "TRUE"}).rejected
    assert [fault["message"] for fault in found[1]] == ["It cannot be deleted: sub-categories still refer to it."]


@pytest.mark.usefixtures("catalogue")
def test_what_other_rows_bring_to_a_deleted_record_is_warned_of(load: Importer, sessions: Sessions) -> None:
    outcome = load("PRODUCT", product("P-1", "V-9"), product("P-1", "V-1", deletedProduct="TRUE"))
    assert counts(outcome) == {"deleted": 1, "unchanged": 1}
    assert [(warned.row.line, warned.code) for warned in outcome.warnings] == [(2, "not_applied")]
    assert lines(sessions, "PRODUCT")[-3:][0] == ("P-1", "", "", "deleted")


@pytest.mark.usefixtures("catalogue")
def test_of_flags_of_deletion_that_differ_the_last_counts(load: Importer) -> None:
    outcome = load(
        "PRODUCT", product("P-1", "V-1", deletedProduct="TRUE"), product("P-1", "V-2", deletedProduct="FALSE")
    )
    assert counts(outcome) == {"unchanged": 2}
    assert [(warned.row.line, warned.code, warned.field) for warned in outcome.warnings] == [
        (3, "parent_differs", "deletedProduct")
    ]


def test_a_good_row_is_not_rejected_for_the_fault_of_a_later_one(load: Importer) -> None:
    first, second = {"externalId": "S-1", "name": "Acme"}, {"externalId": "S-1", "name": "Later"}
    outcome = load("SUPPLIER", first, second | {"storesExternalId": "nowhere"})
    assert (counts(outcome), causes(outcome)) == (
        {"created": 1, "rejected": 1},
        [(3, "unknown_reference", "storesExternalId")],
    )


@pytest.mark.usefixtures("catalogue")
def test_words_name_what_stands_in_the_way(load: Importer) -> None:
    load("OFFER", offer("S-1", "P-1"))
    (found,) = load("OFFER", offer("S-1", stockVariantId="V-2")).rejected
    assert "It is V-1, and the row says V-2." in found[1][0]["message"]
    (found,) = load("OFFER", offer("S-1", "P-1", currency="ABC")).rejected
    assert (found[1][0]["code"], found[1][0]["field"]) == ("malformed", "currency")
    assert "'ABC' is not a currency of ISO 4217." in found[1][0]["message"]
    (found,) = load("PRODUCT", {"productExternalId": "P-1", "deletedProduct": "TRUE"}).rejected
    assert found[1][0]["message"] == "It cannot be deleted: offers still refer to it."
    (warned,) = load("OFFER", offer("S-1", "P-9", priceDeleted="TRUE")).warnings
    assert warned.message == "The offer S-1 has no P-9 among its prices: nothing to delete."
    (warned,) = load("SUPPLIER", {"externalId": "X-9", "deleted": "TRUE"}).warnings
    assert warned.message == "There is no supplier X-9, or it is deleted already: nothing to delete."


@pytest.mark.usefixtures("catalogue")
def test_a_part_of_another_record_is_told_with_that_record(load: Importer) -> None:
    def messages(entity: str, *rows: dict[str, str]) -> list[str]:
        return [faults[0]["message"] for _, faults in load(entity, *rows).rejected]

    load("OFFER", offer("S-1", "P-1"))
    assert messages("PRODUCT", product("P-2", "V-1")) == ["V-1 belongs to the product P-1."]
    assert messages("OFFER", offer("S-2", "P-1")) == ["P-1 belongs to the offer S-1."]
    assert messages("PRODUCT", product("P-3", "V-9"), product("P-4", "V-9")) == ["V-9 belongs to the product P-3."]


@pytest.mark.usefixtures("catalogue")
def test_a_part_that_is_not_there_to_be_taken_away_is_warned_of_whatever_else_its_row_does(load: Importer) -> None:
    load("OFFER", offer("S-1", "P-1"))
    for entity, row, done in (
        ("OFFER", offer("S-1", "X-9", priceDeleted="TRUE", stockNumber="6"), "updated"),
        ("PRODUCT", product("P-5", "X-9", deletedVariant="TRUE"), "created"),
        ("PRODUCT", product("P-5", "X-9", deletedVariant="TRUE"), "unchanged"),
    ):
        outcome = load(entity, row)
        assert counts(outcome) == {done: 1}
        (warned,) = outcome.warnings
        assert (warned.code, " has no X-9 among its " in warned.message) == ("unknown_key", True)
