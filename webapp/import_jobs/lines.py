"""The lines of the form of an import job that are as many as the entity has fields: mapping and transcoding."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from werkzeug.datastructures import MultiDict

from datahub.models.import_job import ImportJob

SOURCE, COLUMNS = "source.", "columns"
FIELD, FROM, TO, REMOVED = "transcoding_field", "transcoding_from", "transcoding_to", "remove"
SPARE_LINES = 3


@dataclass
class Lines:
    """`sources` maps a field, such as productNames[fr-FR], to the column chosen for it; `entries` of the transcoding
    are {field, from, to}. `faults` of mapping and transcoding are by the domain's paths, and by `source.` and field.
    `columns` is the token of the columns that the browser offers, `fields` are those of the lines as it shows them."""

    sources: dict[str, str] = field(default_factory=dict)
    entries: list[dict[str, str]] = field(default_factory=list)
    faults: dict[str, list[str]] = field(default_factory=dict)
    columns: str = ""
    fields: list[str] = field(default_factory=list)

    def propose(self, proposals: Iterable[tuple[str, str]]) -> None:
        """Pairs of a field and a column, for fields that have none."""
        for place, column in proposals:
            if not self.sources.get(place):
                self.sources[place] = column

    def mapping(self) -> list[dict[str, str]]:
        return [{"field": place, "source": source} for place, source in self.sources.items() if source]

    def transcoding(self) -> list[dict[str, str]]:
        return [dict(entry) for entry in self.entries]

    def take_faults(self, found: Mapping[str, list[str]]) -> dict[str, list[str]]:
        """Keeps those of mapping and transcoding, and gives back the others."""
        mapped = self.mapping()
        rest = {}
        for name, messages in found.items():
            kind, _, number = name.partition(".")
            if kind == "mapping" and number:
                place = mapped[int(number.partition(".")[0])]["field"]
                self.faults.setdefault(SOURCE + place, []).extend(messages)
            elif kind in ("mapping", "transcoding"):
                self.faults.setdefault(name, []).extend(messages)
            else:
                rest[name] = messages
        return rest


def posted_lines(posted: MultiDict[str, str]) -> Lines:
    """Empty lines of the transcoding count as not there, nor does the one whose number is to be removed."""
    sources = {name.removeprefix(SOURCE): text.strip() for name, text in posted.items() if name.startswith(SOURCE)}
    typed = zip(posted.getlist(FIELD), posted.getlist(FROM), posted.getlist(TO), strict=False)
    entries = [{"field": name.strip(), "from": given.strip(), "to": to.strip()} for name, given, to in typed]
    kept = [entry for number, entry in enumerate(entries) if str(number) != posted.get(REMOVED)]
    return Lines(
        sources,
        [entry for entry in kept if any(entry.values())],
        columns=posted.get(COLUMNS, ""),
        fields=[entry["field"] for entry in entries],
    )


def stored_lines(job: ImportJob) -> Lines:
    sources = {entry["field"]: entry["source"] for entry in job.mapping or ()}
    return Lines(sources, [dict(entry) for entry in job.transcoding])
