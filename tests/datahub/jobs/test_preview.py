"""The preview shows a real order as it would be sent, from a form that may be unfinished."""

from __future__ import annotations

import json
import re

from sqlalchemy.orm import Session

from datahub.jobs import export_preview, general_settings
from tests.factories import make_order, make_supplier


def test_without_orders_a_sample_is_shown_in_both_formats(session: Session) -> None:
    shown = export_preview.preview(session, trigger_statuses=["SHIPPED"])
    assert (shown.is_sample, shown.status, shown.problem, shown.orders_in_status_now) == (True, "SHIPPED", "", 0)
    assert "<status>SHIPPED</status>" in shown.documents["XML"]
    assert json.loads(shown.documents["JSON"])["status"] == "SHIPPED"


def test_an_unfinished_form_is_no_error(session: Session) -> None:
    make_order(session)
    shown = export_preview.preview(
        session, trigger_statuses=["LOST", ""], supplier_external_ids=[" "], export_format=""
    )
    assert (shown.is_changed, shown.every_supplier, shown.orders_in_status_now) == (False, True, 0)
    assert shown.documents["JSON"]


def test_the_newest_order_of_a_chosen_status_and_supplier_is_shown_as_it_is(session: Session) -> None:
    other = make_supplier(session, "SUP-2")
    make_order(session, status="SHIPPED", supplier=other)
    wanted = make_order(session, status="SHIPPED")
    make_order(session, status="SHIPPED", supplier=other)
    make_order(session)
    shown = export_preview.preview(session, trigger_statuses=["SHIPPED"], supplier_external_ids=["SUP-1"])
    assert (shown.order_reference, shown.is_changed, shown.orders_in_status_now) == (wanted.reference, False, 1)


def test_an_order_that_is_not_there_yet_is_shown_as_on_reaching_the_first_status(session: Session) -> None:
    order = make_order(session)
    shown = export_preview.preview(session, trigger_statuses=["CREATED", "SHIPPED"])
    assert (shown.order_reference, shown.status, shown.is_changed) == (order.reference, "ORDER_CREATED", True)
    assert json.loads(shown.documents["JSON"])["status"] == "ORDER_CREATED"
    assert order.status == "WAITING_SUPPLIER_APPROVAL"


def test_names_follow_format_and_settings(session: Session) -> None:
    make_order(session, reference="174-1")
    general_settings.update(session, file_name_prefix="ACME", multi_store=True)
    names = export_preview.preview(session, export_format="JSON").file_names
    assert names["SHORT"] == "174-1.json"
    assert re.fullmatch(r"ACME_174-1_SUP-1_default.*_[0-9]{8}T[0-9]{6}_orders\.json", names["STANDARD"])


def test_an_order_that_cannot_be_written_says_why(session: Session) -> None:
    make_order(session, shipping_type="a\x01b")
    shown = export_preview.preview(session)
    assert "shippingType" in shown.problem
    assert shown.documents == {}
