"""What the files of an entity look like: columns between delimiters, or elements of XML."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from datahub.entities.base import EntityType
from datahub.formats.delimited import Delimited, Limits
from datahub.formats.elements import Elements, as_element

CSV, XML = ".csv", ".xml"
XML_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
# Either has a header, rows, and how far it has read.
Table = Delimited | Elements


def ending_of(entity: EntityType) -> str:
    """Of the files that a folder is looked through for."""
    return XML if entity.elements else CSV


@contextmanager
def open_table(path: Path, entity: EntityType, delimiter: str | None, limits: Limits) -> Iterator[Table]:
    """Raises SourceError at once for a file whose columns cannot be used."""
    with path.open("rb") as file:
        yield read_table(file, entity, delimiter, limits)


def read_table(
    file: BinaryIO, entity: EntityType, delimiter: str | None, limits: Limits, *, is_cut: bool = False
) -> Table:
    """From the start of the file; of one that `is_cut`, as far as it can be told."""
    if entity.elements:
        return Elements(file, *entity.elements, limits, is_cut=is_cut)
    return Delimited(file, delimiter or "", limits)


def writing(
    names: Sequence[str], elements: tuple[str, str] | None, delimiter: str
) -> tuple[str, Callable[[Sequence[str]], str], str]:
    """What comes before the rows of a file, how each is written, and what comes after them."""
    if elements is None:
        return joined(names, delimiter), partial(joined, delimiter=delimiter), ""
    root, record = elements
    return f"{XML_HEAD}<{root}>\n", lambda cells: as_element(record, zip(names, cells, strict=True)), f"</{root}>\n"


def joined(cells: Sequence[str], delimiter: str) -> str:
    line = io.StringIO()
    csv.writer(line, delimiter=delimiter, lineterminator="\r\n").writerow(cells)
    return line.getvalue()
