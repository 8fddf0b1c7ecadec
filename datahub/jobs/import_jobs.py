"""Import jobs: create, change, copy, switch on and off, delete, find. Running them lives elsewhere."""

from __future__ import annotations

import posixpath
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, selectinload

from datahub.db import database_now
from datahub.entities import ENTITIES
from datahub.errors import ConflictError, FieldConflictError, NotFoundError
from datahub.faults import Faults
from datahub.jobs import executions, general_settings, job_rules
from datahub.jobs.import_format import example_of
from datahub.jobs.import_targets import mapping_targets
from datahub.jobs.job_rules import METHODS, NAME_LENGTH
from datahub.jobs.schedule import parse_cron
from datahub.mapping import columns, transcoding
from datahub.mapping.names import split_brackets
from datahub.models.connection import SFTP, Connection
from datahub.models.execution import HELD, Execution, is_unended
from datahub.models.import_job import DELIMITERS, POLICIES, WAIT_FOR_NEXT, ImportJob
from datahub.models.party import Store
from datahub.paging import PAGE_SIZE, Slice, by_offset

PATH_LENGTH = 1000
SORT_COLUMNS = {"name": func.lower(ImportJob.name), "created_at": ImportJob.created_at}


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """What people decide about a job. `connection_id` is a public id; the other fields are those of ImportJob."""

    name: str
    connection_id: str
    delimiter: str = ""
    bulk: bool = False
    file_path: str | None = None
    inbound_directory: str | None = None
    outbound_directory: str | None = None
    mapping: Sequence[Mapping[str, str]] | None = None
    transcoding: Sequence[Mapping[str, str]] = ()
    cron: str | None = None
    schedule_enabled: bool = False
    simultaneous_execution: str = WAIT_FOR_NEXT
    import_full_mode: bool = False
    store_external_ids: Sequence[str] = ()
    active: bool = True


def create(session: Session, configuration: Configuration, *, entity: str, method: str = SFTP) -> ImportJob:
    """Raises InvalidError with every fault at its field, or FieldConflictError for a taken name."""
    faults = Faults()
    faults.choice("entity", entity, ENTITIES)
    faults.choice("method", method, METHODS)
    job = _new_job(session, entity, method)
    _fill(session, job, configuration, faults)
    return job


def update(session: Session, job: ImportJob, configuration: Configuration) -> ImportJob:
    """Raises as create does. Ticks of a schedule count from the moment it was set, changed or switched on."""
    _fill(session, job, configuration, Faults())
    return job


def find_faults(
    session: Session, configuration: Configuration, *, entity: str, job: ImportJob | None = None
) -> dict[str, list[str]]:
    """Everything for which create, or an update of `job`, would refuse this; nothing is changed."""
    faults = Faults()
    job = job or _new_job(session, entity, SFTP)
    with session.no_autoflush:
        given, _ = _look_over(session, job, configuration, faults)
        try:
            job_rules.require_free_name(session, job, given.name)
        except FieldConflictError as error:
            faults.add(error.field, str(error))
    return faults.fields


def configuration_of(job: ImportJob) -> Configuration:
    return Configuration(
        name=job.name,
        connection_id=job.connection.public_id,
        delimiter=job.delimiter or "",
        bulk=job.bulk,
        file_path=job.file_path,
        inbound_directory=job.inbound_directory,
        outbound_directory=job.outbound_directory,
        mapping=job.mapping,
        transcoding=job.transcoding,
        cron=job.cron,
        schedule_enabled=job.schedule_enabled,
        simultaneous_execution=job.simultaneous_execution,
        import_full_mode=job.import_full_mode,
        store_external_ids=job.store_external_ids,
        active=job.active,
    )


def duplicate(session: Session, job: ImportJob) -> ImportJob:
    """An inactive copy without a schedule, under the first free name. Two at once take turns."""
    job_rules.lock(session, job, to_edit=True)
    copied = replace(
        configuration_of(job),
        name=job_rules.free_copy_name(session, job),
        cron=None,
        schedule_enabled=False,
        active=False,
    )
    copy = _new_job(session, job.entity, job.method)
    with job_rules.claimed(session, copy, copied.name):
        _apply(session, copy, copied, job.connection)
    return copy


def activate(session: Session, job: ImportJob) -> None:
    """Ticks of its schedule count from now on."""
    _switch(session, job, active=True)


def deactivate(session: Session, job: ImportJob) -> None:
    """Its schedule rests; what waits already goes on, and it can be run by hand."""
    _switch(session, job, active=False)


def delete(session: Session, job: ImportJob, *, actor: str) -> None:
    """Stops what waits; the history stays. Raises ConflictError while a file of the job is being read or written."""
    job_rules.lock(session, job)
    unended = select(Execution).where(Execution.import_job_id == job.id, is_unended()).order_by(Execution.id)
    waiting = session.scalars(unended.with_for_update().execution_options(populate_existing=True)).all()
    for execution in waiting:
        if execution.status in HELD:
            raise ConflictError(
                f"Execution {execution.public_id} of this job is under way. Wait until it has ended, or stop it, then "
                "delete the job."
            )
    for execution in waiting:
        executions.stop(session, execution, actor=actor, reason="job deleted")
    session.delete(job)
    session.flush()


