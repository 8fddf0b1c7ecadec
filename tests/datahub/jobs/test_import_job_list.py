"""Import jobs as lists show them: results, next fire, usual duration, and whose turn it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.jobs import home, import_executions, import_job_list, ticks
from datahub.jobs.import_job_list import Row
from datahub.models.connection import Connection
from datahub.models.execution import (
    IMPORT_RUNNING,
    INTEGRATION_DONE,
    INTEGRATION_DONE_WITH_ERRORS,
    INTEGRATION_FAILED,
    INTEGRATION_WAITING,
    JOB_FAILED,
    JOB_INITIALIZING,
    JOB_PENDING,
    JOB_SKIPPED,
    JOB_STOPPED,
    MANUAL,
    SCHEDULE,
    UPLOAD,
)
from datahub.models.import_job import RUN_IMMEDIATELY, ImportJob
from datahub.vault import Vault
from tests.factories import add_connection, add_import_execution, add_import_job
from tests.statements import noted_statements

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1nsbnNpOYrTHTtQJYTVYkDZ4sa0nTtFlOyRnkTpwpS"
EVERY_MINUTE = {"cron": "* * * * *", "schedule_enabled": True}
Make = Callable[..., ImportJob]


@pytest.fixture
def session(sessions: sessionmaker[Session]) -> Iterator[Session]:
    with sessions() as session:
        yield session


@pytest.fixture
def connection(session: Session, vault: Vault) -> Connection:
    return add_connection(session, vault, name="ERP", host_key=HOST_KEY)


@pytest.fixture
def make(session: Session, connection: Connection) -> Make:
    """make(JOB_FAILED, INTEGRATION_DONE, name=…): a job with these executions, each a minute after the one before."""

    def make(*statuses: str, **fields: Any) -> ImportJob:
        job, now = add_import_job(session, connection, **fields), database_now(session)
        for number, status in enumerate(statuses):
            at = now - timedelta(minutes=len(statuses) - number)
            add_import_execution(session, job, status=status, created_at=at, executed_at=at)
        return job

    return make


def row_of(session: Session, job: ImportJob) -> Row:
    (row,) = import_job_list.rows_of(session, [job])
    return row


@pytest.mark.parametrize(
    ("statuses", "health"),
    [
        ([], "NEVER_RUN"),
        ([JOB_SKIPPED], "HEALTHY"),
        ([INTEGRATION_DONE_WITH_ERRORS], "HEALTHY"),
        ([JOB_FAILED, INTEGRATION_DONE], "HEALTHY"),
        ([INTEGRATION_DONE, JOB_FAILED], "NEEDS_YOU"),
        ([INTEGRATION_FAILED, JOB_STOPPED, JOB_SKIPPED], "NEEDS_YOU"),
        ([JOB_FAILED, JOB_PENDING], "NEEDS_YOU"),
        ([INTEGRATION_DONE, JOB_PENDING], "RUNNING"),
        *(([status], "RUNNING") for status in IMPORT_RUNNING),
    ],
)
def test_the_results_tell_whose_turn_it_is(session: Session, make: Make, statuses: list[str], health: str) -> None:
    assert row_of(session, make(*statuses)).health == health


@pytest.mark.parametrize("changes", [{"active": False}, {"host_key": None}])
def test_a_connection_that_cannot_be_used_needs_a_person(
    session: Session, connection: Connection, make: Make, changes: dict[str, Any]
) -> None:
    job, resting = make(INTEGRATION_DONE), make(INTEGRATION_DONE, active=False)
    for name, value in changes.items():
        setattr(connection, name, value)
    assert (row_of(session, job).health, row_of(session, resting).health) == ("NEEDS_YOU", "INACTIVE")


def test_an_inactive_job_asks_for_nobody_and_does_not_come_next(session: Session, make: Make) -> None:
    row = row_of(session, make(JOB_FAILED, active=False, **EVERY_MINUTE))
    assert (row.health, row.next_at, row.overdue_since) == ("LEFT_FAILED", None, None)


def test_a_job_is_overdue_while_no_clock_saw_its_last_fire(session: Session, make: Make) -> None:
    job = make(INTEGRATION_DONE, **EVERY_MINUTE)
    assert row_of(session, job).health == "HEALTHY"
    job.ticked_until -= timedelta(minutes=8)
    row = row_of(session, job)
    assert row.health == "OVERDUE"
    assert row.overdue_since is not None
    assert timedelta(minutes=5) <= database_now(session) - row.overdue_since < timedelta(minutes=6)
    ticks.settle(session)
    assert row_of(session, job).overdue_since is None


def test_a_schedule_that_is_switched_off_neither_comes_next_nor_is_overdue(session: Session, make: Make) -> None:
    job = make(cron="* * * * *", schedule_enabled=False)
    job.ticked_until -= timedelta(hours=1)
    row = row_of(session, job)
    assert (row.next_at, row.overdue_since) == (None, None)


def test_the_next_fire_is_the_first_one_to_come(session: Session, make: Make) -> None:
    next_at = row_of(session, make(**EVERY_MINUTE)).next_at
    assert next_at is not None
    assert timedelta(0) < next_at - database_now(session) <= timedelta(minutes=1)


@pytest.mark.parametrize("status", [JOB_INITIALIZING, INTEGRATION_WAITING])
def test_an_import_that_waits_for_its_next_try_is_told_from_one_that_waits_for_its_turn(
    session: Session, make: Make, status: str
) -> None:
    job = make(INTEGRATION_DONE, status)
    assert row_of(session, job).health == "RUNNING"
    row_of(session, job).under_way[0].error = "The server did not answer."
    assert row_of(session, job).health == "RETRYING"


def test_the_newest_five_results_are_shown_newest_first(session: Session, make: Make) -> None:
    row = row_of(session, make(JOB_FAILED, JOB_SKIPPED, JOB_STOPPED, JOB_FAILED, INTEGRATION_DONE, JOB_SKIPPED))
    assert [it.status for it in row.last] == [JOB_SKIPPED, INTEGRATION_DONE, JOB_FAILED, JOB_STOPPED, JOB_SKIPPED]


def test_the_usual_duration_is_the_median_of_successes_without_the_wait_for_a_worker(
    session: Session, make: Make
) -> None:
    job, now = make(JOB_FAILED), database_now(session)
    for seconds in (3, 500, 4):
        started = now - timedelta(seconds=seconds)
        add_import_execution(
            session, job, created_at=now - timedelta(hours=1), ended_at=now, run={"started_at": started}
        )
    assert row_of(session, job).usual == timedelta(seconds=4)


def test_files_given_by_hand_do_not_tell_how_long_a_job_usually_takes(session: Session, make: Make) -> None:
    job, now = make(), database_now(session)
    for origin, seconds in ((UPLOAD, 1), (MANUAL, 30), (UPLOAD, 3), (UPLOAD, 2)):
        started = now - timedelta(seconds=seconds)
        add_import_execution(session, job, origin=origin, ended_at=now, run={"started_at": started})
    assert row_of(session, job).usual == import_job_list.usual_duration(session, job) == timedelta(seconds=30)


def test_what_runs_and_what_waits_behind_it_are_told_apart(session: Session, make: Make) -> None:
    job = make(simultaneous_execution=RUN_IMMEDIATELY)
    assert (row_of(session, job).running, row_of(session, job).queued) == (None, None)
    first, second = (import_executions.trigger(session, job, origin=MANUAL, actor="ada") for _ in range(2))
    row = row_of(session, job)
    assert (row.running, row.queued) == (first, second)


def test_jobs_are_found_by_name_entity_connection_and_health(session: Session, vault: Vault, make: Make) -> None:
    make(name="Élan offers")
    make(JOB_FAILED, name="Broken suppliers", entity="SUPPLIER")
    other = add_connection(session, vault, name="Other", host_key=HOST_KEY)
    add_import_job(session, other, name="apart")

    def names(**wanted: str) -> list[str]:
        return [row.job.name for row in import_job_list.find_rows(session, **wanted)]

    assert names() == sorted(names(), key=str.casefold) and len(names()) == 3
    assert names(search="éLAN") == ["Élan offers"]
    assert names(entity="SUPPLIER") == names(health="NEEDS_YOU") == ["Broken suppliers"]
    assert names(connection_public_id=other.public_id) == ["apart"]
    assert len(names(entity="NOTHING", health="nothing")) == 3
    assert names(search="apart", health="NEEDS_YOU") == []


def test_the_statements_do_not_grow_with_the_jobs(session: Session, make: Make) -> None:
    def count() -> int:
        session.flush()
        session.expire_all()
        with noted_statements(session.get_bind()) as statements:
            for row in import_job_list.find_rows(session):
                assert row.health and row.job.connection.name and [it.import_run for it in (*row.last, *row.under_way)]
        return len(statements)

    make(INTEGRATION_DONE, JOB_FAILED, JOB_PENDING, **EVERY_MINUTE)
    few = count()
    for _ in range(5):
        make(INTEGRATION_DONE, JOB_FAILED, JOB_PENDING, **EVERY_MINUTE)
    assert count() == few <= 12


@pytest.mark.parametrize(
    ("origins", "failed"),
    [
        ([SCHEDULE, UPLOAD], 0),
        ([SCHEDULE, UPLOAD, MANUAL], None),
        ([UPLOAD, UPLOAD], None),
        ([UPLOAD, SCHEDULE], None),
    ],
)
def test_a_file_given_by_hand_makes_good_only_a_failure_of_its_sort(
    session: Session, connection: Connection, origins: list[str], failed: int | None
) -> None:
    job, now, made = add_import_job(session, connection), database_now(session), []
    for number, origin in enumerate(origins):
        at = now + timedelta(minutes=number)
        status = INTEGRATION_DONE if number else JOB_FAILED
        made.append(add_import_execution(session, job, status=status, origin=origin, created_at=at, executed_at=at))
    assert row_of(session, job).failure is (None if failed is None else made[failed])
    assert home.count_asking(session, now) == (0 if failed is None else 1)


def test_a_failure_of_the_source_outlasts_that_of_a_file_given_by_hand(session: Session, make: Make) -> None:
    job = make(JOB_FAILED)
    upload = add_import_execution(session, job, status=JOB_FAILED, origin=UPLOAD)
    assert row_of(session, job).failure is upload
    assert home.count_asking(session, database_now(session) - timedelta(hours=1)) == 2
    add_import_execution(session, job, status=INTEGRATION_DONE, origin=UPLOAD)
    failure = row_of(session, job).failure
    assert failure is not None and failure is not upload


READ, UNREAD = {"name": "a.csv", "error": None}, {"name": "b.csv", "error": "It is no CSV."}


@pytest.mark.parametrize(
    ("run", "needs_you"),
    [
        ({"files": [READ, UNREAD], "created": 3}, True),
        ({"files": [READ], "rejected": 3}, True),
        ({"files": [READ], "rejected": 3, "created": 1}, False),
        ({"files": [READ]}, False),
    ],
)
def test_a_job_needs_a_person_until_a_later_file_is_read_whole_and_gives_a_good_row(
    session: Session, make: Make, run: dict[str, Any], needs_you: bool
) -> None:
    job = make()
    add_import_execution(session, job, status=INTEGRATION_DONE_WITH_ERRORS, run=run)
    for _ in range(12):
        add_import_execution(session, job, status=INTEGRATION_DONE, run={"files": []})
    assert (row_of(session, job).health == "NEEDS_YOU") is needs_you
    add_import_execution(session, job, status=INTEGRATION_DONE, run={"files": [READ], "unchanged": 1})
    assert row_of(session, job).health == "HEALTHY"


@pytest.mark.parametrize(("files", "is_made_good"), [([], True), ([UNREAD], False)])
def test_an_empty_folder_makes_good_only_a_failure_to_get_to_the_files(
    session: Session, make: Make, files: list[dict[str, Any]], is_made_good: bool
) -> None:
    job, began = make(), database_now(session)
    add_import_execution(session, make(), status=INTEGRATION_DONE, run={"files": [READ]})
    failed = add_import_execution(session, job, status=JOB_FAILED, run={"files": files})
    add_import_execution(session, job, status=INTEGRATION_DONE, run={"files": []})
    assert row_of(session, job).failure is (None if is_made_good else failed)
    assert home.count_asking(session, began) == (0 if is_made_good else 1)
    add_import_execution(session, job, status=INTEGRATION_DONE, run={"files": [READ], "unchanged": 1})
    assert (row_of(session, job).failure, home.count_asking(session, began)) == (None, 0)
