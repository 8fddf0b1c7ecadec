"""The demo's imports run in order, once; a second pass over the same files is held against the first."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now, read_only
from datahub.errors import ConflictError, NotFoundError
from datahub.jobs import import_run
from datahub.jobs.context import Context
from datahub.jobs.import_claims import is_due
from datahub.models.execution import INTEGRATION_DONE, INTEGRATION_DONE_WITH_ERRORS, JOB_FAILED, Execution
from datahub.models.import_job import ImportJob
from datahub.settings import Settings
from datahub.vault import Vault
from sandbox import demo, imports
from sandbox.imports import Imported
from sandbox.place import Place
from tests.servers import free_port

EMPTY = dict.fromkeys(("created", "updated", "deleted", "unchanged", "rejected"), 0)
FIRST = Imported("Offers from ERP", 3, EMPTY | {"created": 2, "rejected": 1}, [(3, "malformed", "price")], 2)
SECOND = Imported("Offers from ERP", 3, EMPTY | {"unchanged": 2, "rejected": 1}, [(3, "malformed", "price")], 0)


@pytest.fixture
def worker(sessions: sessionmaker[Session], settings: Settings, vault: Vault, tmp_path: Path) -> Iterator[None]:
    """Runs whatever is due, in a thread."""
    context, over = Context(sessions, settings, vault, "test-worker"), threading.Event()

    def work() -> None:
        while not over.wait(0.02):
            with sessions() as session:
                now = database_now(read_only(session))
                due = select(Execution.id, Execution.attempts).where(*is_due(now, settings))
                found = session.execute(due).all()
            for number, attempts in found:
                import_run.run(context, number, attempts + 1)

    thread = threading.Thread(target=work)
    thread.start()
    yield
    over.set()
    thread.join()


def fill(sessions: sessionmaker[Session], vault: Vault, place: Place) -> None:
    with sessions.begin() as session:
        assert demo.fill(session, vault, place, password="one for the demo")


@pytest.mark.usefixtures("worker")
def test_all_run_once_in_order_with_some_rows_rejected_and_a_second_pass_changes_nothing(
    sessions: sessionmaker[Session], vault: Vault, place: Place
) -> None:
    fill(sessions, vault, place)
    first = list(imports.run_new(sessions))
    assert [found.name for found in first] == list(imports.NAMES.values())
    assert [(found.counts["created"] or found.counts["updated"], found.counts["rejected"]) for found in first] == [
        (2, 1),
        (16, 4),
        (12, 3),
        (40, 3),
        (90, 4),
        (25, 0),
        (2_000, 13),
        (6_000, 23),
        (160, 4),
        (198, 3),
        (241, 5),
        (6, 4),
        (36, 7),
        (48, 10),
        (2, 3),
        (3, 5),
        (3, 5),
    ]
    assert list(imports.run_new(sessions)) == []
    with sessions() as session:
        ended = session.scalars(select(Execution).where(Execution.import_job_id.is_not(None))).all()
        whole = {execution.entity for execution in ended if execution.status == INTEGRATION_DONE}
        assert whole == {"NAVIGATION_CATEGORY"}
        assert {execution.status for execution in ended} == {INTEGRATION_DONE, INTEGRATION_DONE_WITH_ERRORS}
    assert imports.differences(first, list(imports.run_all(sessions))) == []


@pytest.mark.usefixtures("worker")
def test_an_import_that_fails_ends_the_pass_with_its_reason(
    sessions: sessionmaker[Session], vault: Vault, tmp_path: Path
) -> None:
    nobody = Place(free_port(), "a password", tmp_path / "sandbox", tmp_path / "host_key")
    fill(sessions, vault, nobody)
    with pytest.raises(ConflictError, match=f"Stores from ERP ended as {JOB_FAILED}"):
        list(imports.run_new(sessions))


def test_a_job_that_is_gone_is_named(sessions: sessionmaker[Session], vault: Vault, place: Place) -> None:
    fill(sessions, vault, place)
    with sessions.begin() as session:
        session.delete(session.scalars(select(ImportJob).where(ImportJob.name == "Stores from ERP")).one())
    with pytest.raises(NotFoundError, match="Stores from ERP"):
        list(imports.run_all(sessions))


def test_a_second_pass_that_finds_nothing_to_do_is_as_it_should_be() -> None:
    assert imports.differences([FIRST], [SECOND]) == []


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"counts": EMPTY | {"updated": 1, "unchanged": 1, "rejected": 1}}, "not every valid row"),
        ({"rejections": [(2, "malformed", "price")]}, "other rows were rejected"),
        ({"ledger": 1}, "wrote 1 lines"),
    ],
)
def test_whatever_a_second_pass_changes_is_told(changed: dict[str, object], told: str) -> None:
    (fault,) = imports.differences([FIRST], [replace(SECOND, **changed)])
    assert fault.startswith("Offers from ERP: ")
    assert told in fault
