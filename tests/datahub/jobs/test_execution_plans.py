"""Executions are chosen by few statements, each read from the index made for it."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from datahub.access import store_limits
from datahub.access.store_limits import StoreLimit
from datahub.jobs import execution_list, queries
from datahub.jobs.execution_list import Wanted
from datahub.models.execution import (
    API,
    EXPORT,
    IMPORT,
    JOB_PENDING,
    JOB_STARTED,
    JOB_STOPPED,
    MANUAL,
    RUN,
    SUCCESS,
    TRIGGER,
)
from datahub.models.export_job import ExportJob
from tests.datahub.jobs.many_executions import insert_many, make_executions, make_stores
from tests.statements import noted_statements


def plan_of(session: Session, statement: str, parameters: Any) -> str:
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    how = "explain query plan " if is_sqlite else "explain "
    rows = session.connection().exec_driver_sql(how + statement, parameters).all()
    return "\n".join(str(row[-1]) for row in rows)


@pytest.mark.usefixtures("job")
def test_a_page_of_executions_costs_one_statement_and_a_search_one_more(session: Session) -> None:
    made = make_executions(session, 3)
    session.expunge_all()
    for wanted, cost in ((Wanted(), 1), (Wanted(statuses=[JOB_PENDING]), 1), (Wanted(search=made[0].public_id), 2)):
        with noted_statements(session.get_bind(), about="execution") as statements:
            for execution in execution_list.find(session, wanted).items:
                assert execution.payload is None
                assert execution.predecessor is None
        assert len(statements) == cost


@pytest.mark.usefixtures("job")
def test_a_search_uses_the_trigram_index(session: Session) -> None:
    make_executions(session, 2)
    with noted_statements(session.get_bind(), about="execution") as statements:
        execution_list.read_page(session, Wanted(search="abc-de", names=True))
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    if not is_sqlite:
        session.execute(text("set local enable_seqscan = off"))
    plan = plan_of(session, *statements[0])
    assert ("VIRTUAL TABLE INDEX" if is_sqlite else "ix_executions_id_parts") in plan
    for index in ("ix_executions_reference", "ix_payloads_file_name", "ix_import_files_name"):
        assert index in plan
    assert "SCAN executions\n" not in plan


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        ({}, "ix_executions_history"),
        ({"kinds": [IMPORT]}, "ix_executions_imports"),
        ({"statuses": [JOB_STOPPED]}, "ix_executions_chosen"),
        ({"origins": [RUN]}, "ix_executions_chosen"),
        ({"job_public_id": "x"}, "ix_executions_of_job"),
        ({"job_public_id": "x", "job_kind": IMPORT}, "ix_executions_of_job_created"),
        ({"job_public_id": "x", "statuses": [JOB_STOPPED]}, "ix_executions_chosen_of_export"),
        ({"job_public_id": "x", "job_kind": IMPORT, "statuses": [JOB_STOPPED]}, "ix_executions_chosen_of_import"),
    ],
)
def test_each_choice_is_read_from_its_own_index(session: Session, wanted: dict[str, Any], index: str) -> None:
    start = 0
    for job, status, (kind, origin) in product(
        ("x", "y"), (JOB_STARTED, JOB_STOPPED), ((EXPORT, RUN), (EXPORT, TRIGGER), (IMPORT, MANUAL), (IMPORT, API))
    ):
        insert_many(session, 200, start, job_public_id=job, status=status, kind=kind, origin=origin)
        start += 200
    session.execute(text("analyze executions"))
    with noted_statements(session.get_bind(), about="execution") as statements:
        execution_list.read_page(session, Wanted(**wanted), before="4000000000000000-7")
    if session.get_bind().dialect.name != "sqlite":
        session.execute(text("set local enable_seqscan = off"))
    plan = plan_of(session, *statements[0])
    assert f"{index} " in plan


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        ({}, "ix_executions_created"),
        ({"statuses": [JOB_STOPPED]}, "ix_executions_created"),
        ({"job_public_id": "x", "statuses": [JOB_STOPPED]}, "ix_executions_of_job_created"),
    ],
)
@pytest.mark.parametrize("is_limited", [False, True])
def test_what_is_sorted_by_creation_is_chosen_within_an_index(
    session: Session, wanted: dict[str, Any], index: str, is_limited: bool
) -> None:
    for number, job in enumerate("xyyy"):
        for place, status in enumerate((SUCCESS, JOB_STOPPED)):
            of_job = {"kind": EXPORT, "origin": RUN, "job_public_id": job, "status": status, "store_id": 1 + number % 2}
            insert_many(session, 200, number * 400 + place * 200, **of_job)
    session.execute(text("analyze executions"))
    store_limits.limit(session, StoreLimit((1,), ("NORTH",)) if is_limited else None)
    with noted_statements(session.get_bind(), about="execution") as statements:
        rows = execution_list.find(session, Wanted(**wanted), sort="created_at").items
    assert {row.store_id for row in rows} <= ({1} if is_limited else {1, 2})
    if session.get_bind().dialect.name != "sqlite":
        session.execute(text("set local enable_seqscan = off"))
    plan = plan_of(session, *statements[0])
    assert {word for word in plan.split() if word.startswith("ix_executions_")} == {index}, plan


@pytest.mark.parametrize(
    ("wanted", "indexes"),
    [
        ({}, ["ix_executions_of_store", "ix_executions_imports"]),
        ({"kinds": [EXPORT]}, ["ix_executions_of_store"]),
        ({"statuses": [JOB_STOPPED]}, ["ix_executions_of_store", "ix_executions_chosen"]),
        ({"job_public_id": "x"}, ["ix_executions_of_store_and_job"]),
        ({"job_public_id": "x", "statuses": [JOB_STOPPED]}, ["ix_executions_of_store_and_job"]),
        ({"job_public_id": "x", "job_kind": IMPORT}, ["ix_executions_of_job_created"]),
    ],
)
def test_what_a_user_limited_to_stores_chooses_is_read_from_indexes(
    session: Session, wanted: dict[str, Any], indexes: list[str]
) -> None:
    north, south = make_stores(session, "NORTH", "SOUTH")
    for number, store in enumerate((north, south, south, south)):
        export = {"kind": EXPORT, "origin": RUN, "store_id": store.id}
        insert_many(session, 200, number * 400, job_public_id="xy"[number % 2], **export)
        insert_many(session, 200, number * 400 + 200, job_public_id="xy"[number % 2])
    session.execute(text("analyze executions"))
    store_limits.limit(session, StoreLimit((north.id,), ("NORTH",)))
    with noted_statements(session.get_bind(), about="execution") as statements:
        execution_list.read_page(session, Wanted(**wanted))
    if session.get_bind().dialect.name != "sqlite":
        session.execute(text("set local enable_seqscan = off"))
    plan = plan_of(session, *statements[0])
    assert {word for word in plan.split() if word.startswith("ix_executions_")} == set(indexes), plan


def test_somebody_limited_to_many_stores_asks_no_more_than_a_few_things_of_each(
    session: Session, job: ExportJob
) -> None:
    many = range(1, 61)
    store_limits.limit(session, StoreLimit(tuple(many), tuple(f"S-{number}" for number in many)))
    with noted_statements(session.get_bind(), about="execution") as statements:
        assert execution_list.find(session, Wanted()).items == []
        assert execution_list.read_page(session, Wanted(statuses=[JOB_STOPPED])).items == []
        assert queries.newest_executions(session, ExportJob, [job.id], count=5) == {}
    assert max(len(parameters) for _, parameters in statements) < 30 * len(many)
