"""What holds for export and import jobs alike when several people work on them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from datahub.access import store_limits
from datahub.access.store_limits import StoreLimit
from datahub.errors import NotFoundError, OtherStoresError
from datahub.jobs import executions, export_jobs, import_executions, import_jobs, job_rules
from datahub.models.execution import API, JOB_STOPPED, Execution
from datahub.models.export_job import ExportJob, export_job_suppliers
from datahub.vault import Vault
from tests.factories import add_connection, add_import_job, make_job, make_order, make_supplier
from tests.in_turn import in_turn

Run = Callable[[Session, Any], object]


def run_import(session: Session, job: Any) -> None:
    import_executions.trigger(session, job, origin=API, actor="bob")


def run_export(session: Session, job: Any) -> None:
    executions.run_job(session, job, actor="bob")


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


@pytest.fixture
def job_of_two(sessions: sessionmaker[Session], vault: Vault) -> ExportJob:
    """Limited to the suppliers A and B; there is C too."""
    with sessions.begin() as session:
        job = make_job(session, add_connection(session, vault))
        job.suppliers = [make_supplier(session, name) for name in ("A", "B")]
        make_supplier(session, "C")
    return job


def test_suppliers_that_two_change_at_once_end_as_if_one_came_after_the_other(
    sessions: sessionmaker[Session], job_of_two: ExportJob
) -> None:
    public_id = job_of_two.public_id

    def change(what: Callable[..., None], name: str, *, known: ExportJob | None = None) -> None:
        with sessions.begin() as session:
            if known:
                session.add(known)
            store_limits.limit(session, StoreLimit((1,), ("default_store",)))
            what(session, known or export_jobs.get(session, public_id), supplier_external_ids=[name])

    for what, name in ((export_jobs.add_suppliers, "C"), (export_jobs.remove_suppliers, "C")):
        with sessions() as session:
            known = export_jobs.get(session, public_id)
        change(what, name)
        change(what, name, known=known)
    change(export_jobs.remove_suppliers, "A")
    with pytest.raises(OtherStoresError, match="Without a supplier"):
        change(export_jobs.remove_suppliers, "B", known=job_of_two)
    with sessions() as session:
        assert [it.external_id for it in export_jobs.get(session, public_id).suppliers] == ["B"]


@pytest.mark.parametrize("rules", [import_jobs, export_jobs])
def test_a_job_that_is_copied_twice_at_once_has_two_copies(
    sessions: sessionmaker[Session], vault: Vault, rules: Any
) -> None:
    with sessions.begin() as session:
        connection = add_connection(session, vault)
        job: Any = make_job(session, connection) if rules is export_jobs else add_import_job(session, connection)

    def copy(session: Session) -> str:
        name: str = rules.duplicate(session, rules.get(session, job.public_id)).name
        return name.removeprefix(job.name)

    first, second = in_turn(sessions, copy, copy)
    assert (first, second.result()) == (" - COPY", " - COPY (1)")


def test_of_two_who_take_the_last_suppliers_away_at_once_one_is_refused(
    sessions: sessionmaker[Session], job_of_two: ExportJob
) -> None:
    def take_away(name: str) -> Callable[[Session], None]:
        def take(session: Session) -> None:
            known = export_jobs.get(session, job_of_two.public_id)
            store_limits.limit(session, StoreLimit((1,), ("default_store",)))
            export_jobs.remove_suppliers(session, known, supplier_external_ids=[name])

        return take

    _, second = in_turn(sessions, take_away("A"), take_away("B"))
    with pytest.raises(OtherStoresError, match="Without a supplier"):
        second.result()


def test_a_job_that_is_just_gone_cannot_be_locked(sessions: sessionmaker[Session], vault: Vault) -> None:
    with sessions.begin() as session:
        job = make_job(session, add_connection(session, vault))
    with sessions.begin() as first:
        export_jobs.delete(first, export_jobs.get(first, job.public_id), actor="ada")
    with sessions() as second, pytest.raises(NotFoundError, match="just been deleted"):
        export_jobs.delete(second, job, actor="ada")


@pytest.mark.parametrize(("run", "rules"), [(run_import, import_jobs), (run_export, export_jobs)])
def test_who_runs_a_job_while_it_is_deleted_waits_and_is_told_so(
    sessions: sessionmaker[Session], vault: Vault, run: Run, rules: Any
) -> None:
    with sessions.begin() as session:
        connection = add_connection(session, vault)
        make_order(session)
        job: Any = make_job(session, connection) if rules is export_jobs else add_import_job(session, connection)
    is_deleted, answered = Event(), Event()

    def run_it() -> None:
        is_deleted.wait()
        try:
            with sessions.begin() as session:
                run(session, job)
        finally:
            answered.set()

    with ThreadPoolExecutor(1) as thread:
        with sessions.begin() as session:
            running = thread.submit(run_it)
            rules.delete(session, rules.get(session, job.public_id), actor="ada")
            is_deleted.set()
            assert not answered.wait(0.3), "the run waits for the end of the deletion"
        with pytest.raises(NotFoundError, match="just been deleted"):
            running.result()
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(Execution)) == 0


def test_who_deletes_an_import_job_while_it_is_triggered_waits_and_stops_that_run(
    sessions: sessionmaker[Session], vault: Vault
) -> None:
    with sessions.begin() as session:
        job = add_import_job(session, add_connection(session, vault))

    def delete() -> None:
        with sessions.begin() as session:
            import_jobs.delete(session, job, actor="ada")

    with ThreadPoolExecutor(1) as thread:
        with sessions.begin() as session:
            run_import(session, job)
            deleting = thread.submit(delete)
        deleting.result()
    with sessions() as session:
        assert session.scalars(select(Execution.status)).all() == [JOB_STOPPED]
