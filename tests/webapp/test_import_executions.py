"""The pages of import executions: among all others, one with its stages and rejected rows, the history of a job."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.models.execution import IMPORT_STATUSES, ORIGINS, Event, Execution
from datahub.models.import_run import ImportRun
from tests.factories import add_import_execution, add_import_job
from tests.webapp.conftest import MakeImport, ParsingClient, drawn, parse

SignIn = Callable[[str], ParsingClient]
EXPORT_ONLY = ("TRIGGER", "RUN", "RETRY", "RESEND")


def page_of(execution: Execution, action: str = "") -> str:
    return f"/executions/{execution.public_id}{action}"


def stages(page: str) -> list[str | None]:
    return [bar.get("value") for bar in parse(page).iterfind(".//progress")]


@pytest.mark.parametrize("status", IMPORT_STATUSES)
def test_every_page_knows_every_status(sign_in: SignIn, make_import: MakeImport, status: str) -> None:
    execution = make_import(status=status)
    client = sign_in("VIEWER")
    panel = f"/imports/{execution.job_public_id}"
    for address in ("/", "/executions", page_of(execution), page_of(execution, "/row"), panel):
        assert client.get(address).status_code == 200, address
    assert client.get(f"/executions?statuses={status}").text.count(execution.public_id) > 0
    assert ("every" in client.get(page_of(execution, "/progress")).text) is not execution.is_terminal


@pytest.mark.parametrize("origin", [origin for origin in ORIGINS if origin not in EXPORT_ONLY])
def test_the_page_says_who_started_it(sign_in: SignIn, make_import: MakeImport, origin: str) -> None:
    execution = make_import(origin=origin)
    words = "by schedule" if origin == "SCHEDULE" else "ada"
    assert words in sign_in("VIEWER").get(page_of(execution)).text


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("JOB_STARTED", "Reading"),
        ("INTEGRATION_WAITING", "Waiting to be written"),
        ("INTEGRATION_STARTED", "Writing"),
        ("INTEGRATION_DONE_WITH_ERRORS", "Done with 3 rejected"),
        ("JOB_SKIPPED", "Skipped"),
    ],
)
def test_statuses_are_said_in_words(sign_in: SignIn, make_import: MakeImport, status: str, words: str) -> None:
    execution = make_import(status=status, run={"rejected": 3})
    client = sign_in("VIEWER")
    for address in (page_of(execution), page_of(execution, "/row"), page_of(execution, "/import-row")):
        assert f">{words}<" in client.get(address).text, address


OF_40_BYTES = {"name": "offers.csv", "size": 40, "sha256": "", "rows": 0, "error": None}
TO_FETCH = OF_40_BYTES | {"sha256": None}
READ_30 = {"rows": 8, "bytes_fetched": 40, "bytes_read": 30, "files": [OF_40_BYTES]}


@pytest.mark.parametrize(
    ("rejected", "error", "words"),
    [
        (0, "Line 1: no.", "Done, 1 of 2 files not read"),
        (3, "Line 1: no.", "Done, 1 of 2 files not read, 3 rejected"),
        (0, None, "Done, but files were not moved"),
    ],
)
def test_an_end_that_was_not_all_well_says_why(
    sign_in: SignIn, make_import: MakeImport, rejected: int, error: str | None, words: str
) -> None:
    files = [OF_40_BYTES, OF_40_BYTES | {"name": "b.csv", "error": error}]
    execution = make_import(status="INTEGRATION_DONE_WITH_ERRORS", run={"rejected": rejected, "files": files})
    assert f">{words}<" in sign_in("VIEWER").get(page_of(execution)).text


@pytest.mark.parametrize(
    ("status", "run", "bars"),
    [
        ("JOB_PENDING", {}, ["0.0", "0", "0", "0"]),
        ("JOB_STARTED", {}, [None, "0", "0", "0"]),
        ("JOB_STARTED", {"bytes_fetched": 10, "files": [TO_FETCH | {"size": None}]}, [None, "0", "0", "0"]),
        ("JOB_STARTED", {"bytes_fetched": 10, "files": [TO_FETCH]}, ["0.25", "0", "0", "0"]),
        ("JOB_STARTED", {"upload_name": "offers.csv"}, [None, "0", "0"]),
        ("JOB_STARTED", READ_30, ["1.0", "0.75", "0", "0"]),
        ("JOB_FAILED", READ_30, ["1.0", "0.75", "0", "0"]),
        ("INTEGRATION_WAITING", {"rows": 8}, ["1.0", "1", None, "0.0"]),
        ("INTEGRATION_STARTED", {"rows": 8, "rows_done": 2}, ["1.0", "1", "1", "0.25"]),
        ("INTEGRATION_DONE", {}, ["1.0", "1", "1", "1.0"]),
        ("JOB_FAILED", {}, ["0.0", "0", "0", "0"]),
        ("JOB_FAILED", {"bytes_fetched": 10, "files": [TO_FETCH]}, ["0.25", "0", "0", "0"]),
        ("INTEGRATION_FAILED", {"rows": 8, "rows_done": 4}, ["1.0", "1", "1", "0.5"]),
    ],
)
def test_the_bars_show_how_far_it_came(
    sign_in: SignIn, make_import: MakeImport, status: str, run: dict[str, object], bars: list[str | None]
) -> None:
    assert stages(sign_in("VIEWER").get(page_of(make_import(status=status, run=run))).text) == bars


def test_fetching_tells_bytes_of_bytes_and_their_rate(
    sign_in: SignIn, make_import: MakeImport, sessions: sessionmaker[Session]
) -> None:
    execution = make_import(
        status="JOB_STARTED", run={"bytes_fetched": 12_000_000, "files": [TO_FETCH | {"size": 48_000_000}]}
    )
    with sessions.begin() as session:
        session.get_one(Execution, execution.id).events[0].at -= timedelta(seconds=60)
    page = sign_in("VIEWER").get(page_of(execution, "/progress")).text
    assert re.search(r"25%, 12\.0 MB of 48\.0 MB, \d+\.\d kB per second", page)


def test_a_file_that_never_came_is_named_and_said_not_to_be_fetched(sign_in: SignIn, make_import: MakeImport) -> None:
    execution = make_import(status="JOB_FAILED", run={"files": [TO_FETCH | {"size": None}]})
    client = sign_in("VIEWER")
    page = client.get(page_of(execution)).text
    assert "not fetched" in page and "stays where it is" not in page
    assert "File: offers.csv, not fetched" in page
    assert "offers.csv" in client.get(page_of(execution, "/row")).text


def test_for_support_a_file_given_by_hand_is_named_though_nothing_was_read(
    sign_in: SignIn, make_import: MakeImport
) -> None:
    execution = make_import(status="JOB_FAILED", origin="UPLOAD", run={"upload_name": "mine.csv"})
    assert "File: mine.csv, given by hand, not read" in sign_in("VIEWER").get(page_of(execution)).text


def test_one_row_is_said_in_the_singular(sign_in: SignIn, make_import: MakeImport) -> None:
    client = sign_in("VIEWER")
    reading = client.get(page_of(make_import(status="JOB_STARTED", run=READ_30 | {"rows": 1}))).text
    assert "75%, 1 row read" in reading
    written = make_import(status="INTEGRATION_DONE", run={"rows": 1, "rows_done": 1, "files": [OF_40_BYTES]})
    for action in ("", "/row"):
        page = drawn(client.get(page_of(written, action)).text)
        assert re.search(r"1 of 1 row(, [\d.]+ rows? per second)? ?<", page)


def test_warnings_are_counted_beside_the_rows(sign_in: SignIn, make_import: MakeImport) -> None:
    client = sign_in("VIEWER")
    assert "<dt>Warnings</dt>" not in client.get(page_of(make_import())).text
    page = client.get(page_of(make_import(run={"warnings": 12}))).text
    assert '<dt>Warnings</dt> <dd> <a href="#warnings">12</a> </dd>' in drawn(page)


def test_attempts_are_told_in_words_with_their_step(
    sign_in: SignIn, make_import: MakeImport, sessions: sessionmaker[Session]
) -> None:
    execution = make_import(status="INTEGRATION_STARTED", attempts=5)
    moves = (
        ("JOB_INITIALIZING", "JOB_STARTED", 1, "reading begins"),
        ("JOB_STARTED", "JOB_INITIALIZING", 1, "The server did not answer. Next try in 5 s."),
        ("JOB_INITIALIZING", "JOB_STARTED", 2, "reading begins"),
        ("JOB_STARTED", "INTEGRATION_WAITING", 2, "8 rows read"),
        ("INTEGRATION_WAITING", "INTEGRATION_STARTED", 3, "writing begins"),
        ("INTEGRATION_STARTED", "INTEGRATION_WAITING", 3, "Worker two stopped answering."),
        ("INTEGRATION_WAITING", "INTEGRATION_STARTED", 4, "writing begins"),
    )
    with sessions.begin() as session:
        row = session.get_one(Execution, execution.id)
        row.events[0].to_status = "JOB_INITIALIZING"
        for seconds, (came_from, to, attempt, reason) in enumerate(moves):
            at = row.created_at + timedelta(seconds=seconds)
            told = {"actor": "system", "worker": "two", "reason": reason}
            row.events.append(Event(at=at, from_status=came_from, to_status=to, attempt=attempt, **told))
    client = sign_in("VIEWER")
    for action in ("", "/rows"):
        (table,) = parse(client.get(page_of(execution, action)).text).iterfind(".//table[caption='Attempts']")
        rows = [[" ".join(" ".join(cell.itertext()).split()) for cell in row] for row in table.iterfind("tbody/tr")]
        assert [[row[0], row[1], *row[3:]] for row in rows] == [
            ["1 reading", "Not finished", "1.0 s", "two", "The server did not answer. Next try in 5 s."],
            ["2 reading", "Read", "1.0 s", "two", "8 rows read"],
            ["3 writing", "Not finished", "1.0 s", "two", "Worker two stopped answering."],
            ["4 writing", "Writing", "\u2013", "two", "\u2013"],
        ]


def test_attempts_say_that_an_import_is_still_read_or_not_tried_yet(sign_in: SignIn, make_import: MakeImport) -> None:
    client = sign_in("VIEWER")
    page = client.get(page_of(make_import(status="JOB_STARTED"), "/rows")).text
    attempts = page.partition('id="attempts"')[2].partition("</section>")[0]
    assert ">Reading<" in attempts and "Sending" not in attempts
    assert "Not tried yet." in client.get(page_of(make_import(status="JOB_PENDING"), "/rows")).text


def test_one_more_attempt_shows_the_rows_and_attempts_anew(
    sign_in: SignIn, make_import: MakeImport, sessions: sessionmaker[Session]
) -> None:
    """Between two looks it may be back in the status that the page has seen."""
    execution = make_import(status="JOB_STARTED", attempts=1)
    client = sign_in("VIEWER")
    (seen,) = re.findall(r"seen=([^\"]+)", client.get(page_of(execution)).text)
    look = page_of(execution, f"/progress?seen={seen}")
    assert "HX-Trigger-After-Swap" not in client.get(look).headers
    with sessions.begin() as session:
        session.get_one(Execution, execution.id).attempts = 2
    assert client.get(look).headers["HX-Trigger-After-Swap"] == "execution-moved"


def test_an_import_is_neither_retried_nor_sent_again(sign_in: SignIn, make_import: MakeImport) -> None:
    execution = make_import(status="JOB_FAILED")
    client = sign_in("OPERATOR")
    for action in ("/retry", "/resend"):
        assert client.post(page_of(execution, action)).status_code == 404


def test_the_history_of_a_job_holds_its_runs_alone(sign_in: SignIn, make_import: MakeImport) -> None:
    mine, other = make_import(run={"created": 41}), make_import()
    client = sign_in("VIEWER")
    panel = f"/imports/{mine.job_public_id}"
    page = client.get(panel).text
    assert mine.public_id in page
    assert other.public_id not in page
    assert '<td data-label="Created" class="number pair">41</td>' in page
    assert "No execution fits" in client.get(panel, query_string={"statuses": "JOB_FAILED"}).text
    assert client.get("/imports/none").status_code == 404


def test_an_import_under_way_is_stopped_and_one_that_ended_is_not(sign_in: SignIn, make_import: MakeImport) -> None:
    running, ended = make_import(status="INTEGRATION_WAITING"), make_import(status="JOB_FAILED")
    client = sign_in("OPERATOR")
    assert client.post(page_of(running, "/stop")).status_code == 303
    assert "JOB_STOPPED" in client.get(page_of(running)).text
    refused = client.post(page_of(ended, "/stop"))
    assert refused.status_code == 409 and "already ended" in refused.text


def test_a_stopped_import_winds_down_while_a_worker_may_hold_it(
    sign_in: SignIn, make_import: MakeImport, sessions: sessionmaker[Session]
) -> None:
    execution = make_import(status="JOB_STOPPED", token="held")
    client = sign_in("VIEWER")
    for ahead, words, looks_again in ((60, ">Stopped, winding down<", True), (-60, ">Stopped<", False)):
        with sessions.begin() as session:
            row = session.get_one(Execution, execution.id)
            row.lease_until = database_now(session) + timedelta(seconds=ahead)
        for action in ("/progress", "/row", "/import-row"):
            page = client.get(page_of(execution, action)).text
            assert words in page and (" every " in page.replace('"', " ")) is looks_again, action


def test_the_duration_stands_beside_the_usual_one(
    sign_in: SignIn, make_import: MakeImport, sessions: sessionmaker[Session]
) -> None:
    execution = make_import()
    with sessions.begin() as session:
        run = session.get_one(ImportRun, execution.id)
        run.started_at = execution.ended_at - timedelta(seconds=72) if execution.ended_at else None
    page = drawn(sign_in("VIEWER").get(page_of(execution)).text)
    assert '1 min 12 s <span class="sub">usually 1 min 12 s</span>' in page


def test_an_import_among_all_executions_is_stopped_from_its_row(sign_in: SignIn, make_import: MakeImport) -> None:
    execution = make_import(status="INTEGRATION_STARTED")
    page = sign_in("OPERATOR").get("/executions").text
    assert f'action="{page_of(execution, "/stop")}"' in page and "Stop this import?" in page
    assert page_of(execution, "/stop") not in sign_in("VIEWER").get("/executions").text


def test_an_import_that_waits_for_its_next_try_says_so_everywhere(sign_in: SignIn, make_import: MakeImport) -> None:
    in_two_minutes = datetime.now(UTC) + timedelta(minutes=2, seconds=30)
    execution = make_import(
        status="JOB_INITIALIZING", error="The server did not answer.", next_attempt_at=in_two_minutes
    )
    client = sign_in("VIEWER")
    for address in (page_of(execution), page_of(execution, "/row"), page_of(execution, "/import-row"), "/now"):
        page = client.get(address).text
        assert ">To be tried again<" in page and "in 2 min" in page, address
    assert "Retrying by itself" in client.get("/imports?state=RETRYING").text


def test_the_files_of_a_folder_are_shown_with_what_became_of_them(sign_in: SignIn, make_import: MakeImport) -> None:
    good = [{"name": f"{n}.csv", "size": 2_000, "sha256": "ab", "rows": n, "error": None} for n in range(60)]
    bad = {"name": "<b>.csv", "size": 9, "sha256": "cd", "rows": 0, "error": "Line 4: <i>", "moved_to": "done/<b>"}
    page = sign_in("VIEWER").get(page_of(make_import(run={"files": [*good, bad], "rows": 1}))).text
    (table,) = [one for one in parse(page).iterfind(".//table") if "Size" in "".join(one.itertext())]
    rows = ["".join(row.itertext()).split() for row in table.iterfind("tbody/tr")]
    assert rows[0] == ["<b>.csv", "9", "B", "0", "Not", "read", "Line", "4:", "<i>", "moved", "to", "done/<b>"]
    assert rows[3][:4] == ["2.csv", "2.0", "kB", "2"]
    assert len(rows) == 50 and "And 11 more." in page
    assert " ".join(rows[3]).endswith("stays where it is")


def test_what_became_of_a_file_of_a_folder_or_of_one_given_by_hand_is_said(
    sign_in: SignIn, make_import: MakeImport
) -> None:
    run = {"files": [{"name": "a.csv", "size": 2, "sha256": "ab", "rows": 1, "error": None}], "rows": 1}
    client = sign_in("VIEWER")
    assert "not moved yet" in client.get(page_of(make_import(run=run | {"recipe": {"inbound": "in"}}))).text
    assert "given by hand" in client.get(page_of(make_import(run=run, origin="UPLOAD"))).text


def test_an_import_that_waits_for_a_place_says_for_which_limit(
    sign_in: SignIn, make_import: MakeImport, sessions: sessionmaker[Session]
) -> None:
    execution = make_import(status="JOB_INITIALIZING", next_attempt_at=datetime.now(UTC))
    client = sign_in("VIEWER")
    words = "at its limit of imports that read at once, 4 (MAX_RUNS_PER_CONNECTION)"
    assert words not in client.get(page_of(execution, "/progress")).text
    with sessions.begin() as session:
        older = session.merge(execution).import_job
        assert older
        for _ in range(4):
            add_import_execution(session, add_import_job(session, older.connection), status="JOB_STARTED")
    page = client.get(page_of(execution, "/progress")).text
    assert words in page and page.count('href="/executions/') == 4, "each that reads is linked"


@pytest.mark.parametrize(
    ("status", "its_status", "words"),
    [
        ("JOB_PENDING", "JOB_STARTED", "waits until this job is free. Under way: "),
        ("JOB_INITIALIZING", "INTEGRATION_STARTED", "waits for a free worker. At work: "),
        ("INTEGRATION_WAITING", "INTEGRATION_STARTED", "waits for its turn to write. Before it: "),
    ],
)
def test_an_import_that_waits_for_another_one_leads_to_it(
    sign_in: SignIn, make_import: MakeImport, sessions: sessionmaker[Session], status: str, its_status: str, words: str
) -> None:
    execution = make_import(status=status, next_attempt_at=datetime.now(UTC))
    with sessions.begin() as session:
        job = session.merge(execution).import_job
        assert job
        mine = job if status == "JOB_PENDING" else add_import_job(session, job.connection)
        other = add_import_execution(session, mine, status=its_status)
    page = drawn(sign_in("VIEWER").get(page_of(execution)).text)
    assert f'{words}<a href="{page_of(other)}" title="{other.public_id}">{other.job_name}</a>' in page
