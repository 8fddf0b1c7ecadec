"""Who may be taken, with whom, and over which connection."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from datahub.db import database_now
from datahub.jobs import export_claims, lifecycle, orders
from datahub.jobs.lifecycle import Claim, Failure
from datahub.models.connection import Connection
from datahub.models.execution import ERROR, JOB_PENDING, Execution
from datahub.models.export_job import ExportJob
from datahub.settings import Settings
from datahub.vault import Vault
from tests.factories import add_connection, make_job, make_order

BROKEN = Failure("The connection was lost.", final=False, broke_connection=True, had_company=True)


@pytest.fixture
def job(session: Session, vault: Vault) -> ExportJob:
    """Three orders are due to it."""
    job = make_job(session, add_connection(session, vault))
    for _ in range(3):
        orders.change_status(session, make_order(session), "ACCEPTED_BY_SUPPLIER", actor="ada")
    return job


def take(session: Session, job: ExportJob, settings: Settings, *, is_idle: bool, count: int = 10) -> list[Claim]:
    return export_claims.claim_due(session, job.id, count=count, is_idle=is_idle, worker="one", settings=settings)


def test_what_was_under_way_when_the_connection_broke_goes_again_at_once_and_each_alone(
    session: Session, job: ExportJob, settings: Settings
) -> None:
    first, second, third = take(session, job, settings, is_idle=True)
    for claim in (first, second):
        assert lifecycle.fail(session, claim, BROKEN, settings) == JOB_PENDING
    lifecycle.succeed(session, third, reason="delivered")
    assert take(session, job, settings, is_idle=False) == [], "the worker has others under way"
    (alone,) = take(session, job, settings, is_idle=True)
    assert (alone.execution_id, alone.alone, alone.attempt) == (first.execution_id, True, 2)


def test_one_that_breaks_the_connection_alone_waits_as_long_as_any_other(
    session: Session, job: ExportJob, settings: Settings
) -> None:
    (claim, *_) = take(session, job, settings, is_idle=True)
    lifecycle.fail(session, claim, BROKEN, settings)
    (alone,) = take(session, job, settings, is_idle=True)
    lifecycle.fail(session, alone, BROKEN, settings)
    waiting = session.get_one(Execution, alone.execution_id, populate_existing=True)
    assert waiting.next_attempt_at == alone.started_at + timedelta(seconds=settings.retry_seconds)
    assert waiting.alone, "and goes alone ever after"


def test_a_broken_connection_in_the_last_attempt_is_an_error_like_any_other(
    session: Session, job: ExportJob, settings: Settings
) -> None:
    session.execute(update(Execution).values(attempts=settings.max_attempts - 1))
    claim = take(session, job, settings, is_idle=True, count=1)[0]
    assert lifecycle.fail(session, claim, BROKEN, settings) == ERROR


def test_one_that_goes_alone_does_not_hold_up_the_others(session: Session, job: ExportJob, settings: Settings) -> None:
    ids = session.scalars(select(Execution.id).order_by(Execution.id)).all()
    session.execute(update(Execution).where(Execution.id == ids[2]).values(alone=True))
    assert [claim.execution_id for claim in take(session, job, settings, is_idle=True)] == ids[:2]


def test_over_a_resting_connection_nothing_is_due(session: Session, job: ExportJob, settings: Settings) -> None:
    now = database_now(session)
    session.execute(update(Connection).values(paused_until=now + timedelta(minutes=1)))
    assert take(session, job, settings, is_idle=True) == []
    session.execute(update(Connection).values(paused_until=now))
    assert len(take(session, job, settings, is_idle=True)) == 3
