"""What Full mode would clear is told before it does, and is what a run clears then."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.entities import ENTITIES
from datahub.formats.delimited import Limits
from datahub.jobs import custom_fields
from datahub.jobs.custom_fields import Definition
from datahub.jobs.import_jobs import Configuration
from datahub.jobs.import_preview import preview
from datahub.jobs.import_sample import Sample
from datahub.jobs.rows.full_mode import Effect
from datahub.models.catalogue import Product, Variant
from datahub.models.custom_field import CustomField
from datahub.models.party import Supplier
from datahub.models.setting import GeneralSettings
from tests import catalogue
from tests.datahub.jobs.rows.order_sheet import line, order_of, shop
from tests.importer import Importer, product

__all__ = ["shop"]

Sessions = sessionmaker[Session]


def foretold(sessions: Sessions, entity: str, *rows: dict[str, str], full_mode: bool = True) -> Effect | None:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    given = Configuration(name="", connection_id="", delimiter=",", import_full_mode=full_mode)
    sample = Sample("a.csv", text.getvalue().encode())
    with sessions() as session:
        seen = preview(session, given, entity=ENTITIES[entity], sample=sample, limits=Limits())
    assert not seen.reading.problem, seen.reading.problem
    return seen.reading.cleared


def stored(sessions: Sessions, model: Any, column: str) -> list[Any]:
    with sessions() as session:
        return list(session.scalars(select(getattr(model, column)).order_by(model.external_id)))


def supplier(key: str, **more: str) -> dict[str, str]:
    return {"externalId": key, "name": f"Supplier {key}"} | more


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("named", ["orderReference", "orderExternalId"])
def test_what_orders_lose_is_foretold_by_whichever_name_rows_use(
    load: Importer, sessions: Sessions, named: str
) -> None:
    with sessions.begin() as session:
        for name in ("note", "carrier"):
            custom_fields.create(session, Definition(entity="ORDER", external_id=name, name=name.title(), type="TEXT"))
    load("ORDER", line("E-1", "1", CF_note="a", CF_carrier="b"))
    with sessions() as session:
        order = order_of(session, "E-1")
        names = {"orderReference": order.reference, "orderExternalId": "E-1"}
    assert foretold(sessions, "ORDER", {named: names[named], "CF_note": "a", "CF_carrier": ""}) == Effect(1, 1)


@pytest.fixture
def suppliers(load: Importer, sessions: Sessions) -> Importer:
    """Three suppliers, each with a zone, a code and a note; the note is in two languages."""
    with sessions.begin() as session:
        now = database_now(session)
        for name in ("zone", "code", "note"):
            stamps = {"public_id": name, "created_at": now, "updated_at": now}
            more = {"entity": "SUPPLIER", "name": name, "type": "TEXT", "localisable": name == "note"}
            session.add(CustomField(external_id=name, **stamps, **more))
    full = {"CF_zone": "north", "CF_code": "7", "CF_note": "hello", "CF_note[fr-FR]": "bonjour"}
    load("SUPPLIER", *(supplier(f"S-{number}") | full for number in range(1, 4)))
    return load


def test_without_full_mode_nothing_is_foretold(suppliers: Importer, sessions: Sessions) -> None:
    assert foretold(sessions, "SUPPLIER", supplier("S-1"), full_mode=False) is None


def test_each_value_that_goes_is_counted_and_each_record_once(suppliers: Importer, sessions: Sessions) -> None:
    rows = [
        supplier("S-1", CF_zone="", CF_code="8"),
        supplier("S-2", CF_zone="south", CF_code="7"),
        supplier("S-9", CF_zone="", CF_code=""),
    ]
    # The zone of one; the notes, which have no column, of two, each in two languages.
    assert foretold(sessions, "SUPPLIER", *rows) == Effect(values=5, records=2)
    suppliers("SUPPLIER", *rows, clears=True)
    assert stored(sessions, Supplier, "custom_fields")[:3] == [
        {"code": "8"},
        {"zone": "south", "code": "7"},
        {"zone": "north", "code": "7", "note": {"en-GB": "hello", "fr-FR": "bonjour"}},
    ]
    assert foretold(sessions, "SUPPLIER", *rows) == Effect(values=0, records=0)


def test_of_a_language_without_a_column_nothing_goes(suppliers: Importer, sessions: Sessions) -> None:
    with sessions.begin() as session:
        session.get_one(GeneralSettings, 1).locales = ["en-GB", "fr-FR"]
    row = supplier("S-1", CF_zone="north", CF_code="7") | {"CF_note[fr-FR]": ""}
    assert foretold(sessions, "SUPPLIER", row) == Effect(values=1, records=1)


def test_rejected_rows_and_deleted_records_lose_nothing(suppliers: Importer, sessions: Sessions) -> None:
    unreadable = [supplier("S-1", supplierRating="good"), supplier("S-1", supplierRating="1")]
    assert foretold(sessions, "SUPPLIER", *unreadable) == Effect(0, 0)
    assert foretold(sessions, "SUPPLIER", supplier("S-1", deleted="true")) == Effect(0, 0)


def test_what_is_required_is_not_cleared(suppliers: Importer, sessions: Sessions) -> None:
    with sessions.begin() as session:
        session.scalars(select(CustomField).where(CustomField.external_id == "zone")).one().required = True
    assert foretold(sessions, "SUPPLIER", supplier("S-1", CF_zone="")) == Effect(0, 0)


def test_attributes_of_products_and_their_variants_are_counted(load: Importer, sessions: Sessions) -> None:
    with sessions.begin() as session:
        tools = catalogue.make_category(session, "TOOLS")
        for name, for_variant in (("material", False), ("weight", False), ("size", True)):
            attribute = catalogue.make_attribute(session, name, type="NUMBER")
            catalogue.link_attribute(session, tools, attribute, for_variant=for_variant)
    given = {"attribute-material": "1", "attribute-weight": "2", "attribute-size": "3"}
    load("PRODUCT", product("P-1", "V-1") | given, product("P-1", "V-2") | given)
    rows = [product("P-1", "V-1") | {"attribute-material": "1", "attribute-size": ""}]
    assert foretold(sessions, "PRODUCT", *rows) == Effect(values=2, records=1)
    load("PRODUCT", *rows, clears=True)
    assert stored(sessions, Product, "attributes") == [{"material": "1"}]
    assert stored(sessions, Variant, "attributes") == [{}, {"size": "3"}]
