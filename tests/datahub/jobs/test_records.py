"""Stores, suppliers and accounts are written by the rules of their entity, and nothing half."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.errors import ConflictError, InvalidError, NotFoundError
from datahub.jobs import record_reads, records
from datahub.models.change import Change
from datahub.models.custom_field import CustomField
from tests.catalogue import make_offer
from tests.factories import make_account

STORE = {"storeName": "Main", "storeDescription": "The first"}
ADDRESS = {
    "addressExternalId": "A-1",
    "addressFullName": "Ada L",
    "addressCountry": "France",
    "addressCity": "Paris",
    "addressZipCode": "75001",
    "addressStreetName": "1 Rue X",
}
ACCOUNT = {
    "accountName": "Acme",
    "companyRegistrationName": "Acme SA",
    "businessRegistrationNumber": "123",
    "address": [ADDRESS],
}


def put(session: Session, entity: str, key: str, custom: dict[str, Any] | None = None, **fields: Any) -> Any:
    return records.put(session, entity, key, fields=fields, custom_fields=custom or {}, actor="ada")


def faults(session: Session, entity: str, key: str, custom: dict[str, Any] | None = None, **fields: Any) -> set[str]:
    with pytest.raises(InvalidError) as error:
        put(session, entity, key, custom, **fields)
    return set(error.value.fields)


def test_a_store_is_created_then_updated_then_unchanged(session: Session) -> None:
    store, created = put(session, "STORE", " S-1 ", **STORE)
    assert (created, store.external_id, store.name) == (True, "S-1", "Main")
    _, created = put(session, "STORE", "S-1", storeName=" Renamed ", storeDescription="x")
    assert (created, store.name) == (False, "Renamed")
    before = store.updated_at
    put(session, "STORE", "S-1", storeName="Renamed", storeDescription="x")
    assert store.updated_at == before


def test_a_store_needs_name_and_description_each_time(session: Session) -> None:
    assert faults(session, "STORE", "S-1") == {"fields.storeName", "fields.storeDescription"}
    put(session, "STORE", "S-1", **STORE)
    assert faults(session, "STORE", "S-1", storeName="X") == {"fields.storeDescription"}


def test_every_fault_is_named_at_once_and_nothing_is_saved(session: Session) -> None:
    define(session, "list")
    found = faults(
        session,
        "SUPPLIER",
        "S-1",
        {"é": "x", "list": [{}]},
        name="",
        status="LOST",
        inactive="maybe",
        supplierRating="4,5",
        accountExternalId=["NOBODY"],
        storesExternalId="NOWHERE||default_store",
        externalId="OTHER",
        color="red",
    )
    assert found == {
        "fields.name",
        "fields.status",
        "fields.inactive",
        "fields.supplierRating",
        "fields.accountExternalId",
        "fields.storesExternalId",
        "fields.externalId",
        "fields.color",
        "customFields.é",
        "customFields.list",
    }
    with pytest.raises(NotFoundError):
        record_reads.get(session, "SUPPLIER", "S-1")


def test_a_new_supplier_has_its_defaults(session: Session) -> None:
    supplier, created = put(session, "SUPPLIER", "S-1", name="Acme")
    assert created
    assert (supplier.status, supplier.inactive, supplier.stores, supplier.accounts, supplier.total_offers) == (
        "ACTIVE",
        False,
        ["default_store"],
        [],
        0,
    )


def test_values_come_in_the_ways_that_systems_write_them(session: Session) -> None:
    make_account(session, "ACC-1")
    make_account(session, "2")
    supplier, _ = put(
        session,
        "SUPPLIER",
        "S-1",
        name="Acme",
        status="suspended",
        inactive="TRUE",
        supplierRating=Decimal("4.50"),
        accountExternalId="ACC-1|| 2 ||ACC-1",
        externalId="S-1",
    )
    assert (supplier.status, supplier.inactive, supplier.rating) == ("SUSPENDED", True, Decimal("4.5"))
    assert supplier.accounts == ["ACC-1", "2"]


def test_empty_values_keep_what_is_stored(session: Session) -> None:
    for external_id in ("zone", "tags", "new"):
        define(session, external_id)
    supplier, _ = put(session, "SUPPLIER", "S-1", {"zone": "north", "tags": "a"}, name="Acme", description="good")
    put(session, "SUPPLIER", "S-1", {"zone": "", "tags": [], "new": 7}, name=None, description=" ", status="")
    assert (supplier.name, supplier.description, supplier.status) == ("Acme", "good", "ACTIVE")
    assert supplier.custom_fields == {"zone": "north", "tags": "a", "new": "7"}


def test_what_may_not_be_edited_may_be_repeated(session: Session) -> None:
    put(session, "SUPPLIER", "S-1", name="Acme", totalOffers=7)
    put(session, "SUPPLIER", "S-1", totalOffers=7)
    assert faults(session, "SUPPLIER", "S-1", totalOffers=8) == {"fields.totalOffers"}


def test_a_deleted_supplier_is_hidden_and_comes_back_afresh(session: Session) -> None:
    define(session, "zone")
    supplier, _ = put(session, "SUPPLIER", "S-1", {"zone": "north"}, name="Acme", description="good", inactive=True)
    _, created = put(session, "SUPPLIER", "S-1", deleted="true")
    assert not created
    assert supplier.deleted_at is not None
    assert record_reads.find(session, "SUPPLIER").items == []
    assert faults(session, "SUPPLIER", "S-1", description="x") == {"fields.name"}
    again, created = put(session, "SUPPLIER", "S-1", name="Acme again")
    assert (created, again.id, again.description, again.inactive) == (True, supplier.id, None, False)
    assert (again.custom_fields, again.deleted_at) == ({}, None)


def test_deleting_what_is_unknown_says_so(session: Session) -> None:
    with pytest.raises(NotFoundError):
        put(session, "SUPPLIER", "S-1", deleted=True)
    with pytest.raises(InvalidError):
        put(session, "STORE", "S-1", deleted=True, **STORE)


def test_an_account_needs_an_address_when_it_is_new(session: Session) -> None:
    assert faults(session, "ACCOUNT", "A-1", **ACCOUNT | {"address": []}) == {"fields.address"}
    account, created = put(session, "ACCOUNT", "A-1", **ACCOUNT)
    assert created
    assert [(row.external_id, row.shipping, row.billing) for row in account.addresses] == [("A-1", True, True)]
    put(session, "ACCOUNT", "A-1", accountName="Renamed")
    assert (account.name, len(account.addresses)) == ("Renamed", 1)


def test_addresses_are_added_changed_and_unlinked_by_their_key(session: Session) -> None:
    account, _ = put(session, "ACCOUNT", "A-1", **ACCOUNT)
    second = ADDRESS | {"addressExternalId": "A-2", "billingAddress": "false"}
    changed = {"addressExternalId": "A-1", "addressCity": "Lyon"}
    put(session, "ACCOUNT", "A-1", address=[changed, second])
    assert [(row.external_id, row.city, row.billing) for row in account.addresses] == [
        ("A-1", "Lyon", True),
        ("A-2", "Paris", False),
    ]
    put(session, "ACCOUNT", "A-1", address=[{"addressExternalId": "A-1", "unlinkAddress": True}])
    session.expire(account)
    assert [row.external_id for row in account.addresses] == ["A-2"]


def test_faults_of_addresses_are_named_by_their_place(session: Session) -> None:
    addresses = [ADDRESS, ADDRESS, {"addressExternalId": "A-3", "street": "x"}]
    found = faults(session, "ACCOUNT", "A-1", **ACCOUNT | {"address": addresses})
    assert {"fields.address.1.addressExternalId", "fields.address.2.street", "fields.address.2.addressCity"} <= found
    assert faults(session, "ACCOUNT", "A-1", **ACCOUNT | {"address": "x"}) == {"fields.address"}


def test_deleting_an_account_takes_its_addresses_along(session: Session) -> None:
    account, _ = put(session, "ACCOUNT", "A-1", **ACCOUNT)
    put(session, "ACCOUNT", "A-1", deleted=True)
    session.expire(account)
    assert account.addresses == []


@pytest.mark.parametrize("key", ["", "   ", "x" * 256, "a\x00b"])
def test_a_key_that_no_record_can_have_is_refused(session: Session, key: str) -> None:
    assert faults(session, "STORE", key, **STORE) == {"externalId"}


@pytest.mark.parametrize("name", ["ORDER_UPDATE", "ORDER_STATUS", "store", "LOST"])
def test_unknown_entities_are_told_with_the_right_one(session: Session, name: str) -> None:
    with pytest.raises(NotFoundError) as error:
        put(session, name, "X")
    assert ("ORDER." in str(error.value)) == name.startswith("ORDER_")


@pytest.mark.parametrize("entity", ["ATTRIBUTE", "CLASSIFICATION_CATEGORY", "PRODUCT", "OFFER"])
def test_what_comes_by_imports_alone_is_refused(session: Session, entity: str) -> None:
    with pytest.raises(InvalidError, match="come by imports"):
        put(session, entity, "X")


def test_a_record_is_described_by_field_keys(session: Session) -> None:
    define(session, "zone", entity="ACCOUNT")
    account, _ = put(session, "ACCOUNT", "A-1", {"zone": "north"}, **ACCOUNT)
    (shown,) = record_reads.describe(session, "ACCOUNT", [account])
    assert (shown["entity"], shown["externalId"]) == ("ACCOUNT", "A-1")
    assert shown["fields"]["accountName"] == "Acme"
    assert shown["customFields"] == {"zone": "north"}
    assert shown["parts"]["addresses"][0]["addressCity"] == "Paris"
    assert (shown["attributes"], shown["deletedAt"]) == ({}, None)


def test_the_ledger_says_who_changed_what_by_hand(sessions: sessionmaker[Session]) -> None:
    address = {"addressExternalId": "HQ", "addressFullName": "Acme", "addressCountry": "France"}
    address |= {"addressCity": "Lyon", "addressZipCode": "69001", "addressStreetName": "1 Rue X"}
    names = dict.fromkeys(("accountName", "companyRegistrationName", "businessRegistrationNumber"), "Acme")
    with sessions.begin() as session:
        define(session, "zone", entity="ACCOUNT")
        put(session, "ACCOUNT", "A-1", {"zone": "north"}, **names, address=[address])
        put(session, "ACCOUNT", "A-1", {"zone": "north"}, **names, address=[address])
        moved = address | {"addressCity": "Paris"}
        renamed = names | {"accountName": "Acme SA"}
        put(session, "ACCOUNT", "A-1", {"zone": "south"}, **renamed, address=[moved])
        put(session, "ACCOUNT", "A-1", deleted=True)
    with sessions() as session:
        lines = session.scalars(select(Change).order_by(Change.id)).all()
        assert {(line.actor, line.execution_id, line.entity, line.record_key) for line in lines} == {
            ("ada", None, "ACCOUNT", "A-1")
        }
        assert [(line.part, line.part_key, line.action, line.changes) for line in lines] == [
            ("", "", "created", None),
            ("addresses", "HQ", "created", None),
            (
                "",
                "",
                "updated",
                {"accountName": ["Acme", "Acme SA"], "customFields": [{"zone": "north"}, {"zone": "south"}]},
            ),
            ("addresses", "HQ", "updated", {"addressCity": ["Lyon", "Paris"]}),
            (
                "",
                "",
                "deleted",
                {
                    "accountName": ["Acme SA", None],
                    "companyRegistrationName": ["Acme", None],
                    "businessRegistrationNumber": ["Acme", None],
                    "customFields": [{"zone": "south"}, {}],
                },
            ),
            (
                "addresses",
                "HQ",
                "deleted",
                {key: [value, None] for key, value in moved.items() if key != "addressExternalId"},
            ),
        ]


def test_custom_fields_are_read_by_their_definitions(session: Session) -> None:
    define(session, "zone", type="LIST_TEXT", options=["north", "south"], multi=True, required=True)
    define(session, "note", localisable=True)
    define(session, "weight", type="METRIC", unit="kg")
    supplier = {"name": "Acme"}
    assert faults(session, "SUPPLIER", "S-1", **supplier) == {"customFields.zone"}
    wrong = {"zone": "east", "note": {"french": "x"}, "weight": "1 lb"}
    paths = {"customFields.zone", "customFields.note", "customFields.weight"}
    assert faults(session, "SUPPLIER", "S-1", wrong, **supplier) == paths
    given = {"zone": ["south", "north"], "note": {"fr-FR": "bonjour"}, "weight": 12}
    record, _ = put(session, "SUPPLIER", "S-1", given, **supplier)
    assert record.custom_fields == {"zone": ["south", "north"], "note": {"fr-FR": "bonjour"}, "weight": "12"}
    record, _ = put(session, "SUPPLIER", "S-1", {"note": "hello"}, **supplier)
    assert record.custom_fields["note"] == {"fr-FR": "bonjour", "en-GB": "hello"}


def test_a_custom_field_that_nobody_defined_for_the_entity_is_refused_even_when_empty(session: Session) -> None:
    define(session, "zone")
    define(session, "colour", entity="ACCOUNT")
    for given in ({"colour": "red"}, {"colour": None}, {"Zone": "north"}, {"CF_zone": "north"}):
        (unknown,) = given
        assert faults(session, "SUPPLIER", "S-1", given | {"zone": "north"}, name="Acme") == {f"customFields.{unknown}"}
    assert record_reads.find(session, "SUPPLIER").items == []
    assert faults(session, "STORE", "S-1", {"zone": "north"}, **STORE) == {"customFields"}


def define(session: Session, external_id: str, **more: Any) -> None:
    now = database_now(session)
    given = {"public_id": external_id, "entity": "SUPPLIER", "name": external_id, "type": "TEXT"}
    session.add(CustomField(external_id=external_id, **(given | {"created_at": now, "updated_at": now} | more)))
    session.flush()


def test_a_supplier_that_live_offers_refer_to_is_not_deleted(session: Session) -> None:
    offer = make_offer(session)
    with pytest.raises(ConflictError, match="SUP-1: It cannot be deleted: offers still refer to it"):
        put(session, "SUPPLIER", "SUP-1", deleted=True)
    assert offer.supplier.deleted_at is None
    offer.deleted_at = database_now(session)
    session.flush()
    put(session, "SUPPLIER", "SUP-1", deleted=True)
    assert record_reads.get(session, "SUPPLIER", "SUP-1").deleted_at is not None
