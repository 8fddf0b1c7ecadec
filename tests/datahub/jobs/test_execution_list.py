"""Executions are listed in order, chosen exactly, searched literally, and read from indexes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from datahub.access import store_limits
from datahub.access.store_limits import StoreLimit
from datahub.jobs import execution_list, execution_search, executions, orders, queries
from datahub.jobs.execution_list import Page, Wanted
from datahub.models.execution import (
    ERROR,
    EXPORT,
    IMPORT,
    INTEGRATION_DONE,
    JOB_FAILED,
    JOB_PENDING,
    MANUAL,
    RUN,
    SCHEDULE,
    SUCCESS,
    TRIGGER,
    Execution,
    Payload,
)
from datahub.models.export_job import ExportJob
from datahub.models.import_job import ImportJob
from datahub.vault import Vault
from tests.datahub.jobs.many_executions import found, insert_many, make_executions, make_stores
from tests.factories import add_connection, add_import_execution, add_import_job, make_job, make_order

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.fixture
def import_job(session: Session, vault: Vault) -> ImportJob:
    return add_import_job(session, add_connection(session, vault))


@pytest.mark.usefixtures("job")
def test_executions_come_newest_first_page_by_page(session: Session) -> None:
    made = make_executions(session, 5)
    first = execution_list.find(session, Wanted(), page=0, size=2)
    last = execution_list.find(session, Wanted(), page=2, size=2)
    assert [found.id for found in first.items] == [made[4].id, made[3].id]
    assert first.has_more
    assert ([found.id for found in last.items], last.has_more) == ([made[0].id], False)
    oldest = execution_list.find(session, Wanted(), sort="created_at", descending=False, size=1)
    assert oldest.items[0].id == made[0].id


@pytest.mark.usefixtures("job")
@pytest.mark.parametrize("newest_first", [True, False])
def test_cursors_meet_every_execution_once_there_and_back_even_with_equal_times(
    session: Session, newest_first: bool
) -> None:
    made = make_executions(session, 7)
    for execution in made[2:5]:
        execution.executed_at = made[2].executed_at
    session.flush()

    def read(before: str | None = None, after: str | None = None) -> Page:
        page = execution_list.read_page(
            session, Wanted(), newest_first=newest_first, before=before or "", after=after or "", size=2
        )
        pages.append([execution.id for execution in page.items])
        return page

    pages: list[list[int]] = []
    page = read()
    while cursor := page.older if newest_first else page.newer:
        page = read(before=cursor) if newest_first else read(after=cursor)
    there = pages.copy()
    in_order = made[::-1] if newest_first else made
    assert [row for page_ids in there for row in page_ids] == [execution.id for execution in in_order]
    pages.clear()
    while cursor := page.newer if newest_first else page.older:
        page = read(after=cursor) if newest_first else read(before=cursor)
    assert pages == there[-2::-1]


@pytest.mark.usefixtures("job")
@pytest.mark.parametrize("cursor", ["x", "1", "-", "9" * 30 + "-1", "1-" + "9" * 30, "\uff11-\uff11"])
def test_a_malformed_cursor_counts_as_none(session: Session, cursor: str) -> None:
    make_executions(session, 1)
    assert len(execution_list.read_page(session, Wanted(), before=cursor).items) == 1
    assert len(execution_list.read_page(session, Wanted(), after=cursor).items) == 1


@pytest.mark.usefixtures("job")
def test_search_is_a_literal_part_of_the_id_in_any_case(session: Session) -> None:
    wanted, other = make_executions(session, 2)
    wanted.public_id = "abcdef00-0000-4000-8000-000000000001"
    other.public_id = "11111111-1111-4111-8111-111111111111"
    session.flush()
    for part in (" CDEF00-0 ", "abcdef00", "-8000-", "000000000001", wanted.public_id, "0-4", "def"):
        assert found(session, search=part) == [wanted]
    for nothing in ("%", "_", "\\", "abc_ef", "ab%ef", "xyz", "'", '"', "def--", "--", "def00*", "0" * 37):
        assert found(session, search=nothing) == []
        assert found(session, search=nothing, names=True) == []


@pytest.mark.usefixtures("job")
def test_a_search_by_one_or_two_characters_finds_among_the_newest(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_executions(session, 6)
    for number, execution in enumerate(made):
        execution.public_id = f"{'ef' if number == 0 else '00'}000000-0000-4000-8000-{number:012}"
    session.flush()
    assert found(session, search="ef") == [made[0]]
    monkeypatch.setattr(execution_list, "WINDOW", 3)
    first = execution_list.read_page(session, Wanted(search="ef"))
    assert (first.items, first.searched_to) == ([], made[3].executed_at)
    second = execution_list.read_page(session, Wanted(search="ef"), before=first.older or "")
    assert (second.items, second.searched_to) == ([], made[0].executed_at) or second.items == [made[0]]


@pytest.mark.usefixtures("job")
def test_a_search_with_very_many_hits_goes_through_the_newest_a_part_at_a_time(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_executions(session, 6)
    for number, execution in enumerate(made):
        execution.public_id = f"abc00000-0000-4000-8000-{number:012}"
    session.flush()
    monkeypatch.setattr(execution_search, "FEW", 2)
    monkeypatch.setattr(execution_list, "WINDOW", 4)
    page = execution_list.read_page(session, Wanted(search="abc"), size=5)
    assert (page.items, page.searched_to) == (made[:1:-1], made[2].executed_at)
    rest = execution_list.read_page(session, Wanted(search="abc"), before=page.older or "", size=5)
    assert rest.items == made[1::-1]
    assert (rest.older, rest.searched_to) == (None, None)


def test_the_beginning_of_a_reference_or_of_a_file_is_found_where_names_are_asked_for(
    session: Session, job: ExportJob, import_job: ImportJob
) -> None:
    order = make_order(session, reference="172_9%-ABC")
    (sent,) = orders.change_status(session, order, "ACCEPTED_BY_SUPPLIER", actor="ada")
    session.add(
        Payload(execution_id=sent.id, file_name="Orders_1.xml", content=b"", size=0, sha256="", created_at=NOON)
    )
    read = add_import_execution(session, import_job, run={"files": [{"name": "Offers_1.csv"}, {"name": "more.csv"}]})
    session.flush()
    for typed, meant in (
        ("172_9%-abc", sent),
        ("172_", sent),
        ("orders_1", sent),
        ("ORDERS_1.xml", sent),
        ("offers_", read),
        ("more.csv", read),
    ):
        assert found(session, search=typed, names=True) == [meant]
        assert found(session, search=typed) == []
    for typed in ("172%", "rders", "9%-ABC", "offers%", "offersX1"):
        assert found(session, search=typed, names=True) == []


@pytest.mark.usefixtures("job")
def test_unknown_statuses_are_passed_over(session: Session) -> None:
    done, failed, waiting = make_executions(session, 3)
    done.status, failed.status = SUCCESS, ERROR
    session.flush()
    assert found(session, statuses=["SUCCESS", "LOST"]) == [done]
    assert found(session, statuses=[JOB_PENDING, ERROR]) == [waiting, failed]
    assert len(found(session, statuses=["LOST"])) == 3


def test_kind_trigger_status_job_and_search_narrow_together(
    session: Session, job: ExportJob, import_job: ImportJob
) -> None:
    sent, failed = make_executions(session, 2)
    sent.status, failed.status, failed.origin = SUCCESS, ERROR, RUN
    done = add_import_execution(session, import_job, origin=SCHEDULE)
    lost = add_import_execution(session, import_job, status=JOB_FAILED, origin=MANUAL)
    for execution, seconds in ((done, 10), (lost, 20)):
        execution.executed_at = execution.created_at = sent.executed_at + timedelta(seconds=seconds)
    session.flush()
    imports = {"job_public_id": import_job.public_id, "job_kind": IMPORT}
    cases: list[tuple[dict[str, Any], list[Execution]]] = [
        ({}, [lost, done, failed, sent]),
        ({"kinds": [EXPORT]}, [failed, sent]),
        ({"kinds": [IMPORT]}, [lost, done]),
        ({"kinds": [EXPORT, IMPORT, "OTHER"]}, [lost, done, failed, sent]),
        ({"origins": [TRIGGER, SCHEDULE]}, [done, sent]),
        ({"origins": [RUN], "kinds": [IMPORT]}, []),
        ({"statuses": [ERROR, JOB_FAILED]}, [lost, failed]),
        ({"statuses": [ERROR, JOB_FAILED], "kinds": [EXPORT]}, [failed]),
        ({"job_public_id": job.public_id}, [failed, sent]),
        ({"job_public_id": job.public_id, "statuses": [SUCCESS]}, [sent]),
        ({"job_public_id": job.public_id, "origins": [SCHEDULE]}, []),
        (imports, [lost, done]),
        (imports | {"statuses": [INTEGRATION_DONE]}, [done]),
        (imports | {"origins": [MANUAL]}, [lost]),
    ]
    for wanted, expected in cases:
        assert found(session, **wanted) == expected, wanted
        for execution in (sent, failed, done, lost):
            hit = found(session, search=execution.public_id[9:30], **wanted)
            assert hit == ([execution] if execution in expected else []), wanted


@pytest.mark.usefixtures("job")
def test_days_are_those_of_utc_and_include_the_last(session: Session) -> None:
    made = make_executions(session, 4)
    for execution, hours in zip(made, (-12.001, -12, 11.999, 12), strict=True):
        execution.executed_at = NOON + timedelta(hours=hours)
    session.flush()
    day = NOON.date()
    assert found(session, since=day, until=day) == [made[2], made[1]]
    assert found(session, since=day) == made[:0:-1]
    assert found(session, until=day) == made[2::-1]
    assert found(session, since=day, until=day - timedelta(days=1)) == []
    assert found(session, since=date.min, until=date.max) == made[::-1]


def test_history_is_of_one_job_and_outlives_it(session: Session, vault: Vault, job: ExportJob) -> None:
    make_executions(session, 1)
    other = make_job(session, add_connection(session, vault), trigger_statuses=["SHIPPED"])
    assert len(found(session, job_public_id=job.public_id)) == 1
    assert found(session, job_public_id=other.public_id) == []
    public_id, name = job.public_id, job.name
    executions.stop_all_of_job(session, job, actor="ada")
    session.delete(job)
    session.flush()
    assert queries.is_known_job(session, public_id)
    assert len(found(session, job_public_id=public_id)) == 1
    assert execution_list.job_of(session, public_id) == execution_list.Job(name, EXPORT)
    assert not queries.is_known_job(session, "unknown")
    assert execution_list.job_of(session, "unknown") is None


def test_ids_are_found_after_bulk_inserts_rollbacks_and_deletions(session: Session, import_job: ImportJob) -> None:
    public_ids = insert_many(session, 300, import_job_id=import_job.id)
    with session.begin_nested() as savepoint:
        add_import_execution(session, import_job, public_id="aaaaaaaa-0000-4000-8000-00000000beef")
        assert len(found(session, search="aaaaaaaa")) == 1
        savepoint.rollback()
    assert found(session, search="aaaaaaaa") == []
    assert [it.public_id for it in found(session, search="12b-0000")] == [public_ids[0x12B]]
    session.execute(text("delete from executions where public_id like '0000012b%'"))
    assert found(session, search="12b-0000") == []
    assert len(found(session, search="beef")) == 20


def test_executions_of_many_stores_come_in_one_order(
    session: Session, job: ExportJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "TERMS", 2)
    stores = make_stores(session, *"ABCDEF")
    made = make_executions(session, 12, stores)
    store_limits.limit(session, StoreLimit(tuple(store.id for store in stores[1:]), tuple("BCDEF")))
    mine = made[11:6:-1] + made[5:0:-1]
    assert found(session) == mine
    assert execution_list.find(session, Wanted(), page=2, size=4).items == mine[8:]
    assert queries.newest_executions(session, ExportJob, [job.id], count=7) == {job.id: mine[:7]}


@pytest.mark.usefixtures("job")
def test_pages_are_filled_with_what_a_user_limited_to_stores_sees(session: Session) -> None:
    (store,) = make_stores(session, "NORTH")
    made = make_executions(session, 6, [store, None])
    mine = made[::2]
    store_limits.limit(session, StoreLimit((store.id,), ("NORTH",)))
    session.expunge_all()
    asked = (Wanted(), Wanted(statuses=[JOB_PENDING]), Wanted(search="-", names=True), Wanted(search=made[0].public_id))
    for wanted, expected in zip(asked, (mine[:0:-1], mine[:0:-1], mine[:0:-1], mine[:1]), strict=True):
        page = execution_list.read_page(session, wanted, size=2)
        assert [it.id for it in page.items] == [it.id for it in expected]
    assert found(session, search=made[1].public_id) == []
