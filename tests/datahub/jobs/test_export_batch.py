"""What a batch takes, and what changes while it runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from datahub.db import database_now
from datahub.jobs import export_run, lifecycle
from datahub.jobs.context import Context
from datahub.jobs.lifecycle import Claim
from datahub.models.connection import Connection
from datahub.models.execution import JOB_PENDING, JOB_STARTED, SUCCESS, Execution
from datahub.models.export_job import ExportJob
from tests.datahub.jobs.test_export_run import statuses
from tests.servers import SshServer


def test_a_batch_takes_no_more_than_its_places_in_flight(
    context: Context, owe: Callable[..., list[int]], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow = dataclasses.replace(context, settings=dataclasses.replace(context.settings, in_flight=2))
    ids = owe(7)
    started: list[int] = []

    def count_started(session: Session, held: Claim, *, reason: str) -> None:
        counted = select(func.count()).select_from(Execution).where(Execution.status == JOB_STARTED)
        started.append(session.scalars(counted).one())
        succeed(session, held, reason=reason)

    succeed = lifecycle.succeed
    monkeypatch.setattr(lifecycle, "succeed", count_started)
    export_run.run(narrow, ids[0], 1)
    assert statuses(context.sessions) == [SUCCESS] * 7
    assert max(started) == 2


def test_a_job_edited_in_the_middle_of_a_batch_is_obeyed_by_whatever_starts_after(
    context: Context, owe: Callable[..., list[int]], folder: Path, sshd: SshServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_by_one = dataclasses.replace(context, settings=dataclasses.replace(context.settings, in_flight=1))
    first, second = owe(2)
    (sshd.files / "new").mkdir()

    def edit_then_succeed(session: Session, held: Claim, *, reason: str) -> None:
        session.execute(update(ExportJob).values(output_folder="new", export_format="JSON"))
        succeed(session, held, reason=reason)

    succeed = lifecycle.succeed
    monkeypatch.setattr(lifecycle, "succeed", edit_then_succeed)
    export_run.run(one_by_one, first, 1)
    assert statuses(context.sessions) == [SUCCESS, JOB_PENDING]
    export_run.run(one_by_one, second, 1)
    assert [path.suffix for path in folder.iterdir()] == [".xml"]
    assert [path.suffix for path in (sshd.files / "new").iterdir()] == [".json"]


def test_a_job_deleted_right_after_its_last_delivery_ends_the_batch_in_peace(
    context: Context, owe: Callable[..., list[int]], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (execution_id,) = owe()

    def succeed_and_delete(session: Session, held: Claim, *, reason: str) -> None:
        succeed(session, held, reason=reason)
        session.execute(delete(ExportJob))

    succeed = lifecycle.succeed
    monkeypatch.setattr(lifecycle, "succeed", succeed_and_delete)
    export_run.run(context, execution_id, 1)
    assert statuses(context.sessions) == [SUCCESS]
    with context.sessions() as session:
        assert session.scalars(select(Connection)).one().last_success_at is not None


def test_a_server_that_cannot_be_reached_rests_before_the_next_order_tries_it(
    context: Context, owe: Callable[..., list[int]], folder: Path, sshd: SshServer
) -> None:
    ids = owe(40)
    with context.sessions.begin() as session:
        session.execute(update(Connection).values(port=1))
    export_run.run(context, ids[0], 1)
    with context.sessions.begin() as session:
        untried = session.scalars(select(Execution.id).where(Execution.attempts == 0).order_by(Execution.id)).all()
        assert untried, "one batch's places did not suffice for all"
        session.execute(update(Connection).values(port=sshd.port))
    export_run.run(context, untried[0], 1)
    assert list(folder.iterdir()) == [], "it rests"
    with context.sessions.begin() as session:
        session.execute(update(Connection).values(paused_until=database_now(session)))
    export_run.run(context, untried[0], 1)
    assert len(list(folder.iterdir())) == len(untried)
