"""What the form of an import job shows beside its fields: connections, the sample, what it would lead to."""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import current_app
from sqlalchemy.orm import Session
from wtforms import SelectChoice

from datahub.access import store_limits
from datahub.entities.base import EntityType
from datahub.errors import DataHubError, InvalidError, NotFoundError
from datahub.formats.delimited import Limits, Row
from datahub.jobs import connection_test, connections, general_settings, import_jobs, import_preview, import_sample
from datahub.jobs.import_forecast import Preview
from datahub.jobs.import_format import CSV, ending_of
from datahub.jobs.import_history import labels_of
from datahub.jobs.import_preview import ROWS_SHOWN
from datahub.jobs.import_sample import Place, Sample
from datahub.jobs.import_targets import mapping_targets
from datahub.models.connection import Connection
from datahub.models.import_job import RUN_IMMEDIATELY, WAIT_FOR_NEXT, ImportJob
from datahub.transports.base import join
from webapp.connections.choices import offer_connections
from webapp.forms import Fault
from webapp.import_jobs import mapping_lines
from webapp.import_jobs.forms import FOLDER, ImportJobForm
from webapp.import_jobs.lines import SPARE_LINES, Lines
from webapp.import_jobs.schedule_fields import ScheduleForm

# Beyond, each line offers them all by one list that the lines share: selects would make a page of megabytes.
MOST_IN_SELECTS = 150
# What becomes of a run that would begin too early.
TOO_EARLY = {
    RUN_IMMEDIATELY: "It waits until the one before has ended. One waits at a time; others are skipped.",
    WAIT_FOR_NEXT: "It is noted as skipped; the next one runs as usual.",
}


@dataclass(frozen=True)
class Listing:
    """Pairs of a name and its path; `above` is the folder one step up, or empty at the top."""

    above: str
    folders: list[tuple[str, str]]
    files: list[tuple[str, str]]


@dataclass(frozen=True)
class Asked:
    """What a request wants to see. `afresh`: the file as it is now; `more`: so many empty lines on top."""

    record: int = 0
    afresh: bool = False
    more: int = 0


def context(
    session: Session, form: ImportJobForm, lines: Lines, entity: EntityType, *, job: ImportJob | None = None
) -> dict[str, object]:
    """For the whole page: no server is asked, the preview does that once the page is there."""
    offer_connections(session, form.connection_id)
    if form.has_store:
        named = [SelectChoice(it.external_id, f"{it.name} ({it.external_id})") for it in store_limits.choices(session)]
        form.store_external_ids.choices = [
            SelectChoice("", "Choose…" if entity.scoped_by else "The default store"),
            *named,
        ]
    connection, place = source_of(session, form, ending_of(entity))
    settings = current_app.extensions["settings"]
    sample = import_sample.kept_sample(connection, settings, place) if connection and _is_given(place) else None
    parts = preview_context(session, form, lines, entity, connection, sample, Asked(), is_new=job is None)
    form_faults = _in_order(form, mapping_lines.find_faults(lines, parts["mapping_lines"]))
    return parts | {"job": job, "too_early": TOO_EARLY, "form_faults": form_faults}


def preview_context(
    session: Session,
    form: ImportJobForm,
    lines: Lines,
    entity: EntityType,
    connection: Connection | None,
    sample: Sample | None,
    asked: Asked,
    *,
    is_new: bool,
) -> dict[str, Any]:
    seen = _look(session, form, lines, entity, connection, sample, asked)
    token = mapping_lines.token(entity, seen.reading.header)
    proposes = is_new or form.by_name.data
    if proposes and token != lines.columns:
        lines.propose((mapping_lines.place_of(it), it.column) for it in seen.reading.proposals)
        if not form.by_name.data:
            seen = _look(session, form, lines, entity, connection, sample, asked)
    blank = {"field": "", "from": "", "to": ""}
    return {
        "form": form,
        "entity": entity,
        "preview": seen,
        "sample": sample,
        "schedule_faults": form.schedule_faults(),
        "reading": seen.reading,
        "mapping_lines": mapping_lines.build(
            entity,
            general_settings.get(session),
            lines,
            seen.reading,
            by_name=form.by_name.data,
            proposes=proposes,
        ),
        "columns_token": token,
        "columns": [name for name in seen.reading.header if name.isprintable()],
        "mapping_faults": lines.faults.get("mapping", []),
        "near": [it for it in seen.reading.proposals if not it.exact],
        "transcoding_lines": [*lines.entries, *(blank for _ in range(SPARE_LINES + asked.more))],
        "shown_fields": lines.fields,
        "line_faults": lines.faults,
        "targets": mapping_targets(entity),
        "labels": labels_of(entity.name),
        "shown_rows": _around(seen.reading.rows, seen.reading.record),
        "most_in_selects": MOST_IN_SELECTS,
    }


