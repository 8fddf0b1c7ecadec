"""What an import job would make of its file: from form values that may be unfinished and a sample, read and converted
by the same code as in a run. Nothing is stored and no server is asked here."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

from sqlalchemy.orm import Session

from datahub.db import database_now
from datahub.entities import ENTITIES
from datahub.entities.base import EntityType
from datahub.errors import SourceError
from datahub.formats.delimited import DELIMITERS, Delimited, Limits
from datahub.jobs.frequencies import describe
from datahub.jobs.import_forecast import Fit, Preview, Reading
from datahub.jobs.import_format import ending_of
from datahub.jobs.import_jobs import Configuration
from datahub.jobs.import_sample import Sample
from datahub.jobs.import_targets import mapping_targets
from datahub.jobs.sample_reading import Reader, matched_by
from datahub.jobs.schedule import next_fires

ROWS_SHOWN = 5
FIRES_SHOWN = 5


def preview(
    session: Session,
    given: Configuration,
    *,
    entity: EntityType,
    sample: Sample,
    limits: Limits,
    source: str = "",
    record: int = 0,
    is_schedule_open: bool = False,
) -> Preview:
    """`source` is what people call the file and its server; `record` is the row of the sample to convert. While
    `is_schedule_open`, something is missing from a schedule that was chosen."""
    fits = [_fit(sample, it, given, entity, limits) for it in DELIMITERS if sample.content and not entity.elements]
    reading = Reading()
    if sample.content and (entity.elements or given.delimiter in DELIMITERS):
        reading = Reader(session, given, entity, sample, limits).read(record)
    now = database_now(session)
    return Preview(
        summary=_summary(given, entity, source, reading, is_schedule_open=is_schedule_open),
        schedule=describe(given.cron) if given.cron else "",
        fires=next_fires(given.cron, now, FIRES_SHOWN) if given.cron else [],
        fits=fits,
        suggested=_suggested(fits),
        reading=reading,
    )


def _fit(sample: Sample, delimiter: str, given: Configuration, entity: EntityType, limits: Limits) -> Fit:
    try:
        header = Delimited(BytesIO(sample.content), delimiter, limits).header
    except SourceError:
        return Fit(delimiter, 0, 0)
    fed = {(binding.field, binding.locale) for binding in matched_by(header, entity, given.mapping).bindings}
    return Fit(delimiter, len(header), len(fed))


def _suggested(fits: Sequence[Fit]) -> str:
    ranked = sorted(fits, key=lambda fit: (fit.fields, fit.columns), reverse=True)
    if not ranked or (ranked[0].fields, ranked[0].columns) == (ranked[1].fields, ranked[1].columns):
        return ""
    return ranked[0].delimiter if ranked[0].columns else ""


def _does(entity: EntityType) -> str:
    records = entity.label.lower()
    if entity.replaced_whole:
        return f"replaces all {records} of its store"
    if entity.acts_on and entity.must_exist:
        return f"changes {ENTITIES[entity.acts_on].label.lower()}"
    return f"creates and updates {records}"


def _summary(given: Configuration, entity: EntityType, source: str, reading: Reading, *, is_schedule_open: bool) -> str:
    runs_by_itself = given.active and given.schedule_enabled and given.cron
    when = describe(given.cron) if runs_by_itself and given.cron else "Only when somebody runs it"
    if is_schedule_open:
        when = "Once its schedule is complete"
    what = f"every {ending_of(entity)} file of {source}" if given.bulk else source
    told = f"{when}: {what or 'a file that is not named yet'} {_does(entity)} by {entity.key.label}"
    if reading.fields:
        count = len({place.partition("[")[0] for place in reading.fields})
        told += f", {count} {'field' if count == 1 else 'fields'} of {len(mapping_targets(entity))} from its columns"
    return f"{told}."
