"""Every field of every entity: written, changed, left alone, cleared by a revival, refused where it must not change."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.entities import RECORDS
from datahub.entities.base import Field
from datahub.jobs import custom_fields, record_reads
from datahub.jobs.custom_fields import Definition
from datahub.models.party import DEFAULT_STORE, Store
from tests.catalogue import make_assortment, make_attribute
from tests.factories import make_account, make_supplier
from tests.importer import Importer, category, causes, counts, customer_user, navigation, offer, product

Sessions = sessionmaker[Session]
Pair = tuple[tuple[str, Any], tuple[str, Any]]
STORES: Pair = (("NORTH", ["NORTH"]), ("default_store||NORTH", ["default_store", "NORTH"]))
RANGES: Pair = (("R-1", ["R-1"]), ("R-2||R-1", ["R-2", "R-1"]))
# Two values of each type: as a file has them, and as a record tells them.
OF_TYPE: dict[str, Pair] = {
    "TEXT": (("first", "first"), ("second", "second")),
    "LOCALISED": (("first", {"en-GB": "first"}), ("second", {"en-GB": "second"})),
    "LOCALISED_LIST": (("a", {"en-GB": ["a"]}), ("a||b", {"en-GB": ["a", "b"]})),
    "TEXT_LIST": (("a", ["a"]), ("b||c", ["b", "c"])),
    "BOOLEAN": (("TRUE", True), ("FALSE", False)),
    "NUMBER": (("1.5", Decimal("1.5")), ("2.25", Decimal("2.25"))),
    "EMAIL": (("ada@example.com", "ada@example.com"), ("Bo@Example.COM", "bo@example.com")),
    "PASSWORD": (("Correct-h0rse", True), ("Battery-5taple", True)),
    "INTEGER": (("3", 3), ("4", 4)),
    "CURRENCY": (("EUR", "EUR"), ("USD", "USD")),
    "PRICE_RANGES": (("10:9.5", [["10", "9.5"]]), ("20:8", [["20", "8"]])),
}
# Of fields whose values must be known somewhere.
OF_FIELD: dict[str, Pair] = {
    "accountExternalId": (("ACC-1", ["ACC-1"]), ("ACC-2", ["ACC-2"])),
    "allowedAssortmentExternalId": RANGES,
    "excludedAssortmentExternalId": RANGES,
    "customerUserGroups": (("foc_user", ["FOC_User"]), ("FOC_Admin||FOC_User", ["FOC_Admin", "FOC_User"])),
    "customerUserAccountIds": (("ACC-1", ["ACC-1"]), ("ACC-2||ACC-1", ["ACC-2", "ACC-1"])),
    "customerUserMainOrganisationId": (("a", "a"), ("c", "c")),
    "storesExternalId": STORES,
    "attributeStoresExternalId": STORES,
    "storeExternalIds": STORES,
    "attributeUnitType": (("WEIGHT_METRIC", "WEIGHT_METRIC"), ("LENGTH_METRIC", "LENGTH_METRIC")),
    "attributeUnit": (("kg", "kg"), ("cm", "cm")),
    "classificationParentExternalId": (("Root", "Root"), ("TOOLS", "TOOLS")),
    "navigationCategoryParentId": (("Root_default", "Root_default"), ("TOP", "TOP")),
    "classificationCategoryCode": (("TOOLS", ["TOOLS"]), ("TOOLS||SAWS", ["TOOLS", "SAWS"])),
    "productClassificationCategoryId": (("TOOLS", "TOOLS"), ("SAWS", "SAWS")),
}
# The least that a row of each entity says, and fields that do not go with it.
LEAST: dict[str, tuple[str, dict[str, str], set[str]]] = {
    "store": ("STORE", {"storeExternalId": "N", "storeName": "n", "storeDescription": "n"}, set()),
    "account": (
        "ACCOUNT",
        dict.fromkeys(("accountName", "companyRegistrationName", "businessRegistrationNumber"), "n")
        | dict.fromkeys(("addressFullName", "addressCity", "addressZipCode", "addressStreetName"), "n")
        | {"accountExternalId": "N", "addressExternalId": "A", "addressCountry": "FR"},
        {"addressCountry"},
    ),
    "supplier": ("SUPPLIER", {"externalId": "N", "name": "n"}, set()),
    "attribute of labels": (
        "ATTRIBUTE",
        {"attributeExternalId": "N", "attributeNames": "n", "attributeType": "LIST_TEXT"},
        {"attributeUnitType", "attributeUnit"},
    ),
    "attribute of a unit": (
        "ATTRIBUTE",
        {"attributeExternalId": "N", "attributeNames": "n", "attributeType": "METRIC", "attributeUnit": "kg"}
        | {"attributeUnitType": "WEIGHT_METRIC"},
        {"attributeValues", "attributeMulti"},
    ),
    "category": ("CLASSIFICATION_CATEGORY", category("N") | {"attrCode": "COLOR"}, set()),
    "navigation category": ("NAVIGATION_CATEGORY", navigation("N"), {"store"}),
    "product": ("PRODUCT", product("N", "V"), set()),
    "offer": ("OFFER", offer("N", "P"), set()),
    "assortment": ("ASSORTMENT", {"assortmentExternalId": "N", "productExternalIds": "P-1"}, set()),
    "view": ("CATALOG_VIEW", {"catalogExternalId": "N", "catalogName": "n"}, set()),
    "customer user": ("CUSTOMER_USER", customer_user("N"), set()),
}


@pytest.fixture
def known(sessions: Sessions, load: Importer) -> None:
    """What the values refer to."""
    with sessions.begin() as session:
        now = database_now(session)
        session.add(Store(external_id="NORTH", name="North", created_at=now, updated_at=now))
        # Prices are for some by the texts that all texts are tried with.
        for name in ("ACC-1", "ACC-2", "first", "second"):
            make_account(session, name)
        make_supplier(session, "SUP-1")
        make_supplier(session, "SUP-2")
        make_attribute(session, "COLOR")
        for name in ("R-1", "R-2"):
            make_assortment(session, name)
    load("CLASSIFICATION_CATEGORY", category("TOOLS"), category("SAWS"))
    load("NAVIGATION_CATEGORY", navigation("TOP"))
    load("PRODUCT", product("P-1", "V-1"), product("P-1", "V-2"))


def pair_of(field: Field) -> Pair:
    if field.choices and field.key not in OF_FIELD:
        first, second = field.choices[1], field.choices[-1]
        return (first, first), (second, second)
    return OF_FIELD.get(field.key) or OF_TYPE[field.type.name]


def changeable(entity: str, left_out: set[str]) -> dict[str, Pair]:
    kind = RECORDS[entity]
    fields = [*kind.fields, *(field for part in kind.parts for field in part.fields)]
    return {field.key: pair_of(field) for field in fields if field.editable and field.key not in left_out}


def told(sessions: Sessions, entity: str) -> dict[str, Any]:
    """All that is known of the record and of its part."""
    with sessions() as session:
        record = record_reads.get(session, entity, "N", store=DEFAULT_STORE)
        (described,) = record_reads.describe(session, entity, [record])
    (part,) = next(iter(described["parts"].values()), []) or [{}]
    return dict(described["fields"]) | dict(part)


def test_no_entity_with_fields_is_left_out() -> None:
    assert {entity for entity, *_ in LEAST.values()} == {name for name, kind in RECORDS.items() if kind.fields}


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("case", LEAST)
def test_each_field_is_stored_changed_and_left_alone_where_a_cell_is_empty(
    load: Importer, sessions: Sessions, case: str
) -> None:
    entity, least, left_out = LEAST[case]
    pairs = changeable(entity, left_out)
    for place, happens in ((0, "created"), (1, "updated")):
        row = least | {key: pair[place][0] for key, pair in pairs.items()}
        outcome = load(entity, row)
        assert causes(outcome) == []
        assert counts(outcome) == {happens: 1}
        seen = told(sessions, entity)
        assert {key: seen[key] for key in pairs} == {key: pair[place][1] for key, pair in pairs.items()}
    kind = RECORDS[entity]
    always = {field.key for field in kind.fields if field.required_on_update or field.erased_when_absent}
    always |= {kind.key.key}
    always |= {part.key_field.key for part in kind.parts}
    empty = {key: value if key in always else "" for key, value in row.items()}
    assert counts(load(entity, empty)) == {"unchanged": 1}


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("case", [case for case in LEAST if RECORDS[LEAST[case][0]].deleted_by])
def test_a_deleted_record_is_made_afresh_and_keeps_nothing_of_before(
    load: Importer, sessions: Sessions, case: str
) -> None:
    entity, least, left_out = LEAST[case]
    load(entity, least)
    fresh = told(sessions, entity)
    load(entity, least | {key: pair[0][0] for key, pair in changeable(entity, left_out).items()})
    assert told(sessions, entity) != fresh
    deleted_by = RECORDS[entity].deleted_by
    assert deleted_by is not None
    assert counts(load(entity, {RECORDS[entity].key.key: "N", deleted_by.key: "TRUE"})) == {"deleted": 1}
    assert counts(load(entity, least)) == {"created": 1}
    assert told(sessions, entity) == fresh


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("case", ["account", "supplier", "category", "navigation category", "offer", "customer user"])
def test_a_custom_field_is_kept_without_full_mode_and_cleared_by_it(
    load: Importer, sessions: Sessions, case: str
) -> None:
    entity, least, _ = LEAST[case]
    with sessions.begin() as session:
        custom_fields.create(session, Definition(entity=entity, external_id="zone", name="Zone", type="TEXT"))

    def kept() -> Any:
        with sessions() as session:
            return record_reads.get(session, entity, "N", store=DEFAULT_STORE).custom_fields

    load(entity, least | {"CF_zone": "north"})
    with_it = kept()
    assert list(with_it) == ["zone"]
    assert counts(load(entity, least)) == {"unchanged": 1}
    assert kept() == with_it
    assert counts(load(entity, least, clears=True)) == {"updated": 1}
    assert kept() == {}


REFUSED = [
    ("ATTRIBUTE", {"attributeType": "TEXT"}),
    ("OFFER", {"stockVariantId": "V-2"}),
    ("OFFER", {"supplierId": "SUP-2"}),
    ("SUPPLIER", {"totalOffers": "5"}),
    ("SUPPLIER", {"totalOrders": "5"}),
]


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(("entity", "change"), REFUSED)
def test_what_must_not_change_is_refused_and_stays(
    load: Importer, sessions: Sessions, entity: str, change: dict[str, str]
) -> None:
    least = next(row for name, row, _ in LEAST.values() if name == entity)
    load(entity, least)
    before = told(sessions, entity)
    assert causes(load(entity, least | change)) == [(2, "not_editable", next(iter(change)))]
    assert told(sessions, entity) == before


def test_each_field_that_must_not_change_is_tried() -> None:
    kinds = [(name, field) for name, kind in RECORDS.items() for field in kind.fields]
    fixed = {(name, field.key) for name, field in kinds if not field.editable}
    assert fixed == {(name, next(iter(change))) for name, change in REFUSED}
