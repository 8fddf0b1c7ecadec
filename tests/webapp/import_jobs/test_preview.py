"""What the form of import jobs shows of the real file while it is filled in, over a real SFTP server."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from apiflask import APIFlask
from sqlalchemy import select

from datahub.models.connection import Connection
from datahub.models.import_job import ImportJob
from tests import factories
from tests.webapp.conftest import parse
from tests.webapp.import_jobs.conftest import Sessions, SignIn
from tests.webapp.import_jobs.pages import fields_of, look, piece

OFFERS = "Stock Id;Prix;Supplier External ID;stock_number\nS-1;2.5;SUP-1;4\nS-2;;SUP-1;many\n"


@pytest.fixture
def inbound(inbound: Path) -> Path:
    """With the form's file."""
    (inbound / "offers.csv").write_text(OFFERS)
    return inbound


def chosen(page: str) -> dict[str, str]:
    return {name: values[0] for name, values in fields_of(page).items() if name.startswith("source.") and values[0]}


def test_an_empty_form_says_what_is_missing(sign_in: SignIn) -> None:
    page = look(sign_in("OPERATOR"), {})
    for words in ("Name: Give the job a name.", "Connection: Choose a connection.", "Delimiter: Choose the one"):
        assert words in page
    assert "Choose a connection and a path" in page


def test_the_delimiter_that_fits_is_suggested(sign_in: SignIn, form: dict[str, Any]) -> None:
    page = look(sign_in("OPERATOR"), form | {"delimiter": ""})
    assert (
        "4 columns, 2 feed fields" in page and '<label class="btn" for="delimiter-1">Take the semicolon</label>' in page
    )
    assert 'id="mapping"' not in page, "the columns are not known yet"
    wrong = look(sign_in("ADMIN"), form | {"delimiter": ","})
    assert 'Choose ";" as delimiter' in wrong


def test_columns_of_the_file_come_with_proposals(sign_in: SignIn, form: dict[str, Any]) -> None:
    page = look(sign_in("OPERATOR"), form)
    assert 'id="mapping"' in page
    assert chosen(page) == {
        "source.stockId": "Stock Id",
        "source.supplierId": "Supplier External ID",
        "source.stockNumber": "stock_number",
    }
    assert page.count("Proposal, please check:") == 1
    assert piece(page, "note-3") == "Proposal, please check: the name is close to Supplier Id."
    assert "1 column is not named like a field" in page
    assert "Columns that nothing uses: <code>Prix</code>, <code>Supplier External ID</code>" in page
    assert "Before it can be saved" not in page


def test_the_record_that_is_looked_at_changes_without_touching_the_choices(
    sign_in: SignIn, form: dict[str, Any]
) -> None:
    client = sign_in("OPERATOR")
    shown = fields_of(look(client, form))
    data = form | {"columns": shown["columns"][0]}
    page = look(client, data)
    assert 'id="mapping"' not in page and "row 1 of 2, line 2" in page
    assert "S-1" in piece(page, "result-1") and "100 % filled" in piece(page, "result-1")
    after = look(client, data | {"go": "1"})
    assert "S-2" in piece(after, "result-1") and "row 2 of 2, line 3" in after
    assert "Must be a number" in after
    told = "A run takes no row of this file as it is. Besides, 1 of the 2 rows looked at is wrong by itself:"
    assert piece(after, "verdict") == told
    assert "row 2 of 2" in look(client, data | {"record": "1"}), "it stays there with the next change"


def test_the_row_that_is_looked_at_is_marked_among_those_around_it(
    sign_in: SignIn, form: dict[str, Any], inbound: Path
) -> None:
    (inbound / "offers.csv").write_text("Stock Id;price\n" + "".join(f"S-{number};1\n" for number in range(9)))
    tree = parse(look(sign_in("OPERATOR"), form | {"go": "6"}))
    rows = tree.findall(".//table[@class='table sample']/tbody/tr")
    told = ["".join(row.find("th").itertext()).strip() for row in rows]
    assert told == ["6", "7", "8", "9", "10"]
    assert [line for line, row in zip(told, rows, strict=True) if row.get("aria-current")] == ["8"]


