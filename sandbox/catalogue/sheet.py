"""A sample file in the making: its rows in order, and what an import must make of the wrong ones among them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar
from zlib import crc32

from sandbox.catalogue.xml_element import as_element

BOM = "\ufeff"
CRLF = "\r\n"
Thing = TypeVar("Thing")
Cells = dict[str, str]


class Note(NamedTuple):
    """A code and the key of the field it speaks of, which is empty where it speaks of the whole row."""

    code: str
    field: str = ""


class Row(NamedTuple):
    """Cells by the name of their column; one that is left out is empty. `fault` is why the row must be rejected."""

    cells: Cells
    fault: Note | None = None
    warning: Note | None = None


@dataclass(frozen=True)
class Sample:
    """What was written, and what an import of it must find: `rejected` and `warned` hold line, code and field."""

    entity: str
    file_name: str
    delimiter: str
    rows: int
    rejected: tuple[tuple[int, str, str], ...]
    warned: tuple[tuple[int, str, str], ...]


@dataclass(frozen=True)
class Sheet:
    entity: str
    file_name: str
    header: Sequence[str]
    rows: Sequence[Row]
    delimiter: str
    line_end: str = "\n"
    mark: str = ""
    elements: tuple[str, str] | None = None

    def write(self, folder: Path) -> Sample:
        rejected, warned = [], []
        line = 2
        for row in self.rows:
            if row.fault:
                rejected.append((line, *row.fault))
            if row.warning:
                warned.append((line, *row.warning))
            line += 1 + sum(cell.count("\n") for cell in row.cells.values())
        text = self._as_xml(*self.elements) if self.elements else self._as_csv()
        (folder / self.file_name).write_bytes((self.mark + text).encode())
        return Sample(self.entity, self.file_name, self.delimiter, len(self.rows), tuple(rejected), tuple(warned))

    def _as_csv(self) -> str:
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, self.header, restval="", delimiter=self.delimiter, lineterminator=self.line_end)
        writer.writeheader()
        writer.writerows(row.cells for row in self.rows)
        return text.getvalue()

    def _as_xml(self, root: str, record: str) -> str:
        """A record in each line, from the second on."""
        records = (as_element(record, row.cells.items()).replace("\n", "") for row in self.rows)
        return "\n".join([f"<{root}>", *records, f"</{root}>", ""])


def insert(rows: Sequence[Row], others: Mapping[int, Sequence[Row]]) -> Iterator[Row]:
    """`others` go before the row of their number, counted from 0."""
    for number, row in enumerate(rows):
        yield from others.get(number, ())
        yield row


def pick(choices: Sequence[Thing], *seed: object) -> Thing:
    """Always the same one for the same seed, on any machine."""
    return choices[number_for(*seed) % len(choices)]


def number_for(*seed: object) -> int:
    return crc32("/".join(map(str, seed)).encode())
