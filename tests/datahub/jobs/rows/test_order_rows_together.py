"""Rows of one order stand and fall together, whatever is wrong with one of them and whichever name they use."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.jobs import custom_fields
from datahub.jobs.custom_fields import Definition
from datahub.models.execution import EXPORT, SUCCESS, Execution
from datahub.models.offer import Price
from datahub.models.order import Order
from datahub.vault import Vault
from tests.datahub.jobs.rows.order_sheet import line, order_of, shop
from tests.datahub.jobs.rows.test_order_edits import made
from tests.factories import add_connection, make_job
from tests.importer import Importer, causes, counts

__all__ = ["shop"]

pytestmark = pytest.mark.usefixtures("shop")
Sessions = sessionmaker[Session]
HEADER = (
    "orderExternalId,orderLineExternalId,accountExternalId,supplierExternalId,offerPriceExternalId,orderLineQuantity"
)
BAD = {
    "too many cells": "E-1,2,ACC-1,SUP-1,PRICE,5,oops",
    "a NUL": "E-1,2,ACC-1,SUP-1,PRI\0CE,5",
    "a cell over the limit": f"E-1,2,ACC-1,SUP-1,{'x' * 2_000_000},5",
}


def exporting(sessions: Sessions, vault: Vault, status: str, **more: bool) -> None:
    with sessions.begin() as session:
        make_job(session, add_connection(session, vault), trigger_statuses=[status], **more)


def exports(sessions: Sessions) -> int:
    with sessions() as session:
        return len(session.scalars(select(Execution).where(Execution.kind == EXPORT)).all())


@pytest.mark.parametrize("bad", BAD)
def test_a_row_that_cannot_be_read_costs_its_order_and_nothing_is_exported(
    load: Importer, sessions: Sessions, vault: Vault, tmp_path: Path, bad: str
) -> None:
    exporting(sessions, vault, "DRAFT_ORDER_ON_HOLD")
    file = tmp_path / "orders.csv"
    file.write_text("\n".join((HEADER, "E-1,1,ACC-1,SUP-1,PRICE,5", BAD[bad], "E-2,1,ACC-1,SUP-1,PRICE,5", "")))
    done = load.file("ORDER", file)
    assert counts(done) == {"created": 1, "rejected": 2}
    with sessions() as session:
        assert session.scalars(select(Order.external_id)).all() == ["E-2"]
    assert exports(sessions) == 1


@pytest.mark.parametrize("is_first", [True, False])
def test_two_rows_that_give_one_line_two_names_cost_their_order_alone(
    load: Importer, sessions: Sessions, is_first: bool
) -> None:
    it = made(sessions)
    reference = it["orderReference"]
    other = {"orderReference": reference, "orderLineExternalId": "A", "orderLineQuantity": "5"}
    rows = [it | {"orderLineExternalId": "A"}, other | {"offerPriceExternalId": "PRICE"}]
    done = load("ORDER_UPDATE", *(rows if is_first else rows[::-1]))
    assert counts(done) == {"rejected": 2}
    assert "not_unique" in {code for _, code, _ in causes(done)}
    with sessions() as session:
        (order,) = session.scalars(select(Order))
        assert [it.external_id for it in order.lines if it.external_id] == []


def test_rows_that_give_an_order_its_external_id_and_rows_that_use_it_are_of_one_order(
    load: Importer, sessions: Sessions
) -> None:
    it = made(sessions)
    done = load("ORDER", it | {"orderExternalId": "E-9"}, line("E-9", "7", offerPriceExternalId="PRICE"))
    assert causes(done) == []
    with sessions() as session:
        (order,) = session.scalars(select(Order))
        assert (order.reference, order.external_id) == (it["orderReference"], "E-9")


def test_a_changed_address_of_the_parcel_exports_an_order_on_hold_again(
    load: Importer, sessions: Sessions, vault: Vault
) -> None:
    exporting(sessions, vault, "DRAFT_ORDER_ON_HOLD", reexport_on_hold=True)
    load("ORDER", line("E-1", "1"))
    with sessions.begin() as session:
        for execution in session.scalars(select(Execution).where(Execution.kind == EXPORT)):
            execution.status = SUCCESS
        reference = order_of(session, "E-1").reference
    row = {"reference": reference, "status": "DRAFT_ORDER_ON_HOLD", "shippingTrackingUrl": "https://parcels.example/1"}
    assert counts(load("ORDER_STATUS", row)) == {"updated": 1}
    assert exports(sessions) == 2
    assert counts(load("ORDER_STATUS", row)) == {"unchanged": 1}
    assert exports(sessions) == 2


def test_an_offer_that_is_in_another_currency_by_now_prices_no_line(load: Importer, sessions: Sessions) -> None:
    bought = line("E-1", "1", offerPriceExternalId="PRICE")
    load("ORDER", bought)
    with sessions.begin() as session:
        price = session.scalars(select(Price).where(Price.external_id == "PRICE")).one()
        price.currency, price.price, price.ranges = "JPY", Decimal(1500), []
        total = order_of(session, "E-1").total_order_price
    done = load("ORDER", bought | {"orderLineQuantity": "2"})
    assert causes(done) == [(2, "mixed_currencies", "offerPriceExternalId")]
    with sessions() as session:
        assert order_of(session, "E-1").total_order_price == total


def test_an_equal_custom_field_that_was_stored_under_another_type_is_no_change(
    load: Importer, sessions: Sessions
) -> None:
    with sessions.begin() as session:
        custom_fields.create(session, Definition(entity="ORDER", external_id="note", name="Remark", type="LONG_TEXT"))
    it = made(sessions, status="SHIPPED", custom_fields={"note": {"type": "TEXT", "value": "n"}})
    row = {"orderReference": it["orderReference"], "CF_note": "n", "orderStatus": "COMPLETED"}
    assert counts(load("ORDER_UPDATE", row)) == {"updated": 1}
    assert causes(load("ORDER_UPDATE", row | {"CF_note": "other"})) == [(2, "not_editable", "CF_note")]


def test_a_customer_of_whom_an_order_says_nothing_is_no_contradiction(load: Importer, sessions: Sessions) -> None:
    it = made(sessions)
    done = load("ORDER_UPDATE", it | {"customerExternalId": "U-1", "orderLineQuantity": "4"})
    assert "customerExternalId" not in {field for _, _, field in causes(done)}