def get(session: Session, public_id: str) -> ImportJob:
    job = session.scalar(_with_connection(select(ImportJob)).where(ImportJob.public_id == public_id))
    if job is None:
        raise NotFoundError(f"There is no import job with the id {public_id}.")
    return job


def find(
    session: Session,
    *,
    search: str = "",
    entities: Sequence[str] = (),
    sort: str = "name",
    descending: bool = False,
    page: int = 0,
    size: int = PAGE_SIZE,
) -> Slice[ImportJob]:
    """`search` is part of the name, in any case. Unknown entities are passed over."""
    return by_offset(
        session, _matching(session, search, entities), SORT_COLUMNS[sort], ImportJob.id, descending, page, size
    )


def list_jobs(session: Session, *, search: str = "", entities: Sequence[str] = ()) -> list[ImportJob]:
    """All that `find` gives page by page, by name."""
    query = _matching(session, search, entities).order_by(func.lower(ImportJob.name), ImportJob.id)
    return list(session.scalars(query))


def _matching(session: Session, search: str, entities: Sequence[str]) -> Select[ImportJob]:
    query = _with_connection(select(ImportJob))
    if wanted := search.strip().casefold():
        # Compared here and not in SQL: SQLite folds the case of ASCII letters only.
        names = session.execute(select(ImportJob.id, ImportJob.name))
        query = query.where(ImportJob.id.in_([job_id for job_id, name in names if wanted in name.casefold()]))
    known = [entity for entity in entities if entity in ENTITIES]
    return query.where(ImportJob.entity.in_(known)) if known else query


def _with_connection(query: Select[ImportJob]) -> Select[ImportJob]:
    return query.options(selectinload(ImportJob.connection))


def _new_job(session: Session, entity: str, method: str) -> ImportJob:
    now = database_now(session)
    return ImportJob(public_id=str(uuid.uuid4()), entity=entity, method=method, ticked_until=now, created_at=now)


def _fill(session: Session, job: ImportJob, configuration: Configuration, faults: Faults) -> None:
    """Reads everything before it changes anything, so that a refused change leaves the job as it was."""
    with session.no_autoflush:
        given, connection = _look_over(session, job, configuration, faults)
        faults.raise_any(job_rules.KINDS[type(job)])
        assert connection is not None  # noqa: S101 - a missing one is a fault, raised above
        job_rules.require_free_name(session, job, given.name)
    with job_rules.claimed(session, job, given.name):
        _apply(session, job, given, connection)


def _look_over(
    session: Session, job: ImportJob, configuration: Configuration, faults: Faults
) -> tuple[Configuration, Connection | None]:
    given = _checked(configuration, job.entity, general_settings.get(session).locales, faults)
    connection = job_rules.choose_connection(session, job, given.connection_id, faults)
    _check_stores(session, given.store_external_ids, faults)
    return given, connection


def _apply(session: Session, job: ImportJob, given: Configuration, connection: Connection) -> None:
    now = database_now(session)
    if (given.cron, given.schedule_enabled, given.active) != (job.cron, job.schedule_enabled, job.active):
        job.ticked_until = now
    job.name = given.name
    job.connection = connection
    job.bulk = given.bulk
    job.file_path = given.file_path
    job.inbound_directory = given.inbound_directory
    job.outbound_directory = given.outbound_directory
    job.delimiter = given.delimiter or None
    job.mapping = _copied(given.mapping) if given.mapping is not None else None
    job.transcoding = _copied(given.transcoding)
    job.cron = given.cron
    job.schedule_enabled = given.schedule_enabled
    job.simultaneous_execution = given.simultaneous_execution
    job.import_full_mode = given.import_full_mode
    job.store_external_ids = list(given.store_external_ids)
    job.active = given.active
    job.updated_at = now
    session.add(job)


def _checked(given: Configuration, entity: str, locales: Sequence[str], faults: Faults) -> Configuration:
    """As it is to be stored: trimmed, and without the paths that such a job does not read."""
    faults.choice("simultaneous_execution", given.simultaneous_execution, POLICIES)
    _check_delimiter(given.delimiter, entity, faults)
    _check_mapping(given, entity, locales, faults)
    _check_scope(given, entity, faults)
    if given.import_full_mode and entity in ENTITIES and not ENTITIES[entity].has_full_mode:
        faults.add("import_full_mode", f"{entity} has no attributes and no custom fields that Full mode could clear.")
    name = faults.text("name", given.name, NAME_LENGTH, missing="Give the job a name.")
    return replace(
        _with_paths(given, entity, faults),
        name=name,
        mapping=_trimmed(given.mapping, "field", "source") if given.mapping is not None else None,
        transcoding=_trimmed(given.transcoding, "field", "from", "to"),
        cron=_read_cron(given, faults),
        store_external_ids=job_rules.distinct(given.store_external_ids),
    )


