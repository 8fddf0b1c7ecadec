"""Values of a source exchanged for the ones we know, field by field: "1" becomes ACTIVE."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

MOST_ENTRIES = 10_000
SEPARATOR = "||"

Tables = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Transcoding:
    """`tables` come from `compile`."""

    tables: Mapping[str, Mapping[str, str]]

    def transcode(self, field: str, value: str, *, multiple: bool = False) -> str:
        """A value without an entry comes back as it was. `multiple` looks up each value between `||` by itself;
        one that becomes empty leaves its place empty, as values of other locales may be paired with it."""
        table = self.tables.get(field)
        if not table:
            return value
        if multiple:
            return SEPARATOR.join(table.get(part.strip(), part) for part in value.split(SEPARATOR))
        return table.get(value.strip(), value)


def compile(entries: Iterable[Mapping[str, str]]) -> Tables:
    """For entries that `check` accepts."""
    tables: Tables = {}
    for entry in entries:
        tables.setdefault(entry["field"].strip(), {})[entry["from"].strip()] = entry.get("to", "").strip()
    return tables


def check(entries: Sequence[Mapping[str, str]], field_keys: Collection[str]) -> dict[str, list[str]]:
    """What is wrong, by path such as `transcoding.0.from`; empty if nothing is. Too many entries are not looked at."""
    if len(entries) > MOST_ENTRIES:
        return {"transcoding": [f"At most {MOST_ENTRIES} entries; this has {len(entries)}."]}
    faults: dict[str, list[str]] = {}
    taken: set[tuple[str, str]] = set()
    for number, entry in enumerate(entries):
        field, value = entry.get("field", "").strip(), entry.get("from", "").strip()
        if not field:
            faults[f"transcoding.{number}.field"] = ["Choose the field whose value is replaced."]
        elif field not in field_keys:
            faults[f"transcoding.{number}.field"] = ["There is no such field."]
        if not value:
            faults[f"transcoding.{number}.from"] = ["Give the value that is replaced, as the file has it."]
        elif field and (field, value) in taken:
            faults[f"transcoding.{number}.from"] = [f"{value!r} has an entry for {field} already."]
        taken.add((field, value))
    return faults


def distinct_values(values: Iterable[str], most: int = 200, *, multiple: bool = False) -> list[tuple[str, int]]:
    """Values of a column and how often each occurs, most frequent first; blank ones are passed over."""
    parts = (part for value in values for part in (value.split(SEPARATOR) if multiple else [value]))
    return Counter(text for part in parts if (text := part.strip())).most_common(most)
