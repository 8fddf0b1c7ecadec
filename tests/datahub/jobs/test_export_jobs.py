"""What an export job accepts, keeps and leaves behind."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from datahub.db import database_now
from datahub.errors import ConflictError, FieldConflictError, InvalidError, NotFoundError
from datahub.jobs import export_jobs, orders
from datahub.jobs.export_jobs import Configuration
from datahub.models.execution import JOB_STARTED, JOB_STOPPED, Execution
from datahub.models.export_job import ExportJob
from datahub.vault import Vault
from tests.factories import add_connection, make_order, make_supplier


def create(session: Session, vault: Vault, **fields: Any) -> ExportJob:
    values: dict[str, Any] = {
        "name": "Orders to ERP",
        "output_folder": "out/orders",
        "export_format": "XML",
        "file_name_format": "SHORT",
        "trigger_statuses": ["ACCEPTED_BY_SUPPLIER"],
    }
    if "connection_id" not in fields:
        values["connection_id"] = add_connection(session, vault).public_id
    return export_jobs.create(session, Configuration(**values | fields))


def update(session: Session, job: ExportJob, **fields: Any) -> ExportJob:
    names = ("name", "output_folder", "export_format", "file_name_format", "trigger_statuses", "active")
    values = {name: getattr(job, name) for name in (*names, "reexport_on_hold")}
    values["connection_id"] = job.connection.public_id
    values["supplier_external_ids"] = [supplier.external_id for supplier in job.suppliers]
    return export_jobs.update(session, job, Configuration(**values | fields))


def faults(error: pytest.ExceptionInfo[InvalidError]) -> set[str]:
    return set(error.value.fields)


def test_a_new_job_is_trimmed_active_and_found_by_its_id(session: Session, vault: Vault) -> None:
    job = create(session, vault, name="  Orders  ", output_folder=" out ")
    assert (job.name, job.output_folder, job.active, job.suppliers) == ("Orders", "out", True, [])
    assert export_jobs.get(session, job.public_id) is job


def test_every_fault_is_named_at_its_field_at_once(session: Session) -> None:
    with pytest.raises(InvalidError) as error:
        export_jobs.create(
            session,
            Configuration(
                name=" ",
                connection_id="unknown",
                output_folder="a\x00b",
                export_format="CSV",
                file_name_format="LONG",
                trigger_statuses=["LOST"],
                supplier_external_ids=["NOBODY"],
            ),
            entity="INCIDENT",
            method="MAIL",
        )
    assert faults(error) == {
        "name",
        "connection_id",
        "output_folder",
        "export_format",
        "file_name_format",
        "trigger_statuses",
        "supplier_external_ids",
        "entity",
        "method",
    }
    assert session.scalars(select(ExportJob)).all() == []


@pytest.mark.parametrize(
    ("field", "value"),
    [("trigger_statuses", []), ("output_folder", " "), ("output_folder", "x" * 1001), ("name", "x" * 201)],
)
def test_a_missing_or_endless_value_is_refused(session: Session, vault: Vault, field: str, value: Any) -> None:
    with pytest.raises(InvalidError) as error:
        create(session, vault, **{field: value})
    assert faults(error) == {field}


def test_status_aliases_are_stored_under_their_name_and_once(session: Session, vault: Vault) -> None:
    job = create(session, vault, trigger_statuses=["CREATED", "ORDER_CREATED", "ORDER_DRAFT_ON_HOLD"])
    assert job.trigger_statuses == ["ORDER_CREATED", "DRAFT_ORDER_ON_HOLD"]


@pytest.mark.parametrize("taken", ["orders TO erp", " Orders to ERP "])
def test_a_name_is_taken_whatever_its_case(session: Session, vault: Vault, taken: str) -> None:
    create(session, vault)
    with pytest.raises(FieldConflictError) as error:
        create(session, vault, name=taken)
    assert error.value.field == "name"


def test_a_name_is_taken_whatever_the_case_of_its_accents(session: Session, vault: Vault) -> None:
    create(session, vault, name="Été")
    with pytest.raises(FieldConflictError):
        create(session, vault, name="ÉTÉ")


def test_a_refused_change_leaves_the_job_as_it_was(session: Session, vault: Vault) -> None:
    job = create(session, vault)
    with pytest.raises(InvalidError):
        update(session, job, name="Other", output_folder="")
    assert (job.name, job.output_folder) == ("Orders to ERP", "out/orders")


def test_a_job_may_keep_its_own_name_and_its_disabled_connection(session: Session, vault: Vault) -> None:
    job = create(session, vault)
    job.connection.active = False
    update(session, job, output_folder="elsewhere")
    assert job.output_folder == "elsewhere"


def test_a_disabled_connection_cannot_be_chosen(session: Session, vault: Vault) -> None:
    connection = add_connection(session, vault, active=False)
    with pytest.raises(InvalidError) as error:
        create(session, vault, connection_id=connection.public_id)
    assert faults(error) == {"connection_id"}


def test_deleted_suppliers_are_unknown_but_stay_where_they_were_chosen(session: Session, vault: Vault) -> None:
    supplier = make_supplier(session)
    job = create(session, vault, supplier_external_ids=["SUP-1"])
    supplier.deleted_at = database_now(session)
    update(session, job, name="Renamed")
    assert job.suppliers == [supplier]
    with pytest.raises(InvalidError) as error:
        create(session, vault, name="Second", supplier_external_ids=["SUP-1"])
    assert faults(error) == {"supplier_external_ids"}


def test_suppliers_are_added_and_removed_as_often_as_one_likes(session: Session, vault: Vault) -> None:
    for external_id in ("A", "B", "C"):
        make_supplier(session, external_id)
    job = create(session, vault, supplier_external_ids=["A"])
    export_jobs.add_suppliers(session, job, supplier_external_ids=["B", "A", "B"])
    assert [supplier.external_id for supplier in job.suppliers] == ["A", "B"]
    export_jobs.remove_suppliers(session, job, supplier_external_ids=["A", "C", "unknown"])
    assert [supplier.external_id for supplier in job.suppliers] == ["B"]


def test_supplier_lists_must_name_someone_known(session: Session, vault: Vault) -> None:
    job = create(session, vault)
    for change in (export_jobs.add_suppliers, export_jobs.remove_suppliers):
        with pytest.raises(InvalidError) as error:
            change(session, job, supplier_external_ids=[])
        assert faults(error) == {"supplier_external_ids"}
    with pytest.raises(InvalidError):
        export_jobs.add_suppliers(session, job, supplier_external_ids=["NOBODY"])


def test_copies_are_inactive_and_numbered(session: Session, vault: Vault) -> None:
    make_supplier(session)
    job = create(session, vault, name="X", supplier_external_ids=["SUP-1"])
    first, second, third = (export_jobs.duplicate(session, job) for _ in range(3))
    assert [copy.name for copy in (first, second, third)] == ["X - COPY", "X - COPY (1)", "X - COPY (2)"]
    assert export_jobs.duplicate(session, first).name == "X - COPY - COPY"
    assert not first.active
    assert first.suppliers == job.suppliers
    assert first.public_id != job.public_id


def test_the_copy_of_the_longest_name_fits(session: Session, vault: Vault) -> None:
    copy = export_jobs.duplicate(session, create(session, vault, name="x" * 200))
    assert len(copy.name) == 200
    assert copy.name.endswith(" - COPY")


def test_the_list_is_in_order_of_names_and_filters_by_any_supplier(session: Session, vault: Vault) -> None:
    for external_id in ("A", "B", "C"):
        make_supplier(session, external_id)
    create(session, vault, name="b", supplier_external_ids=["A", "B"])
    create(session, vault, name="A", supplier_external_ids=["B"])
    create(session, vault, name="c", supplier_external_ids=["C"])
    create(session, vault, name="everybody")
    assert [job.name for job in export_jobs.list_jobs(session)] == ["A", "b", "c", "everybody"]
    found = export_jobs.list_jobs(session, supplier_external_ids=["A", "B"])
    assert [job.name for job in found] == ["A", "b"]


def test_deleting_stops_what_waits_and_keeps_the_history(session: Session, vault: Vault) -> None:
    job = create(session, vault)
    public_id = job.public_id
    (execution,) = orders.change_status(session, make_order(session), "ACCEPTED_BY_SUPPLIER", actor="ada")
    export_jobs.delete(session, job, actor="ada")
    session.expire_all()
    left = session.scalars(select(Execution).where(Execution.id == execution.id)).one()
    assert (left.status, left.export_job_id, left.job_public_id) == (JOB_STOPPED, None, public_id)
    assert "job deleted" in left.events[-1].reason
    with pytest.raises(NotFoundError):
        export_jobs.get(session, public_id)


def test_a_job_that_is_delivering_cannot_be_deleted(session: Session, vault: Vault) -> None:
    job = create(session, vault)
    (execution,) = orders.change_status(session, make_order(session), "ACCEPTED_BY_SUPPLIER", actor="ada")
    execution.lease_until = database_now(session)
    execution.status = JOB_STARTED
    session.flush()
    with pytest.raises(ConflictError):
        export_jobs.delete(session, job, actor="ada")


def test_an_inactive_job_fires_nothing(session: Session, vault: Vault) -> None:
    job = create(session, vault)
    export_jobs.deactivate(session, job)
    assert orders.change_status(session, make_order(session), "ACCEPTED_BY_SUPPLIER", actor="ada") == []
    export_jobs.activate(session, job)
    assert len(orders.change_status(session, make_order(session), "ACCEPTED_BY_SUPPLIER", actor="ada")) == 1
