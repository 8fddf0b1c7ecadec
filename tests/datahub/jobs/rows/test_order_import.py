"""Orders by import: made through the same functions as those of the API, and moved with the exports that these fire."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub import crash_points
from datahub.db import database_now
from datahub.jobs import custom_fields, import_run, orders
from datahub.jobs.context import Context
from datahub.jobs.custom_fields import Definition
from datahub.models.change import Change
from datahub.models.execution import EXPORT, Execution
from datahub.models.import_run import ImportRun
from datahub.models.order import Order, OrderSnapshot
from datahub.models.party import Store
from datahub.orders.snapshot import build_document
from datahub.vault import Vault
from tests.datahub.jobs.rows.order_sheet import ADDRESS, line, order_of, shop
from tests.datahub.jobs.test_import_run import Start, importing, look, start, take_back
from tests.factories import add_connection, make_job, make_order
from tests.importer import Importer, causes, counts
from tests.killed import Killed, at, die

__all__ = ["importing", "shop", "start"]
Sessions = sessionmaker[Session]
pytestmark = pytest.mark.usefixtures("shop")


def exports(sessions: Sessions) -> list[str | None]:
    with sessions() as session:
        return list(session.scalars(select(Execution.trigger_status).where(Execution.kind == EXPORT)))


def test_a_new_order_is_made_of_its_rows_with_the_amounts_of_all_lines(load: Importer, sessions: Sessions) -> None:
    done = load(
        "ORDER",
        line("E-1", "1", offerPriceExternalId="PRICE", orderLineQuantity="12", taxAmount="1.8"),
        line("E-1", "2", variantExternalId="P-2-V1", netUnitPrice="3.49", taxAmount="0.698", grossUnitPrice="4"),
        chunk_rows=1,
    )
    assert (causes(done), counts(done), done.warnings) == ([], {"created": 2}, [])
    with sessions() as session:
        order = order_of(session, "E-1")
        document = build_document(order)
        first, second = document["lines"]
        assert order.reference.count("-") == 3 and order.reference == f"{order.commercial_reference}-1"
        assert (order.is_external, order.status, order.store.external_id) == (
            True,
            "DRAFT_ORDER_ON_HOLD",
            "default_store",
        )
        assert [(it.external_id, it.gross_unit_price) for it in order.lines] == [("1", None), ("2", Decimal(4))]
    amounts = first["orderLogisticLinePriceDto"]
    # 9.00 from twelve on, and 20 % of it: per unit 1.80, per line 21.60.
    assert (amounts["price"], amounts["itemPriceWithoutTaxes"], amounts["taxRate"]) == ("9.0", "9.0", "20.0")
    assert (amounts["totalItemPrice"], amounts["totalTaxes"], amounts["totalPriceWithTaxes"]) == (
        "108.0",
        "21.6",
        "129.6",
    )
    told = ("externalOfferId", "type", "typeValue", "currency", "itemPerPack", "packingType")
    assert [amounts[name] for name in told] == ["PRICE", "ACCOUNT", "ACC-1", "EUR", 6, "BOX"]
    assert first["orderLogisticLineProductDto"] == {
        "name": "Product P-1",
        "externalId": "P-1",
        "classificationCategory": "Tools",
        "brand": "Own",
    }
    other = second["orderLogisticLinePriceDto"]
    assert (other["taxRate"], other["taxAmount"], other["priceWithTaxes"]) == ("20.0", "0.698", "4.19")
    totals = document["orderLogisticPrices"]
    assert (totals["totalOrderPrice"], totals["totalTaxAmount"], totals["totalItemPrice"]) == (
        "133.79",
        "22.3",
        "111.49",
    )


def test_an_order_takes_its_parties_and_addresses_as_orders_of_the_api_do(load: Importer, sessions: Sessions) -> None:
    load("ORDER", line("E-1", "1"), line("E-2", "1", customerExternalId="U-2", **ADDRESS))
    with sessions() as session:
        own, given = build_document(order_of(session, "E-1")), build_document(order_of(session, "E-2"))
    assert own["supplierSnapshot"]["name"] == "SUP-1"
    assert own["customerUserSnapshot"]["accountName"] == "ACC-1"
    assert (own["customerUserSnapshot"]["email"], given["customerUserSnapshot"]["email"]) == (
        "u-1@example.com",
        "u-2@example.com",
    )
    assert "customerExternalId" not in own["customerUserSnapshot"]
    assert (own["shippingAddressSnapshot"]["externalId"], own["billingAddressSnapshot"]["externalId"]) == ("A-2", "A-3")
    assert given["billingAddressSnapshot"]["externalId"] == "A-3"
    shipped = given["shippingAddressSnapshot"]
    assert (shipped["externalId"], shipped["fullName"], shipped["address"]) == (None, "Ada", "1 High Street")


def test_being_made_in_a_status_reaches_it_once_after_the_last_row(
    load: Importer, sessions: Sessions, vault: Vault
) -> None:
    with sessions.begin() as session:
        make_job(session, add_connection(session, vault), trigger_statuses=["SHIPPED", "COMPLETED"])
    rows = [line("E-1", str(number), orderStatus="SHIPPED") for number in range(3)]
    assert counts(load("ORDER", *rows, chunk_rows=1)) == {"created": 3}
    assert exports(sessions) == ["SHIPPED"]
    assert counts(load("ORDER", *rows)) == {"unchanged": 3}
    done = load("ORDER", line("E-1", "1", orderStatus="COMPLETED"), line("E-1", "2"))
    assert counts(done) == {"updated": 1, "unchanged": 1}
    assert exports(sessions) == ["SHIPPED", "COMPLETED"]
    with sessions() as session:
        snapshots = session.scalars(select(OrderSnapshot).order_by(OrderSnapshot.id)).all()
        assert [len(snapshot.document["lines"]) for snapshot in snapshots] == [3, 3]


NEW = line("E-1", "1")
BAD_NEW: list[tuple[dict[str, str], str, str]] = [
    ({"accountExternalId": ""}, "required", "accountExternalId"),
    ({"supplierExternalId": ""}, "required", "supplierExternalId"),
    ({"accountExternalId": "none"}, "unknown_reference", "accountExternalId"),
    ({"supplierExternalId": "GONE"}, "unknown_reference", "supplierExternalId"),
    ({"accountExternalId": "ACC-2"}, "required", "shippingAddressFullName"),
    ({"customerExternalId": "U-0"}, "unknown_reference", "customerExternalId"),
    ({"accountExternalId": "ACC-3", **ADDRESS}, "required", "customerExternalId"),
    ({"shippingAddressCity": "Lyon"}, "required", "shippingAddressFullName"),
    ({"orderStatus": "CREATING"}, "illegal_move", "orderStatus"),
    ({"orderStatus": "SOLD"}, "malformed", "orderStatus"),
    ({"orderLineQuantity": ""}, "required", "orderLineQuantity"),
    ({"orderLineQuantity": "0"}, "malformed", "orderLineQuantity"),
    ({"orderLineExternalId": ""}, "required", "orderLineExternalId"),
    ({"orderLineId": "77"}, "unknown_key", "orderLineId"),
    ({"netUnitPrice": ""}, "required", "netUnitPrice"),
    ({"variantExternalId": ""}, "required", "variantExternalId"),
    ({"variantExternalId": "none"}, "unknown_reference", "variantExternalId"),
    ({"offerPriceExternalId": "none"}, "unknown_reference", "offerPriceExternalId"),
    ({"offerPriceExternalId": "OTHER"}, "contradicts_offer", "offerPriceExternalId"),
    ({"offerPriceExternalId": "PRICE"}, "contradicts_offer", "variantExternalId"),
    ({"classificationExternalId": "none"}, "unknown_reference", "classificationExternalId"),
    ({"netUnitPrice": "999999999999", "orderLineQuantity": "2"}, "malformed", "orderLineQuantity"),
    ({"orderReference": "100-200-3000000-1"}, "unknown_key", "orderReference"),
    ({"markOrderLineForDeletion": "TRUE"}, "required", "orderLineExternalId"),
]


def test_what_a_new_order_lacks_or_has_wrong_is_told_by_its_code(load: Importer, sessions: Sessions) -> None:
    rows = [NEW | {"orderExternalId": f"E-{number:02}"} | change for number, (change, *_) in enumerate(BAD_NEW)]
    expected = [(number, code, field) for number, (_, code, field) in enumerate(BAD_NEW, start=2)]
    assert sorted(causes(load("ORDER", *rows))) == expected
    with sessions() as session:
        assert session.scalars(select(Order)).all() == []


def test_one_bad_row_costs_all_of_its_order_and_nothing_else(load: Importer, sessions: Sessions) -> None:
    bad = line("E-1", "2", orderLineQuantity="x")
    done = load("ORDER", line("E-1", "1"), bad, line("E-2", "1"), line("E-1", "3"))
    found = {number: code for number, code, _ in causes(done)}
    assert found == {2: "other_row_invalid", 3: "malformed", 5: "other_row_invalid"}
    with sessions() as session:
        assert [order.external_id for order in session.scalars(select(Order))] == ["E-2"]


def test_rows_that_say_different_things_of_an_order_reject_it(load: Importer) -> None:
    done = load("ORDER", line("E-1", "1", orderStatus="CREATED"), line("E-1", "2", orderStatus="SHIPPED"))
    assert causes(done) == [(2, "other_row_invalid", ""), (3, "conflicting_rows", "orderStatus")]
    alike = [line("E-1", "1", orderStatus="CREATED"), line("E-1", "2", orderStatus="ORDER_CREATED"), line("E-1", "3")]
    assert counts(load("ORDER", *alike)) == {"created": 3}


def test_of_rows_that_name_the_same_line_the_last_one_counts_with_a_warning(load: Importer, sessions: Sessions) -> None:
    rows = [line("E-1", "1", orderLineQuantity=quantity) for quantity in ("2", "5")]
    done = load("ORDER", *rows)
    assert counts(done) == {"created": 1, "unchanged": 1}
    assert [(warned.row.line, warned.code) for warned in done.warnings] == [(2, "superseded")]
    with sessions() as session:
        number = order_of(session, "E-1").lines[0].number
        assert order_of(session, "E-1").lines[0].quantity == 5
    done = load(
        "ORDER", line("E-1", "1", orderLineQuantity="6"), line("E-1", "", orderLineId=number, orderLineQuantity="5")
    )
    assert (counts(done), [warned.code for warned in done.warnings]) == ({"unchanged": 2}, ["superseded"])


def test_offers_in_two_currencies_make_no_order(load: Importer) -> None:
    dollars = line("E-1", "2", offerPriceExternalId="DOLLARS", variantExternalId="")
    euros = line("E-1", "1", offerPriceExternalId="PRICE", variantExternalId="")
    assert (3, "mixed_currencies", "offerPriceExternalId") in causes(load("ORDER", euros, dollars))
    assert counts(load("ORDER", euros)) == {"created": 1}
    assert causes(load("ORDER", dollars)) == [(2, "mixed_currencies", "offerPriceExternalId")]


def test_custom_fields_of_orders_and_lines_are_told_apart(load: Importer, sessions: Sessions) -> None:
    with sessions.begin() as session:
        for entity, name in (("ORDER", "due"), ("ORDER_LINE", "note"), ("ORDER", "both"), ("ORDER_LINE", "both")):
            kind = "DATE" if name == "due" else "TEXT"
            given = Definition(entity=entity, external_id=name, name=name.title(), type=kind, required=name != "both")
            custom_fields.create(session, given)
    assert causes(load("ORDER", NEW | {"CF_due": "01/02/2026"})) == [(2, "required", "CF_note")]
    assert causes(load("ORDER", NEW | {"CF_note": "n"})) == [(2, "required", "CF_due")]
    full = NEW | {"CF_due": "01/02/2026", "CF_note": "n", "CF_both": "b"}
    assert counts(load("ORDER", full)) == {"created": 1}

    def kept() -> list[dict[str, Any]]:
        with sessions() as session:
            order = order_of(session, "E-1")
            return [order.custom_fields, order.lines[0].custom_fields]

    due, note, both = {"type": "DATE", "value": "2026-02-01"}, *({"type": "TEXT", "value": it} for it in "nb")
    assert kept() == [{"due": due, "both": both}, {"note": note, "both": both}]
    assert counts(load("ORDER", NEW)) == {"unchanged": 1}
    assert counts(load("ORDER", full | {"CF_both": ""}, clears=True)) == {"updated": 1}
    assert kept() == [{"due": due}, {"note": note}]
    assert causes(load("ORDER", NEW | {"CF_due": ""}, clears=True)) == [(2, "required", "CF_due")]
    assert causes(load("ORDER", full, full | {"orderLineExternalId": "2", "CF_due": "02/02/2026"}))[1:] == [
        (3, "conflicting_rows", "CF_due")
    ]


def test_the_history_of_an_order_tells_execution_file_and_line(load: Importer, sessions: Sessions) -> None:
    load("ORDER", line("E-1", "1"), line("E-1", "2"))
    load("ORDER", line("E-1", "1"), line("E-1", "2", orderLineQuantity="3", orderStatus="CREATED", **ADDRESS))
    with sessions() as session:
        order = order_of(session, "E-1")
        numbers = [it.number for it in order.lines]
        found = session.scalars(select(Change).where(Change.record_key == order.reference).order_by(Change.id)).all()
    told = [(it.execution_id, it.part, it.part_key, it.action, it.file, it.line) for it in found]
    assert told == [
        (1, "", "", "created", "file.csv", 2),
        (1, "orderLines", numbers[0], "created", "file.csv", 2),
        (1, "orderLines", numbers[1], "created", "file.csv", 3),
        (2, "", "", "updated", "file.csv", 3),
        (2, "orderLines", numbers[1], "updated", "file.csv", 3),
        (2, "", "", "updated", "file.csv", 3),
    ]
    assert found[3].changes is not None and found[3].changes["shippingAddressCity"] == ["Paris", "Leeds"]
    assert found[4].changes == {"orderLineQuantity": [1, 3]}
    assert found[5].changes == {"orderStatus": ["DRAFT_ORDER_ON_HOLD", "ORDER_CREATED"]}


@pytest.mark.parametrize("point", [crash_points.INSIDE_CHUNK, crash_points.BETWEEN_CHUNKS])
def test_a_worker_that_dies_writes_no_order_twice_and_the_store_of_the_job_is_theirs(
    importing: Context,
    start: Start,
    folder: Path,
    sessions: Sessions,
    vault: Vault,
    monkeypatch: pytest.MonkeyPatch,
    point: str,
) -> None:
    with sessions.begin() as session:
        now = database_now(session)
        session.add(Store(external_id="NORTH", name="North", created_at=now, updated_at=now))
        make_job(session, add_connection(session, vault), trigger_statuses=["ORDER_CREATED"])
    rows = [line(key, number, orderStatus="CREATED") for key in ("E-1", "E-2") for number in ("1", "2")]
    lines = [";".join(rows[0]), *(";".join(row.values()) for row in rows)]
    (folder / "orders.csv").write_text("\n".join(lines))
    importing = dataclasses.replace(importing, settings=dataclasses.replace(importing.settings, chunk_rows=2))
    number = start(entity="ORDER", file_path="out/orders.csv", store_external_ids=["NORTH"])
    with monkeypatch.context() as patch:
        patch.setattr("datahub.crash_points.reach", at(point, die))
        with pytest.raises(Killed):
            import_run.run(importing, number, 1)
    take_back(importing)
    # Another worker reads the file afresh.
    for path in Path(importing.settings.spool_folder).glob("*.spool"):
        path.unlink()
    import_run.run(importing, number, 3)
    _, counted, _ = look(importing.sessions, number)
    assert counted == {"created": 4}
    with sessions() as session:
        assert session.scalars(select(ImportRun.rows_done)).all() == [4]
    assert exports(sessions) == ["ORDER_CREATED", "ORDER_CREATED"]
    with sessions() as session:
        found = session.scalars(select(Order).order_by(Order.external_id)).all()
        assert [(it.external_id, len(it.lines), it.store.external_id) for it in found] == [
            ("E-1", 2, "NORTH"),
            ("E-2", 2, "NORTH"),
        ]


def test_the_name_of_an_order_of_the_api_is_not_taken_twice(load: Importer, sessions: Sessions) -> None:
    with sessions.begin() as session:
        one, other = make_order(session, external_id="ERP-1"), make_order(session)
        reference, moved = other.reference, one.reference
    assert causes(load("ORDER_UPDATE", {"orderReference": reference, "orderExternalId": "ERP-1"})) == [
        (2, "not_unique", "orderExternalId")
    ]
    assert counts(load("ORDER", {"orderExternalId": "ERP-1", "orderStatus": "SHIPPED"})) == {"updated": 1}
    with sessions() as session:
        assert orders.get(session, moved).status == "SHIPPED"
