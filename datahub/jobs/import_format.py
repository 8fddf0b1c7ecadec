"""What the files of an entity look like: columns between delimiters, or elements of XML."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from datahub.entities.base import EntityType
from datahub.formats.delimited import Delimited, Limits
from datahub.formats.elements import Elements
from datahub.formats.rejected_sheet import delimiter_of

CSV, XML = ".csv", ".xml"
# Either has a header, rows, and how far it has read.
Table = Delimited | Elements


def ending_of(entity: EntityType) -> str:
    """Of the files that a folder is looked through for."""
    return XML if entity.elements else CSV


def example_of(entity: EntityType) -> str:
    """What a file of it may be called, for whoever is asked for one."""
    return entity.label.lower().replace(" ", "-") + ending_of(entity)


@contextmanager
def open_table(path: Path, entity: EntityType, delimiter: str | None, limits: Limits) -> Iterator[Table]:
    """Raises SourceError at once for a file whose columns cannot be used."""
    with path.open("rb") as file:
        yield read_table(file, entity, delimiter, limits)


def read_table(
    file: BinaryIO, entity: EntityType, delimiter: str | None, limits: Limits, *, is_cut: bool = False
) -> Table:
    """From the start of the file; of one that `is_cut`, as far as it can be told. Rejected rows of XML come back as a
    sheet."""
    if entity.elements and not (delimiter := delimiter_of(file)):
        return Elements(file, *entity.elements, limits, is_cut=is_cut)
    return Delimited(file, delimiter or "", limits)
