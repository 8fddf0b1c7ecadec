"""What the form of an import job shows beside its fields: connections, stores, a line per field of the entity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sqlalchemy.orm import Session
from wtforms import SelectChoice

from datahub.entities.base import EntityType, Field
from datahub.jobs import connections, general_settings, record_reads
from datahub.jobs.import_targets import mapping_targets
from datahub.mapping.names import Target, split_brackets
from datahub.models.connection import SFTP
from datahub.models.import_job import RUN_IMMEDIATELY, WAIT_FOR_NEXT, ImportJob
from datahub.models.setting import GeneralSettings
from webapp.import_jobs.forms import ImportJobForm
from webapp.import_jobs.lines import SOURCE, SPARE_LINES, Lines

STORES_SHOWN = 100
# The JSON API's name of each policy, and the drawing of what it does.
POLICIES = {
    RUN_IMMEDIATELY: ("Queue it", "It starts when the one before has ended; none is lost, one waits at a time."),
    WAIT_FOR_NEXT: ("Skip it", "Nothing happens until the schedule fires again."),
}


@dataclass(frozen=True)
class MappingLine:
    """`place` is the field with its locale, such as productNames[fr-FR]. `is_for_new`: new records need it."""

    place: str
    label: str
    locale: str | None
    is_required: bool
    is_for_new: bool
    source: str
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class StoreOption:
    external_id: str
    name: str
    is_chosen: bool


def context(
    session: Session, form: ImportJobForm, lines: Lines, entity: EntityType, *, job: ImportJob | None = None
) -> dict[str, object]:
    """For the whole form."""
    offer_connections(session, form)
    return {
        "form": form,
        "job": job,
        "entity": entity,
        "policies": POLICIES,
        "stores": _stores(session, form.store_external_ids.data or []),
    } | mapping_context(session, lines, entity)


def mapping_context(session: Session, lines: Lines, entity: EntityType) -> dict[str, object]:
    general = general_settings.get(session)
    blank = {"field": "", "from": "", "to": ""}
    return {
        "mapping_lines": list(_mapping_lines(entity, general, lines)),
        "mapping_faults": lines.faults.get("mapping", []),
        "transcoding_lines": [*lines.entries, *(blank for _ in range(SPARE_LINES))],
        "line_faults": lines.faults,
        "targets": mapping_targets(entity),
    }


def offer_connections(session: Session, form: ImportJobForm) -> None:
    known = [connection for connection in connections.list_connections(session) if connection.type == SFTP]
    named = [SelectChoice(it.public_id, it.name if it.active else f"{it.name} (disabled)") for it in known]
    form.connection_id.choices = [SelectChoice("", "Choose…"), *named]


def _mapping_lines(entity: EntityType, general: GeneralSettings, lines: Lines) -> Iterator[MappingLine]:
    """A field that has texts per locale has one line for the main locale and one for each other."""
    needed = {known.key for known in _fields(entity) if known.required_on_create}
    for target in mapping_targets(entity):
        for place, locale in _places(target, general, lines.sources):
            yield MappingLine(
                place=place,
                label=target.label,
                locale=locale,
                is_required=target.required,
                is_for_new=target.key in needed and place == target.key,
                source=lines.sources.get(place, ""),
                faults=lines.faults.get(SOURCE + place, []),
            )


def _places(target: Target, general: GeneralSettings, chosen: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    yield target.key, None
    if not target.localisable:
        return
    others = [locale for locale in general.locales if locale != general.main_locale]
    named = [locale for base, locale in map(split_brackets, chosen) if base == target.key and locale]
    for locale in dict.fromkeys([*others, *named]):
        yield f"{target.key}[{locale}]", locale


def _fields(entity: EntityType) -> Iterator[Field]:
    yield from entity.fields
    for part in entity.parts:
        yield from part.fields


def _stores(session: Session, chosen: list[str]) -> list[StoreOption]:
    """Chosen ones first, those that are gone too: the domain refuses them and says so."""
    found = record_reads.find(session, "STORE", size=STORES_SHOWN).items
    names = {store.external_id: store.name for store in found}
    options = [StoreOption(it, names.get(it, it), True) for it in chosen]
    return options + [StoreOption(it, name, False) for it, name in names.items() if it not in chosen]