def test_fields_are_named_by_their_labels_and_a_required_one_without_a_column_is_told(
    sign_in: SignIn, form: dict[str, Any], inbound: Path
) -> None:
    client = sign_in("OPERATOR")
    page = look(client, form)
    assert '<span title="supplierId">Supplier Id</span>' in page and '<span title="stockNumber">' in page
    (inbound / "prices.csv").write_text("price;currency\n1;EUR\n")
    form = form | {"file_path": "in/prices.csv"}
    assert piece(look(client, form), "result-1") == "Required, but no column has its name"
    by_hand = form | {"by_name": "", "source.price": "price"}
    del by_hand["by_name"]
    assert piece(look(client, by_hand), "result-1") == "Required, but no column is chosen"


def test_a_choice_is_converted_at_once(sign_in: SignIn, form: dict[str, Any]) -> None:
    client = sign_in("OPERATOR")
    shown = fields_of(look(client, form))
    data = form | {"columns": shown["columns"][0], "source.stockId": "Stock Id", "source.price": "Prix"}
    del data["by_name"]
    page = look(client, data)
    assert "2 fields of 21" in page
    assert [text for number in range(1, 22) if "2.5" in (text := piece(page, f"result-{number}"))] == ["2.550 % filled"]


def test_values_of_the_sample_are_offered_for_the_transcoding(sign_in: SignIn, form: dict[str, Any]) -> None:
    client = sign_in("OPERATOR")
    lines = {"transcoding_field": ["", "stockNumber"], "transcoding_from": ["", ""], "transcoding_to": ["", ""]}
    data = form | {"columns": fields_of(look(client, form))["columns"][0]} | lines
    tree = parse(look(client, data))
    offered = {it.get("id"): [option.get("value") for option in it] for it in tree.findall(".//datalist")}
    assert offered == {"values-0": [], "values-1": ["4", "many"]}


def test_lines_of_the_transcoding_come_and_go(sign_in: SignIn, form: dict[str, Any]) -> None:
    lines = {
        "transcoding_field": ["price", "currency"],
        "transcoding_from": ["0", "€"],
        "transcoding_to": ["1", "EUR"],
    }
    client = sign_in("OPERATOR")
    more = fields_of(look(client, form | lines | {"more": "y"}))
    assert more["transcoding_from"] == ["0", "€", "", "", "", "", "", ""]
    fewer = fields_of(look(client, form | lines | {"remove": "0"}))
    assert fewer["transcoding_from"] == ["€", "", "", ""]


def test_the_file_is_read_once_and_again_on_request(sign_in: SignIn, form: dict[str, Any], inbound: Path) -> None:
    client = sign_in("OPERATOR")
    look(client, form)
    (inbound / "offers.csv").write_text("Stock Id;Fresh\nS-9;1\n")
    assert "Fresh" not in look(client, form)
    assert "Fresh" in look(client, form | {"afresh": "y"})


def test_a_form_that_opens_reads_the_file_again_and_tells_when_it_was_read(
    sign_in: SignIn, form: dict[str, Any], sessions: Sessions, inbound: Path
) -> None:
    with sessions.begin() as session:
        job = factories.add_import_job(session, session.scalars(select(Connection)).one(), file_path="in/offers.csv")
    client, address = sign_in("OPERATOR"), f"/imports/preview?job={job.public_id}"
    seen = look(client, form, address)
    assert re.search("Read <time [^>]*>.+</time>", seen) and "Read again" in seen
    (inbound / "offers.csv").write_text("Stock Id;Fresh\nS-9;1\n")
    opened = client.get(f"/imports/{job.public_id}/edit").text
    assert "Fresh" not in opened and re.search("Read <time ", opened), "what is kept is told until the server answers"
    answer = look(client, fields_of(opened), address)
    assert "Fresh" in answer
    (inbound / "offers.csv").write_text("Stock Id;Fresher\nS-9;1\n")
    assert "afresh" not in fields_of(answer) and "Fresher" not in look(client, form, address)


