"""Export jobs: create, change, copy, switch on and off, delete. What they deliver lives in executions.py."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, selectinload

from datahub.access import store_limits
from datahub.db import database_now
from datahub.errors import ConflictError, InvalidError, NotFoundError, OtherStoresError
from datahub.faults import Faults
from datahub.jobs import executions, job_rules
from datahub.jobs.job_rules import METHODS, NAME_LENGTH
from datahub.models.connection import SFTP
from datahub.models.execution import Execution, is_unended
from datahub.models.export_job import EXPORT_FORMATS, FILE_NAME_FORMATS, ExportJob
from datahub.models.party import Supplier
from datahub.orders import life

FOLDER_LENGTH = 1000
ENTITIES = ("ORDER",)
SORT_COLUMNS = {"name": func.lower(ExportJob.name), "created_at": ExportJob.created_at}


@dataclass(frozen=True)
class Configuration:
    """What people decide about a job. `connection_id` is a public id; the other fields are those of ExportJob. None
    keeps what is set, and is of a new job every supplier, active, and sent on hold once."""

    name: str
    connection_id: str
    output_folder: str
    export_format: str
    file_name_format: str
    trigger_statuses: Sequence[str]
    supplier_external_ids: Sequence[str] | None = None
    active: bool | None = None
    reexport_on_hold: bool | None = None


def create(session: Session, configuration: Configuration, *, entity: str = "ORDER", method: str = SFTP) -> ExportJob:
    """Raises InvalidError with every fault at its field, FieldConflictError for a taken name, OtherStoresError without
    a supplier if the session is limited to stores."""
    faults = Faults()
    faults.choice("entity", entity, ENTITIES)
    faults.choice("method", method, METHODS)
    fresh = {"public_id": str(uuid.uuid4()), "active": True, "reexport_on_hold": False}
    now = database_now(session)
    job = ExportJob(entity=entity, method=method, created_at=now, updated_at=now, **fresh)
    _fill(session, job, configuration, faults)
    return job


def update(session: Session, job: ExportJob, configuration: Configuration) -> ExportJob:
    """Raises as create does. Statuses added later do not fire for orders that are in them already.

    Suppliers that the session does not see stay. Raises OtherStoresError for a job of every supplier if it is limited
    to stores."""
    _take(session, job)
    _fill(session, job, configuration, Faults())
    return job


def duplicate(session: Session, job: ExportJob) -> ExportJob:
    """An inactive copy under the first free name; it remembers no export of its source. Two at once take turns."""
    _take(session, job)
    now = database_now(session)
    copy = ExportJob(
        public_id=str(uuid.uuid4()),
        name=job_rules.free_copy_name(session, job),
        entity=job.entity,
        method=job.method,
        connection=job.connection,
        output_folder=job.output_folder,
        export_format=job.export_format,
        file_name_format=job.file_name_format,
        trigger_statuses=list(job.trigger_statuses),
        suppliers=list(job.suppliers),
        reexport_on_hold=job.reexport_on_hold,
        active=False,
        created_at=now,
        updated_at=now,
    )
    with job_rules.claimed(session, copy, copy.name):
        session.add(copy)
    return copy


def activate(session: Session, job: ExportJob) -> None:
    _switch(session, job, active=True)


def deactivate(session: Session, job: ExportJob) -> None:
    """Nothing fires from now on; executions that wait already go on."""
    _switch(session, job, active=False)


def delete(session: Session, job: ExportJob, *, actor: str) -> None:
    """Stops what waits; the history stays. Raises ConflictError while one execution is being delivered,
    OtherStoresError if suppliers or exports of stores that the session does not see would lose the job."""
    job_rules.lock(session, job)
    _require_own(session, job)
    _require_alone(session, job)
    executions.stop_all_of_job(session, job, actor=actor)
    running = select(Execution.public_id).where(Execution.export_job_id == job.id, is_unended())
    public_id = session.scalar(running.order_by(Execution.id).limit(1))
    if public_id is not None:
        raise ConflictError(f"Execution {public_id} of this job is being delivered. Delete the job once it has ended.")
    session.delete(job)
    session.flush()


def get(session: Session, public_id: str) -> ExportJob:
    job = session.scalar(_with_parts(select(ExportJob)).where(ExportJob.public_id == public_id))
    if job is None:
        raise NotFoundError(f"There is no export job with the id {public_id}.")
    return job


def list_jobs(
    session: Session,
    *,
    supplier_external_ids: Sequence[str] = (),
    sort: str = "name",
    descending: bool = False,
    offset: int = 0,
    limit: int | None = None,
) -> list[ExportJob]:
    """With suppliers given: the jobs that name at least one of them."""
    column = SORT_COLUMNS[sort]
    order = (column.desc(), ExportJob.id.desc()) if descending else (column.asc(), ExportJob.id.asc())
    query = _with_parts(select(ExportJob)).order_by(*order).offset(offset).limit(limit)
    if supplier_external_ids:
        query = query.where(ExportJob.suppliers.any(Supplier.external_id.in_(supplier_external_ids)))
    return list(session.scalars(query))


def add_suppliers(session: Session, job: ExportJob, *, supplier_external_ids: Sequence[str]) -> None:
    """Safe to repeat: suppliers that the job has already are passed over."""
    _take(session, job)
    wanted = _at_least_one(supplier_external_ids)
    faults = Faults()
    suppliers = _suppliers(session, wanted, seen_suppliers(session, job), faults)
    faults.raise_any(job_rules.KINDS[type(job)])
    present = {supplier.id for supplier in job.suppliers}
    job.suppliers.extend(supplier for supplier in suppliers if supplier.id not in present)
    _touch(session, job)


def remove_suppliers(session: Session, job: ExportJob, *, supplier_external_ids: Sequence[str]) -> None:
    """Safe to repeat: absent ones are passed over. A job that is left without any exports those of everybody, which
    raises OtherStoresError if the session is limited to stores."""
    _take(session, job)
    unwanted = set(_at_least_one(supplier_external_ids))
    seen = seen_suppliers(session, job)
    gone = {supplier.id for supplier in seen if supplier.external_id in unwanted}
    left = [supplier for supplier in job.suppliers if supplier.id not in gone]
    _require_any(session, left)
    job.suppliers = left
    _touch(session, job)


def seen_suppliers(session: Session, job: ExportJob) -> list[Supplier]:
    """Those of the job that the session sees. `job.suppliers` are always all: by them it fires."""
    limit = store_limits.of_session(session)
    return [supplier for supplier in job.suppliers if limit is None or limit.sees(supplier.stores)]


def hidden_suppliers(session: Session, job: ExportJob) -> list[Supplier]:
    seen = seen_suppliers(session, job)
    return [supplier for supplier in job.suppliers if supplier not in seen]


def chosen_suppliers(session: Session, external_ids: Sequence[str]) -> list[Supplier]:
    """Those that exist, deleted ones too, by external id."""
    query = select(Supplier).where(Supplier.external_id.in_(external_ids)).order_by(Supplier.external_id)
    return list(session.scalars(query))


def is_name_taken(session: Session, name: str, *, except_public_id: str = "") -> bool:
    return job_rules.is_name_taken(session, ExportJob, name, except_public_id=except_public_id)


def _with_parts(query: Select[ExportJob]) -> Select[ExportJob]:
    # Not joined: a row that is locked later is read again in this way, and PostgreSQL locks no outer join.
    return query.options(selectinload(ExportJob.connection), selectinload(ExportJob.suppliers))


def _fill(session: Session, job: ExportJob, given: Configuration, faults: Faults) -> None:
    """Reads everything before it changes anything, so that a refused change leaves the job as it was."""
    name = faults.text("name", given.name, NAME_LENGTH, missing="Give the job a name.")
    asked = "Give the folder on the server."
    folder = faults.text("output_folder", given.output_folder, FOLDER_LENGTH, missing=asked)
    faults.choice("export_format", given.export_format, EXPORT_FORMATS)
    faults.choice("file_name_format", given.file_name_format, FILE_NAME_FORMATS)
    with session.no_autoflush:
        had, hidden = (seen_suppliers(session, job), hidden_suppliers(session, job)) if job.id is not None else ([], [])
        connection = job_rules.choose_connection(session, job, given.connection_id, faults)
        statuses = _statuses(given.trigger_statuses, faults)
        kept = [supplier.external_id for supplier in had]
        wanted = kept if given.supplier_external_ids is None else job_rules.distinct(given.supplier_external_ids)
        suppliers = _suppliers(session, wanted, had, faults)
        faults.raise_any(job_rules.KINDS[type(job)])
        assert connection is not None  # noqa: S101 - a missing one is a fault, raised above
        _require_any(session, [*suppliers, *hidden])
        job_rules.require_free_name(session, job, name)
    with job_rules.claimed(session, job, name):
        job.name = name
        job.connection = connection
        job.output_folder = folder
        job.export_format = given.export_format
        job.file_name_format = given.file_name_format
        job.trigger_statuses = statuses
        job.suppliers = [*suppliers, *hidden]
        job.active = job.active if given.active is None else given.active
        job.reexport_on_hold = job.reexport_on_hold if given.reexport_on_hold is None else given.reexport_on_hold
        job.updated_at = database_now(session)
        session.add(job)


def _statuses(given: Sequence[str], faults: Faults) -> list[str]:
    statuses = []
    for text in job_rules.distinct(given):
        try:
            statuses.append(life.parse_status(text))
        except InvalidError:
            faults.add("trigger_statuses", f"{text!r} is not an order status.")
    if not statuses and "trigger_statuses" not in faults.fields:
        faults.add("trigger_statuses", "Choose at least one status.")
    return job_rules.distinct(statuses)


def _suppliers(session: Session, wanted: list[str], had: Sequence[Supplier], faults: Faults) -> list[Supplier]:
    """Deleted suppliers are unknown, save those the job had before."""
    found = {supplier.external_id: supplier for supplier in had}
    query = select(Supplier).where(Supplier.external_id.in_(wanted), Supplier.deleted_at.is_(None))
    found |= {supplier.external_id: supplier for supplier in session.scalars(query)}
    unknown = [external_id for external_id in wanted if external_id not in found]
    if unknown:
        faults.add("supplier_external_ids", "There is no supplier with the external id " + ", ".join(unknown) + ".")
    return [found[external_id] for external_id in wanted if external_id in found]


def _at_least_one(supplier_external_ids: Sequence[str]) -> list[str]:
    wanted = job_rules.distinct(supplier_external_ids)
    if not wanted:
        raise InvalidError("Name at least one supplier.", {"supplier_external_ids": ["Name at least one supplier."]})
    return wanted


def _take(session: Session, job: ExportJob) -> None:
    """Whoever changes it at the same moment waits, or has been waited for: a job must not lose its last supplier to
    two who each leave one."""
    job_rules.lock(session, job, to_edit=True)
    _require_own(session, job)


def _require_own(session: Session, job: ExportJob) -> None:
    """A job of every supplier is that of every store."""
    limit = store_limits.of_session(session)
    if limit is not None and job.id is not None and not job.suppliers:
        message = f"{job.name} sends the orders of every supplier, and you are limited to {limit.words()}."
        raise OtherStoresError("supplier_external_ids", f"{message} Ask somebody who sees all stores to change it.")


def _require_any(session: Session, suppliers: Sequence[Supplier]) -> None:
    limit = store_limits.of_session(session)
    if limit is not None and not suppliers:
        message = f"Without a supplier the job sends the orders of every store, and you are limited to {limit.words()}."
        raise OtherStoresError("supplier_external_ids", f"{message} Name at least one supplier.")


def _require_alone(session: Session, job: ExportJob) -> None:
    seen = executions.count_unended(session, job)
    with store_limits.lifted(session):
        is_shared = executions.count_unended(session, job) > seen
    if is_shared or hidden_suppliers(session, job):
        message = f"{job.name} also sends orders of stores that you do not see. Take your suppliers out of it, or ask"
        raise OtherStoresError("supplier_external_ids", f"{message} somebody who sees all stores to delete it.")


def _switch(session: Session, job: ExportJob, *, active: bool) -> None:
    _take(session, job)
    job.active = active
    _touch(session, job)


def _touch(session: Session, job: ExportJob) -> None:
    job.updated_at = database_now(session)
    session.flush()
