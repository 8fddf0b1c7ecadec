"""Names of exported files against those that the folder has already."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.jobs import executions, export_claims, export_run, orders
from datahub.jobs.context import Context
from datahub.models.execution import SUCCESS, Execution
from datahub.models.export_job import ExportJob

STATUSES = ["ACCEPTED_BY_SUPPLIER", "WAITING_SHIPMENT", "SHIPPED"]


def move_on(sessions: sessionmaker[Session], execution_id: int) -> None:
    """The order of this execution reaches the other statuses."""
    with sessions.begin() as session:
        order = session.get_one(Execution, execution_id).order
        assert order is not None
        for status in STATUSES[1:]:
            orders.change_status(session, order, status, actor="ada")


@pytest.fixture
def stop_clock(sessions: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch) -> Callable[[], datetime]:
    """From then on all attempts start at the same moment."""

    def stop_clock() -> datetime:
        with sessions() as session:
            now = database_now(session)
        monkeypatch.setattr(export_claims, "database_now", lambda _: now)
        return now

    return stop_clock


def named(folder: Path, at: datetime) -> Path:
    (found,) = folder.glob(f"*_{at:%Y%m%dT%H%M%S}_orders.xml")
    return found


def test_statuses_of_one_second_have_files_of_their_own_in_the_order_of_their_names(
    context: Context, owe: Callable[..., list[int]], folder: Path, stop_clock: Callable[[], datetime]
) -> None:
    (first,) = owe(file_name_format="STANDARD", trigger_statuses=STATUSES)
    move_on(context.sessions, first)
    now = stop_clock()
    export_run.run(context, first, 1)
    with context.sessions() as session:
        assert list(session.scalars(select(Execution.status))) == [SUCCESS] * 3
    for seconds, status in enumerate(STATUSES):
        file = named(folder, now + timedelta(seconds=seconds))
        assert f"<status>{status}</status>" in file.read_text()
    assert len(list(folder.iterdir())) == 3


def test_what_is_sent_again_keeps_its_name(
    context: Context, owe: Callable[..., list[int]], folder: Path, stop_clock: Callable[[], datetime]
) -> None:
    (first,) = owe(file_name_format="STANDARD")
    now = stop_clock()
    export_run.run(context, first, 1)
    with context.sessions.begin() as session:
        again = executions.resend(session, session.get_one(Execution, first), actor="ada").id
    stop_clock()
    export_run.run(context, again, 1)
    assert list(folder.iterdir()) == [named(folder, now)]


def test_another_folder_has_names_of_its_own(
    context: Context, owe: Callable[..., list[int]], folder: Path, stop_clock: Callable[[], datetime]
) -> None:
    (first,) = owe(file_name_format="STANDARD", trigger_statuses=STATUSES[:2])
    now = stop_clock()
    export_run.run(context, first, 1)
    other = folder.parent / "other"
    other.mkdir()
    with context.sessions.begin() as session:
        session.scalars(select(ExportJob)).one().output_folder = "other"
    move_on(context.sessions, first)
    with context.sessions.begin() as session:
        (second,) = session.scalars(select(Execution).where(Execution.id > first))
        second.next_attempt_at = now
        number = second.id
    export_run.run(context, number, 1)
    assert named(other, now).name == named(folder, now).name
