"""Orders from bodies: what is filled in, what is refused and where."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.errors import FieldConflictError, InvalidError
from datahub.jobs import general_settings
from datahub.models.order import Order
from datahub.models.party import Account, Supplier
from datahub.orders.intake import read_order
from tests.orders import (
    PRICES,
    add_parties,
    body_of_json_example,
    body_of_xml_example,
    make_order,
    priced,
    small_body,
    small_line,
)

D = Decimal


@pytest.fixture
def hub(session: Session) -> Session:
    add_parties(session)
    return session


def faults_of(session: Session, body: dict[str, Any]) -> dict[str, list[str]]:
    with pytest.raises(InvalidError) as error:
        make_order(session, body)
    assert session.scalar(select(func.count()).select_from(Order)) == 0
    return error.value.fields


def test_least_body_gets_names_times_amounts_and_snapshots(hub: Session) -> None:
    now = database_now(hub)
    order = read_order(hub, small_body(), now=now)
    assert re.fullmatch(r"\d{3}-\d{3}-\d{7}-1", order.reference)
    assert order.commercial_reference == order.reference[:-2]
    assert re.fullmatch(r"\d{10}", order.number)
    assert re.fullmatch(r"\d{10}", order.lines[0].number)
    assert (order.created_at, order.updated_at) == (now, now)
    assert (order.store.external_id, order.currency, order.total_order_price) == ("default_store", "EUR", D("3.49"))
    assert order.supplier_snapshot == {
        "externalId": "2007",
        "name": "Supplier stored",
        "description": "Taps",
        "totalOffers": 7,
        "totalOrders": 0,
        "totalSales": 0,
        "returnPolicy": None,
        "paymentDueDate": {"paymentDueDateDelay": 30, "paymentDueDateMode": "END_OF_MONTH"},
    }
    assert order.customer_snapshot == {
        "accountExternalId": "1284",
        "accountName": "Y stored",
        "accountTvaNumber": "FR1",
    }
    assert [(row.kind, row.external_id, row.city) for row in order.addresses] == [
        ("SHIPPING", "A-1", "Lyon"),
        ("BILLING", "A-1", "Lyon"),
    ]


def test_an_order_without_a_currency_has_that_of_the_settings(hub: Session) -> None:
    general_settings.update(hub, currency="CHF")
    order = read_order(hub, small_body(), now=database_now(hub))
    assert (order.currency, order.lines[0].currency) == ("CHF", "CHF")


def test_given_names_and_times_are_kept(hub: Session) -> None:
    order = make_order(hub, body_of_xml_example() | {"storeExternalId": "north"})
    assert (order.reference, order.number, order.lines[0].number) == ("174-282-6749427-1", "0000033819", "0000033820")
    assert order.created_at == datetime(2025, 3, 24, 14, 32, 31, 824000, tzinfo=UTC)
    assert order.store.external_id == "north"
    assert [row.transaction_id for row in order.payments] == ["payin_m_01JQ4C4CG458102RSA1T6JRY5F"]
    assert order.custom_fields["typelivraison"] == {"type": "LIST_TEXT", "value": ["Classic"]}
    assert list(order.custom_fields) == ["datelivraison", "CMD", "REF_CHANTIER", "typelivraison"]


def test_key_that_came_wins_over_the_stored_record_even_when_null(hub: Session) -> None:
    snapshot = {"externalId": "2007", "description": None, "paymentDueDate": {"paymentDueDateDelay": 5}}
    order = make_order(hub, small_body(supplierSnapshot=snapshot))
    assert order.supplier_snapshot["description"] is None
    assert order.supplier_snapshot["name"] == "Supplier stored"
    assert order.supplier_snapshot["paymentDueDate"] == {
        "paymentDueDateDelay": 5,
        "paymentDueDateMode": "END_OF_MONTH",
    }


def test_address_that_came_is_completed_only_from_the_one_of_the_same_id(hub: Session) -> None:
    body = small_body(
        shippingAddressSnapshot={"externalId": "A-1", "city": "Paris"}, billingAddressSnapshot={"city": "Oslo"}
    )
    shipping, billing = make_order(hub, body).addresses
    assert (shipping.city, shipping.address) == ("Paris", "1 Quai")
    assert (billing.city, billing.address) == ("Oslo", None)


def test_booleans_come_as_truth_values_or_text(hub: Session) -> None:
    body = small_body(
        incidentDeclared="true", partiallyDeclinedBySupplier=True, lines=small_line(incidentDeclared="false")
    )
    order = make_order(hub, body)
    assert (order.incident_declared, order.partially_declined_by_supplier) == (True, True)
    assert order.lines[0].incident_declared is False


def test_whole_number_is_taken_where_a_decimal_is_wanted(hub: Session) -> None:
    assert make_order(hub, small_body(lines=priced(price=3))).total_item_price == D(3)


def test_alias_of_a_status_is_stored_under_its_name(hub: Session) -> None:
    body = small_body(status="ORDER_DRAFT_ON_HOLD", lines=small_line(status="CREATED"))
    order = make_order(hub, body)
    assert (order.status, order.lines[0].status) == ("DRAFT_ORDER_ON_HOLD", "ORDER_CREATED")


def test_commercial_reference_of_a_foreign_reference_is_the_reference(hub: Session) -> None:
    assert make_order(hub, small_body(reference="WEB")).commercial_reference == "WEB"


@pytest.mark.parametrize("name", ["reference", "id", "externalId"])
def test_name_that_another_order_has_is_a_conflict_at_its_field(hub: Session, name: str) -> None:
    make_order(hub, small_body(**{name: "taken-1"}))
    with pytest.raises(FieldConflictError) as error:
        make_order(hub, small_body(**{name: "taken-1"}))
    assert error.value.field == name


def test_name_stored_between_the_look_and_the_insert_is_a_conflict(
    sessions: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    with sessions.begin() as session:
        add_parties(session)
        make_order(session, small_body(reference="raced"))
    looks = iter([False])
    real = Session.scalar

    def scalar(self: Session, statement: Any, *args: Any, **kwargs: Any) -> Any:
        if "orders.reference = " in str(statement) and next(looks, True) is False:
            return None
        return real(self, statement, *args, **kwargs)

    monkeypatch.setattr(Session, "scalar", scalar)
    with sessions() as session:
        with pytest.raises(FieldConflictError) as error:
            make_order(session, small_body(reference="raced"))
        assert error.value.field == "reference"
        assert make_order(session, small_body()).id


@pytest.mark.parametrize("model", [Supplier, Account])
def test_deleted_party_counts_as_unknown(hub: Session, model: type[Supplier] | type[Account]) -> None:
    for row in hub.scalars(select(model)):
        row.deleted_at = database_now(hub)
    path = "supplierSnapshot.externalId" if model is Supplier else "customerUserSnapshot.accountExternalId"
    assert list(faults_of(hub, small_body())) == [path]


def test_all_faults_are_told_at_once(hub: Session) -> None:
    body = small_body(
        status="GONE",
        storeExternalId="nowhere",
        supplierSnapshot={"externalId": "nobody"},
        lines={"line": [{"quantity": 0, "orderLogisticLinePriceDto": {}}, {"quantity": "1", "colour": "red"}]},
        suppliers=[],
    )
    assert set(faults_of(hub, body)) == {
        "status",
        "storeExternalId",
        "supplierSnapshot.externalId",
        "lines.line[0].quantity",
        "lines.line[0].orderLogisticLinePriceDto.price",
        "lines.line[1].quantity",
        "lines.line[1].colour",
        "lines.line[1].orderLogisticLinePriceDto.price",
        "suppliers",
    }


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"lines": None}, "lines.line"),
        ({"lines": {"line": []}}, "lines.line"),
        ({"lines": small_line(quantity=None)}, "lines.line[0].quantity"),
        ({"lines": {"line": small_line(id="1")["line"] * 2}}, "lines.line[1].id"),
        ({"lines": priced(price=None)}, f"{PRICES}.price"),
        ({"lines": priced(currency="USD"), "orderLogisticPrices": {"currency": "EUR"}}, f"{PRICES}.currency"),
        ({"lines": priced(totalTaxes=D("0.5"))}, f"{PRICES}.totalTaxes"),
        ({"orderLogisticPrices": {"currency": "eur"}}, "orderLogisticPrices.currency"),
        ({"orderLogisticPrices": {"currency": "ABC"}}, "orderLogisticPrices.currency"),
        ({"orderLogisticPrices": {"totalOrderPrice": D("4.19")}}, "orderLogisticPrices.totalOrderPrice"),
        ({"reference": ""}, "reference"),
        ({"reference": " "}, "reference"),
        ({"status": None}, "status"),
        ({"payments": {"payment": [{"transactionId": "t"}]}}, "payments.payment[0].amount"),
        ({"quantity": 1}, "quantity"),
    ],
)
def test_fault_is_told_at_its_field(hub: Session, changes: dict[str, Any], path: str) -> None:
    assert path in faults_of(hub, small_body(**changes))


def test_malformed_part_is_not_called_missing_as_well(hub: Session) -> None:
    fields = faults_of(hub, small_body(status=3, lines=priced(price="3.49")))
    assert fields == {
        "status": ["must be text"],
        f"{PRICES}.price": ["must be a number"],
    }


def test_reference_with_path_and_line_break_is_taken_as_it_is(hub: Session) -> None:
    assert make_order(hub, small_body(reference="../../etc\npasswd")).reference == "../../etc\npasswd"


def test_text_is_not_trimmed(hub: Session) -> None:
    assert make_order(hub, body_of_json_example()).addresses[0].zipcode == "75008 "
