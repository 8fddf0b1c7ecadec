"""Amounts: computed from the least, checked against the examples, refused where they do not add up."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datahub.faults import Faults
from datahub.orders.amounts import ORDER_TOTALS, complete_line, complete_order, round_money
from tests.orders import body_of_json_example, body_of_xml_example

D = Decimal
money = st.decimals(min_value=0, max_value=10**5, places=3)


def line_of(prices: dict[str, Any], quantity: int = 1) -> dict[str, Decimal]:
    faults = Faults()
    amounts = complete_line(prices, quantity, path="p", faults=faults)
    assert faults.fields == {}
    return amounts


def faults_of(prices: dict[str, Any], quantity: int = 1) -> list[str]:
    faults = Faults()
    complete_line(prices, quantity, path="p", faults=faults)
    return list(faults.fields)


@pytest.mark.parametrize("body", [body_of_json_example(), body_of_xml_example()], ids=["json", "xml"])
def test_amounts_of_the_example_follow_from_price_tax_rate_and_shipping(body: dict[str, Any]) -> None:
    prices = body["lines"]["line"][0]["orderLogisticLinePriceDto"]
    base = {name: prices[name] for name in ("price", "taxRate", "shippingPriceWithoutTaxes", "shippingTaxAmount")}
    line = line_of(base)
    assert line == {name: prices[name] for name in line}
    faults = Faults()
    totals = complete_order({}, [line], path="p", faults=faults)
    assert totals == {name: body["orderLogisticPrices"][name] for name in ORDER_TOTALS}


@pytest.mark.parametrize("body", [body_of_json_example(), body_of_xml_example()], ids=["json", "xml"])
def test_examples_pass_the_check_and_are_kept(body: dict[str, Any]) -> None:
    prices = body["lines"]["line"][0]["orderLogisticLinePriceDto"]
    line = line_of(prices)
    assert line.items() <= prices.items()
    faults = Faults()
    given = body["orderLogisticPrices"]
    assert complete_order(given, [line], path="p", faults=faults).items() <= given.items()
    assert faults.fields == {}


def test_unit_amounts_are_rounded_before_they_are_multiplied() -> None:
    line = line_of({"price": D("3.49"), "taxRate": D(20)}, quantity=100)
    assert (line["taxAmount"], line["totalItemTaxAmount"]) == (D("0.70"), D("70.00"))
    assert line_of({"price": D("0.125")}, quantity=1000)["totalItemPrice"] == D("130.00")


def test_half_cents_round_up() -> None:
    assert [round_money(D(text)) for text in ("0.005", "0.015", "0.0049", "2.675")] == [
        D("0.01"),
        D("0.02"),
        D("0.00"),
        D("2.68"),
    ]


def test_rate_follows_from_the_tax_amount_and_none_means_no_tax() -> None:
    assert line_of({"price": D(3), "taxAmount": D("0.20")})["taxRate"] == D("6.6667")
    assert line_of({"price": D(0), "taxAmount": D(0)})["taxRate"] == 0
    assert line_of({"price": D(3)})["taxAmount"] == 0


def test_shipping_follows_from_any_two_of_its_amounts() -> None:
    names = ("shippingPriceWithoutTaxes", "shippingTaxAmount", "shippingPriceWithTaxes")
    amounts = dict(zip(names, (D("5.00"), D("0.75"), D("5.75")), strict=True))
    for missing in names:
        given = {name: amount for name, amount in amounts.items() if name != missing}
        assert line_of({"price": D(1)} | given).items() >= amounts.items()


def test_given_amount_may_differ_by_a_cent_per_line_and_no_more() -> None:
    assert line_of({"price": D(1), "totalItemPrice": D("1.01")})["totalItemPrice"] == D("1.01")
    assert faults_of({"price": D(1), "totalItemPrice": D("1.02")}) == ["p.totalItemPrice"]
    lines = [line_of({"price": D(1)}) for _ in range(3)]
    near, far = Faults(), Faults()
    complete_order({"totalOrderPrice": D("3.03")}, lines, path="o", faults=near)
    complete_order({"totalOrderPrice": D("3.04")}, lines, path="o", faults=far)
    assert (list(near.fields), list(far.fields)) == ([], ["o.totalOrderPrice"])


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"price": D(1), "itemPriceWithoutTaxes": D(2)}, "price"),
        ({"price": D(1), "taxRate": D(20), "taxAmount": D("0.25")}, "taxAmount"),
        ({"price": D(1), "priceWithTaxes": D("1.2")}, "priceWithTaxes"),
        ({"price": D(1), "totalTaxes": D("0.2")}, "totalTaxes"),
        ({"price": D(1), "shippingPriceWithoutTaxes": D(2), "totalPriceWithoutTaxes": D(1)}, "totalPriceWithoutTaxes"),
    ],
)
def test_amount_that_does_not_add_up_is_a_fault_at_its_field(given: dict[str, Any], field: str) -> None:
    assert faults_of(given) == [f"p.{field}"]


def test_amount_too_large_for_its_column_is_a_fault() -> None:
    assert "p.totalItemPrice" in faults_of({"price": D("999999999999")}, quantity=2**53 - 1)


@given(st.lists(st.tuples(money, money, money, st.integers(1, 10_000)), min_size=1, max_size=4))
def test_amounts_of_any_order_add_up(units: list[tuple[Decimal, Decimal, Decimal, int]]) -> None:
    lines = [
        line_of({"price": price, "taxAmount": tax, "shippingPriceWithoutTaxes": shipping}, quantity)
        for price, tax, shipping, quantity in units
    ]
    totals = complete_order({}, lines, path="o", faults=Faults())
    for line in lines:
        assert line["totalItemPriceWithTaxes"] == line["totalItemPrice"] + line["totalItemTaxAmount"]
        assert line["totalPriceWithTaxes"] == line["totalPriceWithoutTaxes"] + line["totalTaxes"]
    assert totals["totalOrderPrice"] == totals["totalPriceWithTax"]
    assert abs(totals["totalOrderPrice"] - totals["totalPriceWithoutTax"] - totals["totalTaxAmount"]) == 0
