"""What the page of an import job says of its mapping and transcoding: a line for each field that they name."""

from __future__ import annotations

from typing import NamedTuple

from datahub.jobs.import_history import labels_of
from datahub.mapping import transcoding
from datahub.mapping.names import split_brackets
from datahub.models.import_job import ImportJob


class Feed(NamedTuple):
    """`source` is empty where no column is chosen. `values` pair what the file says with what it becomes."""

    label: str
    place: str
    source: str
    values: list[tuple[str, str]]


def of_job(job: ImportJob) -> list[Feed]:
    """In the order of the mapping; values are exchanged in every locale of a field."""
    labels = labels_of(job.entity)
    tables = transcoding.compile(job.transcoding)
    sources = {entry["field"]: entry["source"] for entry in job.mapping or ()}
    mapped = {split_brackets(place)[0] for place in sources}
    feeds = []
    for place, source in (sources | {key: "" for key in tables if key not in mapped}).items():
        key, locale = split_brackets(place)
        label = labels.get(key, key)
        feeds.append(Feed(f"{label} ({locale})" if locale else label, place, source, list(tables.get(key, {}).items())))
    return feeds
