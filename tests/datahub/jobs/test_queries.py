"""Lists are ordered, filtered literally, and read in few statements."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from datahub.jobs import executions, orders, queries
from datahub.models.execution import ERROR, JOB_PENDING, SUCCESS, Execution
from datahub.models.export_job import ExportJob
from datahub.vault import Vault
from tests.factories import add_connection, make_job, make_order


@pytest.fixture
def job(session: Session, vault: Vault) -> ExportJob:
    return make_job(session, add_connection(session, vault))


def make_executions(session: Session, number: int) -> list[Execution]:
    """Oldest first, a second apart."""
    made = []
    for offset in range(number):
        (execution,) = orders.change_status(session, make_order(session), "ACCEPTED_BY_SUPPLIER", actor="ada")
        execution.executed_at += timedelta(seconds=offset)
        made.append(execution)
    session.flush()
    return made


@contextmanager
def counted_statements(session: Session) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    bind = session.get_bind()
    event.listen(bind, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(bind, "before_cursor_execute", note)


@pytest.mark.usefixtures("job")
def test_executions_come_newest_first_page_by_page(session: Session) -> None:
    made = make_executions(session, 5)
    first = queries.find_executions(session, page=0, size=2)
    last = queries.find_executions(session, page=2, size=2)
    assert [found.id for found in first.items] == [made[4].id, made[3].id]
    assert first.has_more
    assert ([found.id for found in last.items], last.has_more) == ([made[0].id], False)
    oldest = queries.find_executions(session, sort="created_at", descending=False, size=1)
    assert oldest.items[0].id == made[0].id


@pytest.mark.usefixtures("job")
def test_the_cursor_meets_every_execution_once_even_with_equal_times(session: Session) -> None:
    made = make_executions(session, 7)
    for execution in made[2:5]:
        execution.executed_at = made[2].executed_at
    session.flush()
    seen, before = [], ""
    while True:
        page = queries.executions_page(session, before=before, size=2)
        seen += [execution.id for execution in page.items]
        if not page.has_more:
            break
        before = page.cursor or ""
    assert seen == [execution.id for execution in reversed(made)]


@pytest.mark.usefixtures("job")
@pytest.mark.parametrize("cursor", ["x", "1", "-", "9" * 30 + "-1", "1-" + "9" * 30, "\uff11-\uff11"])
def test_a_malformed_cursor_counts_as_none(session: Session, cursor: str) -> None:
    make_executions(session, 1)
    assert len(queries.executions_page(session, before=cursor).items) == 1
    assert isinstance(queries.orders_page(session, before=cursor).items, list)


@pytest.mark.usefixtures("job")
def test_search_is_a_literal_part_of_the_id_in_any_case(session: Session) -> None:
    wanted, _ = make_executions(session, 2)
    wanted.public_id = "abcdef00-0000-4000-8000-000000000001"
    session.flush()
    assert queries.find_executions(session, search=" CDEF00-0 ").items == [wanted]
    for nothing in ("%", "_", "\\", "abc_ef", "xyz", "'"):
        assert queries.find_executions(session, search=nothing).items == []
        assert queries.executions_page(session, search=nothing).items == []


@pytest.mark.usefixtures("job")
def test_unknown_statuses_are_passed_over(session: Session) -> None:
    done, failed, waiting = make_executions(session, 3)
    done.status, failed.status = SUCCESS, ERROR
    session.flush()
    assert queries.find_executions(session, statuses=["SUCCESS", "LOST"]).items == [done]
    assert queries.find_executions(session, statuses=[JOB_PENDING, ERROR]).items == [waiting, failed]
    assert len(queries.find_executions(session, statuses=["LOST"]).items) == 3


def test_history_is_of_one_job_and_outlives_it(session: Session, vault: Vault, job: ExportJob) -> None:
    make_executions(session, 1)
    other = make_job(session, add_connection(session, vault), trigger_statuses=["SHIPPED"])
    assert len(queries.find_executions(session, job_public_id=job.public_id).items) == 1
    assert queries.find_executions(session, job_public_id=other.public_id).items == []
    public_id = job.public_id
    executions.stop_all_of_job(session, job, actor="ada")
    session.delete(job)
    session.flush()
    assert queries.is_known_job(session, public_id)
    assert not queries.is_known_job(session, "unknown")


@pytest.mark.usefixtures("job")
def test_a_page_of_executions_costs_one_statement(session: Session) -> None:
    make_executions(session, 3)
    session.expunge_all()
    with counted_statements(session) as statements:
        for execution in queries.find_executions(session).items:
            assert execution.payload is None
            assert execution.predecessor is None
    assert len(statements) == 1


def test_orders_are_found_by_a_literal_part_of_reference_or_external_id(session: Session) -> None:
    first = make_order(session, reference="100%-1", external_id="ERP_7")
    second = make_order(session, reference="1000-1", external_id="ERPX7", status="SHIPPED")
    assert queries.find_orders(session, search="0%-").items == [first]
    assert queries.find_orders(session, search="erp_7").items == [first]
    assert queries.orders_page(session, statuses=["SHIPPED", "LOST"]).items == [second]
    assert queries.orders_page(session, search="\\").items == []


def test_orders_page_by_cursor_newest_first(session: Session) -> None:
    made = [make_order(session) for _ in range(3)]
    page = queries.orders_page(session, size=2)
    assert page.items == [made[2], made[1]]
    rest = queries.orders_page(session, before=page.cursor or "", size=2)
    assert (rest.items, rest.has_more, rest.cursor) == ([made[0]], False, None)