def source_of(session: Session, form: ImportJobForm, ending: str = CSV) -> tuple[Connection | None, Place]:
    """The connection, if one is chosen, and where the file lies, which may not be given yet."""
    try:
        connection = connections.get(session, form.connection_id.data or "")
    except NotFoundError:
        connection = None
    if form.reads.data == FOLDER:
        return connection, Place(folder=(form.inbound_directory.data or "").strip(), ending=ending)
    return connection, Place(path=(form.file_path.data or "").strip(), ending=ending)


def read_sample(connection: Connection | None, place: Place, asked: Asked, entity: EntityType) -> Sample | None:
    """From the partner's server if need be: to be called without an open transaction."""
    if connection is None or not _is_given(place):
        return None
    extensions = current_app.extensions
    settings, vault = extensions["settings"], extensions["vault"]
    return import_sample.read_sample(
        connection, settings, vault, place, afresh=asked.afresh, is_secret=entity.has_secrets
    )


def list_names(connection: Connection | None, folder: str) -> tuple[Listing | None, str]:
    """What lies in a folder of the partner's server, or why it cannot be told."""
    if connection is None:
        return None, "Choose a connection first."
    extensions = current_app.extensions
    asking = connection_test.list_names(connection, extensions["settings"], extensions["vault"], folder or ".")
    try:
        found = asyncio.run(asking)
    except DataHubError as error:
        return None, str(error)
    above = posixpath.dirname(folder.rstrip("/"))
    return Listing(
        above=(above or ".") if folder.strip("./") else "",
        folders=[(name, join(folder, name)) for name in found.folders],
        files=[(name, join(folder, name)) for name in found.files],
    ), ""


def faults(session: Session, form: ImportJobForm, lines: Lines, entity: EntityType, job: ImportJob | None) -> list[str]:
    """What is missing or wrong so far, in words; the form itself stays as it is."""
    form.validate()
    found = {name: list(messages) for name, messages in form.errors.items()}
    try:
        refused = import_jobs.find_faults(session, form.configuration(lines), entity=entity.name, job=job)
    except InvalidError as error:
        refused = error.fields
    for name, messages in refused.items():
        found.setdefault(name, messages)
    return [f"{_called(form, name)}: {message}" for name, messages in found.items() for message in messages]


def printable(text: str) -> str:
    """What files hold, as HTML can carry it."""
    return "".join(char if char.isprintable() else " " for char in text)


def _around(rows: Sequence[Row], record: int) -> Sequence[Row]:
    """A few rows, the one looked at among them."""
    first = max(0, min(record - ROWS_SHOWN // 2, len(rows) - ROWS_SHOWN))
    return rows[first : first + ROWS_SHOWN]


def _in_order(form: ImportJobForm, of_lines: list[Fault]) -> list[Fault]:
    """As the page shows them: the schedule stands below the mapping and the transcoding."""
    found = form.faults()
    of_schedule = [fault for fault in found if hasattr(ScheduleForm, fault.control.partition("-")[0])]
    return [*(fault for fault in found if fault not in of_schedule), *of_lines, *of_schedule]


def _look(
    session: Session,
    form: ImportJobForm,
    lines: Lines,
    entity: EntityType,
    connection: Connection | None,
    sample: Sample | None,
    asked: Asked,
) -> Preview:
    settings = current_app.extensions["settings"]
    where = form.inbound_directory.data if form.reads.data == FOLDER else form.file_path.data
    source = f"{where} of {connection.name}" if where and connection else where or ""
    return import_preview.preview(
        session,
        form.unfinished(lines),
        entity=entity,
        sample=sample or Sample(),
        limits=Limits(settings.max_rows, settings.max_columns, settings.max_cell),
        source=source,
        record=asked.record,
        is_schedule_open=bool(form.schedule_faults()),
    )


def _is_given(place: Place) -> bool:
    return bool(place.path or place.folder)


def _called(form: ImportJobForm, name: str) -> str:
    kind, _, rest = name.partition(".")
    if kind in ("mapping", "transcoding"):
        number = rest.partition(".")[0]
        return f"Transcoding, line {int(number) + 1}" if kind == "transcoding" and number else kind.capitalize()
    return str(form[name].label.text) if name in form else name
