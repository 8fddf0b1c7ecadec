from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.errors import ConflictError, IllegalMoveError, LostClaimError
from datahub.jobs import executions, export_claims, export_jobs, lifecycle, orders, reconcile
from datahub.jobs.lifecycle import Claim, Failure
from datahub.models.execution import ERROR, JOB_PENDING, JOB_STARTED, JOB_STOPPED, SUCCESS, Execution, Payload
from datahub.models.export_job import ExportJob
from datahub.settings import Settings
from datahub.vault import Vault
from tests.factories import add_connection, make_job, make_order


@pytest.fixture
def execution(session: Session, vault: Vault) -> Execution:
    make_job(session, add_connection(session, vault))
    (execution,) = orders.change_status(session, make_order(session), "ACCEPTED_BY_SUPPLIER", actor="ada")
    return execution


@pytest.fixture
def claim(session: Session, execution: Execution, settings: Settings) -> Claim:
    claim = export_claims.claim(session, execution.id, attempt=1, worker="one", settings=settings)
    assert claim is not None
    return claim


def let_lease_run_out(session: Session, **values: object) -> None:
    session.execute(update(Execution).values(lease_until=database_now(session) - timedelta(seconds=1), **values))


def test_a_dead_lease_is_followed_by_the_next_attempt_at_once(
    session: Session, settings: Settings, execution: Execution, claim: Claim
) -> None:
    assert reconcile.reap(session, settings) == 0, "the lease still holds"
    let_lease_run_out(session)
    assert reconcile.reap(session, settings) == 1
    session.refresh(execution)
    assert (execution.status, execution.token, execution.handed_out_at) == (JOB_PENDING, None, None)
    assert execution.next_attempt_at is not None
    assert execution.next_attempt_at <= database_now(session)
    with pytest.raises(LostClaimError):
        lifecycle.succeed(session, claim, reason="too late")
    assert export_claims.claim(session, execution.id, attempt=2, worker="two", settings=settings) is not None


def test_a_lease_that_died_in_the_last_attempt_is_an_error(
    session: Session, settings: Settings, execution: Execution, claim: Claim
) -> None:
    let_lease_run_out(session, attempts=settings.max_attempts)
    reconcile.reap(session, settings)
    session.refresh(execution)
    assert execution.status == ERROR
    assert execution.error is not None
    assert "one" in execution.error


def test_stop_and_the_marker_exclude_each_other(
    session: Session, settings: Settings, execution: Execution, claim: Claim
) -> None:
    lifecycle.save(session, claim, rename_attempt=claim.attempt)
    with pytest.raises(IllegalMoveError, match="being delivered"):
        executions.stop(session, execution, actor="ada")
    assert execution.status == JOB_STARTED


def test_a_stop_before_the_marker_makes_the_marker_fail(
    session: Session, execution: Execution, claim: Claim, settings: Settings
) -> None:
    executions.stop(session, execution, actor="ada")
    with pytest.raises(LostClaimError):
        lifecycle.save(session, claim, rename_attempt=claim.attempt)
    assert not lifecycle.renew(session, claim, settings)
    assert execution.status == JOB_STOPPED


def test_a_waiting_execution_with_the_marker_of_an_earlier_attempt_can_be_stopped(
    session: Session, execution: Execution, claim: Claim, settings: Settings
) -> None:
    lifecycle.save(session, claim, rename_attempt=claim.attempt)
    lifecycle.fail(session, claim, Failure("cut", final=False), settings)
    executions.stop(session, execution, actor="ada")
    assert execution.status == JOB_STOPPED
    assert lifecycle.MAY_HAVE_ARRIVED in (execution.error or "")
    assert "may have arrived" in execution.events[-1].reason


def test_what_ended_never_moves_again(session: Session, settings: Settings, execution: Execution, claim: Claim) -> None:
    lifecycle.succeed(session, claim, reason="delivered")
    with pytest.raises(LostClaimError):
        lifecycle.fail(session, claim, Failure("late", final=True), settings)
    let_lease_run_out(session)
    assert reconcile.reap(session, settings) == 0
    session.refresh(execution)
    assert execution.status == SUCCESS


def test_an_execution_has_one_unended_successor_at_most(
    session: Session, execution: Execution, claim: Claim, settings: Settings
) -> None:
    lifecycle.fail(session, claim, Failure("no", final=True), settings)
    session.refresh(execution)
    successor = executions.retry(session, execution, actor="ada")
    with pytest.raises(ConflictError):
        executions.retry(session, execution, actor="ada")
    executions.stop(session, successor, actor="ada")
    assert executions.retry(session, execution, actor="ada").status == JOB_PENDING


def test_deleting_a_job_stops_what_waits_and_keeps_its_history(
    session: Session, execution: Execution, claim: Claim, settings: Settings
) -> None:
    job = execution.export_job
    assert job is not None
    with pytest.raises(ConflictError):
        export_jobs.delete(session, job, actor="ada")
    lifecycle.fail(session, claim, Failure("cut", final=False), settings)
    name, job_public_id = job.name, job.public_id
    export_jobs.delete(session, job, actor="ada")
    session.expire_all()
    (kept,) = session.scalars(select(Execution)).all()
    assert (kept.status, kept.job_name, kept.job_public_id) == (JOB_STOPPED, name, job_public_id)
    assert kept.events[-1].reason == "job deleted"


def test_an_export_owed_to_a_job_deleted_at_that_moment_is_stopped(session: Session, execution: Execution) -> None:
    session.execute(update(Execution).values(export_job_id=None))
    assert reconcile.stop_orphans(session) == 1
    session.refresh(execution)
    assert execution.status == JOB_STOPPED


@pytest.mark.parametrize(("status", "again"), [(ERROR, executions.retry), (SUCCESS, executions.resend)])
def test_what_is_to_be_sent_again_just_after_its_job_was_deleted_is_refused_in_those_words(
    sessions: sessionmaker[Session], vault: Vault, status: str, again: Callable[..., Execution]
) -> None:
    with sessions.begin() as session:
        job = make_job(session, add_connection(session, vault))
        (ended,) = orders.change_status(session, make_order(session), "ACCEPTED_BY_SUPPLIER", actor="ada")
        ended.status = status
        ended.payload = Payload(file_name="a.xml", content=b"a", size=1, sha256="", created_at=ended.created_at)
    with sessions() as session:
        seen = session.get_one(Execution, ended.id)
        assert seen.export_job and seen.snapshot and seen.payload
        session.commit()
        with sessions.begin() as other:
            export_jobs.delete(other, other.get_one(ExportJob, job.id), actor="bob")
        with pytest.raises(ConflictError, match="was deleted"):
            again(session, seen, actor="ada")
