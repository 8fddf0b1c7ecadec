"""Lists of orders are ordered and filtered literally."""

from __future__ import annotations

from sqlalchemy.orm import Session

from datahub.jobs import order_reads
from tests.factories import make_order


def test_orders_are_found_by_a_literal_part_of_reference_or_external_id(session: Session) -> None:
    first = make_order(session, reference="100%-1", external_id="ERP_7")
    second = make_order(session, reference="1000-1", external_id="ERPX7", status="SHIPPED")
    assert order_reads.find_orders(session, search="0%-").items == [first]
    assert order_reads.find_orders(session, search="erp_7").items == [first]
    assert order_reads.orders_page(session, statuses=["SHIPPED", "LOST"]).items == [second]
    assert order_reads.orders_page(session, search="\\").items == []


def test_orders_page_by_cursor_newest_first(session: Session) -> None:
    made = [make_order(session) for _ in range(3)]
    page = order_reads.orders_page(session, size=2)
    assert page.items == [made[2], made[1]]
    rest = order_reads.orders_page(session, size=2, **page.following or {})
    assert (rest.items, rest.following) == ([made[0]], None)
    assert order_reads.orders_page(session, size=2, **rest.previous or {}).items == page.items
