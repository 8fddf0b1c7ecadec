"""What holds for export and import jobs alike when several people work on them."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from datahub.errors import NotFoundError
from datahub.jobs import export_jobs, job_rules
from datahub.models.export_job import export_job_suppliers
from datahub.vault import Vault
from tests.factories import add_connection, make_job, make_supplier


def test_a_job_that_others_changed_is_known_afresh_once_it_is_locked(
    sessions: sessionmaker[Session], vault: Vault
) -> None:
    with sessions.begin() as session:
        job = make_job(session, add_connection(session, vault))
        job.suppliers = [make_supplier(session)]
    with sessions.begin() as other:
        changed = export_jobs.get(other, job.public_id)
        changed.name = "Renamed"
        export_jobs.remove_suppliers(other, changed, supplier_external_ids=["SUP-1"])
    with sessions.begin() as session:
        session.add(job)
        job_rules.lock(session, job)
        assert (job.name, job.suppliers) == ("Renamed", [])
        export_jobs.delete(session, job, actor="ada")
        assert session.scalar(select(func.count()).select_from(export_job_suppliers)) == 0


def test_a_job_that_is_just_gone_cannot_be_locked(sessions: sessionmaker[Session], vault: Vault) -> None:
    with sessions.begin() as session:
        job = make_job(session, add_connection(session, vault))
    with sessions.begin() as first:
        export_jobs.delete(first, export_jobs.get(first, job.public_id), actor="ada")
    with sessions() as second, pytest.raises(NotFoundError, match="just been deleted"):
        export_jobs.delete(second, job, actor="ada")
