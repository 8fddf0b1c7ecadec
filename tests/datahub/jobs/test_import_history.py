"""What is told of import executions: which there are, how far they came, what was rejected and why."""

from __future__ import annotations

import csv
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from datahub.db import database_now
from datahub.errors import NotFoundError
from datahub.formats import rejected_sheet
from datahub.jobs import import_history, rejected_rows
from datahub.jobs.import_history import Cause
from datahub.models.execution import INTEGRATION_STARTED, JOB_FAILED, JOB_PENDING, JOB_STOPPED, Event, Execution
from datahub.models.import_job import ImportJob
from datahub.models.import_run import ImportWarning
from datahub.vault import Vault
from tests.factories import add_connection, add_import_execution, add_import_job, add_rejected_row, make_job

HEADERS = {"a.csv": ["id", "name"], "b.csv": ["name", "price", "name"]}


@pytest.fixture
def job(session: Session, vault: Vault) -> ImportJob:
    return add_import_job(session, add_connection(session, vault))


def lines(session: Session, execution: Execution, delimiter: str = ";") -> list[list[str]]:
    text = "".join(rejected_rows.rejected_file(session, execution))
    return list(csv.reader(text.splitlines(keepends=True), delimiter=delimiter))


def test_only_imports_of_the_job_are_found_newest_first(session: Session, vault: Vault, job: ImportJob) -> None:
    other = add_import_job(session, job.connection)
    first, second = add_import_execution(session, job), add_import_execution(session, job)
    add_import_execution(session, other)
    assert import_history.find(session, job.public_id).items == [second, first]
    assert import_history.find(session, job.public_id, descending=False).items == [first, second]
    pages = [import_history.find(session, job.public_id, page=page, size=1) for page in (0, 1)]
    assert [(page.items, page.has_more) for page in pages] == [([second], True), ([first], False)]


def test_search_and_statuses_narrow_the_history(session: Session, job: ImportJob) -> None:
    done = add_import_execution(session, job)
    failed = add_import_execution(session, job, status=JOB_FAILED)
    assert import_history.find(session, job.public_id, statuses=[JOB_FAILED, "LOST"]).items == [failed]
    assert import_history.find(session, job.public_id, search=done.public_id[5:20].upper()).items == [done]
    assert import_history.find(session, job.public_id, search="x%").items == []


def test_what_has_not_started_is_sorted_by_its_creation(session: Session, job: ImportJob) -> None:
    now = database_now(session)
    late = add_import_execution(session, job, executed_at=now + timedelta(hours=1))
    waiting = add_import_execution(session, job, run={"started_at": None}, status=JOB_PENDING)
    early = add_import_execution(session, job, executed_at=now - timedelta(hours=1))
    assert import_history.find(session, job.public_id, sort="started_at").items == [late, waiting, early]


def test_an_execution_is_known_under_its_own_job_only(session: Session, job: ImportJob) -> None:
    execution = add_import_execution(session, job)
    assert import_history.get(session, execution.public_id, job_public_id=job.public_id) is execution
    with pytest.raises(NotFoundError):
        import_history.get(
            session, execution.public_id, job_public_id=add_import_job(session, job.connection).public_id
        )


def test_a_job_is_known_while_it_or_its_history_is_there(session: Session, job: ImportJob) -> None:
    import_history.require_job(session, job.public_id)
    execution = add_import_execution(session, job, import_job_id=None, job_public_id="gone")
    import_history.require_job(session, execution.job_public_id)
    for unknown in ("never", make_job(session, job.connection).public_id):
        with pytest.raises(NotFoundError):
            import_history.require_job(session, unknown)


@pytest.mark.parametrize("status", [INTEGRATION_STARTED, JOB_STOPPED, "INTEGRATION_FAILED"])
def test_read_is_the_sum_of_the_counts_before_and_after_a_stop(session: Session, job: ImportJob, status: str) -> None:
    counts = {"created": 1, "updated": 2, "deleted": 3, "unchanged": 4, "rejected": 5}
    execution = add_import_execution(session, job, status=status, run={"rows": 99, "rows_done": 15, **counts})
    assert import_history.counts_of(execution) == {"read": 15, **counts}


