"""What imports may change of orders, by who made them and by the status that they are in."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.jobs import custom_fields, incidents, orders
from datahub.jobs.custom_fields import Definition
from datahub.models.change import Change
from datahub.models.execution import EXPORT, Execution
from datahub.models.order import Order
from datahub.vault import Vault
from tests.datahub.jobs.rows.order_sheet import ADDRESS, line, order_of, shop
from tests.factories import add_connection, make_account, make_job, make_order, make_supplier
from tests.importer import Importer, causes, counts

__all__ = ["shop"]
Sessions = sessionmaker[Session]
pytestmark = pytest.mark.usefixtures("shop")
Change_ = tuple[dict[str, str], str]


def made(sessions: Sessions, **more: Any) -> dict[str, str]:
    """An order of the API with one line: how a row names both."""
    with sessions.begin() as session:
        parties = {"account": make_account(session, "ACC-1"), "supplier": make_supplier(session, "SUP-1")}
        order = make_order(session, **parties | more)
        return {"orderReference": order.reference, "orderLineId": order.lines[0].number}


def all_of(sessions: Sessions, reference: str) -> Order:
    with sessions() as session:
        order = orders.get(session, reference)
        assert (order.lines, order.addresses, order.supplier, order.account) is not None
        return order


def test_lines_are_added_changed_and_taken_away_and_the_amounts_follow(load: Importer, sessions: Sessions) -> None:
    load("ORDER", line("E-1", "1", taxAmount="1"), line("E-1", "2"))
    changed = line("E-1", "1", netUnitPrice="2.5", orderLineQuantity="4", taxAmount="0.5", variantName="Blade")
    gone, more = line("E-1", "2", markOrderLineForDeletion="TRUE"), line("E-1", "3", offerPriceExternalId="PRICE")
    rows = changed | {"classificationExternalId": "SAWS", "variantDescription": "Sharp", "grossUnitPrice": "3"}, gone
    done = load("ORDER", *rows, more, line("E-1", "9", markOrderLineForDeletion="TRUE"))
    assert (causes(done), counts(done)) == ([], {"updated": 1, "deleted": 1, "created": 1, "unchanged": 1})
    assert [(warned.row.line, warned.code) for warned in done.warnings] == [(5, "unknown_key")]
    with sessions() as session:
        order = order_of(session, "E-1")
        first, third = order.lines
        assert (first.tax_rate, first.total_item_price, first.total_item_tax_amount) == (20, 10, 2)
        assert (first.variant["name"], first.variant["description"], first.gross_unit_price) == ("Blade", "Sharp", 3)
        assert first.product["classificationCategory"] == "Saws"
        assert (third.external_id, third.price, third.currency) == ("3", 10, "EUR")
        assert (order.total_order_price, order.total_tax_amount) == (22, 2)
        removed = session.scalars(select(Change).where(Change.action == "deleted")).one()
        assert removed.changes is not None and removed.changes["orderLineQuantity"] == [1, None]
    assert counts(load("ORDER", rows[0], more)) == {"unchanged": 2}
    none_left = [it | {"markOrderLineForDeletion": "TRUE"} for it in (changed, more)]
    assert {code for _, code, _ in causes(load("ORDER", *none_left))} == {"last_line", "other_row_invalid"}


def test_a_row_with_an_offer_and_no_price_gets_that_of_its_new_quantity(load: Importer, sessions: Sessions) -> None:
    for quantity, price in (("1", 10), ("12", 9), ("12", 9), ("99", 9), ("100", 8)):
        load("ORDER", line("E-1", "1", offerPriceExternalId="PRICE", orderLineQuantity=quantity, taxAmount="1"))
        with sessions() as session:
            (bought,) = order_of(session, "E-1").lines
            assert (bought.quantity, bought.price, bought.total_item_price) == (
                int(quantity),
                price,
                price * bought.quantity,
            )


REFUSED: dict[str, list[Change_]] = {
    "external": [
        ({"accountExternalId": "ACC-2"}, "accountExternalId"),
        ({"supplierExternalId": "SUP-2"}, "supplierExternalId"),
        ({"customerExternalId": "U-2"}, "customerExternalId"),
        ({"variantExternalId": "P-1-V1"}, "variantExternalId"),
    ],
    "internal": [
        ({"accountExternalId": "ACC-2"}, "accountExternalId"),
        ({"netUnitPrice": "5"}, "netUnitPrice"),
        ({"taxAmount": "5"}, "taxAmount"),
        ({"classificationExternalId": "SAWS"}, "classificationExternalId"),
        ({"variantName": "Blade"}, "variantName"),
        ({"variantDescription": "Sharp"}, "variantDescription"),
    ],
}


def test_what_never_changes_is_refused_and_told_with_old_and_new(load: Importer, sessions: Sessions) -> None:
    load("ORDER", line("E-1", "1"))
    inside = made(sessions)
    for entity, row, cases in (
        ("ORDER", line("E-1", "1"), REFUSED["external"]),
        ("ORDER", inside, REFUSED["internal"]),
        ("ORDER_UPDATE", inside, REFUSED["internal"]),
    ):
        for change, field in cases:
            done = load(entity, row | change)
            assert causes(done) == [(2, "not_editable", field)], change
            assert change[field] in done.rejected[0][1][0]["message"]
    with sessions() as session:
        reference = order_of(session, "E-1").reference
    done = load("ORDER", {"orderReference": reference, "orderExternalId": "E-2"})
    assert causes(done) == [(2, "not_editable", "orderExternalId")]
    assert "It is E-1, and the row says E-2." in done.rejected[0][1][0]["message"]


def test_orders_of_the_api_take_quantities_gross_prices_addresses_and_names(load: Importer, sessions: Sessions) -> None:
    row = made(sessions) | {"orderLineQuantity": "3", "grossUnitPrice": "150", "netUnitPrice": "100"} | ADDRESS
    named = row | {"orderExternalId": "ERP-1", "orderLineExternalId": "L-1", "accountExternalId": "ACC-1"}
    new = {"orderReference": row["orderReference"], "orderLineExternalId": "L-2", "offerPriceExternalId": "PRICE"}
    done = load("ORDER_UPDATE", named, new | {"orderLineQuantity": "12", "orderLineStatus": "SHIPPED"})
    assert (causes(done), counts(done)) == ([], {"updated": 1, "created": 1})
    order = all_of(sessions, row["orderReference"])
    assert (order.external_id, order.is_external, order.total_item_price, order.total_tax_amount) == (
        "ERP-1",
        False,
        408,
        60,
    )
    told = [(it.external_id, it.quantity, it.gross_unit_price, it.status) for it in order.lines]
    assert told == [("L-1", 3, Decimal(150), None), ("L-2", 12, None, "SHIPPED")]
    assert [it.city for it in order.addresses if it.kind == "SHIPPING"] == ["Leeds"]
    assert counts(load("ORDER_UPDATE", named)) == {"unchanged": 1}
    other = {"orderExternalId": "ERP-1", "orderLineExternalId": "L-1", "orderLineQuantity": "1"}
    assert counts(load("ORDER_UPDATE", other)) == {"updated": 1}
    assert causes(load("ORDER_UPDATE", other | {"orderLineExternalId": "L-2", "orderLineId": row["orderLineId"]})) == [
        (2, "not_editable", "orderLineExternalId")
    ]


def test_an_update_makes_no_order_and_leaves_external_ones_alone(load: Importer, sessions: Sessions) -> None:
    load("ORDER", line("E-1", "1"))
    done = load("ORDER_UPDATE", line("E-2", "1"), line("E-1", "1"))
    assert sorted(causes(done)) == [(2, "unknown_key", "orderExternalId"), (3, "external_order", "orderExternalId")]
    with sessions() as session:
        (order,) = session.scalars(select(Order)).all()
    by_reference = {"orderReference": order.reference, "orderStatus": "SHIPPED"}
    done.add(load("ORDER_UPDATE", by_reference, by_reference | {"orderReference": "999-9"}))
    told = {(faults[0]["code"], faults[0]["field"], faults[0]["value"]) for _, faults in done.rejected}
    assert told == {
        ("unknown_key", "orderExternalId", "E-2"),
        ("external_order", "orderExternalId", "E-1"),
        ("external_order", "orderReference", order.reference),
        ("unknown_key", "orderReference", "999-9"),
    }
    unknown = [faults[0]["message"] for _, faults in done.rejected if faults[0]["code"] == "unknown_key"]
    assert all(message.endswith("This import changes orders that exist, and makes none.") for message in unknown)


def test_the_status_of_a_line_moves_anyhow_and_fires_nothing(load: Importer, sessions: Sessions, vault: Vault) -> None:
    row = made(sessions, status="SHIPPED")
    with sessions.begin() as session:
        make_job(session, add_connection(session, vault), trigger_statuses=["COMPLETED", "CREATING"])
    for status, stored in (("COMPLETED", "COMPLETED"), ("CREATING", "CREATING"), ("created", "ORDER_CREATED")):
        assert counts(load("ORDER_UPDATE", row | {"orderLineStatus": status})) == {"updated": 1}
        assert all_of(sessions, row["orderReference"]).lines[0].status == stored
    with sessions() as session:
        assert session.scalars(select(Execution).where(Execution.kind == EXPORT)).all() == []


BY_STATUS: list[tuple[str, dict[str, str], str]] = [
    ("WAITING_SUPPLIER_APPROVAL", {"orderLineQuantity": "2"}, ""),
    ("ACCEPTED_BY_SUPPLIER", {"orderLineQuantity": "2"}, "orderLineQuantity"),
    ("ACCEPTED_BY_SUPPLIER", ADDRESS, "shippingAddressFullName"),
    ("ACCEPTED_BY_SUPPLIER", {"markOrderLineForDeletion": "TRUE"}, "markOrderLineForDeletion"),
    ("WAITING_SHIPMENT", {"orderLineExternalId": "N", "orderExternalId": "O", "CF_note": "n", "CF_part": "p"}, ""),
    ("WAITING_SHIPMENT", {"grossUnitPrice": "2"}, "grossUnitPrice"),
    ("SHIPPED", {"orderLineExternalId": "N"}, "orderLineExternalId"),
    ("SHIPPED", {"orderExternalId": "O"}, "orderExternalId"),
    ("SHIPPED", {"CF_note": "n"}, "CF_note"),
    ("SHIPPED", {"CF_part": "p"}, "CF_part"),
    ("SHIPPED", {"orderStatus": "COMPLETED"}, ""),
    ("CANCELED", {"orderExternalId": "O"}, "orderExternalId"),
]


def test_what_may_be_edited_depends_on_the_status(load: Importer, sessions: Sessions) -> None:
    with sessions.begin() as session:
        for entity, name in (("ORDER", "note"), ("ORDER_LINE", "part")):
            custom_fields.create(session, Definition(entity=entity, external_id=name, name=name.title(), type="TEXT"))
    for place, (status, change, field) in enumerate(BY_STATUS):
        row = made(sessions, status=status) | change
        if "orderExternalId" in change:
            row["orderExternalId"] += str(place)
        done = load("ORDER_UPDATE", row)
        assert causes(done) == ([(2, "not_editable", field)] if field else []), (status, change)
        assert counts(done) == {"rejected" if field else "updated": 1}
        if field:
            assert status in done.rejected[0][1][0]["message"]
    row = made(sessions, status="ACCEPTED_BY_SUPPLIER")
    new = {"orderReference": row["orderReference"], "orderLineExternalId": "N", "offerPriceExternalId": "PRICE"}
    done = load("ORDER_UPDATE", new | {"orderLineQuantity": "1"})
    assert causes(done) == [(2, "not_editable", "orderLineExternalId")]


def test_moves_go_by_the_life_of_an_order_and_fire_each_export_once(
    load: Importer, sessions: Sessions, vault: Vault
) -> None:
    row = made(sessions)
    with sessions.begin() as session:
        make_job(session, add_connection(session, vault), trigger_statuses=["ACCEPTED_BY_SUPPLIER"])
    edited = row | {"orderStatus": "ACCEPTED_BY_SUPPLIER", "orderLineQuantity": "7"}
    assert counts(load("ORDER", edited)) == {"updated": 1}
    assert counts(load("ORDER", edited)) == {"unchanged": 1}
    back = load("ORDER", row | {"orderStatus": "ORDER_CREATED"})
    assert causes(back) == [(2, "illegal_move", "orderStatus")]
    with sessions() as session:
        (sent,) = session.scalars(select(Execution).where(Execution.kind == EXPORT))
        assert sent.snapshot is not None
        assert sent.snapshot.document["lines"][0]["quantity"] == 7


def test_a_draft_on_hold_goes_out_again_with_each_edit_where_its_job_wants_that(
    load: Importer, sessions: Sessions, vault: Vault
) -> None:
    with sessions.begin() as session:
        connection = add_connection(session, vault)
        for again in (True, False):
            make_job(session, connection, trigger_statuses=["DRAFT_ORDER_ON_HOLD"], reexport_on_hold=again)

    def waiting() -> int:
        with sessions() as session:
            return len(session.scalars(select(Execution).where(Execution.kind == EXPORT)).all())

    load("ORDER", line("E-1", "1"))
    assert waiting() == 2
    load("ORDER", line("E-1", "1", orderLineQuantity="2"))
    assert waiting() == 3
    load("ORDER", line("E-1", "1", orderLineQuantity="2"))
    assert waiting() == 3


def test_an_address_is_taken_as_a_whole_and_equal_values_are_no_change(load: Importer, sessions: Sessions) -> None:
    load("ORDER", line("E-1", "1", shippingAddressState="Yorkshire", **ADDRESS))
    done = load("ORDER", line("E-1", "1", shippingAddressCity="York"))
    assert causes(done) == [(2, "required", "shippingAddressFullName")]
    assert counts(load("ORDER", line("E-1", "1", shippingAddressCity="Leeds"))) == {"unchanged": 1}
    assert counts(load("ORDER", line("E-1", "1", shippingAddressAdditional="Rear", **ADDRESS))) == {"updated": 1}
    moved = ADDRESS | {"shippingAddressCity": "York"}
    with sessions() as session:
        (place,) = (it for it in order_of(session, "E-1").addresses if it.kind == "SHIPPING")
        assert (place.city, place.state, place.additional_address) == ("Leeds", "Yorkshire", "Rear")
    assert counts(load("ORDER", line("E-1", "1", **moved))) == {"updated": 1}
    with sessions() as session:
        (place,) = (it for it in order_of(session, "E-1").addresses if it.kind == "SHIPPING")
        assert (place.city, place.state, place.additional_address) == ("York", None, None)


def test_an_empty_text_that_goes_with_an_address_is_no_change_of_its_own(load: Importer, sessions: Sessions) -> None:
    row = made(sessions)
    with sessions.begin() as session:
        order = orders.get(session, row["orderReference"])
        (place,) = (it for it in order.addresses if it.kind == "SHIPPING")
        place.country, place.state, place.additional_address = "GB", "", "Rear"
    assert counts(load("ORDER_UPDATE", row | ADDRESS)) == {"updated": 1}
    with sessions() as session:
        (told,) = session.scalars(select(Change.changes).where(Change.entity == "ORDER"))
    assert told is not None
    assert told["shippingAddressAdditional"] == ["Rear", None]
    assert "shippingAddressState" not in told and "shippingAddressCountry" not in told


def test_lines_with_incidents_stay_and_lines_that_are_not_there_are_told(load: Importer, sessions: Sessions) -> None:
    row = made(sessions, lines=2)
    with sessions.begin() as session:
        order = orders.get(session, row["orderReference"])
        incidents.declare(session, order, reason="MISSING", affected=[(row["orderLineId"], 1)], actor="ada")
    gone = row | {"markOrderLineForDeletion": "TRUE"}
    assert causes(load("ORDER_UPDATE", gone)) == [(2, "in_use", "markOrderLineForDeletion")]
    assert causes(load("ORDER_UPDATE", row | {"orderLineId": "none"})) == [(2, "unknown_key", "orderLineId")]
    assert causes(load("ORDER_UPDATE", row | {"orderLineId": "", "orderLineQuantity": "2"})) == [
        (2, "required", "orderLineExternalId")
    ]