def test_whatever_a_file_holds_can_be_shown(sign_in: SignIn, form: dict[str, Any], inbound: Path) -> None:
    rows = "Stock Id;Bell\x07;<b>;Long\nS-\x0b1;\x00;<script>;" + "x" * 5000 + "\n\x01S;;;\n"
    (inbound / "offers.csv").write_text(rows)
    page = look(
        sign_in("OPERATOR"), form | {"transcoding_field": "stockId", "transcoding_from": "", "transcoding_to": ""}
    )
    assert "<script>" not in page and "x" * 300 not in page
    assert "Holds a NUL character" in page


def test_a_file_of_many_columns_makes_no_endless_page(sign_in: SignIn, form: dict[str, Any], inbound: Path) -> None:
    names = ["Stock Id", *(f"column {number} of many" for number in range(1500))]
    (inbound / "offers.csv").write_text(";".join(names) + "\n" + ";" * 1500 + "\n")
    page = look(sign_in("OPERATOR"), form)
    assert len(page) < 200_000
    assert page.count('<option value="column 7 of many">') == 1 and "1460 more" in page
    assert chosen(page) == {"source.stockId": "Stock Id"}


def test_an_excel_workbook_is_told_without_a_word_on_delimiters(
    sign_in: SignIn, form: dict[str, Any], inbound: Path
) -> None:
    (inbound / "offers.csv").write_bytes(b"PK\x03\x04" + bytes(200))
    page = look(sign_in("OPERATOR"), form)
    assert "This is an Excel workbook" in page and "does not part it" not in page


def test_a_file_that_cannot_be_had_is_told(sign_in: SignIn, form: dict[str, Any]) -> None:
    page = look(sign_in("OPERATOR"), form | {"file_path": "in/gone.csv"})
    assert "It could not be read" in page and "There is no file in/gone.csv" in page
    assert "Asked for <time " in page and "Read again" in page


def test_of_a_folder_the_first_file_is_shown(sign_in: SignIn, form: dict[str, Any], inbound: Path) -> None:
    (inbound / "a.csv").write_text("Stock Id;Other\nS-7;x\n")
    data = form | {"reads": "folder", "inbound_directory": "in", "outbound_directory": "done"}
    page = look(sign_in("OPERATOR"), data)
    assert "a.csv" in page and "S-7" in page and "every .csv file of in of ERP" in page


def test_the_next_runs_follow_the_schedule(sign_in: SignIn, form: dict[str, Any]) -> None:
    client = sign_in("OPERATOR")
    data = form | {"frequency": "DAILY", "every_days": "MON-FRI", "at": "06:30", "schedule_enabled": "y"}
    page = look(client, data)
    assert "Every weekday at 06:30 UTC" in page and page.count("06:30:00</time>") == 5
    faulty = look(client, data | {"frequency": "CUSTOM", "cron": "0 6 * *"})
    assert "This has 4 fields" in faulty and "Next runs" in faulty and 'class="fires"' not in faulty
    half = look(client, data | {"frequency": "WEEKLY"})
    assert "They show once the schedule is complete. Tick at least one day." in half
    assert piece(half, "summary").startswith("Once its schedule is complete: in/offers.csv")


def test_an_existing_job_keeps_its_choices(
    sign_in: SignIn, form: dict[str, Any], sessions: Sessions, inbound: Path
) -> None:
    mapping = [{"field": "stockId", "source": "stock_id"}, {"field": "price", "source": "Gone"}]
    with sessions.begin() as session:
        connection = session.scalars(select(Connection)).one()
        job = factories.add_import_job(session, connection, mapping=mapping)
    client = sign_in("OPERATOR")
    address = f"/imports/{job.public_id}/edit"
    data = fields_of(client.get(address).text)
    page = look(client, data, f"/imports/preview?job={job.public_id}")
    assert chosen(page) == {"source.stockId": "Stock Id", "source.price": "Gone"}, "written as in the file"
    assert "Gone (not in the file)" in page and "proposed" not in page
    assert "Not in the file: <code>Gone</code>" in page
    assert chosen(client.get(address).text)["source.stockId"] == "Stock Id", "the page knows the file from now on"


def test_nothing_is_saved_by_looking(sign_in: SignIn, form: dict[str, Any], sessions: Sessions) -> None:
    look(sign_in("OPERATOR"), form)
    with sessions() as session:
        assert session.scalars(select(ImportJob)).all() == []


