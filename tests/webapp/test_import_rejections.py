"""What the page of an import tells of rejected rows: by cause, then one by one, chosen in the address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from apiflask import APIFlask
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.jobs import rejected_rows
from datahub.models.custom_field import CustomField
from datahub.models.execution import Execution
from datahub.models.import_run import RejectedRow
from tests.factories import add_rejected_row
from tests.webapp.conftest import MakeImport, ParsingClient, parse
from webapp.database import db

SignIn = Callable[[str], ParsingClient]


def page_of(execution: Execution, action: str = "") -> str:
    return f"/executions/{execution.public_id}{action}"


def test_rejected_rows_are_grouped_and_one_cause_shown_alone(sign_in: SignIn, make_import: MakeImport) -> None:
    execution = make_import(rejected=3)
    client = sign_in("VIEWER")
    page = client.get(page_of(execution)).text
    assert "Unknown supplier</a>: 3 rows, 2 values" in page
    assert page.count("No supplier has this id.") == 1 and "Reason of each row below" in page
    assert "Rejected: 3 rows, unknown_reference supplier" in page
    other = client.get(page_of(execution), query_string={"cause": "not_a_number", "field": "price"}).text
    assert "No supplier has this id." not in other
    assert "Show every rejected row" in other


def test_the_chosen_cause_is_marked_and_kept_in_the_address_and_by_the_next_look(
    sign_in: SignIn, make_import: MakeImport
) -> None:
    execution = make_import(rejected=3)
    client = sign_in("VIEWER")
    chosen = "?cause=unknown_reference&field=supplier"
    with_all = parse(client.get(page_of(execution)).text)
    (link,) = with_all.iterfind(".//a[@hx-push-url]")
    assert link.get("hx-push-url") == link.get("href") == page_of(execution, f"{chosen}#rejected")
    assert "aria-current" not in link.attrib
    rows = parse(client.get(page_of(execution, f"/rows{chosen}&page=1")).text)
    (link,) = rows.iterfind(".//a[@hx-push-url]")
    assert link.get("aria-current") == "true"
    (again,) = rows.iterfind(".//div[@id='rows']")
    assert again.get("hx-get") == page_of(execution, "/rows?page=1&cause=unknown_reference&field=supplier")


@pytest.mark.parametrize(
    ("entity", "code", "field", "words"),
    [
        ("OFFER", "unknown_reference", "supplierId", "Unknown supplier"),
        ("PRODUCT", "unknown_reference", "productClassificationCategoryId", "Unknown classification category"),
        ("OFFER", "required", "price", "Price missing"),
        ("OFFER", "malformed", "stockDeleted", "Stock Deleted not understood"),
        ("SUPPLIER", "malformed", "CF_grade", "Grade of quality not understood"),
        ("SUPPLIER", "malformed", "CF_gone", "CF_gone not understood"),
        ("PRODUCT", "other_row_invalid", "", "Another row of the record is wrong"),
        ("ORDER", "of_a_later_release", "some", "Of a later release (some)"),
    ],
)
def test_causes_are_said_in_words_with_the_name_of_the_field(
    sign_in: SignIn,
    make_import: MakeImport,
    sessions: sessionmaker[Session],
    entity: str,
    code: str,
    field: str,
    words: str,
) -> None:
    execution = make_import(entity=entity)
    with sessions.begin() as session:
        now = database_now(session)
        given = {"public_id": "one", "entity": "SUPPLIER", "external_id": "grade", "name": "Grade of quality"}
        session.add(CustomField(**given, type="NUMBER", created_at=now, updated_at=now))
        add_rejected_row(session, execution, 1, cause=code, field=field)
    client = sign_in("VIEWER")
    assert f"{words}</a>: 1 row, 1 value" in client.get(page_of(execution)).text
    alone = client.get(page_of(execution), query_string={"cause": code, "field": field}).text
    assert f"Only: {words}." in alone


def test_where_the_file_has_no_column_the_field_is_named(
    sign_in: SignIn, make_import: MakeImport, sessions: sessionmaker[Session]
) -> None:
    execution = make_import(entity="PRODUCT")
    fault = {"code": "required", "field": "productNames", "column": "", "value": "", "message": "Required."}
    with sessions.begin() as session:
        add_rejected_row(session, execution, 1, cause="required", field="productNames", faults=[fault])
    assert (
        '<td data-label="Column"><div class="cell-word breaks">Product Names<'
        in sign_in("VIEWER").get(page_of(execution)).text
    )


def test_rejected_rows_go_on_a_page_later(sign_in: SignIn, make_import: MakeImport) -> None:
    execution = make_import(rejected=21)
    client = sign_in("VIEWER")
    assert "page=1" in client.get(page_of(execution)).text
    second = client.get(page_of(execution), query_string={"page": "1"}).text
    assert second.count("No supplier has this id.") == 1
    links = {"".join(link.itertext()).strip(): link.get("href") for link in parse(second).iter("a")}
    assert links["Previous"] == page_of(execution, "#rejected") and "Next" not in links
    assert client.get(page_of(execution), query_string={"page": "\u00b2"}).status_code == 200


def test_the_rejected_rows_are_downloaded(sign_in: SignIn, make_import: MakeImport) -> None:
    answer = sign_in("VIEWER").get(page_of(make_import(rejected=2), "/rejections.csv"))
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert len(answer.text.splitlines()) == 3


def test_no_transaction_waits_for_a_slow_downloader_and_a_file_that_breaks_off_is_seen_to_be_broken(
    app: APIFlask, sign_in: SignIn, make_import: MakeImport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rejected_rows, "CSV_CHUNK", 2)
    client, address = sign_in("VIEWER"), page_of(make_import(rejected=5), "/rejections.csv")
    answer = client.get(address, buffered=False)
    with app.app_context():
        pool: Any = db.engine.pool
        assert pool.checkedout() == 0
    taken = b"".join(answer.iter_encoded())
    assert len(taken.splitlines()) == 6
    assert answer.content_length == len(taken)
    with client.head(address) as head:
        assert (head.content_length, head.data) == (len(taken), b"")


def test_a_download_that_fails_in_the_middle_is_no_short_file(
    sign_in: SignIn, make_import: MakeImport, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(row: RejectedRow, *_: object) -> list[str]:
        if row.sequence == 4:
            raise OperationalError("select", {}, Exception("away"))
        return ["cell"]

    monkeypatch.setattr(rejected_rows, "CSV_CHUNK", 2)
    monkeypatch.setattr(rejected_rows, "_written", fail)
    client = sign_in("VIEWER")
    assert client.get(page_of(make_import(rejected=5), "/rejections.csv")).status_code == 503


def test_hostile_cells_stay_text(sign_in: SignIn, sessions: sessionmaker[Session], make_import: MakeImport) -> None:
    execution = make_import()
    with sessions.begin() as session:
        row = session.get_one(Execution, execution.id)
        add_rejected_row(session, row, 1, value="<script>1</script>", file="<b>.csv", record_key="<i>")
    page = sign_in("VIEWER").get(page_of(execution)).text
    assert "&lt;script&gt;1" in page
    assert "<script>1" not in page