@pytest.mark.parametrize(
    ("status", "rows", "done", "share"),
    [
        (INTEGRATION_STARTED, 200, 50, 0.25),
        (INTEGRATION_STARTED, 0, 0, 0.0),
        (JOB_FAILED, 0, 0, 0.0),
        ("INTEGRATION_DONE", 0, 0, 1.0),
    ],
)
def test_progress_is_the_share_written(
    session: Session, job: ImportJob, status: str, rows: int, done: int, share: float
) -> None:
    execution = add_import_execution(session, job, status=status, run={"rows": rows, "rows_done": done})
    assert import_history.progress_of(execution) == share


def test_speed_counts_from_the_first_write_to_the_end(session: Session, job: ImportJob) -> None:
    now = database_now(session)
    execution = add_import_execution(session, job, run={"rows": 500, "rows_done": 500}, ended_at=now)
    assert import_history.rows_per_second(session, execution) is None
    for seconds in (10, 2):
        at = now - timedelta(seconds=seconds)
        move = Event(execution_id=execution.id, at=at, to_status=INTEGRATION_STARTED, actor="worker", attempt=1)
        session.add(move)
    session.flush()
    assert import_history.rows_per_second(session, execution) == 50


def test_causes_tell_rows_and_distinct_values(session: Session, job: ImportJob) -> None:
    execution = add_import_execution(session, job)
    for number, value in enumerate(["S-1", "S-1", "S-2"], 1):
        add_rejected_row(session, execution, number, value=value)
    add_rejected_row(session, execution, 4, cause="not_a_number", field="price", value="x")
    add_rejected_row(session, execution, 5, cause="required", field="price", value="")
    add_rejected_row(session, add_import_execution(session, job), 1)
    assert import_history.causes(session, execution) == [
        Cause("unknown_reference", "supplier", rows=3, values=2),
        Cause("not_a_number", "price", rows=1, values=1),
        Cause("required", "price", rows=1, values=0),
    ]


def test_rejected_rows_come_in_the_order_of_the_file_and_by_cause(session: Session, job: ImportJob) -> None:
    execution = add_import_execution(session, job)
    second = add_rejected_row(session, execution, 2)
    first = add_rejected_row(session, execution, 1, cause="not_a_number", field="price")
    found = import_history.rejections(session, execution, size=1)
    assert (found.items, found.has_more) == ([first], True)
    assert import_history.rejections(session, execution, cause="unknown_reference", field="supplier").items == [second]


def test_of_a_tree_that_is_refused_the_rows_at_fault_come_first(session: Session, job: ImportJob) -> None:
    execution = add_import_execution(session, job, entity="NAVIGATION_CATEGORY")
    other, another = (add_rejected_row(session, execution, n, cause="tree_refused", field="") for n in (1, 3))
    at_fault = add_rejected_row(session, execution, 2, cause="required", field="navigationCategoryNames")
    assert import_history.rejections(session, execution).items == [at_fault, other, another]


def test_warnings_come_a_page_at_a_time(session: Session, job: ImportJob) -> None:
    execution = add_import_execution(session, job)
    wanted = [ImportWarning(execution_id=execution.id, file="a.csv", code="late", message=text) for text in "abc"]
    for warning in wanted:
        session.add(warning)
        session.flush()
    found = [import_history.warnings(session, execution, page=page, size=2) for page in (0, 1)]
    assert [(page.items, page.has_more) for page in found] == [(wanted[:2], True), (wanted[2:], False)]


def test_the_download_joins_the_columns_of_all_files(session: Session, job: ImportJob) -> None:
    execution = add_import_execution(session, job, run={"recipe": {"headers": HEADERS, "delimiter": ","}})
    add_rejected_row(session, execution, 1, file="a.csv", line=7, cells=["1", "Ada"])
    add_rejected_row(session, execution, 2, file="b.csv", line=3, cells=["Bob", "9", "B."])
    assert lines(session, execution, ",") == [
        ["id", "name", "price", "name", "hub_file", "hub_line", "hub_reason"],
        ["1", "Ada", "", "", "a.csv", "7", "Supplier: No supplier has this id."],
        ["", "Bob", "9", "B.", "b.csv", "3", "Supplier: No supplier has this id."],
    ]


def test_faults_name_the_column_of_their_file(session: Session, job: ImportJob) -> None:
    bound = {"a.csv": [[0, "key", None], [1, "supplier", None]], "b.csv": [[0, "names", None], [2, "names", "fr-FR"]]}
    execution = add_import_execution(session, job, run={"recipe": {"headers": HEADERS, "bound": bound}})
    for number, (file, field) in enumerate([("a.csv", "supplier"), ("b.csv", "names"), ("b.csv", "supplier")], 1):
        fault = {"code": "required", "field": field, "value": "", "message": "This field is required."}
        add_rejected_row(session, execution, number, file=file, faults=[fault])
    columns = import_history.columns_of(execution)
    rows = import_history.rejections(session, execution).items
    assert [import_history.faults_of(row, columns)[0]["column"] for row in rows] == ["name", "", ""]
    reasons = [line[-1].partition(":")[0] for line in lines(session, execution)[1:]]
    assert reasons == ["name", "names", "supplier"]


