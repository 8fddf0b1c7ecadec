"""The mapping editor: a line for each field of an entity, with the column that feeds it and what comes of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from datahub.entities.base import EntityType, Field
from datahub.jobs.import_forecast import FieldPreview, Reading
from datahub.jobs.import_targets import mapping_targets
from datahub.mapping.names import Target, fold, split_brackets
from datahub.mapping.proposals import Proposal
from datahub.models.setting import GeneralSettings
from webapp.forms import Fault
from webapp.import_jobs.lines import SOURCE, Lines

TRANSCODING = "transcoding."


@dataclass(frozen=True)
class MappingLine:
    """`place` is the field with its locale, such as productNames[fr-FR]. `needed`: by what, in words, where the mark of
    what is required would say too much. `is_lacking`: it is required and no column feeds it; `lacks`: what is wrong
    with it, as no column does. `is_proposed`: the choice is the hub's and not yet a person's."""

    number: int
    place: str
    label: str
    locale: str | None
    is_required: bool
    needed: str
    is_lacking: bool
    lacks: str
    source: str
    is_in_file: bool
    is_proposed: bool
    shown: FieldPreview | None
    faults: list[str]

    @property
    def key(self) -> str:
        return split_brackets(self.place)[0]

    @property
    def control(self) -> str:
        return f"source-{self.number}"

    @property
    def fault(self) -> str:
        """Of the record looked at."""
        return self.shown.fault if self.shown else self.lacks

    @property
    def filled(self) -> str:
        """Of how many of a hundred rows, where any column feeds it."""
        share = self.shown.share if self.shown else 0
        if 0.99 < share < 1:
            return "over 99"
        return "under 1" if 0 < share < 0.01 else str(round(share * 100))


def build(
    entity: EntityType,
    general: GeneralSettings,
    lines: Lines,
    reading: Reading,
    *,
    by_name: bool,
    proposes: bool,
) -> list[MappingLine]:
    """A field that has texts per locale has one line for the main locale and one for each other. Where the hub
    `proposes`, choices are still its own."""
    needed = {known.key for known in _fields(entity) if known.required_on_create}
    columns = {fold(name): name for name in reading.header}
    near = {(place_of(it), it.column) for it in reading.proposals if proposes and not it.exact}
    fed = _fed(lines, reading, by_name=by_name)
    unfed = "no column has its name" if by_name else "no column is chosen"
    built: list[MappingLine] = []
    for target in mapping_targets(entity):
        places = list(_places(target, general, [*lines.sources, *reading.fields]))
        words = _needed(entity, target, in_languages=len(places), for_new=target.key in needed)
        for place, locale in places:
            is_lacking = fed is not None and place == target.key and target.is_lacking(fed)
            given = lines.sources.get(place, "")
            source = given if given in reading.header else columns.get(fold(given), given)
            built.append(
                MappingLine(
                    number=len(built) + 1,
                    place=place,
                    label=target.label,
                    locale=locale,
                    is_required=target.required and not words,
                    needed=words,
                    is_lacking=is_lacking,
                    lacks=f"Required, but {unfed}" if is_lacking else reading.lacks.get(place, ""),
                    source=source,
                    is_in_file=source in reading.header,
                    is_proposed=(place, source) in near,
                    shown=reading.fields.get(place),
                    faults=lines.faults.get(SOURCE + place, []),
                )
            )
    return built


def _needed(entity: EntityType, target: Target, *, in_languages: int, for_new: bool) -> str:
    """One language of several is enough."""
    if not target.required and not for_new:
        return ""
    if other := entity.instead_of(target.key):
        return f"or {other.label}, in each row"
    if in_languages > 1:
        return f"in one language, {'in each row' if target.required else 'for new records'}"
    return "" if target.required else "for new records"


def find_faults(lines: Lines, built: Sequence[MappingLine]) -> list[Fault]:
    """Of the mapping and the transcoding, each with the control of its line."""
    controls = {SOURCE + line.place: line for line in built}
    found: list[Fault] = []
    for name, messages in lines.faults.items():
        for message in messages:
            if name.startswith(TRANSCODING):
                number = int(name.split(".")[1])
                found.append(Fault(f"Transcoding, line {number + 1}", message, name))
            elif line := controls.get(name):
                found.append(Fault(line.label, message, line.control))
            else:
                place = name.removeprefix(SOURCE)
                lacking = (line.control for line in built if line.is_lacking and f" {line.place} " in message)
                found.append(Fault("Mapping" if place == name else place, message, next(lacking, "by_name")))
    return found


def place_of(proposal: Proposal) -> str:
    return f"{proposal.field}[{proposal.locale}]" if proposal.locale else proposal.field


def token(entity: EntityType, header: Sequence[str]) -> str:
    """Tells whether the lines that a browser shows offer the columns of this header."""
    return sha256("\n".join([entity.name, *header]).encode()).hexdigest()[:16] if header else ""


def _fed(lines: Lines, reading: Reading, *, by_name: bool) -> set[str] | None:
    """The fields that have a column. None while it cannot be told: names of columns are known with a file."""
    if by_name and not reading.header:
        return None
    places = reading.fields if by_name else [place for place, source in lines.sources.items() if source]
    return {split_brackets(place)[0] for place in places}


def _places(target: Target, general: GeneralSettings, used: Collection[str]) -> Iterator[tuple[str, str | None]]:
    yield target.key, None
    if not target.localisable:
        return
    others = [locale for locale in general.locales if locale != general.main_locale]
    named = [locale for base, locale in map(split_brackets, used) if base == target.key and locale]
    for locale in dict.fromkeys([*others, *named]):
        yield f"{target.key}[{locale}]", locale


def _fields(entity: EntityType) -> Iterable[Field]:
    yield from entity.fields
    for part in entity.parts:
        yield from part.fields