def _check_delimiter(delimiter: str, entity: str, faults: Faults) -> None:
    if entity in ENTITIES and ENTITIES[entity].elements:
        if delimiter:
            faults.add("delimiter", f"Files of {entity} are XML, which has none: leave it out.")
    elif not delimiter:
        faults.add("delimiter", "Give the , or ; that stands between the columns of the file.")
    elif delimiter not in DELIMITERS:
        faults.add("delimiter", f"Must be exactly , or ; and not {delimiter!r}.")


def _with_paths(given: Configuration, entity: str, faults: Faults) -> Configuration:
    if not given.bulk:
        example = f", such as in/{example_of(ENTITIES[entity])}" if entity in ENTITIES else ""
        asked = f"Give the folder and the name of the file{example}."
        path = faults.text("file_path", given.file_path or "", PATH_LENGTH, missing=asked)
        if path and posixpath.basename(path) in ("", ".", ".."):
            faults.add("file_path", asked)
        return replace(given, file_path=path, inbound_directory=None, outbound_directory=None)
    where_from, where_to = (
        "Give the folder that the files come into.",
        "Give the folder that files are moved to once read.",
    )
    inbound = faults.text("inbound_directory", given.inbound_directory or "", PATH_LENGTH, missing=where_from)
    outbound = faults.text("outbound_directory", given.outbound_directory or "", PATH_LENGTH, missing=where_to)
    if inbound and _folder(inbound) == _folder(outbound):
        faults.add("outbound_directory", "Must be another folder than the inbound one, or files would come in again.")
    return replace(given, file_path=None, inbound_directory=inbound, outbound_directory=outbound)


def _folder(path: str) -> str:
    return posixpath.normpath(re.sub("/+", "/", path))


def _check_mapping(given: Configuration, entity: str, locales: Sequence[str], faults: Faults) -> None:
    if entity not in ENTITIES:
        return
    targets = mapping_targets(ENTITIES[entity])
    if given.mapping is not None:
        faults.extend(columns.check(given.mapping, targets, locales))
        mapped = {split_brackets(entry.get("field", ""))[0] for entry in given.mapping}
        for target in targets:
            if given.mapping and target.is_lacking(mapped):
                other = ENTITIES[entity].instead_of(target.key)
                either = f" or {other.key} ({other.label})" if other else ""
                faults.add(
                    "mapping", f"Map {target.key} ({target.label}){either} too: each row must have a value for it."
                )
    faults.extend(transcoding.check(given.transcoding, {target.key for target in targets}))
    secret = {item.key for item in ENTITIES[entity].fields if item.type.secret}
    for number, entry in enumerate(given.transcoding):
        if entry.get("field", "").strip() in secret:
            faults.add(f"transcoding.{number}.field", "A secret cannot be transcoded: the job would keep it.")


def _check_scope(given: Configuration, entity: str, faults: Faults) -> None:
    if entity not in ENTITIES:
        return
    records = ENTITIES[entity].label.lower()
    stores = len(set(given.store_external_ids))
    if ENTITIES[entity].scoped_by and stores != 1:
        faults.add("store_external_ids", f"Name the one store whose {records} the job imports.")
    if ENTITIES[entity].takes_store and stores > 1:
        faults.add("store_external_ids", f"Name one store at most, which new {records} are for.")
    if ENTITIES[entity].replaced_whole and given.bulk:
        faults.add("bulk", f"A file replaces all {records}: give the path of one file, not a folder.")


def _read_cron(given: Configuration, faults: Faults) -> str | None:
    text = (given.cron or "").strip()
    if not text:
        if given.schedule_enabled:
            faults.add("cron", "Give a schedule, or switch it off.")
        return None
    try:
        return parse_cron(text)
    except ValueError as error:
        faults.add("cron", str(error))
        return None


def _check_stores(session: Session, external_ids: Sequence[str], faults: Faults) -> None:
    if not external_ids:
        return
    known = set(session.scalars(select(Store.external_id).where(Store.external_id.in_(external_ids))))
    unknown = [external_id for external_id in external_ids if external_id not in known]
    if unknown:
        faults.add("store_external_ids", "There is no store with the external id " + ", ".join(unknown) + ".")


def _trimmed(entries: Sequence[Mapping[str, str]], *names: str) -> list[dict[str, str]]:
    return [{name: entry.get(name, "").strip() for name in names} for entry in entries]


def _copied(entries: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    return [dict(entry) for entry in entries]


def _switch(session: Session, job: ImportJob, *, active: bool) -> None:
    now = database_now(session)
    if active != job.active:
        job.ticked_until = now
    job.active = active
    job.updated_at = now
    session.flush()
