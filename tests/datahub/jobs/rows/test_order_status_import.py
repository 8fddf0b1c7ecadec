"""ORDER_STATUS: what a row says of an order beside its status, and XML from end to end."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.formats import rejected_sheet
from datahub.formats.order_xml import render
from datahub.jobs import custom_fields, import_run, record_history, rejected_rows
from datahub.jobs.context import Context
from datahub.jobs.custom_fields import Definition
from datahub.models.execution import INTEGRATION_DONE, INTEGRATION_DONE_WITH_ERRORS, JOB_FAILED, Execution
from datahub.models.import_run import ImportRun
from datahub.models.order import Order
from datahub.orders.snapshot import build_document
from tests.datahub.jobs.test_import_run import Start, importing, look, start
from tests.factories import make_order
from tests.importer import Importer, causes, counts

__all__ = ["importing", "start"]

Sessions = sessionmaker[Session]
URL = "https://parcels.example/1"


@pytest.fixture(autouse=True)
def order(sessions: Sessions) -> None:
    with sessions.begin() as session:
        make_order(session, reference="R-1", external_id="ERP-1", status="DRAFT_ORDER")


def stored(sessions: Sessions) -> Order:
    with sessions() as session:
        return session.scalars(select(Order)).one()


def said(status: str, **more: str) -> dict[str, str]:
    return {"reference": "R-1", "status": status} | more


def test_the_address_of_a_parcel_comes_with_the_status_or_after_it(load: Importer, sessions: Sessions) -> None:
    assert counts(load("ORDER_STATUS", said("SHIPPED", shippingTrackingUrl=URL))) == {"updated": 1}
    assert (stored(sessions).status, stored(sessions).shipping_tracking_url) == ("SHIPPED", URL)
    assert counts(load("ORDER_STATUS", said("SHIPPED", shippingTrackingUrl=URL))) == {"unchanged": 1}
    assert counts(load("ORDER_STATUS", said("SHIPPED", shippingTrackingUrl=f"{URL}0"))) == {"updated": 1}
    done = load("ORDER_STATUS", said("DRAFT_ORDER", shippingTrackingUrl=URL), said("SHIPPED", shippingTrackingUrl="no"))
    assert sorted(causes(done)) == [(2, "illegal_move", "orderStatus"), (3, "malformed", "shippingTrackingUrl")]
    assert {row.line: faults[0]["value"] for row, faults in done.rejected} == {2: "DRAFT_ORDER", 3: "no"}
    assert stored(sessions).shipping_tracking_url == f"{URL}0"
    with sessions() as session:
        found = record_history.find_changes(session, "ORDER", "R-1", descending=False)
        told = [(it.differences, it.change.line) for it in found.items]
    assert told == [
        ({"shippingTrackingUrl": [None, URL]}, 2),
        ({"orderStatus": ["DRAFT_ORDER", "SHIPPED"]}, 2),
        ({"shippingTrackingUrl": [URL, f"{URL}0"]}, 2),
    ]


def test_other_words_of_the_vendor_are_the_same_statuses(load: Importer, sessions: Sessions) -> None:
    assert counts(load("ORDER_STATUS", said("ORDER_DRAFT_ON_HOLD"))) == {"updated": 1}
    assert stored(sessions).status == "DRAFT_ORDER_ON_HOLD"
    assert counts(load("ORDER_STATUS", said("created"), said("ORDER_CREATED"))) == {"updated": 1, "unchanged": 1}
    assert stored(sessions).status == "ORDER_CREATED"


def test_the_reference_wins_and_the_external_id_of_another_order_is_no_fault(
    load: Importer, sessions: Sessions
) -> None:
    assert counts(load("ORDER_STATUS", said("ORDER_CREATED", externalId="ERP-9"))) == {"updated": 1}
    done = load("ORDER_STATUS", {"externalId": "R-1", "status": "SHIPPED"})
    assert causes(done) == [(2, "unknown_key", "orderExternalId")]
    assert (stored(sessions).status, stored(sessions).external_id) == ("ORDER_CREATED", "ERP-1")


def test_a_required_custom_field_must_be_there_once_the_row_is_applied(load: Importer, sessions: Sessions) -> None:
    with sessions.begin() as session:
        custom_fields.create(session, Definition("ORDER", "carrier", "Carrier", "TEXT", required=True))
    assert causes(load("ORDER_STATUS", said("ORDER_CREATED"))) == [(2, "required", "CF_carrier")]
    assert counts(load("ORDER_STATUS", said("ORDER_CREATED", CF_carrier="Post"))) == {"updated": 1}
    assert counts(load("ORDER_STATUS", said("SHIPPED"))) == {"updated": 1}
    assert stored(sessions).custom_fields == {"carrier": {"type": "TEXT", "value": "Post"}}


def test_an_exported_order_is_a_file_that_comes_back(load: Importer, sessions: Sessions, tmp_path: Path) -> None:
    with sessions() as session:
        exported = render(build_document(session.scalars(select(Order)).one()))
    path = tmp_path / "order.xml"
    path.write_bytes(exported.replace(b"<status>DRAFT_ORDER</status>", b"<status>SHIPPED</status>", 1))
    assert counts(load.file("ORDER_STATUS", path)) == {"updated": 1}
    assert stored(sessions).status == "SHIPPED"


def orders(*lines: str) -> str:
    return "\n".join(["<Orders>", *lines, "</Orders>"])


GOOD = "<Order><externalId>ERP-1</externalId><status>ORDER_CREATED</status></Order>"
BAD = "<Order><reference>R-1</reference><status>Sold &amp; sent</status></Order>"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_of_xml_may_end_in_any_way(
    importing: Context, start: Start, folder: Path, sessions: Sessions, end: str
) -> None:
    lines = ["<Orders>", "<Order><reference>R-1</reference><status>SHIPPED</status></Order>", "</Orders>"]
    (folder / "moves.xml").write_bytes(end.join(lines).encode())
    number = start(entity="ORDER_STATUS", delimiter=None, file_path="out/moves.xml")
    import_run.run(importing, number, 1)
    assert look(sessions, number)[:2] == (INTEGRATION_DONE, {"updated": 1})


def test_every_xml_file_of_a_folder_is_taken_and_a_half_one_set_aside(
    importing: Context, start: Start, folder: Path, sessions: Sessions
) -> None:
    inbound = folder / "in"
    inbound.mkdir()
    (folder / "done").mkdir()
    (inbound / "a.csv").write_text("not for this job")
    (inbound / "1.xml").write_text(orders(GOOD, BAD))
    (inbound / "2.XML").write_text(orders(GOOD)[:-12])
    (inbound / "3.xml").write_text("<Orders/>")
    folders = {"bulk": True, "file_path": None, "inbound_directory": "out/in", "outbound_directory": "out/done"}
    number = start(entity="ORDER_STATUS", delimiter=None, **folders)
    import_run.run(importing, number, 1)
    assert look(sessions, number)[:2] == (INTEGRATION_DONE_WITH_ERRORS, {"updated": 1, "rejected": 1})
    assert sorted(path.name for path in (folder / "done").iterdir()) == ["1.xml", "2.XML.error", "3.xml"]
    assert [path.name for path in inbound.iterdir()] == ["a.csv"]
    with sessions() as session:
        errors = {file["name"]: file["error"] for file in session.get_one(ImportRun, number).files}
    assert errors["1.xml"] is errors["3.xml"] is None and "Line 2" in errors["2.XML"]


@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("is_mapped", [False, True])
def test_rejected_rows_are_a_sheet_of_field_keys_that_is_mended_and_uploaded(
    importing: Context, start: Start, folder: Path, sessions: Sessions, delimiter: str, is_mapped: bool
) -> None:
    (folder / "moves.xml").write_text(orders(GOOD, BAD))
    fed = {"reference": "orderReference", "externalId": "orderExternalId", "status": "orderStatus"}
    mapping = [{"source": name, "field": field} for name, field in fed.items()] if is_mapped else None
    job = {"entity": "ORDER_STATUS", "delimiter": None, "mapping": mapping}
    number = start(file_path="out/moves.xml", **job)
    import_run.run(importing, number, 1)
    with sessions() as session:
        text = "".join(rejected_rows.rejected_file(session, session.get_one(Execution, number)))
    (row,) = csv.DictReader(io.StringIO(text))
    assert set(row) == {*fed.values(), *rejected_sheet.HUB_COLUMNS}
    assert (row["orderStatus"], row["hub_line"]) == ("Sold & sent", "3")
    assert row["hub_reason"].startswith("orderStatus: Must be one of")
    written = io.StringIO()
    writer = csv.DictWriter(written, row, delimiter=delimiter)
    writer.writeheader()
    writer.writerow(row | {"orderStatus": "SHIPPED"})
    again = start(upload=("mended.csv", written.getvalue().encode("utf-8-sig")), **job)
    import_run.run(importing, again, 1)
    assert look(sessions, again)[:2] == (INTEGRATION_DONE, {"updated": 1})
    assert stored(sessions).status == "SHIPPED"


def test_a_file_of_something_else_fails_with_its_line(importing: Context, start: Start, folder: Path) -> None:
    (folder / "moves.xml").write_text(orders(GOOD, "<Invoice/>"))
    number = start(entity="ORDER_STATUS", delimiter=None, file_path="out/moves.xml")
    import_run.run(importing, number, 1)
    status, _, error = look(importing.sessions, number)
    assert status == JOB_FAILED and error and error.startswith("Line 3 has <Invoice>")
