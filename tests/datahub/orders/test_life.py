"""Which status may follow which."""

from __future__ import annotations

import pytest

from datahub.errors import InvalidError
from datahub.models.order import ORDER_STATUSES
from datahub.orders.life import ALIASES, RANKS, TERMINAL, may_move, next_statuses, parse_status

OPEN = [status for status in ORDER_STATUSES if status not in TERMINAL]
OUT = ("CANCELED", "DECLINED_BY_SUPPLIER", "DECLINED_BY_CUSTOMER")


def test_every_status_is_in_the_table() -> None:
    assert set(RANKS) | set(OUT) == set(ORDER_STATUSES)


@pytest.mark.parametrize("status", ORDER_STATUSES)
def test_staying_is_allowed_and_is_no_next_step(status: str) -> None:
    assert may_move(status, status)
    assert status not in next_statuses(status)


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_nothing_follows_a_terminal_status(status: str) -> None:
    assert next_statuses(status) == []


@pytest.mark.parametrize("status", OPEN)
def test_every_higher_rank_may_follow_and_no_lower_one_but_from_blocked_to_draft(status: str) -> None:
    allowed = {other for other in RANKS if may_move(status, other) and other != status}
    higher = {other for other in RANKS if RANKS[other] > RANKS[status]}
    assert allowed == higher | ({"DRAFT_ORDER"} if status.startswith("BLOCKED") else set())


@pytest.mark.parametrize("status", OPEN)
def test_every_open_order_may_be_canceled(status: str) -> None:
    assert may_move(status, "CANCELED")


def test_customer_declines_until_the_approval_of_the_customer() -> None:
    assert [status for status in OPEN if may_move(status, "DECLINED_BY_CUSTOMER")] == OPEN[:7]


def test_supplier_declines_what_is_created_and_not_accepted_or_blocked_by_policy() -> None:
    assert [status for status in OPEN if may_move(status, "DECLINED_BY_SUPPLIER")] == [
        "BLOCKED_BY_POLICY",
        "ORDER_CREATED",
        "WAITING_CUSTOMER_APPROVAL",
        "WAITING_SUPPLIER_APPROVAL",
    ]


def test_next_step_comes_first_and_ways_out_come_last() -> None:
    assert next_statuses("SHIPPED") == ["INCIDENT", "COMPLETED", "CANCELED"]
    assert next_statuses("WAITING_SUPPLIER_APPROVAL")[0] == "ACCEPTED_BY_SUPPLIER"


@pytest.mark.parametrize(("alias", "stored"), ALIASES.items())
def test_alias_is_read_as_the_stored_name(alias: str, stored: str) -> None:
    assert parse_status(alias) == stored
    assert stored in ORDER_STATUSES


@pytest.mark.parametrize("text", ["", "shipped", "CANCELLED", " SHIPPED"])
def test_unknown_status_is_refused_at_its_field(text: str) -> None:
    with pytest.raises(InvalidError) as error:
        parse_status(text)
    assert list(error.value.fields) == ["status"]
