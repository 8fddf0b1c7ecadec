"""The demo's imports: a job per file of the sample catalogue, run one after the other by the workers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import read_only
from datahub.entities import ENTITIES
from datahub.errors import ConflictError, NotFoundError
from datahub.jobs import general_settings, import_executions, import_jobs
from datahub.models.change import Change
from datahub.models.connection import Connection
from datahub.models.execution import INTEGRATION_DONE, INTEGRATION_DONE_WITH_ERRORS, MANUAL, Execution
from datahub.models.import_job import ImportJob
from datahub.models.import_run import COUNTS, ImportRun, RejectedRow
from datahub.models.party import DEFAULT_STORE
from sandbox import catalogue
from sandbox.place import Place

FOLDER = "in/catalogue"
LOCALES = ["en-GB", "fr-FR"]
# In the order in which the files can be imported.
NAMES = {
    "STORE": "Stores from ERP",
    "ACCOUNT": "Accounts from CRM",
    "SUPPLIER": "Suppliers from ERP",
    "ATTRIBUTE": "Attributes from PIM",
    "CLASSIFICATION_CATEGORY": "Categories from PIM",
    "NAVIGATION_CATEGORY": "Navigation from the shop",
    "PRODUCT": "Products from PIM",
    "OFFER": "Offers from ERP",
    "PRODUCT_TAG": "Product tags from the shop",
    "RELATED_PRODUCT": "Related products from PIM",
    "ASSORTMENT": "Assortments from PIM",
    "CATALOG_VIEW": "Catalog views from CRM",
    "CUSTOMER_USER": "Customer users from CRM",
    "ORDER": "Orders by telephone",
    "ORDER_UPDATE": "Updates of shop orders",
    "ORDER_STATUS": "Statuses from carrier",
    "INCIDENT": "Incidents from help desk",
}
# Resting, so that what the demo shows stays as it is until somebody switches it on.
SCHEDULES = {"OFFER": "0 * * * *"}
ACTOR = "demo"
WAIT_SECONDS = 120.0


@dataclass(frozen=True)
class Imported:
    """What became of one import. `rejections` are line, code and field; `ledger` counts what it wrote there."""

    name: str
    read: int
    counts: dict[str, int]
    rejections: list[tuple[int, str, str]]
    ledger: int


def create_jobs(session: Session, connection: Connection, place: Place) -> None:
    """And the files that they read, where the sandbox serves them, with the locales that these speak."""
    general_settings.update(session, locales=LOCALES)
    folder = place.folder / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for sample in catalogue.write(folder):
        configuration = import_jobs.Configuration(
            name=NAMES[sample.entity],
            connection_id=connection.public_id,
            file_path=f"{FOLDER}/{sample.file_name}",
            delimiter=sample.delimiter,
            cron=SCHEDULES.get(sample.entity),
            store_external_ids=[DEFAULT_STORE] if ENTITIES[sample.entity].scoped_by else [],
        )
        import_jobs.create(session, configuration, entity=sample.entity)


def run_all(sessions: sessionmaker[Session]) -> Iterator[Imported]:
    """Each begins when the one before has ended. Raises NotFoundError for a job that is gone, ConflictError for an
    import that fails."""
    for name in NAMES.values():
        yield _run(sessions, name)


def run_new(sessions: sessionmaker[Session]) -> Iterator[Imported]:
    """Those that never ran. Raises as run_all does."""
    for name in NAMES.values():
        ran = exists().where(Execution.import_job_id == ImportJob.id)
        with sessions() as session:
            is_new = read_only(session).scalar(select(ImportJob.id).where(ImportJob.name == name, ~ran)) is not None
        if is_new:
            yield _run(sessions, name)


def differences(first: list[Imported], second: list[Imported]) -> list[str]:
    """What a second import of the same files did that it should not have; empty if all is well."""
    found = []
    for before, after in zip(first, second, strict=True):
        if after.counts["unchanged"] != after.read - after.counts["rejected"]:
            found.append(f"{after.name}: not every valid row was unchanged the second time.")
        if after.rejections != before.rejections:
            found.append(f"{after.name}: other rows were rejected the second time.")
        if after.ledger:
            found.append(f"{after.name}: the second time wrote {after.ledger:,} lines to the change ledger.")
    return found


def _run(sessions: sessionmaker[Session], name: str) -> Imported:
    with sessions.begin() as session:
        job = session.scalar(select(ImportJob).where(ImportJob.name == name))
        if job is None:
            raise NotFoundError(f"The demo's import job {name} is not there. Try with an empty --data folder.")
        number = import_executions.trigger(session, job, origin=MANUAL, actor=ACTOR).id
    deadline = time.monotonic() + WAIT_SECONDS
    while not (found := _ended(sessions, number)):
        if time.monotonic() > deadline:
            raise ConflictError(f"{name} has not ended after {WAIT_SECONDS:g} s. Does the import worker run?")
        time.sleep(0.1)
    return found


def _ended(sessions: sessionmaker[Session], number: int) -> Imported | None:
    with sessions() as session:
        execution = read_only(session).get_one(Execution, number)
        if execution.ended_at is None:
            return None
        if execution.status not in (INTEGRATION_DONE, INTEGRATION_DONE_WITH_ERRORS):
            raise ConflictError(f"{execution.job_name} ended as {execution.status}: {execution.error}")
        run = session.get_one(ImportRun, number)
        rejected = select(RejectedRow.line, RejectedRow.cause, RejectedRow.field)
        rows = session.execute(rejected.where(RejectedRow.execution_id == number).order_by(RejectedRow.sequence))
        ledger = select(func.count()).where(Change.execution_id == number)
        return Imported(
            name=execution.job_name,
            read=run.rows,
            counts={count: getattr(run, count) for count in COUNTS},
            rejections=[(line, code, field) for line, code, field in rows],
            ledger=session.scalar(ledger) or 0,
        )
