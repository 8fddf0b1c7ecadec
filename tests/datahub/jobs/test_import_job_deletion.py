"""What a deleted import job leaves behind, and what keeps it from being deleted."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.errors import ConflictError, NotFoundError
from datahub.jobs import import_jobs
from datahub.models.execution import (
    INTEGRATION_DONE,
    INTEGRATION_STARTED,
    INTEGRATION_WAITING,
    JOB_FAILED,
    JOB_INITIALIZING,
    JOB_PENDING,
    JOB_SKIPPED,
    JOB_STARTED,
    JOB_STOPPED,
)
from datahub.models.import_job import Tick
from datahub.vault import Vault
from tests.factories import add_connection, add_import_execution, add_import_job


def test_deleting_keeps_the_history(session: Session, vault: Vault) -> None:
    job = add_import_job(session, add_connection(session, vault))
    executions = [
        add_import_execution(session, job, status=status) for status in (INTEGRATION_DONE, JOB_FAILED, JOB_SKIPPED)
    ]
    session.add(Tick(import_job_id=job.id, at=database_now(session)))
    public_id = job.public_id
    import_jobs.delete(session, job, actor="ada")
    session.expire_all()
    assert {(row.import_job_id, row.job_public_id) for row in executions} == {(None, public_id)}
    assert session.scalars(select(Tick)).all() == []
    with pytest.raises(NotFoundError):
        import_jobs.get(session, public_id)


@pytest.mark.parametrize("first", [JOB_INITIALIZING, INTEGRATION_WAITING])
def test_deleting_stops_what_waits_and_says_why(session: Session, vault: Vault, first: str) -> None:
    job = add_import_job(session, add_connection(session, vault))
    waiting = [add_import_execution(session, job, status=status) for status in (first, JOB_PENDING)]
    import_jobs.delete(session, job, actor="ada")
    for execution in waiting:
        session.refresh(execution)
        event = execution.events[-1]
        assert (execution.status, execution.next_attempt_at) == (JOB_STOPPED, None)
        assert (event.actor, event.reason) == ("ada", "job deleted")


@pytest.mark.parametrize("status", [JOB_STARTED, INTEGRATION_STARTED])
def test_a_job_that_reads_or_writes_cannot_be_deleted(session: Session, vault: Vault, status: str) -> None:
    job = add_import_job(session, add_connection(session, vault))
    execution = add_import_execution(session, job, status=status)
    with pytest.raises(ConflictError, match=execution.public_id):
        import_jobs.delete(session, job, actor="ada")
    assert import_jobs.get(session, job.public_id) is job


def test_executions_of_others_do_not_keep_a_job(session: Session, vault: Vault) -> None:
    job, other = (
        add_import_job(session, add_connection(session, vault)),
        add_import_job(session, add_connection(session, vault), name="Other"),
    )
    for status in (JOB_PENDING, INTEGRATION_STARTED):
        add_import_execution(session, other, status=status)
    import_jobs.delete(session, job, actor="ada")
    assert [left.name for left in import_jobs.find(session).items] == ["Other"]


def test_who_deletes_a_job_that_is_just_gone_is_told_so(sessions: sessionmaker[Session], vault: Vault) -> None:
    with sessions.begin() as session:
        job = add_import_job(session, add_connection(session, vault))
    with sessions.begin() as first:
        import_jobs.delete(first, import_jobs.get(first, job.public_id), actor="ada")
    with sessions() as second, pytest.raises(NotFoundError, match="just been deleted"):
        import_jobs.delete(second, job, actor="ada")