def test_no_transaction_is_open_while_the_server_answers(
    app: APIFlask, sign_in: SignIn, form: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from webapp.database import db  # noqa: PLC0415

    seen = []

    def read(*_args: object, **_kwargs: object) -> None:
        seen.append(db.session().in_transaction())

    client = sign_in("OPERATOR")
    monkeypatch.setattr("datahub.jobs.import_sample.read_sample", read)
    look(client, form)
    assert seen == [False]


@pytest.mark.parametrize("address", ["/imports/preview", "/imports/preview?entity=NOTHING", "/imports/preview?job=1"])
def test_a_preview_of_nothing_known_is_not_found(sign_in: SignIn, address: str) -> None:
    assert sign_in("OPERATOR").post(address).status_code == 404


def test_a_file_is_found_by_walking_through_folders(sign_in: SignIn, form: dict[str, Any], inbound: Path) -> None:
    (inbound / "old").mkdir()
    client = sign_in("OPERATOR")

    def browse(**data: str) -> str:
        return client.post(
            "/imports/browse?entity=OFFER&field=file_path", data=form | {"file_path": ""} | data, htmx=True
        ).text

    top = browse()
    assert 'name="open" value="in"' in top and "Up" not in top
    below = browse(open="in")
    assert 'name="pick" value="in/offers.csv"' in below and 'name="open" value="in/old"' in below
    assert 'name="open" value="."' in below
    picked = browse(pick="in/offers.csv")
    assert 'value="in/offers.csv"' in picked and 'name="open"' not in picked
    assert 'name="pick" value="in/offers.csv"' in browse(file_path="in/offers.csv"), "it opens where the file lies"
    assert "The folder nowhere does not exist" in browse(open="nowhere")
    assert "Choose a connection first." in browse(connection_id="")


def test_a_folder_is_found_by_walking_through_folders(sign_in: SignIn, form: dict[str, Any], inbound: Path) -> None:
    (inbound / "old").mkdir()
    client = sign_in("OPERATOR")
    page = client.post(
        "/imports/browse?entity=OFFER&field=outbound_directory", data=form | {"open": "in"}, htmx=True
    ).text
    assert 'name="open" value="in/old"' in page and "offers.csv" not in page
    assert fields_of(page)["outbound_directory"] == ["in"]
    assert client.post("/imports/browse?entity=OFFER&field=name", data=form, htmx=True).status_code == 404


MOVES = """<Orders xmlns="http://djust.com/import/type">
<Order><reference>R-1</reference><state>Sent</state><parcel><url>https://parcels.example/1</url></parcel></Order>
<Order><externalId>ERP-2</externalId><state>SHIPPED</state></Order>
</Orders>"""


@pytest.mark.parametrize("is_cut", [False, True])
def test_elements_of_xml_are_mapped_and_transcoded_like_columns(
    sign_in: SignIn, form: dict[str, Any], inbound: Path, is_cut: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    (inbound / "moves.xml").write_text(MOVES)
    if is_cut:
        monkeypatch.setattr("datahub.jobs.import_sample.SAMPLE_BYTES", len(MOVES) - 9)
    own = {name: value for name, value in form.items() if not name.startswith(("source.", "delimiter"))}
    own |= {"reads": "folder", "inbound_directory": "in", "outbound_directory": "done"}
    client, address = sign_in("OPERATOR"), "/imports/preview?entity=ORDER_STATUS"
    page = look(client, own, address)
    assert "moves.xml" in page and "every .xml file of in" in page and "comma" not in page
    (inbound / "moves.xml").write_text("<Orders/>")
    assert "The file has no rows." in look(client, own | {"afresh": "y"}, address)
    (inbound / "moves.xml").write_text(MOVES)
    page = look(client, own | {"afresh": "y"}, address)
    assert "Delimiter" not in client.get("/imports/new/sftp?entity=ORDER_STATUS").text
    assert chosen(page) == {
        "source.orderReference": "reference",
        "source.orderExternalId": "externalId",
    }
    mapped = own | chosen(page) | {"source.orderStatus": "state", "source.shippingTrackingUrl": "parcel/url"}
    page = look(client, mapped, address)
    assert "https://parcels.example/1" in page and "row 1 of 2" in page