def test_the_download_goes_on_over_many_chunks(
    session: Session, job: ImportJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rejected_rows, "CSV_CHUNK", 2)
    execution = add_import_execution(session, job, run={"recipe": {"headers": {"a.csv": ["id"]}}})
    for number in range(1, 6):
        add_rejected_row(session, execution, number, file="a.csv", cells=[str(number)])
    assert [line[0] for line in lines(session, execution)] == ["id", "1", "2", "3", "4", "5"]


@pytest.mark.parametrize(
    "cell", ["=1+1", "+a", "-", "--1", "@x", "\tx", "\rx", "-1e5", "+1.2.3", "-1\n=x", "'=1", "''@", "'-1"]
)
def test_cells_that_could_be_formulas_get_an_apostrophe(cell: str) -> None:
    assert rejected_sheet.harmless(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "a=1", "-1", "+1.50", "-1,5", "1-2", "'a", "'"])
def test_all_other_cells_stay_as_they_were(cell: str) -> None:
    assert rejected_sheet.harmless(cell) == cell


@given(st.text("'=+-@\t\r1a", max_size=8))
def test_a_cell_comes_back_as_it_was(cell: str) -> None:
    written = rejected_sheet.harmless(cell)
    assert rejected_sheet.as_it_was(written) == cell
    assert not written.startswith(rejected_sheet.FORMULA_STARTS) or rejected_sheet.NUMBER.fullmatch(written)


def test_the_download_without_a_header_still_names_line_and_reason(session: Session, job: ImportJob) -> None:
    run: dict[str, Any] = {"recipe": {}}
    execution = add_import_execution(session, job, run=run)
    add_rejected_row(session, execution, 1, line=2)
    assert lines(session, execution)[1] == ["offers.csv", "2", "Supplier: No supplier has this id."]


def test_a_ragged_row_is_downloaded_whole_with_what_to_do(session: Session, job: ImportJob) -> None:
    execution = add_import_execution(session, job, run={"recipe": {"headers": HEADERS, "delimiter": ","}})
    fault = {"code": "too_many_cells", "field": "", "value": "", "message": "This row has 3 cells; the header has 2."}
    cells = ["1", "A, B", "=C"]
    add_rejected_row(session, execution, 1, file="a.csv", line=2, cells=cells, cause=fault["code"], faults=[fault])
    add_rejected_row(session, execution, 2, file="a.csv", line=3, cells=["2", "Ada"])
    heading, ragged, other = lines(session, execution, ",")
    assert heading[-2:] == ["hub_reason", "hub_cells"]
    assert ragged[:2] == ["1", "A, B"] and ragged[-1] == '1,"A, B",=C'
    assert ragged[-2] == f"This row has 3 cells; the header has 2. {rejected_rows.HOW_TO_MEND}"
    assert other[-1] == ""


def test_the_columns_that_a_download_added_are_not_added_twice(session: Session, job: ImportJob) -> None:
    header = ["id", *rejected_sheet.HUB_COLUMNS, rejected_sheet.HUB_CELLS]
    execution = add_import_execution(session, job, run={"recipe": {"headers": {"a.csv": header}}})
    add_rejected_row(session, execution, 1, file="a.csv", line=2, cells=["1", "first.csv", "9", "Old reason.", ""])
    assert lines(session, execution) == [
        ["id", "hub_file", "hub_line", "hub_reason"],
        ["1", "a.csv", "2", "Supplier: No supplier has this id."],
    ]


def test_the_download_calls_fields_without_a_column_by_their_labels(session: Session, job: ImportJob) -> None:
    execution = add_import_execution(session, job, entity="OFFER", run={"recipe": {"headers": {"offers.csv": ["Id"]}}})
    fault = {
        "code": "required",
        "field": "stockNumber",
        "column": "",
        "value": "",
        "message": "This field is required.",
    }
    add_rejected_row(session, execution, 1, cells=["A"], faults=[fault])
    assert lines(session, execution)[1][-1] == "Stock Number: This field is required."
